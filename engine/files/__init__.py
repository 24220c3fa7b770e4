"""Atomic, private files that are synced to disk."""
