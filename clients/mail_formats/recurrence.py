"""Says in words how an event comes back (RFC 5545 3.3.10); no rule is ever counted through."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_WORKDAYS = ["MO", "TU", "WE", "TH", "FR"]
_BY_LETTERS = dict(zip((*_WORKDAYS, "SA", "SU"), DAYS, strict=True))
_UNITS = {"SECONDLY": "second", "MINUTELY": "minute", "HOURLY": "hour", "DAILY": "day"} | {
    "WEEKLY": "week",
    "MONTHLY": "month",
    "YEARLY": "year",
}
_PLACES = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", -1: "last", -2: "second to last"}
_DAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_UNTIL = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z)?)?")
_NUMBERS = re.compile(r"\d{1,2}(?:,\d{1,2}){0,30}")
_MONTH_DAYS = re.compile(r"(?:\d{1,2}|-1)(?:,(?:\d{1,2}|-1)){0,30}")
_KNOWN = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYSETPOS", "BYMONTHDAY", "BYMONTH", "WKST"})
_DAYS_MOST, _SAID_MOST = 14, 200


class _Unknown(ValueError):
    """The rule says something that is not put in words here."""


def in_words(rule: str, zone: tzinfo | None = None) -> str:
    """Return a rule in words: "every 2 weeks on Monday and Friday, 10 times"; `zone`: of the event.

    A rule with a part that has no words here is returned as it is: "by the rule FREQ=YEARLY;BYWEEKNO=20".
    """
    pairs = [one.partition("=") for one in rule.split(";") if one.strip()]
    parts = {name.strip().upper(): value.strip().upper() for name, _, value in pairs}
    try:
        if len(parts) < len(pairs) or not parts.keys() <= _KNOWN:
            raise _Unknown
        said = [_every(parts), *_days(parts), *_dates(parts), *_end(parts, zone)]
    except ValueError:
        return f"by the rule {rule[:_SAID_MOST]}"
    return " ".join(said).replace(" ,", ",")


def day_in(when: datetime | date, zone: tzinfo | None) -> date:
    """Return the day of a time in a zone; None: in its own."""
    if not isinstance(when, datetime):
        return when
    try:
        return (when.astimezone(zone) if zone and when.tzinfo else when).date()
    except OverflowError:  # the first or the last hours of the calendar
        return when.date()


def day_in_words(day: date) -> str:
    """Return a day as `3 December 2026`."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def joined(words: Sequence[str]) -> str:
    """Return a list in words: "a, b and c"."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _every(parts: Mapping[str, str]) -> str:
    unit, interval = _UNITS.get(parts.get("FREQ", "")), _number(parts.get("INTERVAL", "1"), 4)
    if unit is None or not interval:
        raise _Unknown
    return f"every {unit}" if interval == 1 else f"every {interval} {unit}s"


def _days(parts: Mapping[str, str]) -> list[str]:
    position, given = parts.get("BYSETPOS"), parts.get("BYDAY", "").split(",")
    if "BYDAY" not in parts:
        if position is not None:
            raise _Unknown
        return []
    found = [one for one in map(_DAY.fullmatch, given) if one]
    if len(found) < len(given) or len(given) > _DAYS_MOST or "BYMONTHDAY" in parts:
        raise _Unknown
    are_workdays = sorted(given) == sorted(_WORKDAYS)
    if position is None:
        words = [_day(one[1], _BY_LETTERS[one[2]]) for one in found]
        return ["from Monday to Friday" if are_workdays else f"on {joined(words)}"]
    # Of several days it is one of all together, and what it counts in depends on the rest.
    counts = parts["FREQ"] == "MONTHLY" or (parts["FREQ"] == "YEARLY" and parts.get("BYMONTH", "").isdecimal())
    place = _PLACES.get(int(position)) if re.fullmatch(r"[+-]?\d", position) else None
    if place is None or not counts or not (are_workdays or (len(found) == 1 and not found[0][1])):
        raise _Unknown
    return [f"on the {place} {'workday' if are_workdays else _BY_LETTERS[found[0][2]]}"]


def _day(number: str | None, day: str) -> str:
    return f"the {_PLACES.get(int(number), f'{number}.')} {day}" if number else day


def _dates(parts: Mapping[str, str]) -> list[str]:
    said = []
    if (days := parts.get("BYMONTHDAY")) is not None:
        if not _MONTH_DAYS.fullmatch(days):
            raise _Unknown
        said.append("on " + joined(["the last day" if one == "-1" else f"day {int(one)}" for one in days.split(",")]))
    if (months := parts.get("BYMONTH")) is not None:
        numbers = [int(one) for one in months.split(",")] if _NUMBERS.fullmatch(months) else []
        if not numbers or not all(1 <= one <= len(MONTHS) for one in numbers):
            raise _Unknown
        said.append("in " + joined([MONTHS[one - 1] for one in numbers]))
    return said


def _end(parts: Mapping[str, str], zone: tzinfo | None) -> list[str]:
    said = []
    if "COUNT" in parts:
        count = _number(parts["COUNT"], 6)
        said.append(f", {count} times" if count != 1 else ", once")
    if "UNTIL" in parts:
        found = _UNTIL.match(parts["UNTIL"])
        if found is None:
            raise _Unknown
        day = date(*map(int, found.groups()[:3]))
        if found[7]:
            hour, minute, second = map(int, found.groups()[3:6])
            day = day_in(datetime(day.year, day.month, day.day, hour, minute, min(second, 59), tzinfo=UTC), zone)
        said.append(f", until {day_in_words(day)}")
    return said


def _number(text: str, digits: int) -> int:
    if not text.isdecimal() or len(text) > digits:
        raise _Unknown
    return int(text)
