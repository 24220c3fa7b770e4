"""The trigger of a workflow that people start by hand; it watches nothing."""

from __future__ import annotations

from engine.plugins.step import Fields, Output
from engine.plugins.trigger import Found, Look, TriggerType


class ManualFields(Fields):
    """`manual` has no fields."""


class ManualItem(Output):
    """There are no items."""


class Manual(TriggerType):
    """Says that people start this workflow by hand; nothing is watched."""

    name = "manual"
    title = "Started by hand"
    happens = "somebody starts it"
    unmade = "Nothing is watched."
    fields = ManualFields
    item = ManualItem
    start_from = ("now",)
    is_watched = False

    def look(self, look: Look) -> Found:
        """Return nothing."""
        return Found([], {})
