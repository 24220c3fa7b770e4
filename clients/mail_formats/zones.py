"""Time zones of invitations: those of the IANA list, those of Windows, and those that a calendar defines itself."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from msgspec import Struct

from clients.mail_formats.windows_zones import WINDOWS_ZONES

_NAME_MOST = 100
_OFFSET = re.compile(r"(?:UTC|GMT)\s?([+-])(\d\d?):?(\d\d)?", re.IGNORECASE)
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


class Observance(Struct, frozen=True):
    """A part of a zone's year: from when on which offset counts (RFC 5545 3.6.5)."""

    begins: datetime
    """When it first began, by the clock."""
    offset: timedelta
    month: int = 0
    """In which month it begins each year; 0: it does not come back."""
    weekday: int = 0
    """On which day of the week, from 0 for Monday."""
    which: int = 0
    """On the how manieth of these in the month, from the end if negative; 0: on the day of `begins`."""
    until: datetime | None = None
    """When it began last."""

    def latest(self, clock: datetime) -> datetime | None:
        """Return when it began last before this time of the clock; nothing is counted through."""
        if clock < self.begins:
            return None
        if not self.month:
            return self.begins
        limit = min(clock, self.until) if self.until else clock
        for year in (limit.year, limit.year - 1):
            began = self._in(max(year, 1))
            if began <= limit:
                return max(began, self.begins)
        return self.begins

    def _in(self, year: int) -> datetime:
        if not self.which:
            return self.begins.replace(year=year, month=self.month, day=min(self.begins.day, 28))
        if self.which > 0:
            first = self.begins.replace(year=year, month=self.month, day=1)
            found = first + timedelta(days=(self.weekday - first.weekday()) % 7 + 7 * (self.which - 1))
            return found if found.month == self.month else found - timedelta(days=7)
        following = self.begins.replace(year=year + self.month // 12, month=self.month % 12 + 1, day=1)
        last = following - timedelta(days=1)
        return last - timedelta(days=(last.weekday() - self.weekday) % 7 - 7 * (self.which + 1))


def zone_of(name: str) -> ZoneInfo | None:
    """Return the time zone with this name, as IANA, Windows or a program writes it; None if none is known."""
    name = name.strip().strip('"').strip()[:_NAME_MOST]
    found = _zone(WINDOWS_ZONES.get(name.lower(), name))
    if found is None and name.startswith("/") and name.count("/") > 2:  # "/freeassociation.sourceforge.net/Europe/Rome"
        pieces = name.split("/")
        return next(filter(None, (_zone("/".join(pieces[-size:])) for size in (3, 2))), None)
    return found


def weekday_of(word: str) -> int:
    """Return the number of a day of the week as in `-1SU`, from 0 for Monday. Raises ValueError."""
    return _WEEKDAYS.index(word[-2:].upper())


def named_offset(name: str) -> tzinfo | None:
    """Return the offset in the name of a zone, such as `(UTC+01:00) Amsterdam, Berlin`; None if it has none."""
    found = _OFFSET.search(name[:_NAME_MOST])
    if found is None:
        return None
    size = timedelta(hours=min(int(found[2]), 23), minutes=int(found[3] or 0) % 60)
    return timezone(-size if found[1] == "-" else size)


def offset_at(zone: tuple[Observance, ...], clock: datetime) -> tzinfo | None:
    """Return the offset that counts at a time of the clock in a zone that a calendar defines; None without any."""
    began = [(latest, one) for one in zone if (latest := one.latest(clock)) is not None]
    if began:
        return timezone(max(began, key=lambda pair: pair[0])[1].offset)
    return timezone(zone[0].offset) if zone else None


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):
        return None
