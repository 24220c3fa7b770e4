"""The trigger types, one file or folder per family.

Begin with `rss.py` and the contract, `engine/plugins/trigger.py`: a type is asked what is new since a cursor,
and the engine keeps the cursor. A new type is one new file: docs/extending.md.
"""
