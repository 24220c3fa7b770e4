"""New events in a calendar of Google."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from clients.errors import NotFound
from clients.google_calendar.service import GOOGLE_CALENDAR
from engine.base.clock import moment_of, timestamp
from engine.plugins.step import Fields, destination
from engine.plugins.trigger import Found, Item, Look, OwnWrite, TriggerType
from engine.steps.google_calendar.fields import CALENDAR_FORMAT, Event

_OVERLAP = timedelta(minutes=2)
_KEPT = timedelta(days=20)
"""How far back changes can be asked for in any case: Google refuses times that are longer ago than some weeks (410)."""


class NewEventFields(Fields):
    """The calendar."""

    calendar: str = destination("Calendar", "primary", format=CALENDAR_FORMAT, min_length=1)


class NewEvent(TriggerType):
    """Starts a run for each event that is created in a calendar; a recurring event counts once."""

    name = "google_calendar.new_event"
    title = "A new event"
    happens = "an event is added to a calendar"
    watches = "a calendar event"
    service = GOOGLE_CALENDAR.name
    fields = NewEventFields
    item = Event
    start_from = ("now", "since")
    made_by = ("google_calendar.create_event",)

    def source(self, fields: NewEventFields) -> str:
        """Return the calendar."""
        return fields.calendar

    def look(self, look: Look) -> Found:
        """List what was created since the beginning, among what was changed since the last look."""
        if look.cursor is None:
            start = timestamp(look.start.since or look.now)
            return Found([], {"from": start, "changed": start}, has_more=not look.start.is_now)
        since, note = moment_of(look.cursor["changed"]) - _OVERLAP, ""
        try:
            changed = look.client.changed_since(look.fields.calendar, since)
        except NotFound as error:
            if error.http_status != 410:
                raise
            since, note = (
                look.now - _KEPT,
                "Google no longer tells what changed so long ago; older events are left out.",
            )
            changed = look.client.changed_since(look.fields.calendar, since)
        earliest = moment_of(look.cursor["from"])
        new = [one for one in changed if moment_of(one["created_at"]) >= earliest]
        unseen = set(look.unseen(one["id"] for one in new))
        new = [one for one in new if one["id"] in unseen]
        listed = new[: look.limit]
        whole = listed if len(new) > len(listed) else changed
        last = max((one["updated_at"] for one in whole), default=look.cursor["changed"])
        items = [Item(one["id"], one, one["title"], moment_of(one["created_at"])) for one in listed]
        return Found(items, {**look.cursor, "changed": last}, has_more=len(new) > len(listed), note=note)

    def is_made(self, look: Look, item: Item, made: Sequence[OwnWrite]) -> bool:
        """Compare the ids: a write chooses its own."""
        return any(one.receipt_id == item.id for one in made)
