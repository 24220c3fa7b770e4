"""Days and months of a time zone, whatever its clock changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Period = Literal["run", "day", "month"]


def name_of(period: Period, at: datetime, zone: ZoneInfo) -> str:
    """Return the name of the day (`2026-11-21`) or month (`2026-11`) of a moment there; empty for a run."""
    if period == "run":
        return ""
    return at.astimezone(zone).strftime("%Y-%m-%d" if period == "day" else "%Y-%m")


def end_of(period: Period, at: datetime, zone: ZoneInfo) -> datetime | None:
    """Return when the day or month of a moment there ends, in UTC; None for a run."""
    if period == "run":
        return None
    here = at.astimezone(zone)
    day = datetime(here.year, here.month, here.day if period == "day" else 1)  # noqa: DTZ001 - the zone comes below
    # 32 days after the first of a month is always in the next one
    following = day + timedelta(days=1) if period == "day" else (day + timedelta(days=32)).replace(day=1)
    # Where midnight is skipped, this is the moment of the change; where it comes twice, the first.
    return following.replace(tzinfo=zone, fold=0).astimezone(UTC)
