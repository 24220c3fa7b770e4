"""A workflow that is started by hand: this trigger only says so."""

from __future__ import annotations

from engine.step import Fields, Output
from engine.trigger import Found, Look, TriggerType


class ManualFields(Fields):
    """What `manual` takes: nothing."""


class ManualItem(Output):
    """Nothing comes by itself."""


class Manual(TriggerType):
    """Says that people start this workflow by hand; nothing is watched."""

    name = "manual"
    title = "Started by hand"
    fields = ManualFields
    item = ManualItem
    start_from = ("now",)
    is_watched = False

    def look(self, look: Look) -> Found:
        """Find nothing, ever."""
        return Found([], {})
