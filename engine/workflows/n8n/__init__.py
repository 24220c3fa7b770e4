"""Workflows of n8n become workflows of this program: `translate` is the door.

`export.py` reads n8n's file, `nodes.py` and `triggers.py` say what each node is here, `script.py` translates its
expressions, `conditions.py` its comparisons, and `placing.py` turns its graph, in which each node runs for every item,
into steps, groups and loops. What cannot be translated is never guessed: the expression stays as it was, so that the
compiler names the place, and a node without a counterpart becomes a step that fails and keeps the original in its note.
"""
