"""The record of a run: its document, log, inputs, values and failures.

Begin with `events.py` (what can happen to a run) and `document.py` (what people see of it). `states/` folds events to
the state at any time, `types/` has the members of the document. It reads and writes through `store/` and runs nothing.
"""
