"""Watch for new items, and turn each of them into exactly one run.

Begin with `scheduler.py`, then `polling/` (one poll: look, prepare runs, store them with what was seen in one
transaction) and `run_queue.py`. The trigger types themselves are in `engine/triggers/`.
"""
