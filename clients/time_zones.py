"""Time zones by their names in the IANA list."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_OTHER_FILES = ("localtime", "posixrules", "Factory", "posix/", "right/")
"""Files beside the zones: the zone of this machine, none, and the same zones again, some with leap seconds."""


def time_zone_of(name: str) -> ZoneInfo:
    """Return the zone with this name. Raises ZoneInfoNotFoundError, ValueError, OSError."""
    if name.startswith(_OTHER_FILES):
        raise ZoneInfoNotFoundError(f"There is no time zone {name!r}.")
    return ZoneInfo(name)
