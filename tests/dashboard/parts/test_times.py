from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dashboard.parts.times import ago, duration, full_time, near_time

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        pytest.param(0, "just now", id="now"),
        pytest.param(-5, "just now", id="clocks a little apart"),
        pytest.param(12, "12 seconds ago", id="seconds"),
        pytest.param(60, "1 minute ago", id="one minute"),
        pytest.param(7300, "2 hours ago", id="hours"),
        pytest.param(3 * 86400, "3 days ago", id="days"),
        pytest.param(40 * 86400, "11 Oct 2026", id="long ago"),
        pytest.param(-3600, "Fri 20 Nov 2026, 13:00:00 UTC", id="in the future"),
    ],
)
def test_a_time_is_said_as_people_say_it(seconds: float, words: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == words


def test_no_time_is_no_words() -> None:
    assert ago(None) == full_time(None) == ""


def test_text_is_read_as_a_time() -> None:
    assert full_time("2026-11-20T08:03:12.345Z") == "Fri 20 Nov 2026, 08:03:12 UTC"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        pytest.param(None, "", id="not ended"),
        pytest.param(0.42, "0.4 s", id="short"),
        pytest.param(12.3, "12 s", id="seconds"),
        pytest.param(59.7, "1 min 0 s", id="nearly a minute"),
        pytest.param(185, "3 min 5 s", id="minutes"),
        pytest.param(7800, "2 h 10 min", id="hours"),
    ],
)
def test_a_duration_is_said_in_fitting_units(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


def test_a_time_of_today_is_told_without_the_day() -> None:
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert near_time("2026-11-20T14:32:10Z", now) == "14:32 UTC"
    assert near_time("2026-11-21T08:03:12Z", now) == "Sat 21 Nov 2026, 08:03:12 UTC"
