"""Reads iCalendar (RFC 5545), as Outlook, Google, Apple and others write it: its events, and who is invited."""

from __future__ import annotations

import binascii
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import islice
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from clients.mail_formats.recurrence import day_in, day_in_words, in_words, joined
from clients.mail_formats.zones import ZoneObservance, offset_at, shown_zone, weekday_of, zone_of

Invitation: TypeAlias = dict[str, Any]
"""{method, title, starts_at, ends_at, all_day, zone, location, organizer, attendees [{name, address, status}],
recurrence, status, description, comment, url, uid}.

Times are RFC 3339 with the offset of their zone, without one if that is unknown or none is named; for whole days they
are dates, and `ends_at` is the last day.
"""
_READ_MOST = 2_000_000
_LINES_MOST = 100_000
_TEXT_MOST, _LINE_MOST, _ROW_MOST = 20_000, 1000, 10_000
_ATTENDEES_MOST = 2000
_OBSERVANCES_MOST, _DAYS_MOST, _EXCEPT_MOST = 50, 100, 5
_FOLD = re.compile(r"\r?\n[ \t]")
_FOLDED = re.compile(rb"\r?\n[ \t]")
_LINE_END = re.compile(r"\r\n?|\n")
"""No other sign ends a line (RFC 5545 3.1), although `splitlines` knows several."""
_LINE = re.compile(
    r"(?:[\w-]+\.)?(?P<name>[\w-]++)(?P<parameters>(?>(?:;[\w-]++=(?>(?:\"[^\"]*+\"|[^\";:]*+)*))*)):(?P<value>.*)",
    re.DOTALL,
)
_PARAMETER = re.compile(r";([\w-]++)=((?>(?:\"[^\"]*+\"|[^\";]*+)*))")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_CARET = re.compile(r"\^([n'^])")
_CARETS = {"n": "\n", "'": '"', "^": "^"}
"""The escapes of parameters (RFC 6868, 3)."""
_TIME = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)(?:T(\d\d):?(\d\d):?(\d\d)?(?:[.,]\d+)?(Z)?)?")
_DURATION = re.compile(r"([+-])?P(?:(\d{1,4})W)?(?:(\d{1,4})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,5})M)?(?:(\d{1,6})S)?)?")
_OFFSET = re.compile(r"([+-])(\d\d)(\d\d)(\d\d)?")
_EVENTS = frozenset({"VEVENT", "VTODO", "VJOURNAL"})
_LINKS = ("X-GOOGLE-CONFERENCE", "X-MICROSOFT-SKYPETEAMSMEETINGURL", "URL")
_ANSWERS = {"NEEDS-ACTION": "needs action", "IN-PROCESS": "in process"}


class Meeting(Struct, frozen=True):
    """An invitation that was not written as iCalendar."""

    method: str
    title: str
    starts: datetime | None = None
    ends: datetime | None = None
    location: str = ""
    all_day: bool = False
    organizer: str = ""
    description: str = ""


def invitation_to(meeting: Meeting) -> Invitation:
    """Return an invitation in the form of the others; its times are in UTC."""
    start, end = (_When(at, "UTC") if at else None for at in (meeting.starts, meeting.ends))
    return {
        **_UNKNOWN,
        "method": meeting.method,
        "title": meeting.title[:_LINE_MOST],
        "starts_at": _written(start, is_whole=False),
        "ends_at": _written(end, is_whole=False),
        "zone": "UTC" if start else "",
        "location": meeting.location[:_LINE_MOST],
        "organizer": meeting.organizer[:_LINE_MOST],
        "description": meeting.description[:_TEXT_MOST],
    }


_UNKNOWN: Invitation = {
    **dict.fromkeys(("method", "title", "starts_at", "ends_at"), ""),
    "all_day": False,
    **dict.fromkeys(("zone", "location", "organizer"), ""),
    "attendees": [],
    **dict.fromkeys(("recurrence", "status", "description", "comment", "url", "uid"), ""),
}


class _Line(Struct, frozen=True):
    value: str
    parameters: dict[str, str]


class _Component(Struct):
    kind: str
    lines: dict[str, list[_Line]] = field(default_factory=dict)
    parts: list[_Component] = field(default_factory=list)

    def line(self, name: str) -> _Line:
        """Return the first line of this name, or an empty one."""
        return next(iter(self.lines.get(name, [])), _Line("", {}))

    def text(self, name: str, most: int = _LINE_MOST) -> str:
        """Return a text, without the escapes of the format."""
        text = _unescaped(self.line(name).value).strip()
        return (
            text if len(text) <= most else f"{text[:most]} [Cut here: {most:,} of {len(text):,} characters are shown.]"
        )


class RequestedEvent(Struct, frozen=True):
    """What an answer to an invitation repeats of it (RFC 5546 3.2.3)."""

    uid: str
    sequence: int
    title: str
    organizer: dict[str, str]
    """{name, address}; an empty address if it has none."""
    attendees: list[str]
    """Their addresses."""
    starts: datetime | date | None
    """Without an offset if its zone is unknown, as the next two."""
    ends: datetime | date | None
    instance: datetime | date | None
    """Which one of a series it is (RECURRENCE-ID); None: all of it."""


class CalendarRequest(Struct, frozen=True):
    """What a calendar asks for (REQUEST, CANCEL, ..., or ""), and of which event, with the exceptions of its series."""

    method: str
    events: list[RequestedEvent]
    others: int = 0
    """How many events with other ids it has."""


class Calendar(Struct, frozen=True):
    """The events of a calendar, as far as they are read."""

    events: list[Invitation]
    left_out: int
    """How many more events it has."""


def unfolded(content: bytes) -> bytes:
    """Return the bytes of a calendar with its lines in one piece, ready to be decoded.

    A line may be folded within a letter of several octets (RFC 5545 3.1).
    """
    return content if b"\0" in content else _FOLDED.sub(b"", content)  # UTF-16 has other line ends


def read_calendar(source: str, method: str = "", most: int = 20) -> Calendar:
    """Return the first events of a calendar; `method` is its request if the calendar does not state one.

    Accepts any text. A rule of recurrence is put in words, and never expanded.
    """
    calendars = [one for one in _components(source).parts if one.kind == "VCALENDAR"]
    known = [(calendar, _Times(calendar)) for calendar in calendars]
    found = [(*one, event) for one in known for event in one[0].parts if event.kind in _EVENTS]
    return Calendar([_invitation(*one, method) for one in found[:most]], len(found[most:]))


def read_request(source: str, most: int = 20) -> CalendarRequest:
    """Return the first event of a calendar, and those after it with the same id, as far as they are read."""
    calendars = [one for one in _components(source).parts if one.kind == "VCALENDAR"]
    known = [(one, _Times(one)) for one in calendars]
    found = [_requested(times, event) for one, times in known for event in one.parts if event.kind == "VEVENT"]
    method = calendars[0].text("METHOD").upper()[:30] if calendars else ""
    events = [one for one in found if one.uid == found[0].uid]
    return CalendarRequest(method, events[:most], len(found) - len(events))


def _requested(times: _Times, event: _Component) -> RequestedEvent:
    start, end = times.when(event.line("DTSTART")), times.when(event.line("DTEND"))
    end = end or _after(start, event.line("DURATION").value)
    instance = times.when(event.line("RECURRENCE-ID"))
    sequence = event.line("SEQUENCE").value
    people = [_person(one)["address"] for one in event.lines.get("ATTENDEE", [])[:_ATTENDEES_MOST]]
    return RequestedEvent(
        event.text("UID"),
        int(sequence) if sequence.isdecimal() and len(sequence) < 10 else 0,
        event.text("SUMMARY"),
        _person(event.line("ORGANIZER")),
        [one for one in people if one],
        *(None if one is None else one.at for one in (start, end, instance)),
    )


def _components(source: str) -> _Component:
    root = _Component("")
    stack = [root]
    for line in _LINE_END.split(_FOLD.sub("", source[:_READ_MOST]), _LINES_MOST)[:_LINES_MOST]:
        found = _LINE.match(line)
        if found is None:
            continue
        name, value = found["name"].upper(), found["value"].strip()
        if name == "BEGIN" and len(stack) < 10:
            part = _Component(value.upper())
            stack[-1].parts.append(part)
            stack.append(part)
        elif name == "END" and len(stack) > 1:
            while len(stack) > 1 and stack.pop().kind != value.upper():
                pass
        elif name != "BEGIN":
            stack[-1].lines.setdefault(name, []).append(_line(found["parameters"], value))
    return root


def _line(written: str, value: str) -> _Line:
    given = {one[1].upper(): one[2].replace('"', "") for one in _PARAMETER.finditer(written)}
    known = {name: _CARET.sub(lambda found: _CARETS[found[1]], text) for name, text in given.items()}
    if known.get("ENCODING", "").upper() == "QUOTED-PRINTABLE":  # vCalendar 1.0
        value = binascii.a2b_qp(value.encode()).decode("utf-8", "replace")
    return _Line(value, known)


def _unescaped(value: str) -> str:
    return _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)


class _When(Struct, frozen=True):
    at: datetime | date
    zone: str = ""

    @property
    def day(self) -> date:
        return self.at.date() if isinstance(self.at, datetime) else self.at


class _Times:
    """Understands the times of a calendar by the zones that it defines."""

    def __init__(self, calendar: _Component) -> None:
        self._defined = {
            one.text("TZID").strip('"'): (_observances(one), zone_of(one.text("X-LIC-LOCATION")))
            for one in calendar.parts
            if one.kind == "VTIMEZONE"
        }
        self._default = calendar.text("X-WR-TIMEZONE")

    def when(self, line: _Line) -> _When | None:
        """Return the time on a line, or None."""
        name = line.parameters.get("TZID", "")
        written = line.value
        if not _TIME.match(written) and ":" in written:  # a zone with a colon in its name that is not quoted
            rest, _, written = written.rpartition(":")
            name = f"{name}:{rest}"
        found = _TIME.match(written)
        if found is None:
            return None
        try:
            day = date(*map(int, found.groups()[:3]))
            if found[4] is None:
                return _When(day)
            clock = _clock(found)
            return _When(clock.replace(tzinfo=UTC), "UTC") if found[7] else self._in_zone(clock, name)
        except (ValueError, OverflowError):
            return None

    def _in_zone(self, clock: datetime, name: str) -> _When:
        name = (name or self._default).strip().strip('"')
        defined, located = self._defined.get(name, ((), None))
        zone = zone_of(name) or located or offset_at(defined, clock) or shown_zone(name, clock)
        return _When(clock.replace(tzinfo=zone), str(zone.key) if isinstance(zone, ZoneInfo) else name)


def _clock(found: re.Match[str]) -> datetime:
    """Return a local time, as the clock shows it. Raises ValueError."""
    year, month, day, hour, minute, second = (one or "00" for one in found.groups()[:6])
    # A leap second is written as 60 (RFC 5545 3.3.12), which `datetime` does not know.
    return datetime.fromisoformat(f"{year}-{month}-{day}T{hour}:{minute}:{min(int(second), 59):02}")


def _observances(zone: _Component) -> tuple[ZoneObservance, ...]:
    found = []
    for part in zone.parts[:_OBSERVANCES_MOST]:
        begins, offset = _TIME.match(part.line("DTSTART").value), _OFFSET.match(part.line("TZOFFSETTO").value)
        if offset is None or begins is None:
            continue
        sign = -1 if offset[1] == "-" else 1
        size = timedelta(hours=int(offset[2]), minutes=int(offset[3]), seconds=int(offset[4] or 0))
        try:
            clock = _clock(begins)
            if size < timedelta(hours=24):
                found.append(ZoneObservance(clock, sign * size, **_yearly(part.line("RRULE").value)))
        except ValueError:
            continue
    return tuple(found)


def _yearly(rule: str) -> dict[str, Any]:
    """Return when in the year an offset begins, as a ZoneObservance takes it. Raises ValueError."""
    parts = dict(one.upper().split("=", 1) for one in rule.split(";") if "=" in one)
    if parts.get("FREQ") != "YEARLY" or not 1 <= int(parts.get("BYMONTH", "0")) <= 12:
        return {}
    day, until = parts.get("BYDAY", ""), _TIME.match(parts.get("UNTIL", ""))
    found: dict[str, Any] = {"month": int(parts["BYMONTH"])}
    if until:
        found["until"] = _clock(until)
    if day:
        found |= {"weekday": weekday_of(day), "which": max(-5, min(5, int(day[:-2] or parts.get("BYSETPOS", "1"))))}
    return found


def _invitation(calendar: _Component, times: _Times, event: _Component, method: str) -> Invitation:
    start, end = times.when(event.line("DTSTART")), times.when(event.line("DTEND")) or times.when(event.line("DUE"))
    start = start or end
    end = end or _after(start, event.line("DURATION").value)
    is_whole = _is_whole_day(event, start, end)
    people = [_person(one) for one in event.lines.get("ATTENDEE", [])[:_ATTENDEES_MOST]]
    organizer = _person(event.line("ORGANIZER"))
    name, address = organizer["name"], organizer["address"]
    return {
        "method": (calendar.text("METHOD") or method).upper()[:30],
        "title": event.text("SUMMARY"),
        "starts_at": _written(start, is_whole=is_whole),
        "ends_at": _written(_last_day(start, end) if is_whole else end, is_whole=is_whole),
        "all_day": is_whole,
        "zone": start.zone if start and not is_whole else "",
        "location": event.text("LOCATION"),
        "organizer": f"{name} <{address}>" if name and address and name != address else name or address,
        "attendees": people,
        "recurrence": _recurrence(times, event),
        "status": event.text("STATUS").lower()[:30],
        "description": event.text("DESCRIPTION", _TEXT_MOST),
        "comment": event.text("COMMENT"),
        "url": next(filter(None, (event.line(name).value[:2000] for name in _LINKS)), ""),
        "uid": event.text("UID"),
    }


def _person(line: _Line) -> dict[str, str]:
    scheme, colon, rest = line.value.partition(":")
    address = rest if colon and scheme.lower() == "mailto" else line.value
    address = address if "@" in address else line.parameters.get("EMAIL", "")
    status = line.parameters.get("PARTSTAT", "NEEDS-ACTION").upper()[:30]
    return {
        "name": _unescaped(line.parameters.get("CN", "")).strip()[:_LINE_MOST],
        "address": address.strip()[:320],
        "status": _ANSWERS.get(status, status.lower()),
    }


def _is_whole_day(event: _Component, start: _When | None, end: _When | None) -> bool:
    if start is not None and not isinstance(start.at, datetime):
        return True
    # Outlook writes whole days as midnights in its zone (MS-OXCICAL).
    said = event.line("X-MICROSOFT-CDO-ALLDAYEVENT").value.upper() == "TRUE"
    return said and all(one is None or f"{one.at:%H%M%S}" == "000000" for one in (start, end))


def _last_day(start: _When | None, end: _When | None) -> _When | None:
    """Return the last day of an event of whole days: its written end is the day after (3.6.1)."""
    if start is None or end is None or end.day <= start.day:
        return start
    return _When(end.day - timedelta(days=1))


def _after(start: _When | None, duration: str) -> _When | None:
    found = _DURATION.match(duration)
    if start is None or found is None or found[1] == "-":  # an event takes no negative time (3.8.2.5)
        return None
    weeks, days, hours, minutes, seconds = (int(one or 0) for one in found.groups()[1:])
    try:
        later = start.at + timedelta(weeks=weeks, days=days)
        if isinstance(later, datetime) and (zone := later.tzinfo):  # hours are counted, days are not (3.3.6)
            moment = later.astimezone(UTC) + timedelta(hours=hours, minutes=minutes, seconds=seconds)
            return _When(moment.astimezone(zone), start.zone)
        return _When(later + timedelta(hours=hours, minutes=minutes, seconds=seconds), start.zone)
    except OverflowError:
        return None


def _written(when: _When | None, *, is_whole: bool) -> str:
    if when is None:
        return ""
    if is_whole or not isinstance(when.at, datetime):
        return when.day.isoformat()
    return when.at.isoformat(timespec="seconds").replace("+00:00", "Z")


def _recurrence(times: _Times, event: _Component) -> str:
    """Return in words how an event comes back, and which one of a series it is."""
    start = times.when(event.line("DTSTART"))
    zone = start.at.tzinfo if start and isinstance(start.at, datetime) else None
    said = [in_words(one.value, zone) for one in event.lines.get("RRULE", [])[:3]]
    more = _days_of(times, event.lines.get("RDATE", []), zone)
    if more:
        said.append(f"also on {_some(more)}")
    of_series = times.when(event.line("RECURRENCE-ID"))
    if of_series:
        said.append(f"only the one of {day_in_words(day_in(of_series.at, zone))} in a series")
    left = _days_of(times, event.lines.get("EXDATE", []), zone)
    return ", ".join(said) + (f", except on {_some(left)}" if left and said else "")


def _days_of(times: _Times, lines: Sequence[_Line], zone: tzinfo | None) -> list[str]:
    """Return the days on these lines in words, as they are in a time zone; at most a hundred."""
    written = ((one, line) for line in lines[:_DAYS_MOST] for one in line.value[:_ROW_MOST].split(","))
    found = (times.when(_Line(one.partition("/")[0], line.parameters)) for one, line in islice(written, _DAYS_MOST))
    return [day_in_words(day_in(one.at, zone)) for one in found if one]


def _some(days: list[str]) -> str:
    more = len(days) - _EXCEPT_MOST
    return joined([*days[:_EXCEPT_MOST], *([f"{more} or more other days"] if more > 0 else [])])
