"""Puts an invitation into words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime

from clients.mail_formats.calendar import Invitation
from clients.mail_formats.recurrence import DAYS, day_in_words

_SAID: Mapping[str, str] = {
    "REQUEST": "Invitation",
    "CANCEL": "Cancelled",
    "REPLY": "Answer to an invitation",
    "COUNTER": "Another time is proposed",
    "DECLINECOUNTER": "The other time is declined",
    "ADD": "Further dates",
    "REFRESH": "The latest version is asked for",
    "PUBLISH": "Event",
}
_NAMED_MOST = 20


def in_words(event: Invitation) -> str:
    """Return title, time, place and people of an event, a line for each."""
    method = event["method"]
    said = "Cancelled" if event["status"] == "cancelled" else _SAID.get(method, "Event")
    title = f"{said} ({method})" if method else said
    return "\n".join([f"{title}: {event['title']}", *_lines(event)])


def _lines(event: Invitation) -> Iterator[str]:
    for name, value in (
        ("When", _when(event)),
        ("Repeats", event["recurrence"]),
        ("Where", event["location"]),
        ("Link", event["url"]),
        ("Organizer", event["organizer"]),
        ("Attendees", _people(event)),
        ("Comment", event["comment"]),
    ):
        if value:
            yield f"{name}: {' '.join(value.split())}"


def _people(event: Invitation) -> str:
    people = event["attendees"]
    named = [
        f"{one['name']} <{one['address']}> ({one['status']})"
        if one["name"] not in ("", one["address"]) and one["address"]
        else f"{one['address'] or one['name']} ({one['status']})"
        for one in people[:_NAMED_MOST]
    ]
    more = len(people) - _NAMED_MOST
    return ", ".join([*named, *([f"and {more} more"] if more > 0 else [])])


def _when(event: Invitation) -> str:
    starts, ends = event["starts_at"], event["ends_at"]
    if not starts:
        return ""
    if event["all_day"]:
        days = [_day(date.fromisoformat(one)) for one in dict.fromkeys(filter(None, (starts, ends)))]
        return f"{' to '.join(days)}, all day"
    first, last = datetime.fromisoformat(starts), datetime.fromisoformat(ends) if ends else None
    said = f"{_day(first)}, {first:%H:%M}"
    if last is not None:
        said += f" to {last:%H:%M}" if last.date() == first.date() else f" to {_day(last)}, {last:%H:%M}"
    zone = [event["zone"]] if event["zone"] else []
    if first.tzinfo and event["zone"] != "UTC":
        zone.append(f"UTC{first:%z}"[:6] + ":" + f"{first:%z}"[3:5])
    elif zone and not first.tzinfo:
        zone.append("an unknown time zone")
    return f"{said} ({', '.join(zone)})" if zone else f"{said} (no time zone is given)"


def _day(day: date) -> str:
    return f"{DAYS[day.weekday()]}, {day_in_words(day)}"
