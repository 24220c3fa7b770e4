"""Process untrusted data in child processes with limits.

Begin with `child.py` (how a child is started, and what it may use) and `reading.py` (reading a stranger's file).
`walls.py` builds the walls, `readers/` has a module for each format of files, which only the child imports; `code/`
runs people's code. What breaks there breaks the child alone.
"""
