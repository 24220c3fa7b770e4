"""The state of a run by the steps of its workflow: now, and at any time of a run that has ended."""
