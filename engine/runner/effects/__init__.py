"""Writes to services: recorded before, sent once, retried, undone."""
