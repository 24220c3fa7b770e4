"""After a look that failed the next one comes later and later; then all that has come meanwhile is found."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from clients.errors import AuthError, RateLimited, ServiceError, Unavailable
from engine.base.errors import InvalidFile, OrchestraError
from engine.triggering.polling.backoff import after_failure
from tests.engine.triggering.conftest import Feed

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("error", "failures", "poll_seconds", "least", "most"),
    [
        pytest.param(Unavailable("x"), 1, 60, 48, 72, id="after the first the usual time"),
        pytest.param(Unavailable("x"), 2, 60, 96, 144, id="then twice that"),
        pytest.param(Unavailable("x"), 4, 60, 384, 576, id="and so on"),
        pytest.param(Unavailable("x"), 5000, 60, 720, 1080, id="at most a quarter of an hour"),
        pytest.param(Unavailable("x"), 1, 86_400, 720, 1080, id="also where it looks once a day"),
        pytest.param(RateLimited("x", retry_after_seconds=7200), 1, 60, 7200, 7200, id="no less than asked for"),
        pytest.param(RateLimited("x", retry_after_seconds=float("inf")), 1, 60, 86_400, 86_400, id="but a day at most"),
        pytest.param(RateLimited("x", retry_after_seconds=1), 1, 60, 48, 72, id="nor less than usual"),
        pytest.param(AuthError("x"), 9, 60, 60, 60, id="an account that a person makes good any moment"),
        pytest.param(InvalidFile("x"), 50, 60, 60, 60, id="a file that a person corrects any moment"),
        pytest.param(InvalidFile("x"), 1, 5, 5, 5, id="of one that looks often"),
    ],
)
def test_how_long_it_waits(
    error: ServiceError | OrchestraError, failures: int, poll_seconds: float, least: float, most: float
) -> None:
    waits = {
        (after_failure(error, failures, poll_seconds, NOW, random.Random(seed)) - NOW).total_seconds()
        for seed in range(50)
    }
    assert least <= min(waits) <= max(waits) <= most
    assert (len(waits) > 1) == (least != most), "not all come back at once"


def seconds_until_next(feed: Feed) -> float:
    status = feed.status()
    assert status.look_again_at is not None
    return (datetime.fromisoformat(status.look_again_at) - feed.clock()).total_seconds()


def test_a_service_that_is_down_moves_nothing_and_is_caught_up_with(feed: Feed) -> None:
    feed.on()
    assert seconds_until_next(feed) == pytest.approx(60, abs=0.01)
    feed.fault(type="Unavailable")
    feed.write("a")
    waited = []
    for number in range(1, 4):
        result = feed.poll()
        assert result.error is not None
        assert (result.error.type, feed.status().failures) == ("Unavailable", number)
        waited.append(seconds_until_next(feed))
        feed.clock.move(waited[-1])
    assert waited == sorted(waited)
    feed.write("b", "c")
    feed.well()
    assert len(feed.poll().started) == 3
    status = feed.status()
    assert (status.failures, status.error) == (0, None)
    assert seconds_until_next(feed) == pytest.approx(60, abs=0.01)


def test_a_service_that_names_a_time_is_left_alone_until_then(feed: Feed) -> None:
    feed.on()
    feed.fault(type="RateLimited", retry_after_seconds=4000)
    feed.poll()
    assert seconds_until_next(feed) == pytest.approx(4000, abs=0.01)
