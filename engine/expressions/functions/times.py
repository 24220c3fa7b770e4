"""Functions of times: dates as people write them, in their time zone.

Patterns are Unicode's (UTS 35, date field symbols), as Java, .NET and date-fns have them: `dd.MM.yyyy`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from engine.expressions.functions.refused import RefusedValue, cited

_TOKEN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|([^A-Za-z']+)|(')")
_OFFSET = re.compile(r"[+-](?:0\d|1[0-4]):[0-5]\d")
_MOST = 100  # characters of a pattern
_TWO_DIGIT_PIVOT = 70
"""`yy` from 70 on is of the last century (POSIX 2008, strptime, with 69)."""
_UNITS = ("hour", "day", "week", "month", "quarter", "year")
_REMEDY = (
    "Letters are yyyy MM dd HH mm ss, MMM and MMMM for the month's name, EEE and EEEE for the day's, XXX for +01:00."
)
_INSTEAD = {"Y": "yyyy", "D": "dd", "u": "yyyy", "L": "MM", "c": "EEE", "n": "mm", "%": "yyyy"}
"""What to write in place of letters that mean something else, or nothing, such as the year of a week (Y)."""

_NAMES: Mapping[str, tuple[str, str, str, str]] = {
    "en": (
        "January February March April May June July August September October November December",
        "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
        "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
        "Mon Tue Wed Thu Fri Sat Sun",
    ),
    "de": (
        "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
        "Jan. Feb. März Apr. Mai Juni Juli Aug. Sept. Okt. Nov. Dez.",
        "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
        "Mo Di Mi Do Fr Sa So",
    ),
    "fr": (
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
        "lundi mardi mercredi jeudi vendredi samedi dimanche",
        "lun. mar. mer. jeu. ven. sam. dim.",
    ),
    "es": (
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "ene feb mar abr may jun jul ago sept oct nov dic",
        "lunes martes miércoles jueves viernes sábado domingo",
        "lun mar mié jue vie sáb dom",
    ),
    "it": (
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
        "gen feb mar apr mag giu lug ago set ott nov dic",
        "lunedì martedì mercoledì giovedì venerdì sabato domenica",
        "lun mar mer gio ven sab dom",
    ),
    "nl": (
        "januari februari maart april mei juni juli augustus september oktober november december",
        "jan feb mrt apr mei jun jul aug sep okt nov dec",
        "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag",
        "ma di wo do vr za zo",
    ),
    "pt": (
        "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
        "jan. fev. mar. abr. mai. jun. jul. ago. set. out. nov. dez.",
        "segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado domingo",
        "seg. ter. qua. qui. sex. sáb. dom.",
    ),
}
"""Months and days, long and short, by language (Unicode CLDR)."""


class _Calendar:
    """The names of a language. Raises RefusedValue for an unknown one."""

    def __init__(self, language: str) -> None:
        names = _NAMES.get(re.split("[-_]", language.strip().lower())[0])
        if names is None:
            raise RefusedValue(
                f"Names of days and months in {cited(language)} are unknown.", f"Known: {', '.join(_NAMES)}."
            )
        self.months, self.short_months, self.days, self.short_days = (one.split() for one in names)


def formatted(moment: datetime | str, pattern: str, zone: str = "UTC", language: str = "en") -> str:
    """Return a time as text in a time zone, by a pattern of Unicode. Raises RefusedValue."""
    at, names = _local(moment, zone), _Calendar(language)
    return "".join(
        letters if field == "" else _WRITTEN[field](letters, at, names) for field, letters in _parts(pattern)
    )


def parsed(text: str, pattern: str, zone: str = "UTC", language: str = "en") -> datetime:
    """Return the time that a text in this form means in a time zone; what it lacks is the first: day 1, 00:00.

    Raises RefusedValue.
    """
    names, where, fields, written = _Calendar(language), _zone(zone), [], []
    for field, letters in _parts(pattern):
        if field:
            fields.append((field, letters))
        written.append(f"({_readable(field, letters, names)})" if field else _literal(letters))
    found = re.fullmatch("".join(written), " ".join(text.split()), re.IGNORECASE)
    said = f"{cited(text)} is not written like {pattern!r}."
    if found is None:
        raise RefusedValue(said, "Look at the text, and at the order of day and month in the pattern.")
    values = {"y": 1, "M": 1, "d": 1, "H": 0, "m": 0, "s": 0}
    for (field, letters), piece in zip(fields, found.groups(), strict=True):
        _read(field, letters, piece, names, values)
    if "y" not in {field for field, _ in fields}:
        raise RefusedValue(f"The pattern {pattern!r} has no year.", "Put yyyy into it, and the year into the text.")
    try:
        return _moment(values, where)
    except (ValueError, OverflowError):
        raise RefusedValue(
            f"{cited(text)} is no day of the calendar.", "Look at the text; 31 April does not exist."
        ) from None


def day(moment: datetime | str, zone: str = "UTC") -> str:
    """Return the day of a time in a time zone: `2026-11-28`. Raises RefusedValue."""
    return _local(moment, zone).strftime("%Y-%m-%d").zfill(10)  # %Y has no leading zeros on Linux


def start_of(unit: str, moment: datetime | str, zone: str = "UTC") -> datetime:
    """Return when the hour, day, week (Monday, ISO 8601), month, quarter or year of a time began in a time zone.

    Raises RefusedValue.
    """
    if unit not in _UNITS:
        raise RefusedValue(f"start_of() knows no {cited(unit)}.", f"Write one of {', '.join(map(repr, _UNITS))}.")
    at = _local(moment, zone)
    if unit == "hour":  # of the two hours at the end of summer time, the one that it is in
        return at.replace(minute=0, second=0, microsecond=0).astimezone(UTC)
    begun = at.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if unit == "week":
        begun -= timedelta(days=begun.weekday())
    elif unit != "day":
        month = {"month": begun.month, "quarter": begun.month - (begun.month - 1) % 3, "year": 1}[unit]
        begun = begun.replace(day=1, month=month)
    return begun.astimezone(UTC)


def _local(moment: datetime | str, zone: str) -> datetime:
    where = _zone(zone)
    if isinstance(moment, str):
        moment = _read_time(moment, where)
    try:
        return moment.astimezone(where)
    except OverflowError:
        raise RefusedValue(f"{moment:%Y-%m-%d} is outside the calendar there.", "Years go from 1 to 9999.") from None


def _read_time(text: str, where: tzinfo) -> datetime:
    """Return the time of a text in RFC 3339, or of a day; one without an offset is in this time zone."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        remedy = "Read it with parse_date(x, 'dd.MM.yyyy') first; times are like '2026-11-20T09:00:00Z'."
        raise RefusedValue(f"{cited(text)} is not a time.", remedy) from None
    return found if found.tzinfo else found.replace(tzinfo=where)


def _zone(name: str) -> tzinfo:
    if name in ("UTC", "Z", ""):
        return UTC
    if _OFFSET.fullmatch(name):
        found = datetime.fromisoformat(f"2000-01-01T00:00:00{name}").tzinfo
        return UTC if found is None else found
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # its own error is a KeyError
        raise RefusedValue(
            f"There is no time zone {cited(name)}.", "Write it like 'Europe/Berlin', or '+01:00'."
        ) from None


def _parts(pattern: str) -> Iterator[tuple[str, str]]:
    """Yield (letter, all its letters) for each field of a pattern, and ("", text) between. Raises RefusedValue."""
    if len(pattern) > _MOST:
        raise RefusedValue(f"The pattern has {len(pattern):,} characters; at most {_MOST} are read.", _REMEDY)
    for found in _TOKEN.finditer(pattern):
        quoted, letter, plain, lone = found.groups()
        if lone:
            raise RefusedValue(
                f"A quote in the pattern {pattern!r} is not closed.", "Quotes are around words: dd 'of' MMMM."
            )
        if letter is None:
            if "%" in (plain or ""):
                raise RefusedValue(f"{pattern!r} is not a pattern of this kind.", _REMEDY)
            yield "", plain if quoted is None else quoted.replace("''", "'") or "'"
            continue
        if letter not in _WRITTEN or len(found[0]) > _LONGEST.get(letter, 2):
            meant = _INSTEAD.get(letter)
            raise RefusedValue(
                f"The pattern {pattern!r} has {found[0]!r}, which is unknown.",
                f"Write {meant}. {_REMEDY}" if meant else _REMEDY,
            )
        yield letter, found[0]


def _digits(value: int, letters: str) -> str:
    return str(value).zfill(len(letters))


def _name(letters: str, place: int, long: list[str], short: list[str]) -> str:
    return long[place] if len(letters) > 3 else short[place]


_WRITTEN: Mapping[str, Callable[[str, datetime, _Calendar], str]] = {
    "y": lambda letters, at, _: _digits(at.year % 100, letters) if letters == "yy" else _digits(at.year, letters),
    "M": lambda letters, at, names: (
        _digits(at.month, letters)
        if len(letters) < 3
        else _name(letters, at.month - 1, names.months, names.short_months)
    ),
    "d": lambda letters, at, _: _digits(at.day, letters),
    "E": lambda letters, at, names: _name(letters, at.weekday(), names.days, names.short_days),
    "Q": lambda letters, at, _: _digits((at.month + 2) // 3, letters),
    "w": lambda letters, at, _: _digits(at.isocalendar().week, letters),
    "H": lambda letters, at, _: _digits(at.hour, letters),
    "h": lambda letters, at, _: _digits((at.hour + 11) % 12 + 1, letters),
    "m": lambda letters, at, _: _digits(at.minute, letters),
    "s": lambda letters, at, _: _digits(at.second, letters),
    "S": lambda letters, at, _: f"{at.microsecond:06}".ljust(len(letters), "0")[: len(letters)],
    "a": lambda _letters, at, _: "AM" if at.hour < 12 else "PM",
    "X": lambda _letters, at, _: "Z" if not at.utcoffset() else _offset(at),
    "x": lambda _letters, at, _: _offset(at),
}
_LONGEST: Mapping[str, int] = {"y": 4, "M": 4, "E": 4, "S": 6, "a": 1, "X": 3, "x": 3, "Q": 1}
_READABLE: Mapping[str, str] = {"X": r"Z|[+-]\d\d:?\d\d", "x": r"[+-]\d\d:?\d\d", "a": r"[AP]\.?M\.?"}


def _offset(at: datetime) -> str:
    return at.strftime("%z")[:3] + ":" + at.strftime("%z")[3:5]


def _literal(text: str) -> str:
    """Return a pattern for the text between fields; people write more or less space there."""
    return "".join(r"\s*" if piece.isspace() else re.escape(piece) for piece in re.split(r"(\s+)", text))


def _readable(field: str, letters: str, names: _Calendar) -> str:
    if field == "M" and len(letters) > 2:
        return _any_of([*names.months, *names.short_months])
    if field == "E":
        return _any_of([*names.days, *names.short_days])
    if field == "y":
        return r"\d{2}" if letters == "yy" else r"\d{4}"
    if field == "S":
        return r"\d{1,9}"
    return _READABLE.get(field, r"\d{1,2}")


def _any_of(names: list[str]) -> str:
    """Return a pattern for names, with or without the dot of a short one."""
    longest_first = sorted({one.rstrip(".") for one in names}, key=len, reverse=True)
    return "(?:" + "|".join(map(re.escape, longest_first)) + r")\.?"


def _read(field: str, letters: str, piece: str, names: _Calendar, values: dict[str, int]) -> None:
    """Add what a piece of the text says."""
    if field == "M" and len(letters) > 2:
        values["M"] = _place(piece, names.months, names.short_months) + 1
    elif field == "y" and letters == "yy":
        values["y"] = int(piece) + (2000 if int(piece) < _TWO_DIGIT_PIVOT else 1900)
    elif field == "a":
        values["is_afternoon"] = int(piece[0].lower() == "p")
    elif field in "Xx":
        values["offset"] = 0 if piece in "Zz" else _minutes(piece)
    elif field in "ydMHhms":
        values["H" if field == "h" else field] = int(piece)


def _place(piece: str, long: list[str], short: list[str]) -> int:
    wanted = piece.rstrip(".").lower()
    return next(n for n in range(len(long)) if wanted in (long[n].lower(), short[n].rstrip(".").lower()))


def _minutes(offset: str) -> int:
    minutes = int(offset[1:3]) * 60 + int(offset[-2:])
    return -minutes if offset[0] == "-" else minutes


def _moment(values: Mapping[str, int], where: tzinfo) -> datetime:
    hour = values["H"]
    if "is_afternoon" in values:
        hour = hour % 12 + 12 * values["is_afternoon"]
    read = datetime(values["y"], values["M"], values["d"], hour, values["m"], values["s"])  # noqa: DTZ001 - its zone follows
    if "offset" in values:
        return (read - timedelta(minutes=values["offset"])).replace(tzinfo=UTC)
    return read.replace(tzinfo=where).astimezone(UTC)
