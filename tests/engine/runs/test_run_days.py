"""Runs are counted by the days of the reader's zone, whatever its offset."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from engine.base.errors import InvalidInput
from engine.runs.run_days import run_days
from engine.store.reports import Reports

NOW = datetime(2026, 3, 30, 1, tzinfo=UTC)


class Asked:
    """Keeps which times were asked for."""

    def __init__(self) -> None:
        self.times: list[tuple[str, str]] = []

    def tally(self, since: str, until: str, without: frozenset[str] = frozenset()) -> dict[str, int]:
        self.times.append((since, until))
        return {"failed": 2, "running": 1} if len(self.times) == 1 else {}


def asked(days: int, zone: str) -> tuple[list[tuple[str, str]], list[object]]:
    rows = Asked()
    store: Reports = rows  # type: ignore[assignment]  # only this verb is asked for
    found = run_days(store, NOW, days, ZoneInfo(zone))
    return rows.times, [tuple(one.values()) for one in found]


def test_days_are_those_of_the_zone_and_follow_each_other_without_a_gap() -> None:
    times, found = asked(2, "Europe/Berlin")  # the clocks went forward on the first of the two
    assert found == [("2026-03-29", 3, 0, 2), ("2026-03-30", 0, 0, 0)]
    assert times == [
        ("2026-03-28T23:00:00.000Z", "2026-03-29T22:00:00.000Z"),
        ("2026-03-29T22:00:00.000Z", "2026-03-30T22:00:00.000Z"),
    ]
    times, found = asked(1, "Asia/Kathmandu")
    assert times == [("2026-03-29T18:15:00.000Z", "2026-03-30T18:15:00.000Z")]


def test_too_many_days_are_refused() -> None:
    with pytest.raises(InvalidInput, match="367 days"):
        asked(367, "UTC")
