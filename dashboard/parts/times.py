"""Times in everyday words, and in exact form."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from dashboard.base.language import number, t, tn


def ago(moment: str | datetime | None, now: datetime | None = None) -> str:
    """Return e.g. "just now", "3 minutes ago", "2 days ago", or the date if that is long ago; "" for None."""
    if moment is None:
        return ""
    at = _aware(moment)
    seconds = ((now or datetime.now(UTC)) - at).total_seconds()
    if seconds < 10:
        return t("just now") if seconds > -60 else full_time(at)  # the clocks of two machines may differ a little
    if seconds < 60:
        return tn("{count} second ago", "{count} seconds ago", int(seconds))
    if seconds < 3600:
        return tn("{count} minute ago", "{count} minutes ago", int(seconds // 60))
    if seconds < 86400:
        return tn("{count} hour ago", "{count} hours ago", int(seconds // 3600))
    if seconds < 14 * 86400:
        return tn("{count} day ago", "{count} days ago", int(seconds // 86400))
    return at.astimezone(viewer_zone()).strftime(t("%d %b %Y"))


def full_time(moment: str | datetime | None) -> str:
    """Return the exact time in the viewer's own time zone, e.g. "Fri 20 Nov 2026, 08:03:12 CET"."""
    if moment is None:
        return ""
    return _aware(moment).astimezone(viewer_zone()).strftime(t("%a %d %b %Y, %H:%M:%S %Z"))


def near_time(moment: str | datetime, now: datetime | None = None) -> str:
    """Return e.g. "14:32 CET" for a time on the viewer's current day, else the exact time."""
    at, today = _aware(moment).astimezone(viewer_zone()), (now or datetime.now(UTC)).astimezone(viewer_zone())
    return at.strftime(t("%H:%M %Z")) if at.date() == today.date() else full_time(at)


def short_time(moment: str | datetime, now: datetime | None = None) -> str:
    """Return e.g. "14:32 CET" for a time on the viewer's current day, else "Fri 20 Nov, 14:32 CET"."""
    at, today = _aware(moment).astimezone(viewer_zone()), (now or datetime.now(UTC)).astimezone(viewer_zone())
    return at.strftime(t("%H:%M %Z") if at.date() == today.date() else t("%a %d %b, %H:%M %Z"))


def duration(seconds: float | None) -> str:
    """Return e.g. "0.4 s", "12 s", "3 min 5 s", "2 h 10 min"; "" for None."""
    if seconds is None:
        return ""
    if seconds < 0.05:
        return t("under 0.1 s")
    if seconds < 10:
        return f"{number(seconds, 1)} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _aware(moment: str | datetime) -> datetime:
    at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def viewer_zone() -> ZoneInfo:
    """Return the time zone of the browser, UTC if it sends none."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
