"""How often a process of ours looks for garbage: rarely, as almost nothing it makes is a cycle."""

from __future__ import annotations

import gc

_NEW_OBJECTS = 60_000
_ROUNDS = 20


def look_rarely() -> None:
    """Set it for this process; the programs call it when they start, before they import the rest.

    Python's own 700 new objects make a start and many short runs a tenth slower, and find nothing.
    """
    gc.set_threshold(_NEW_OBJECTS, _ROUNDS, _ROUNDS)


def look_at_nothing_yet() -> None:
    """Look for no garbage until `look_from_now_on`: modules that are imported make a lot, and it all stays."""
    gc.disable()


def look_from_now_on() -> None:
    """Look among what is made from now on; where nothing was looked at yet, what is there stays and is left alone."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
