"""Atomic, private files that are synced to disk.

Begin with `atomic.py`: a file is whole or absent, whatever happens while it is written. What must not be
lost is written through here. Imports only `base/`.
"""
