"""Times in plain words as cron: "every Monday at 9", "jeden Abend um 18 Uhr", "once a week"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

_I = re.IGNORECASE
_DAYS = (
    (r"sundays?|sonntags?", 0),
    (r"mondays?|montags?", 1),
    (r"tuesdays?|dienstags?", 2),
    (r"wednesdays?|mittwochs?", 3),
    (r"thursdays?|donnerstags?", 4),
    (r"fridays?|freitags?", 5),
    (r"saturdays?|samstags?", 6),
)
_TIMES = (
    (r"mornings?|morgens?|früh", 8),
    (r"noon|mittags?", 12),
    (r"evenings?|abends?", 18),
    (r"nights?|nachts?", 2),
)
_RANGE = re.compile(r"(?:day|tag|woch)s? ?(?:to|bis|through|until|-|–) ?\w+(?:day|tag|woch)", _I)
"""A range of days: not understood, so its words count as unused."""
_EVERY = r"\b(?:every|each|on|jede[nrs]?|am|immer)\s+"
_HOURS = "one two three four five six seven eight nine ten eleven twelve".split()
_STUNDEN = "ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf".split()
_PAST = re.compile(rf"\b(?:at )?(?P<part>half|quarter) past (?P<hour>\d{{1,2}}|{'|'.join(_HOURS)})\b", _I)
_HALB = re.compile(rf"\b(?:um )?halb (?P<hour>\d{{1,2}}|{'|'.join(_STUNDEN)})s?\b", _I)
_AT = re.compile(
    r"\b(?:at|um)\s+(?P<hour>\d{1,2})(?:[:.](?P<minute>\d{2}))?(?![.,:]?\d)\s*(?P<half>[ap]m|[ap]\.m\b\.?)?(?!\w)", _I
)
_NOT_READ = re.compile(
    r"(?:day|tag|week|woche|month|monat|daily|weekly|monthly|lich)s?,? (?:at|um)\s+"
    r"(?P<it>(?!(?:the|all|least|most|once)\b)[^\s;]+)",
    _I,
)
"""What stands where a time of the day is expected."""
_HOURLY = re.compile(r"\b(?:hourly|every hour|stündlich|jede stunde)\b", _I)
_DAILY = re.compile(r"\b(?:daily|every day|täglich|jeden tag|once a day|einmal am tag)\b", _I)
_WORKDAYS = re.compile(
    r"\b(?:every|each|jeden?)\s+(?:work|week|werk)(?:ing )?(?:day|tag)\b|\bon (?:week|work)days\b", _I
)
_WEEKLY = re.compile(
    r"\b(?:weekly|once a week|every week|wöchentlich|jede woche|einmal (?:pro|die|in der) woche)\b", _I
)
_MONTHLY = re.compile(r"\b(?:monthly|once a month|every month|monatlich|jeden monat)\b", _I)
_NOON, _EVENING = 12, 18
_LATE = re.compile(r"\b(?:in the afternoon|nachmittags?)\b", _I)
_HOURS_OF_DAY, _MINUTES_OF_HOUR = 24, 60
_EARLY = 7
"""The hour if none is named."""


class Times(Struct, frozen=True):
    """Times that come again."""

    cron: str = ""
    """Five fields; empty if the text names no such times."""
    used: tuple[str, ...] = ()
    """The words that the fields are made of."""


class NoSuchTime(Exception):
    """A text names a time that no clock shows."""


class _Clock(Struct, frozen=True):
    said: str = ""
    hour: int = -1
    minute: int = 0


def cron_of(text: str) -> str:
    """Return five fields of cron; empty if the text names no times that come again. Raises NoSuchTime."""
    return times_of(text).cron


def times_of(text: str) -> Times:
    """Return the times that come again, with the words that say them. Raises NoSuchTime."""
    hourly = _HOURLY.search(text)
    if hourly:
        return Times("0 * * * *", (hourly[0],))
    words, part = next((one for one in _TIMES if re.search(rf"\b(?:{one[0]})\b", text, _I)), ("(?!)", -1))
    clock = _clock(text, is_late=part == _EVENING or bool(_LATE.search(text)))
    days, used = _which_days(text, has_hour=clock.hour >= 0)
    if not days:
        return Times()
    if not (clock.hour < _HOURS_OF_DAY and clock.minute < _MINUTES_OF_HOUR):
        raise NoSuchTime(f"There is no time {clock.said.strip()!r}: the hours are 0 to 23, and the minutes 0 to 59.")
    hour = next(one for one in (clock.hour, part, _EARLY) if one >= 0)
    unread = _NOT_READ.search(text) if clock.hour < 0 and part < 0 else None
    if unread:
        raise NoSuchTime(
            f"{unread['it'].rstrip('.,:!?')!r} is not a time of the day. Say it like at 9, at 16:30 or at 4 pm."
        )
    words = words if part != _NOON or hour == _NOON else "(?!)"
    parts = [found[0] for found in re.finditer(rf"(?:{_EVERY})?\b(?:{words})\b", text, _I)]
    spans = [found[0] for found in re.finditer(used, text, _I)]
    return Times(f"{clock.minute} {hour} {days}", tuple(one for one in (clock.said, *parts, *spans) if one))


def _which_days(text: str, *, has_hour: bool) -> tuple[str, str]:
    """Return the last three fields of cron, and the pattern of the words that say so; empty if none do."""
    named = _days(text, has_hour=has_hour)
    is_each_part = any(re.search(rf"{_EVERY}(?:{words})\b", text, _I) for words, _ in _TIMES)
    if named is not None and _RANGE.search(text):
        return f"* * {named}", "(?!)"
    if named is not None:
        return f"* * {named}", rf"(?:{_EVERY})?\b(?:{'|'.join(words for words, _ in _DAYS)})\b"
    if _WORKDAYS.search(text):
        return "* * 1-5", _WORKDAYS.pattern
    if _WEEKLY.search(text):
        return "* * 1", _WEEKLY.pattern
    if _DAILY.search(text) or is_each_part:
        return "* * *", _DAILY.pattern
    return ("1 * *", _MONTHLY.pattern) if _MONTHLY.search(text) else ("", "")


def _days(text: str, *, has_hour: bool) -> str | None:
    """Return the days of the week that come again: "every Friday", "Fridays", "Friday at 5"."""
    found = []
    for words, number in _DAYS:
        if re.search(rf"{_EVERY}(?:{words})\b", text, _I) or (has_hour and re.search(rf"\b(?:{words})\b", text, _I)):
            found.append(number)
    return ",".join(str(one) for one in found) if found else None


def _clock(text: str, *, is_late: bool) -> _Clock:
    """Return the first time of the day that a text names, as it was said; hours beyond 23 are kept."""
    past, half, at = _PAST.search(text), _HALB.search(text), _AT.search(text)
    if past:
        minute = 30 if past["part"].casefold() == "half" else 15
        return _Clock(past[0], _of_day(_number(past["hour"], _HOURS), is_late=is_late), minute)
    if half:  # in German, half names the hour that comes
        return _Clock(half[0], _of_day(_number(half["hour"], _STUNDEN) - 1 or 12, is_late=is_late), 30)
    if at is None:
        return _Clock()
    said = (at["half"] or "").lower().replace(".", "")
    hour = 0 if said == "am" and int(at["hour"]) == 12 else int(at["hour"])
    return _Clock(at[0], _of_day(hour, is_late=said == "pm" or (is_late and not said)), int(at["minute"] or 0))


def _of_day(hour: int, *, is_late: bool) -> int:
    return hour + 12 if is_late and 0 < hour < 12 else hour


def _number(word: str, names: Sequence[str]) -> int:
    return int(word) if word.isdigit() else names.index(word.casefold()) + 1
