"""The trigger types, one file per family.

Begin with `rss.py` and the contract, `engine/plugins/trigger.py`: a trigger is asked what is new since a cursor, and
keeps nothing itself. A new type is one new file: docs/extending.md.
"""
