"""How often one network may ask, whatever all others do."""

from __future__ import annotations

from api.base.rate_limit import RateLimit


def test_ten_thousand_other_networks_do_not_free_one_that_goes_on_asking() -> None:
    limit = RateLimit(2, 3600)
    asked = [limit.wait_seconds("192.0.2.1") for _ in range(3)]
    assert asked[:2] == [0, 0]
    assert asked[2] > 0
    for number in range(10_001):
        assert limit.wait_seconds(f"2001:db8:{number:x}::1") == 0
        if number % 5000 == 0:
            assert limit.wait_seconds("192.0.2.1") > 0
    assert limit.wait_seconds("192.0.2.1") > 0
    assert len(limit._by_network._kept) <= 10_000


def test_many_requests_of_many_senders_take_bounded_memory() -> None:
    limit = RateLimit(1000, 3600)
    for sender in range(250):
        for _ in range(1000):
            assert limit.wait_seconds_of(f"token {sender}") == 0
    assert sum(len(times) for times, _ in limit._by_network._kept.values()) <= 200_000
    assert limit.wait_seconds_of("token 249") > 0
