"""Undo the writes of a run."""
