"""Schedules: against a reference that knows nothing of the library, over 400 days with both clock changes."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise, product
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from engine.triggers.schedule import Schedule
from tests.engine.triggers.looking import Looker
from tests.few import every

DAYS = 400
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo")
"""Two ordinary ones, one that moves by half an hour in the other half of the year, one that changes at midnight."""
FIRST = date(2026, 1, 15)

Days = Callable[[date], bool]
EVERY_DAY: Days = lambda day: True  # noqa: E731
FIXED: dict[str, tuple[list[tuple[int, int]], Days]] = {
    "30 2 * * *": ([(2, 30)], EVERY_DAY),
    "15 0,1,2,3,23 * * *": ([(hour, 15) for hour in (0, 1, 2, 3, 23)], EVERY_DAY),
    "0,30 1-2 * * 0": ([(hour, minute) for hour in (1, 2) for minute in (0, 30)], lambda day: day.isoweekday() == 7),
    "0 9 * * 1-5": ([(9, 0)], lambda day: day.isoweekday() <= 5),
    "45 1 29 2,3,10 *": ([(1, 45)], lambda day: day.day == 29 and day.month in (2, 3, 10)),
    "5 4 13 * 5": ([(4, 5)], lambda day: day.day == 13 or day.isoweekday() == 5),
}
"""By cron: the times of a day, and the days."""
PASSING: dict[str, Callable[[datetime], bool]] = {
    "*/20 * * * *": lambda local: local.minute % 20 == 0,
    "0 * * * *": lambda local: local.minute == 0,
    "* 2 * * 0": lambda local: local.hour == 2 and local.isoweekday() == 7,
}
"""By cron with a star: which minutes, as they really pass."""


def _instant(local: datetime, zone: ZoneInfo) -> datetime:
    """The moment of a wall-clock time: the first of two, and the end of the gap for one that never comes."""
    moment = local
    while True:
        aware = moment.replace(tzinfo=zone, fold=0)
        if aware.astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0) == moment:
            return aware.astimezone(UTC)
        moment += timedelta(minutes=1)


@cache
def _minutes(zone: ZoneInfo, start: datetime) -> list[tuple[datetime, datetime]]:
    """Every minute that really passes, with what the clock shows then."""
    minutes = (start + timedelta(minutes=count) for count in range(DAYS * 1440 + 1))
    return [(one, one.astimezone(zone)) for one in minutes]


def _expected(cron: str, zone: ZoneInfo, start: datetime, end: datetime) -> list[str]:
    if cron in FIXED:
        times, is_day = FIXED[cron]
        days = [FIRST + timedelta(days=count) for count in range(-1, DAYS + 2)]
        moments = {
            _instant(datetime.combine(day, time(*clock)), zone) for day in days if is_day(day) for clock in times
        }
    else:
        moments = {one for one, local in _minutes(zone, start) if PASSING[cron](local)}
    return [one.isoformat() for one in sorted(moments) if start < one <= end]


def _seen(cron: str, zone: str, start: datetime, end: datetime, chance: random.Random) -> list[str]:
    """Look at random moments, sometimes after days of silence; return what fired."""
    looker = Looker(Schedule(), {"cron": cron, "time_zone": zone, "missed": "all"}, limit=500)
    looker.look(start)
    fired: list[str] = []
    now = start
    while now < end:
        now = min(end, now + timedelta(seconds=chance.choice((40, 3_000, 90_000, 700_000))))
        fired += [item.id for item in looker.look_until_done(now)]
        looker.seen.clear()  # the cursor alone must do
    return [datetime.fromisoformat(one).isoformat() for one in fired]


@pytest.mark.slow
@pytest.mark.parametrize(("cron", "zone"), every(3, product([*FIXED, *PASSING], ZONES)))
def test_a_cron_fires_when_the_reference_says_and_never_twice(cron: str, zone: str) -> None:
    start = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC)
    end = start + timedelta(days=DAYS)
    fired = _seen(cron, zone, start, end, random.Random(f"{cron} {zone}"))
    assert fired == _expected(cron, ZoneInfo(zone), start, end)
    assert len(set(fired)) == len(fired)


def test_the_reference_knows_both_changes() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    start, end = datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 3, 31, tzinfo=UTC)
    spring = _expected("30 2 * * *", berlin, start, end)
    assert spring == ["2026-03-28T01:30:00+00:00", "2026-03-29T01:00:00+00:00", "2026-03-30T00:30:00+00:00"]
    autumn = _expected("30 2 * * *", berlin, datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 10, 26, tzinfo=UTC))
    assert autumn == ["2026-10-25T00:30:00+00:00"]


def _firing(missed: str, away: timedelta) -> tuple[list[Any], Looker]:
    start = datetime(2026, 5, 4, 8, 30, tzinfo=UTC)
    looker = Looker(Schedule(), {"cron": "0 * * * *", "missed": missed})
    looker.look(start)
    return list(looker.look_until_done(start + away)), looker


@pytest.mark.parametrize(
    ("missed", "away", "at", "left_out"),
    [
        pytest.param("skip", timedelta(minutes=30, seconds=20), ["09:00"], [0], id="skip-on-time"),
        pytest.param("skip", timedelta(hours=3), [], [], id="skip-late"),
        pytest.param("skip", timedelta(hours=3, minutes=30, seconds=5), ["12:00"], [3], id="skip-late-and-on-time"),
        pytest.param("once", timedelta(hours=3), ["11:00"], [2], id="once"),
        pytest.param("once", timedelta(days=800), ["08:00"], [1000], id="once-after-years"),
        pytest.param("all", timedelta(hours=3), ["09:00", "10:00", "11:00"], [0, 0, 0], id="all"),
    ],
)
def test_missed_firings_follow_the_rule(missed: str, away: timedelta, at: list[str], left_out: list[int]) -> None:
    items, looker = _firing(missed, away)
    assert [item.value["at"][11:16] for item in items] == at
    assert [item.value["missed"] for item in items] == left_out
    assert looker.look(datetime(2026, 5, 4, 8, 30, tzinfo=UTC) + away) == []


def test_an_interval_is_counted_from_its_beginning_whenever_it_is_looked_at() -> None:
    start = datetime(2026, 3, 29, 0, 0, 0, 250_000, tzinfo=UTC)
    looker = Looker(Schedule(), {"every_seconds": 90, "missed": "all", "time_zone": "Europe/Berlin"})
    looker.look(start)
    assert looker.next_at == start + timedelta(seconds=90)
    fired: list[datetime] = []
    for seconds in (89, 91, 100, 500, 501, 9_000):
        fired += [item.at for item in looker.look_until_done(start + timedelta(seconds=seconds)) if item.at]
    assert fired == [start + timedelta(seconds=90 * count) for count in range(1, 101)]
    assert {(later - earlier).total_seconds() for earlier, later in pairwise(fired)} == {90.0}


def test_a_clock_that_goes_back_fires_nothing_twice() -> None:
    start = datetime(2026, 5, 4, 8, 30, tzinfo=UTC)
    looker = Looker(Schedule(), {"cron": "0 * * * *"})
    looker.look(start)
    assert [item.id for item in looker.look(start + timedelta(minutes=31))] == ["2026-05-04T09:00:00.000Z"]
    looker.seen.clear()
    assert looker.look(start + timedelta(minutes=10)) == []
    assert looker.look(start + timedelta(minutes=31)) == []
    assert looker.next_at == start + timedelta(minutes=90)


@pytest.mark.parametrize("fields", [{"cron": "0 * * * *"}, {"every_seconds": 3600}], ids=["cron", "interval"])
def test_a_clock_that_was_years_ahead_and_is_put_right_does_not_stop_it(fields: dict[str, Any]) -> None:
    right = datetime(2026, 5, 4, 8, 30, tzinfo=UTC)
    looker = Looker(Schedule(), fields)
    looker.look(right + timedelta(days=2000))
    looker.look(right + timedelta(days=2001))
    assert looker.look(right) == []
    assert looker.next_at is not None
    assert right < looker.next_at <= right + timedelta(hours=1)
    assert len(looker.look(right + timedelta(hours=1))) == 1


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        pytest.param({}, "cron", "either `cron` or", id="neither"),
        pytest.param({"cron": "* * * * *", "every_seconds": 5}, "cron", "either `cron` or", id="both"),
        pytest.param({"cron": "* * * *"}, "cron", "minute, hour", id="four parts"),
        pytest.param({"cron": "* * * * * *"}, "cron", "minute, hour", id="seconds"),
        pytest.param({"cron": "61 * * * *"}, "cron", "bad minute", id="minute 61"),
        pytest.param({"cron": "0 0 31 2 *"}, "cron", "day-of-month", id="31 February"),
        pytest.param({"cron": "0 9 * * *", "time_zone": "Europe/Berln"}, "time_zone", "no time zone", id="zone"),
        pytest.param({"cron": "0 9 * * *", "time_zone": "../etc"}, "time_zone", "no time zone", id="path as zone"),
    ],
)
def test_a_schedule_that_cannot_be_is_told(fields: dict[str, Any], field: str, said: str) -> None:
    [(name, message)] = Schedule().problems(fields, {})
    assert name == field
    assert said in message


@pytest.mark.parametrize("missed", ["skip", "once", "all"])
@pytest.mark.parametrize("fields", [{"cron": "*/5 * * * *"}, {"every_seconds": 300}], ids=["cron", "interval"])
@pytest.mark.parametrize("behind", [timedelta(days=26 * 365), timedelta(days=10)], ids=str)
def test_a_computer_that_starts_in_the_past_and_is_put_right_fires_nothing_twice_and_nothing_of_before(
    behind: timedelta, fields: dict[str, Any], missed: str
) -> None:
    begun = datetime(2026, 5, 4, 8, 31, tzinfo=UTC)
    looker = Looker(Schedule(), {**fields, "missed": missed})
    looker.look(begun)
    fired = [item.at for item in looker.look_until_done(begun + timedelta(minutes=4))]
    fired += [item.at for item in looker.look_until_done(begun + timedelta(minutes=5))]
    looker.seen.clear()  # they are remembered for 7 days only
    for minutes in range(12, 20, 2):  # it starts again in the past
        assert looker.look_until_done(begun - behind + timedelta(minutes=minutes - 12)) == []
    right = begun + timedelta(minutes=21)
    for minutes in range(4):
        fired += [item.at for item in looker.look_until_done(right + timedelta(minutes=minutes))]
    times = [one for one in fired if one is not None]
    assert times == sorted(set(times))
    assert min(times) > begun
    assert times[-1] >= right - timedelta(minutes=1)
    if missed == "all":
        assert {later - earlier for earlier, later in pairwise(times)} == {timedelta(minutes=5)}


def test_a_schedule_turned_on_by_a_clock_of_the_past_begins_when_it_is_put_right() -> None:
    looker = Looker(Schedule(), {"cron": "0 * * * *", "missed": "all"})
    looker.look(datetime(2000, 1, 1, 0, 1, tzinfo=UTC))
    right = datetime(2026, 5, 4, 8, 31, tzinfo=UTC)
    assert looker.look_until_done(right) == []
    assert [item.at for item in looker.look_until_done(right + timedelta(hours=1))] == [right + timedelta(minutes=29)]


def test_a_clock_that_was_ahead_before_it_was_behind_does_not_hide_what_has_fired() -> None:
    right = datetime(2026, 5, 4, 8, 31, tzinfo=UTC)
    looker = Looker(Schedule(), {"cron": "0 * * * *", "missed": "all"})
    looker.look(right + timedelta(days=2000))
    looker.look(right)
    assert len(looker.look_until_done(right + timedelta(hours=2))) == 2
    looker.look(datetime(2000, 1, 1, tzinfo=UTC))
    looker.seen.clear()
    assert looker.look_until_done(right + timedelta(hours=2)) == []
    assert len(looker.look_until_done(right + timedelta(hours=3))) == 1
