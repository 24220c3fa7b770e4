"""Writes iCalendar (RFC 5545): invitations and cancellations (RFC 5546 3.2), and answers to them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from clients.errors import InvalidRequest
from clients.mail_formats.calendar import RequestedEvent

_LINE_OCTETS = 75
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_CARETS = str.maketrans({"^": "^^", '"': "^'", "\n": "^n"})
_ESCAPES = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})
_YEAR = timedelta(days=366)
Answer = Literal["accept", "decline", "tentative"]
_STATUS: dict[Answer, str] = {"accept": "ACCEPTED", "decline": "DECLINED", "tentative": "TENTATIVE"}


class CalendarPerson(Struct, frozen=True):
    """Somebody in an invitation."""

    address: str
    name: str = ""


class InvitationDraft(Struct, frozen=True):
    """An event to invite to, or to cancel."""

    method: Literal["REQUEST", "CANCEL"]
    uid: str
    sequence: int
    """Higher in each new version of the same event."""
    title: str
    starts: date | datetime
    ends: date | datetime
    """When it is over: for whole days, the day after."""
    organizer: CalendarPerson
    attendees: Sequence[CalendarPerson]
    location: str = ""
    url: str = ""
    description: str = ""


def invitation_file(event: InvitationDraft, written_at: datetime) -> bytes:
    """Return an invitation to an event, or its cancellation, as the content of an .ics file."""
    if _is_unclear(event.starts) or _is_unclear(event.ends):
        starts, ends = (one.astimezone(UTC) if isinstance(one, datetime) else one for one in (event.starts, event.ends))
        event = replace(event, starts=starts, ends=ends)
    asked = [("PARTSTAT", "NEEDS-ACTION"), ("RSVP", "TRUE")] if event.method == "REQUEST" else []
    lines = [
        *_zone_lines(event),
        "BEGIN:VEVENT",
        f"UID:{_text(event.uid)}",
        f"SEQUENCE:{event.sequence}",
        _time("DTSTAMP", written_at.astimezone(UTC)),
        _time("DTSTART", event.starts),
        _time("DTEND", event.ends),
        f"SUMMARY:{_text(event.title)}",
        _person("ORGANIZER", event.organizer),
        *(_person("ATTENDEE", one, asked) for one in event.attendees),
        *([f"LOCATION:{_text(event.location)}"] if event.location else []),
        *([f"URL:{_uri(event.url)}"] if event.url else []),
        *([f"DESCRIPTION:{_text(event.description)}"] if event.description else []),
        f"STATUS:{'CONFIRMED' if event.method == 'REQUEST' else 'CANCELLED'}",
        "END:VEVENT",
    ]
    return _calendar(event.method, lines)


def answer_file(
    events: Sequence[RequestedEvent], attendee: CalendarPerson, answer: Answer, comment: str, written_at: datetime
) -> bytes:
    """Return an answer to an invitation, which may be to a series with exceptions, as the content of an .ics file.

    Raises InvalidRequest for a time that does not exist in UTC.
    """
    lines: list[str] = []
    for event in events:
        lines += [
            "BEGIN:VEVENT",
            f"UID:{_text(event.uid)}",
            f"SEQUENCE:{event.sequence}",
            _time("DTSTAMP", written_at.astimezone(UTC)),
            *_times({"RECURRENCE-ID": event.instance, "DTSTART": event.starts, "DTEND": event.ends}),
            f"SUMMARY:{_text(event.title)}",
            _person("ORGANIZER", CalendarPerson(event.organizer["address"], event.organizer["name"])),
            _person("ATTENDEE", attendee, [("PARTSTAT", _STATUS[answer])]),
            *([f"COMMENT:{_text(comment)}"] if comment else []),
            "END:VEVENT",
        ]
    return _calendar("REPLY", lines)


def _calendar(method: str, lines: Sequence[str]) -> bytes:
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//AI-Orchestra//Calendar//EN", f"METHOD:{method}"]
    return b"".join(map(_folded, [*head, *lines, "END:VCALENDAR"]))


def _folded(line: str) -> bytes:
    """Return a line in pieces of at most 75 octets, never within a letter (RFC 5545 3.1)."""
    pieces, room = [bytearray()], _LINE_OCTETS
    for letter in line:
        octets = letter.encode("utf-8", "replace")
        if len(pieces[-1]) + len(octets) > room:
            pieces.append(bytearray())
            room = _LINE_OCTETS - 1  # the blank before it
        pieces[-1] += octets
    return b"\r\n ".join(pieces) + b"\r\n"


def _text(value: str) -> str:
    """Return a text with the escapes of the format (RFC 5545 3.3.11)."""
    return _CONTROL.sub(" ", value.replace("\r\n", "\n").replace("\r", "\n")).translate(_ESCAPES)


def _uri(value: str) -> str:
    return "".join(value.split())


def _person(name: str, person: CalendarPerson, parameters: Sequence[tuple[str, str]] = ()) -> str:
    called = _CONTROL.sub(" ", person.name).translate(_CARETS)  # RFC 6868 3
    given = [*([("CN", f'"{called}"')] if called else []), *parameters]
    written = "".join(f";{key}={value}" for key, value in given)
    return f"{name}{written}:mailto:{_uri(person.address)}"


def _times(given: Mapping[str, date | datetime | None]) -> Iterator[str]:
    """Yield times in UTC, which needs no definition of a zone."""
    for name, when in given.items():
        if when is not None:
            yield _time(name, _in_utc(name, when) if isinstance(when, datetime) and when.tzinfo else when)


def _in_utc(name: str, when: datetime) -> datetime:
    try:
        return when.astimezone(UTC)
    except OverflowError:  # a stranger may write the first hours of the year 1, or the last ones of 9999
        raise InvalidRequest(
            f"The invitation says {name} {when.isoformat()}, which does not exist in UTC.",
            remedy="Ask its organizer for one with the right date.",
        ) from None


def _time(name: str, when: date | datetime) -> str:
    if not isinstance(when, datetime):
        return f"{name};VALUE=DATE:{when.isoformat().replace('-', '')}"
    zone = _named_zone(when)
    if zone is not None:
        return f"{name};TZID={zone.key}:{_digits(when)}"
    if when.tzinfo is None:  # its zone is unknown, so it stays as it was written
        return f"{name}:{_digits(when)}"
    return f"{name}:{_digits(when.astimezone(UTC))}Z"


def _is_unclear(when: date | datetime) -> bool:
    """Return whether a time of the clock in its zone comes twice, or never: when the clocks are set."""
    return isinstance(when, datetime) and when.utcoffset() != when.replace(fold=not when.fold).utcoffset()


def _digits(when: datetime) -> str:
    return f"{when.year:04}{when:%m%dT%H%M%S}"  # %Y is not padded everywhere


def _named_zone(when: date | datetime) -> ZoneInfo | None:
    """Return the zone by whose name a time is written; None for UTC, which has a letter of its own."""
    zone = when.tzinfo if isinstance(when, datetime) else None
    return zone if isinstance(zone, ZoneInfo) and zone.key != "UTC" else None


def _zone_lines(event: InvitationDraft) -> Iterator[str]:
    """Yield the definition of the zone: the changes of its clocks in the year before the event, and during it."""
    zone = _named_zone(event.starts)
    if zone is None or not isinstance(event.starts, datetime) or not isinstance(event.ends, datetime):
        return
    yield from ("BEGIN:VTIMEZONE", f"TZID:{zone.key}")
    begin = event.starts.astimezone(UTC) - _YEAR
    changes = [*_changes(zone, begin, event.ends.astimezone(UTC))]
    for moment in changes or [begin]:
        before, after = (moment - timedelta(seconds=1)).astimezone(zone), moment.astimezone(zone)
        clock = (moment + (before.utcoffset() or timedelta())).replace(tzinfo=None)
        kind = "DAYLIGHT" if after.dst() else "STANDARD"
        yield f"BEGIN:{kind}"
        yield f"DTSTART:{_digits(clock)}"
        yield f"TZOFFSETFROM:{before:%z}"
        yield f"TZOFFSETTO:{after:%z}"
        yield f"TZNAME:{_text(after.tzname() or zone.key)}"
        yield f"END:{kind}"
    yield "END:VTIMEZONE"


def _changes(zone: ZoneInfo, begin: datetime, end: datetime) -> Iterator[datetime]:
    """Yield the moments, to the second, at which the offset of a zone changes."""
    begin, day = begin.replace(microsecond=0), timedelta(days=1)
    while begin < end:
        low, high = begin, begin + day
        if low.astimezone(zone).utcoffset() != high.astimezone(zone).utcoffset():
            old = low.astimezone(zone).utcoffset()
            while high - low > timedelta(seconds=1):
                middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
                low, high = (middle, high) if middle.astimezone(zone).utcoffset() == old else (low, middle)
            yield high
        begin += day
