"""Time zones of invitations: from the IANA list, from Windows, and from the calendar itself."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from msgspec import Struct

from clients.mail_formats.windows_zones import WINDOWS_ZONES
from clients.time_zones import time_zone_of

_NAME_MOST = 100
_SHOWN = re.compile(r"\(?(?:UTC|GMT)\s?(?:([+-])(\d\d?):?(\d\d)?)?\)?\s*(.*)", re.IGNORECASE | re.DOTALL)
"""What Windows shows: `(UTC+01:00) Amsterdam, Berlin`."""
_BETWEEN = re.compile(r"[,():]| - | islands?\b| is\.")
_FIXED = "coordinated universal time"
_ZONES_OF_PLACES: dict[str, str] = {
    "aleutian": "America/Adak",
    "baja_california": "America/Tijuana",
    "brasilia": "America/Sao_Paulo",
    "cabo_verde": "Atlantic/Cape_Verde",
    "chetumal": "America/Cancun",
    "chokurdakh": "Asia/Srednekolymsk",
    "city_of_buenos_aires": "America/Argentina/Buenos_Aires",
    "indiana": "America/Indiana/Indianapolis",
    "international_date_line_west": "Etc/GMT+12",
    "lord_howe": "Australia/Lord_Howe",
    "nuku'alofa": "Pacific/Tongatapu",
    "port_louis": "Indian/Mauritius",
    "saint_pierre_and_miquelon": "America/Miquelon",
    "salvador": "America/Bahia",
    "solomon": "Pacific/Guadalcanal",
    "sri_jayawardenepura": "Asia/Colombo",
    "west_central_africa": "Africa/Lagos",
}
"""Places that Windows shows, but that neither list has a zone for."""
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


class ZoneObservance(Struct, frozen=True):
    """A part of a zone's year: an offset, and when it begins (RFC 5545 3.6.5)."""

    begins: datetime
    """When it first began, by the clock."""
    offset: timedelta
    month: int = 0
    """In which month it begins each year; 0: it does not come back."""
    weekday: int = 0
    """On which day of the week, from 0 for Monday."""
    which: int = 0
    """Which of these days in the month, counted from its end if negative; 0: the day of `begins`."""
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
            return self.begins.replace(year=year, month=self.month, day=min(self.begins.day, 28))  # all months have it
        if self.which > 0:
            first = self.begins.replace(year=year, month=self.month, day=1)
            found = first + timedelta(days=(self.weekday - first.weekday()) % 7 + 7 * (self.which - 1))
            return found if found.month == self.month else found - timedelta(days=7)
        following = self.begins.replace(year=year + self.month // 12, month=self.month % 12 + 1, day=1)
        last = following - timedelta(days=1)
        return last - timedelta(days=(last.weekday() - self.weekday) % 7 - 7 * (self.which + 1))


def zone_of(name: str) -> ZoneInfo | None:
    """Return the time zone with this name, as IANA, Windows or a program writes it; None if it is unknown."""
    name = name.strip().strip('"').strip()[:_NAME_MOST]
    known = name.lower().removeprefix("tzone://microsoft/").replace(" daylight time", " standard time")
    found = _zone(WINDOWS_ZONES.get(known, name))
    if found is None and name.startswith("/") and name.count("/") > 2:  # "/freeassociation.sourceforge.net/Europe/Rome"
        pieces = name.split("/")
        return next(filter(None, (_zone("/".join(pieces[-size:])) for size in (3, 2))), None)
    return found


def weekday_of(word: str) -> int:
    """Return the number of a day of the week as in `-1SU`, from 0 for Monday. Raises ValueError."""
    return _WEEKDAYS.index(word[-2:].upper())


def shown_zone(name: str, clock: datetime) -> tzinfo | None:
    """Return the zone that Windows shows with this name, or its offset if it has no places; None if it is unknown.

    The offset in the name applies in winter: only the places say whether it counts at this time of the clock. A place
    whose zone does not have that offset in this year is not believed.
    """
    found = _SHOWN.fullmatch(name[:_NAME_MOST])
    if found is None:
        return None
    size = timedelta(hours=min(int(found[2] or 0), 23), minutes=int(found[3] or 0) % 60)
    offset = -size if found[1] == "-" else size
    places = found[4].strip().lower()
    if not places or places.startswith(_FIXED):
        return timezone(offset)
    names = [name for place in _BETWEEN.split(places) for name in _zones_of(place.strip())]
    for zone in map(_zone, sorted(names, key=lambda one: one not in WINDOWS_ZONES.values())):
        # Winter is in January, or in July south of the equator.
        if zone and offset in [zone.utcoffset(clock.replace(month=month, day=1)) for month in (1, 7)]:
            return zone
    return None


@cache
def _places() -> dict[str, str]:
    """Return {place in lower case: its zone}: places of Windows' zones go before others of that name."""
    known = [*sorted(available_timezones()), *WINDOWS_ZONES.values()]
    return {name.rpartition("/")[2].lower(): name for name in known if "/" in name} | _ZONES_OF_PLACES


def _zones_of(place: str) -> tuple[str, str]:
    """Return the zones, if any, of a place such as `hong kong`, and of a region such as `eastern time` or `samoa`."""
    region = f"{place.removesuffix(' time')} standard time"
    return _places().get(place.replace(" ", "_"), ""), WINDOWS_ZONES.get(region, "")


def offset_at(zone: tuple[ZoneObservance, ...], clock: datetime) -> tzinfo | None:
    """Return the offset that counts at a time of the clock in a zone that a calendar defines; None without any."""
    began = [(latest, one) for one in zone if (latest := one.latest(clock)) is not None]
    if began:
        return timezone(max(began, key=lambda pair: pair[0])[1].offset)
    return timezone(zone[0].offset) if zone else None


def _zone(name: str) -> ZoneInfo | None:
    try:
        return time_zone_of(name) if name else None
    except (KeyError, ValueError, OSError):
        return None
