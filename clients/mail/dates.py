"""When a mail says that it was written (RFC 5322 3.3, 4.3), also in the forms that programs have made up."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from clients.mail.parts import Part, header

_MOST = 100
"""Characters of a date that are read."""
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d")
_COMMENT = re.compile(r"\([^()]*\)?")
_OFFSET = re.compile(r"(:\d\d(?:\.\d+)?)\s*(?:GMT|UTC?|Z)?\s*([+-])\s?(\d{1,2}):?(\d\d)?\s*$", re.IGNORECASE)
"""The offset behind a time: +0100, +01:00, GMT+1, UTC +0100."""
_HOURS = {
    "+0000": "WET",
    "+0100": "CET MET WEST",
    "+0200": "CEST MEST EET",
    "+0300": "EEST MSK",
    "+0800": "HKT SGT",
    "+0900": "JST KST",
    "+1000": "AEST",
    "+1100": "AEDT",
    "+1200": "NZST",
    "+1300": "NZDT",
}
_ZONES = {name: offset for offset, names in _HOURS.items() for name in names.split()}
"""Names of zones that mean one offset only; `email` knows those of North America."""
_ZONE = re.compile(rf"\b({'|'.join(_ZONES)})\b", re.IGNORECASE)


def written_at(payload: Part) -> str:
    """Return the mail's `Date` as RFC 3339 in UTC; "" if it is missing or invalid.

    A zone that is missing or unknown counts as UTC (RFC 5322 4.3).
    """
    written = header(payload, "Date")
    try:
        moment = _read(_COMMENT.sub(" ", written[:_MOST]).strip())
        return rfc3339((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC))
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""


def rfc3339(moment: datetime) -> str:
    """Format a time in UTC for workflows, to the second."""
    return moment.replace(microsecond=0).isoformat().replace("+00:00", "Z")


def _read(written: str) -> datetime:
    found = _OFFSET.sub(lambda one: f"{one[1]} {one[2]}{one[3]:0>2}{one[4] or '00'}", written)
    if _ISO.match(found):
        return datetime.fromisoformat(re.sub(r"\s+([+-]\d{4})$", r"\1", found))
    return parsedate_to_datetime(_ZONE.sub(lambda one: _ZONES[one[1].upper()], found))
