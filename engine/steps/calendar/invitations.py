"""Steps for invitations as files (.ics): read one, make one, answer one. None of them sends anything."""

from __future__ import annotations

import json
import os
import uuid
from typing import Literal

from clients.errors import InvalidRequest
from clients.event_times import event_span
from clients.mail.addresses import compared, recipients
from clients.mail.charsets import decoded
from clients.mail_formats.calendar import CalendarRequest, read_calendar, read_request, unfolded
from clients.mail_formats.calendar_writing import Answer, CalendarPerson, InvitationDraft, answer_file, invitation_file
from engine.base.run_file import FileContent
from engine.mail.fields import FileOutput, Invitation
from engine.plugins.step import Call, Fields, JsonValue, Output, content, destination, file_to_read, option, outside
from engine.steps.file.fields import FileStep, FileToRead, opened

_BYTES_MOST = 2 * 1024 * 1024
_EVENTS_MOST = 1000
_ICS = "text/calendar"
_NOT_ANSWERED = {
    "CANCEL": "is a cancellation",
    "REPLY": "is an answer itself",
    "COUNTER": "proposes another time",
    "DECLINECOUNTER": "declines another time",
    "REFRESH": "asks for the latest version",
    "PUBLISH": "invites nobody",
}


class InvitationFile(Fields):
    """The file."""

    file: FileToRead = file_to_read("Calendar file (.ics): of the run, or a path in the workspace")


class InvitationsOutput(Output):
    """The events in the file, at most 1,000; `left_out` is how many more it has."""

    invitations: list[Invitation]
    left_out: int


class ReadInvitation(FileStep):
    """Read the events of a calendar file of the run, in the form that `invitations` of a mail have."""

    name = "calendar.read_invitation"
    title = "Read an invitation"
    fields = InvitationFile
    output = InvitationsOutput

    def call(self, call: Call) -> JsonValue:
        """Return {invitations, left_out}."""
        name, source = _source(call, call.fields.file)
        found = read_calendar(source, most=_EVENTS_MOST)
        if not found.events:
            call.notes.append(f"There is no event in {name!r}.")
        return {"invitations": found.events, "left_out": found.left_out}


class MakeFields(Fields):
    """The event. A new version of it, or its cancellation, has the same `uid` and a higher `sequence`."""

    method: Literal["REQUEST", "CANCEL"] = option("Invite (REQUEST) or cancel (CANCEL)", "REQUEST")
    title: str = content("Title", min_length=1)
    starts: str = content("Starts (a day, or a time such as 2026-11-25T10:00)", min_length=1)
    ends: str = content("Ends (empty: after `minutes`; for a day, on that day)", "")
    minutes: int = option("Minutes, if no end is given", 60, ge=1, le=10080)
    time_zone: str = option("Time zone of the times, such as Europe/Berlin", "UTC")
    location: str = content("Location", "")
    url: str = destination("Link, such as for a video call", "", pattern=r"^(https?://\S+)?$")
    description: str = content("Description", "", widget="text")
    organizer: str = destination("Address of the organizer", min_length=1)
    attendees: list[str] = destination("Addresses of attendees", [], max_length=200, drops_empty=True)
    uid: str = destination("Id of the event (empty: from organizer, title and beginning)", "", max_length=250)
    sequence: int = option("Version", 0, ge=0, le=1_000_000)


class MadeInvitation(FileOutput):
    """The file, and the id of the event in calendars."""

    uid: str


class MakeInvitation(FileStep):
    """Make a calendar file that invites to an event, or cancels one. It belongs to the run: nothing is sent.

    Attach it to a mail; programs show it there as an invitation.
    """

    name = "calendar.make_invitation"
    title = "Make an invitation"
    fields = MakeFields
    output = MadeInvitation

    def call(self, call: Call) -> JsonValue:
        """Return {file, uid}."""
        it: MakeFields = call.fields
        assert call.started_at is not None
        begin, end = event_span(it.starts, it.ends, it.minutes, it.time_zone or "UTC")
        organizer = _person("organizer", it.organizer)
        uid = it.uid.strip() or _uid(organizer.address, it.title, it.starts)
        attendees = _people("attendees", it.attendees) if it.attendees else []
        event = InvitationDraft(
            *(it.method, uid, it.sequence, it.title, begin, end, organizer, attendees),
            location=it.location,
            url=it.url,
            description=it.description,
        )
        name = "invitation.ics" if it.method == "REQUEST" else "cancellation.ics"
        return {"file": FileContent(invitation_file(event, call.started_at), name, _ICS), "uid": uid}


class AnswerFields(InvitationFile):
    """The invitation, whose attendee you are, and your answer."""

    attendee: str = destination("Your address, as it was invited", min_length=1)
    answer: Answer = option("Answer")
    comment: str = content("Comment for the organizer", "")


class AnsweredInvitation(FileOutput):
    """The file with the answer; `organizer`, `title` and `uid` are those of the invitation."""

    organizer: str = outside("Address of the organizer")
    title: str = outside("Title")
    uid: str = outside("Its id in calendars")


class AnswerInvitation(FileStep):
    """Make a calendar file that accepts or declines an invitation. It belongs to the run: nothing is sent.

    Attach it to a draft that answers the mail with the invitation (`in_reply_to`): it goes to whom a reply goes, and to
    nobody whom the invitation names.
    """

    name = "calendar.answer_invitation"
    title = "Answer an invitation"
    fields = AnswerFields
    output = AnsweredInvitation

    def call(self, call: Call) -> JsonValue:
        """Return {file, organizer, title, uid}. Raises InvalidRequest."""
        it: AnswerFields = call.fields
        assert call.started_at is not None
        name, source = _source(call, it.file)
        request = read_request(source)
        if said := _why_unanswered(request):
            raise InvalidRequest(f"The file {name!r} {said}, so it cannot be answered.", remedy=_TAKE)
        first, attendee = request.events[0], _person("attendee", it.attendee)
        invited = [address for event in request.events for address in event.attendees]
        if compared(attendee.address) not in map(compared, invited):
            raise InvalidRequest(
                f"The file {name!r} does not invite {attendee.address}.",
                remedy="Give the address that was invited, as `attendees` of the invitation has it.",
            )
        answer = answer_file(request.events, attendee, it.answer, it.comment, call.started_at)
        return {
            "file": FileContent(answer, "answer.ics", _ICS),
            "organizer": first.organizer["address"],
            "title": first.title,
            "uid": first.uid,
        }


def _why_unanswered(request: CalendarRequest) -> str:
    if not request.events:
        return "has no event"
    if request.method in _NOT_ANSWERED:
        return _NOT_ANSWERED[request.method]
    if request.others:
        return "has several events"  # an answer is about one (RFC 5546 3.2.3)
    if not request.events[0].organizer["address"]:
        return "names no organizer"
    if not request.events[0].uid:
        return "has no id (UID)"
    return "" if all(one.starts for one in request.events) else "has an event without a time that can be read"


_TAKE = "Take the file of an invitation: the part of a mail with the media type text/calendar."


def _source(call: Call, file: FileToRead) -> tuple[str, str]:
    """Return the name of a file and its text. Raises InvalidRequest."""
    with opened(call, file) as given, os.fdopen(os.dup(given.handle), "rb") as handle:
        content = handle.read(_BYTES_MOST + 1)
    if len(content) > _BYTES_MOST:
        raise InvalidRequest(f"The file {given.name!r} is too large for a calendar: at most {_BYTES_MOST:,} bytes.")
    return given.name, decoded(unfolded(content), "utf-8")


def _people(field: str, values: list[str]) -> list[CalendarPerson]:
    """Return people by their addresses. Raises InvalidRequest."""
    return [CalendarPerson(one.spec, one.name) for one in recipients(field, values)]


def _person(field: str, value: str) -> CalendarPerson:
    found = _people(field, [value])
    if len(found) > 1:
        raise InvalidRequest(f"{field}: {value[:100]!r} is more than one address.", remedy="Give one address.")
    return found[0]


def _uid(*about: str) -> str:
    """Return the same id for the same event (RFC 7986 5.3)."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(about)))
