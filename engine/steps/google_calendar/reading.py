"""Steps that read events of Google Calendar."""

from __future__ import annotations

from clients.google_calendar.times import moment
from engine.plugins.step import Call, Fields, JsonValue, Output, destination, option
from engine.steps.google_calendar.fields import CalendarRead, Event, calendar_field, zone_field


class ListFields(Fields):
    """Which events."""

    calendar: str = calendar_field()
    earliest: str = option("From (a day or a time; empty: now)", "")
    latest: str = option("Until (a day or a time; empty: no end)", "")
    query: str = destination("Only with these words", "")
    time_zone: str = zone_field()
    limit: int = option("At most", 50, ge=1, le=1000)


class Events(Output):
    """The events, by start time."""

    events: list[Event]
    has_more: bool


class ListEvents(CalendarRead):
    """List the events of a calendar; a recurring event is listed once for each occurrence."""

    name = "google_calendar.list_events"
    title = "List events"
    fields = ListFields
    output = Events

    def call(self, call: Call) -> JsonValue:
        """Return {events, has_more}."""
        it: ListFields = call.fields
        assert call.started_at is not None
        zone = it.time_zone or call.client.zone_of(it.calendar)
        earliest = moment("earliest", it.earliest, zone) if it.earliest else call.started_at
        latest = moment("latest", it.latest, zone) if it.latest else None
        found, has_more = call.client.events(it.calendar, earliest, latest, it.query, it.limit)
        return {"events": found, "has_more": has_more}


class GetFields(Fields):
    """The event."""

    calendar: str = calendar_field()
    event: str = destination("Id of the event", min_length=1)


class GetEvent(CalendarRead):
    """Read an event."""

    name = "google_calendar.get_event"
    title = "Read an event"
    fields = GetFields
    output = Event

    def call(self, call: Call) -> JsonValue:
        """Return the event."""
        return call.client.event(call.fields.calendar, call.fields.event)
