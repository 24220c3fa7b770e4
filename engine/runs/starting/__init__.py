"""Accept requests to run: preview, consent, rerun. Begin with `acceptor.py`."""
