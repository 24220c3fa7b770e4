"""Steps that write events of Google Calendar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from clients.google_calendar.events import EventDraft
from clients.google_calendar.service import COMMENT, DESCRIPTION, GOOGLE_CALENDAR, LOCATION, NEW_TITLE, TITLE
from clients.google_calendar.times import span
from clients.mail_formats.calendar_writing import Answer
from engine.plugins.step import (
    Call,
    Effect,
    Fields,
    JsonValue,
    Output,
    Preview,
    Repeat,
    StepType,
    Written,
    address,
    changes_respected,
    content,
    destination,
    lines_of,
    option,
    outside,
)
from engine.steps.google_calendar.fields import (
    Invitations,
    calendar_field,
    invitations_field,
    reaches_people,
    zone_field,
)

_RULE = r"^((RRULE:)?FREQ=[A-Z0-9=;,+:-]+)?$"


class CreateFields(Fields):
    """The event."""

    calendar: str = calendar_field()
    title: str = content("Title", min_length=1, limit=TITLE)
    starts: str = content("Starts (a day, or a time such as 2026-11-25T10:00)", min_length=1)
    ends: str = content("Ends (empty: after `minutes`; for a day, on that day)", "")
    minutes: int = option("Minutes, if no end is given", 60, ge=1, le=10080)
    time_zone: str = zone_field()
    description: str = content("Description", "", widget="text", limit=DESCRIPTION)
    location: str = content("Location", "", limit=LOCATION)
    # The number of guests that Google Calendar takes for an ordinary event.
    attendees: list[str] = destination("Addresses of attendees", [], max_length=200, drops_empty=True)
    invitations: Invitations = invitations_field()
    repeats: str = option("Repeats (RRULE, such as FREQ=WEEKLY;COUNT=4)", "", pattern=_RULE)
    is_busy: bool = option("Show the time as busy", default=True)


class Made(Output):
    """The event; `etag` is its version."""

    id: str
    calendar: str
    url: str = address("Address")
    etag: str


class CreateEvent(StepType):
    """Create an event. Its id is chosen before it is sent, so that it is never created twice.

    Nobody gets mail about it unless `invitations` says so; a person approves an event with attendees.
    """

    name = "google_calendar.create_event"
    title = "Create an event"
    agreed = "If you agree, this event is added to the calendar {to}."
    makes = ("a calendar event",)
    service = GOOGLE_CALENDAR.name
    effect = Effect.WRITES
    repeat = Repeat.FINDABLE
    done = "created"
    undoes = "deletes the event, unless it has been changed since"
    fields = CreateFields
    output = Made

    def approval_of(self, arguments: Mapping[str, JsonValue]) -> Literal["always", "never"]:
        """Return `always` if it has attendees or tells people."""
        return reaches_people(arguments)

    def target(self, fields: CreateFields) -> str:
        """Return the calendar."""
        return fields.calendar

    def call(self, call: Call) -> JsonValue:
        """Return {id, calendar, url, etag}."""
        it: CreateFields = call.fields
        zone = it.time_zone or call.client.zone_of(it.calendar)
        start, end = span(it.starts, it.ends, it.minutes, zone)
        draft = EventDraft(
            it.title,
            start,
            end,
            it.description or None,
            it.location or None,
            it.attendees or None,
            it.repeats,
            it.is_busy,
        )
        return call.client.create(it.calendar, draft, it.invitations, call.marker)

    def find(self, call: Call) -> JsonValue | None:
        """Ask for the event with the id that this write gives."""
        return call.client.created(call.fields.calendar, call.marker)

    def undo(self, call: Call, written: Written) -> None:
        """Delete the event, without notifying its guests."""
        with changes_respected():
            call.client.take_back(written.output)


class UpdateFields(Fields):
    """The event, and what to change; fields that are not given stay unchanged."""

    calendar: str = calendar_field()
    event: str = destination("Id of the event", min_length=1)
    title: str | None = content("New title", None, limit=NEW_TITLE)
    starts: str | None = content("New beginning (a day or a time)", None)
    ends: str | None = content("New end", None)
    minutes: int = option("Minutes, if only the beginning is given", 60, ge=1, le=10080)
    time_zone: str = zone_field()
    description: str | None = content("New description", None, widget="text", limit=DESCRIPTION)
    location: str | None = content("New location", None, limit=LOCATION)
    attendees: list[str] | None = destination("Attendees (the complete list)", None, max_length=200, drops_empty=True)
    invitations: Invitations = invitations_field()


class Updated(Made):
    """The event; `before` is what an undo restores, as Google stores it."""

    before: dict[str, Any] | None


class UpdateEvent(StepType):
    """Change an event. If somebody changes it at the same moment, nothing is overwritten.

    Nobody gets mail about it unless `invitations` says so; a person approves a change of attendees.
    """

    name = "google_calendar.update_event"
    title = "Change an event"
    service = GOOGLE_CALENDAR.name
    effect = Effect.WRITES
    repeat = Repeat.FINDABLE
    done = "changed"
    undoes = "restores the event, unless it has been changed since"
    fields = UpdateFields
    output = Updated

    def problems(self, arguments: Mapping[str, JsonValue], prompts: object) -> list[tuple[str, str]]:
        """Return what is missing: an end needs a beginning."""
        del prompts
        return [("starts", "is needed beside `ends`")] if "ends" in arguments and "starts" not in arguments else []

    def approval_of(self, arguments: Mapping[str, JsonValue]) -> Literal["always", "never"]:
        """Return `always` if it has attendees or tells people."""
        return reaches_people(arguments)

    def target(self, fields: UpdateFields) -> str:
        """Return the event."""
        return f"{fields.calendar}/{fields.event}"

    def preview(self, call: Call) -> Preview:
        """Return what is set, beside the event's title, time and attendees as they are now."""
        it: UpdateFields = call.fields
        now = call.client.event(it.calendar, it.event)
        present = {name: now[name] for name in ("title", "starts", "ends")}
        people = [one["address"] for one in now["attendees"]]
        given = it.model_dump(exclude_unset=True, exclude={"calendar", "event"})
        before = lines_of({**present, "attendees": people})
        after = lines_of({**present, "attendees": people, **given})
        return Preview(str(now["title"]), after, before, f"{it.calendar}/{it.event}")

    def call(self, call: Call) -> JsonValue:
        """Return {id, calendar, url, etag, before}."""
        it: UpdateFields = call.fields
        start = end = None
        if it.starts:
            zone = it.time_zone or call.client.zone_of(it.calendar)
            start, end = span(it.starts, it.ends or "", it.minutes, zone)
        draft = EventDraft(it.title, start, end, it.description, it.location, it.attendees)
        return call.client.update(it.calendar, it.event, draft, it.invitations, call.marker)

    def find(self, call: Call) -> JsonValue | None:
        """Look for the marker in the event's private properties."""
        return call.client.updated(call.fields.calendar, call.fields.event, call.marker)

    def why_kept(self, written: Written) -> str:
        """Return why it cannot be undone: the answer was lost, so the former content is not known."""
        if written.output.get("before") is None:
            return "The answer to this change was lost, so what was there before is not known."
        return super().why_kept(written)

    def undo(self, call: Call, written: Written) -> None:
        """Restore what it changed."""
        with changes_respected():
            call.client.restore(written.output)


class RespondFields(Fields):
    """The event, and your answer."""

    calendar: str = calendar_field()
    event: str = destination("Id of the event, or `uid` of the invitation", min_length=1)
    answer: Answer = option("Answer")
    comment: str = content("Comment for the organizer", "", limit=COMMENT)
    invitations: Invitations = invitations_field("all")


class Responded(Made):
    """The event that was answered."""

    title: str = outside("Title")
    organizer: str = outside("Address of the organizer")


class RespondToEvent(StepType):
    """Accept or decline an invitation that is in the calendar. The organizer gets mail unless `invitations` is none.

    The same answer again changes nothing, and sends nothing.
    """

    name = "google_calendar.respond"
    title = "Answer an invitation in the calendar"
    service = GOOGLE_CALENDAR.name
    effect = Effect.WRITES
    repeat = Repeat.SAFE
    done = "answered"
    lasts = "The organizer has seen the answer; answer again to change it."
    fields = RespondFields
    output = Responded

    def approval_of(self, arguments: Mapping[str, JsonValue]) -> Literal["always", "never"]:
        """Return `always` if the organizer gets mail."""
        return reaches_people({"invitations": "all", **arguments})

    def target(self, fields: RespondFields) -> str:
        """Return the event."""
        return f"{fields.calendar}/{fields.event}"

    def call(self, call: Call) -> JsonValue:
        """Return {id, calendar, url, etag, title, organizer}."""
        it: RespondFields = call.fields
        response = _RESPONSES[it.answer]
        return call.client.answer(it.calendar, it.event, response, it.comment, it.invitations)


_RESPONSES: Mapping[Answer, str] = {"accept": "accepted", "decline": "declined", "tentative": "tentative"}


class DeleteFields(Fields):
    """The event."""

    calendar: str = calendar_field()
    event: str = destination("Id of the event", min_length=1)
    invitations: Invitations = invitations_field()


class Deleted(Output):
    """The deleted event."""

    id: str
    calendar: str


class DeleteEvent(StepType):
    """Delete an event, after a person has approved it."""

    name = "google_calendar.delete_event"
    title = "Delete an event"
    service = GOOGLE_CALENDAR.name
    effect = Effect.WRITES
    repeat = Repeat.SAFE
    approval = "always"
    done = "deleted"
    lasts = "The event is in the bin of its calendar for about 30 days, where people can restore it."
    fields = DeleteFields
    output = Deleted

    def target(self, fields: DeleteFields) -> str:
        """Return the event."""
        return f"{fields.calendar}/{fields.event}"

    def call(self, call: Call) -> JsonValue:
        """Return {id, calendar}; one that an earlier attempt has deleted is gone."""
        it: DeleteFields = call.fields
        return call.client.delete(it.calendar, it.event, it.invitations, may_be_gone=call.is_again)
