"""The renames of steps, composed: pairs of (old id, new id) that all refer to the same text before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from engine.base.errors import InUse

StepRenames: TypeAlias = Sequence[tuple[str, str]]


def composed(*parts: StepRenames) -> tuple[tuple[str, str], ...]:
    """Return the renames that lead from the text before the first part to that after the last; the same id is none."""
    first: dict[str, str] = {}  # by the id now
    for part in parts:
        to = dict(part)
        new = {one: old for old, one in part if old not in first and old not in first.values()}
        first = {to.get(now, now): old for now, old in first.items()} | new
    return tuple((old, new) for new, old in first.items() if old != new)


def in_order(renames: StepRenames) -> list[tuple[str, str]]:
    """Return renames in an order in which each new id is free. Raises InUse if steps trade their ids."""
    ahead, found = list(renames), list[tuple[str, str]]()
    while ahead:
        old = {one for one, _ in ahead}
        free = [pair for pair in ahead if pair[1] not in old]
        if not free:
            names = " and ".join(repr(one) for one, _ in ahead)
            raise InUse(f"The steps {names} trade their ids.", remedy="Give one of them an id that is new.")
        found += free
        ahead = [pair for pair in ahead if pair not in free]
    return found
