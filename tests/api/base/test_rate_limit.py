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
