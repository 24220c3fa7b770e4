"""What a workspace shows of its work to those who operate it: counts, and the context of log lines and traces.

Begin with `observer.py`, what the engine reports while it works; `tally.py` counts it, `traces.py` sends it as spans.
The runner calls an `Observer` and does not know who listens.
"""
