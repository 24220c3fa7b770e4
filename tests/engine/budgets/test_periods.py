"""Days and months begin where the clocks of a time zone say so, whatever these do."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

import pytest

from engine.budgets.periods import end_of, name_of


@pytest.mark.parametrize(
    ("period", "at", "zone", "name", "ends_at"),
    [
        ("day", "2026-11-20T22:59:59Z", "Europe/Berlin", "2026-11-20", "2026-11-20T23:00:00+00:00"),
        ("day", "2026-11-20T23:00:00Z", "Europe/Berlin", "2026-11-21", "2026-11-21T23:00:00+00:00"),
        ("month", "2026-11-30T22:59:59Z", "Europe/Berlin", "2026-11", "2026-11-30T23:00:00+00:00"),
        ("month", "2026-11-30T23:00:00Z", "Europe/Berlin", "2026-12", "2026-12-31T23:00:00+00:00"),
        ("month", "2026-01-31T12:00:00Z", "UTC", "2026-01", "2026-02-01T00:00:00+00:00"),
        pytest.param(
            *("day", "2026-03-29T00:30:00Z", "Europe/Berlin", "2026-03-29", "2026-03-29T22:00:00+00:00"),
            id="a day of 23 hours",
        ),
        pytest.param(
            *("day", "2026-10-25T00:30:00Z", "Europe/Berlin", "2026-10-25", "2026-10-25T23:00:00+00:00"),
            id="a day of 25 hours",
        ),
        pytest.param(
            *("month", "2026-03-29T00:30:00Z", "Europe/Berlin", "2026-03", "2026-03-31T22:00:00+00:00"),
            id="a month with a change of clocks",
        ),
        pytest.param(
            *("day", "2026-04-23T21:30:00Z", "Africa/Cairo", "2026-04-23", "2026-04-23T22:00:00+00:00"),
            id="midnight is skipped",
        ),
        pytest.param(
            *("day", "2026-10-31T12:00:00Z", "America/Havana", "2026-10-31", "2026-11-01T04:00:00+00:00"),
            id="midnight comes twice",
        ),
        ("day", "2026-11-20T23:30:00Z", "Pacific/Kiritimati", "2026-11-21", "2026-11-21T10:00:00+00:00"),
    ],
)
def test_when_a_period_ends(period: Literal["day", "month"], at: str, zone: str, name: str, ends_at: str) -> None:
    moment, place = datetime.fromisoformat(at), ZoneInfo(zone)
    assert name_of(period, moment, place) == name
    end = end_of(period, moment, place)
    assert end is not None
    assert end.isoformat() == ends_at
    assert name_of(period, end, place) != name, "the end belongs to the next one"


def test_the_budget_of_a_run_has_no_end() -> None:
    now = datetime.fromisoformat("2026-11-20T12:00:00Z")
    assert (name_of("run", now, ZoneInfo("UTC")), end_of("run", now, ZoneInfo("UTC"))) == ("", None)
