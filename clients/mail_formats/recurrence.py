"""Says in words how an event comes back (RFC 5545 3.3.10); no rule is ever counted through."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

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
_UNTIL = re.compile(r"(\d{4})(\d\d)(\d\d)")
_NUMBERS = re.compile(r"[+-]?\d{1,3}(?:,[+-]?\d{1,3}){0,30}")
_SAID_MOST = 200


def in_words(rule: str) -> str:
    """Return a rule in words: "every 2 weeks on Monday and Friday, 10 times"; an odd rule is returned unchanged."""
    parts = {name.strip().upper(): value.strip() for name, _, value in (one.partition("=") for one in rule.split(";"))}
    unit = _UNITS.get(parts.get("FREQ", "").upper())
    interval, count = parts.get("INTERVAL", "1"), parts.get("COUNT", "")
    if unit is None or not (interval.isdecimal() and len(interval) < 5):
        return f"by the rule {rule[:_SAID_MOST]}"
    said = [f"every {unit}" if int(interval) == 1 else f"every {int(interval)} {unit}s", *_days(parts), *_dates(parts)]
    if count.isdecimal() and len(count) < 7:
        said.append(f", {int(count)} times" if int(count) != 1 else ", once")
    if until := _UNTIL.match(parts.get("UNTIL", "")):
        said.append(f", until {day_in_words(*map(int, until.groups()))}")
    return " ".join(said).replace(" ,", ",")


def day_in_words(year: int, month: int, day: int) -> str:
    """Return a day as `3 December 2026`."""
    return f"{day} {MONTHS[(month - 1) % 12]} {year}"


def joined(words: Sequence[str]) -> str:
    """Return a list in words: "a, b and c"."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _days(parts: Mapping[str, str]) -> list[str]:
    given = parts.get("BYDAY", "").upper().split(",")[:14]
    found = [one for one in map(_DAY.fullmatch, given) if one]
    if not found:
        return []
    position = parts.get("BYSETPOS", "")
    place = _PLACES.get(int(position)) if re.fullmatch(r"[+-]?\d", position) else None
    if sorted(one[0] for one in found) == sorted(_WORKDAYS):
        return [f"on the {place} workday" if place else "from Monday to Friday"]
    words = [_day(one[1], _BY_LETTERS[one[2]], place) for one in found]
    return [f"on {joined(words)}"]


def _day(number: str | None, day: str, place: str | None) -> str:
    said = _PLACES.get(int(number), f"{number}.") if number else place
    return f"the {said} {day}" if said else day


def _dates(parts: Mapping[str, str]) -> list[str]:
    said = []
    days, months = parts.get("BYMONTHDAY", ""), parts.get("BYMONTH", "")
    if _NUMBERS.fullmatch(days):
        said.append("on " + joined(["the last day" if one == "-1" else f"day {int(one)}" for one in days.split(",")]))
    if _NUMBERS.fullmatch(months):
        said.append("in " + joined([MONTHS[(int(one) - 1) % 12] for one in months.split(",")]))
    return said
