"""What a cache keeps: the values used last, by number and by size."""

from __future__ import annotations

from engine.workflows.recent import Recent


def test_the_values_used_last_are_kept_by_number_and_by_size_and_the_last_one_always() -> None:
    recent: Recent[str, int] = Recent(3, 100)
    assert [recent.keep(key, number, 10) for number, key in enumerate("abc")] == [[], [], []]
    assert recent.keep("a", 9, 10) == []
    assert recent.keep("d", 3, 10) == ["b"]
    assert (recent.get("a"), recent.get("b")) == (9, None)
    assert recent.keep("c", 2, 85) == ["a"]
    assert recent.keep("huge", 5, 1_000) == ["d", "c"]
    assert recent.keep("e", 6, 100) == ["huge"], "its size counts no longer"
    assert recent.keep("f", 7, 0) == []
