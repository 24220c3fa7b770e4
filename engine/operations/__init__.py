"""What a person who runs the workspace looks after: its health, copies, upkeep, demo, settings, what needs them.

Begin with `health.py` and `attention.py` (what Home shows). Areas for faces; nothing below calls them.
"""
