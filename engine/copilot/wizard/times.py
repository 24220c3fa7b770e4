"""Times in plain words as cron: "every Monday at 9", "jeden Abend um 18 Uhr", "once a week"."""

from __future__ import annotations

import re

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
_EVERY = r"\b(?:every|each|on|jede[nrs]?|am|immer)\s+"
_HOURS = "one two three four five six seven eight nine ten eleven twelve".split()
_STUNDEN = "ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf".split()
_PAST = re.compile(rf"\b(?P<part>half|quarter) past (?P<hour>\d{{1,2}}|{'|'.join(_HOURS)})\b", _I)
_HALB = re.compile(rf"\bhalb (?P<hour>\d{{1,2}}|{'|'.join(_STUNDEN)})s?\b", _I)
_AT = re.compile(r"\b(?:at|um)\s+(?P<hour>\d{1,2})(?:[:.](?P<minute>\d{2}))?\s*(?P<half>am|pm)?\b", _I)
_HOURLY = re.compile(r"\b(?:hourly|every hour|stündlich|jede stunde)\b", _I)
_DAILY = re.compile(r"\b(?:daily|every day|täglich|jeden tag|once a day|einmal am tag)\b", _I)
_WORKDAYS = re.compile(
    r"\b(?:every|each|jeden?)\s+(?:work|week|werk)(?:ing )?(?:day|tag)\b|\bon (?:week|work)days\b", _I
)
_WEEKLY = re.compile(
    r"\b(?:weekly|once a week|every week|wöchentlich|jede woche|einmal (?:pro|die|in der) woche)\b", _I
)
_MONTHLY = re.compile(r"\b(?:monthly|once a month|every month|monatlich|jeden monat)\b", _I)
_EARLY = 7
"""The hour if none is named."""


def cron_of(text: str) -> str:
    """Return five fields of cron; empty if the text names no times that come again."""
    text = _HALB.sub(_half_before, _PAST.sub(_past, text))
    if _HOURLY.search(text):
        return "0 * * * *"
    at = _AT.search(text)
    hour, minute = _clock(at) if at else (-1, 0)
    part = next((one for words, one in _TIMES if re.search(rf"{_EVERY}(?:{words})\b|\b(?:{words})\b", text, _I)), -1)
    days = _days(text, has_hour=hour >= 0)
    is_each_part = any(re.search(rf"{_EVERY}(?:{words})\b", text, _I) for words, _ in _TIMES)
    if days is None and _WORKDAYS.search(text):
        days = "1-5"
    if days is None and _WEEKLY.search(text):
        days = "1"
    if days is None and (_DAILY.search(text) or is_each_part):
        days = "*"
    if days is None:
        monthly = bool(_MONTHLY.search(text))
        return f"{minute} {hour if hour >= 0 else _EARLY} 1 * *" if monthly else ""
    return f"{minute} {hour if hour >= 0 else part if part >= 0 else _EARLY} * * {days}"


def _days(text: str, *, has_hour: bool) -> str | None:
    """Return the days of the week that come again: "every Friday", "Fridays", "Friday at 5"."""
    found = []
    for words, number in _DAYS:
        if re.search(rf"{_EVERY}(?:{words})\b", text, _I) or (has_hour and re.search(rf"\b(?:{words})\b", text, _I)):
            found.append(number)
    return ",".join(str(one) for one in found) if found else None


def _clock(at: re.Match[str]) -> tuple[int, int]:
    hour, minute = int(at["hour"]), int(at["minute"] or 0)
    if (at["half"] or "").lower() == "pm" and hour < 12:
        hour += 12
    if (at["half"] or "").lower() == "am" and hour == 12:
        hour = 0
    return (hour, minute) if hour < 24 and minute < 60 else (-1, 0)


def _past(found: re.Match[str]) -> str:
    hour = found["hour"].casefold()
    return f"{hour if hour.isdigit() else _HOURS.index(hour) + 1}:{30 if found['part'].casefold() == 'half' else 15}"


def _half_before(found: re.Match[str]) -> str:
    """In German, half names the hour that comes."""
    hour = found["hour"].casefold()
    number = int(hour) if hour.isdigit() else _STUNDEN.index(hour) + 1
    return f"{number - 1 or 12}:30"
