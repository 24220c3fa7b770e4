"""How many runs were started on each of the last days."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from typing_extensions import TypedDict

from engine.base.clock import timestamp
from engine.base.errors import InvalidInput
from engine.base.statuses import RunStatus
from engine.store.reports import Reports

MOST_DAYS = 366


class RunDay(TypedDict):
    """The runs that were started on a day, without called ones and plans."""

    day: str
    """As `2026-11-22`."""
    runs: int
    succeeded: int
    failed: int


def run_days(
    rows: Reports, now: datetime, days: int, zone: tzinfo, without: frozenset[str] = frozenset()
) -> list[RunDay]:
    """Return the last days of a time zone, today last, also those without a run. Raises InvalidInput.

    `without`: as in RunFilter.
    """
    if not 1 <= days <= MOST_DAYS:
        raise InvalidInput(
            f"{days} days cannot be shown.", remedy=f"Give a number from 1 to {MOST_DAYS}.", field="days"
        )
    today = now.astimezone(zone).date()
    every = [today - timedelta(days=ago) for ago in range(days - 1, -1, -1)]
    return [_day(rows, day, zone, without) for day in every]


def _day(rows: Reports, day: date, zone: tzinfo, without: frozenset[str]) -> RunDay:
    found = rows.tally(_midnight(day, zone), _midnight(day + timedelta(days=1), zone), without)
    return {
        "day": day.isoformat(),
        "runs": sum(found.values()),
        "succeeded": found.get(RunStatus.SUCCEEDED, 0),
        "failed": found.get(RunStatus.FAILED, 0),
    }


def _midnight(day: date, zone: tzinfo) -> str:
    return timestamp(datetime.combine(day, time(), zone).astimezone(UTC))
