"""Accept requests to run: preview, consent, rerun."""
