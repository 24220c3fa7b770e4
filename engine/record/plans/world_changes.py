"""What has changed in the world between two readings of the same thing; what is merely new is no change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from engine.record.differences import ABSENT, Difference, differences

_NAMES = ("id", "number", "sha", "key", "path", "url", "name")
"""The members by which an item of a list is found again, the most certain first."""


def world_changes(before: Any, now: Any, volatile: AbstractSet[str]) -> Iterator[Difference]:
    """Yield what differs between two outputs of a read; `volatile`: members that may differ.

    In a list of objects, each that was there must be there and equal; further ones are no change. A count beside such a
    list belongs to `volatile`.
    """
    if not isinstance(before, Mapping) or not isinstance(now, Mapping):
        yield from _list_changes("", before, now) if _is_items(before) else differences("", before, now)
        return
    lists = {name for name, value in before.items() if _is_items(value) or _is_items(now.get(name))}
    for name in dict.fromkeys([*before, *now]):
        old, new = before.get(name, ABSENT), now.get(name, ABSENT)
        if name in lists:
            yield from _list_changes(name, old, new)
        elif name not in volatile:
            yield from differences(name, old, new)


def _is_items(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, Mapping) for one in value)


def _list_changes(field: str, before: Any, now: Any) -> Iterator[Difference]:
    if not isinstance(before, list) or not isinstance(now, list):
        yield Difference(field, before, now)
        return
    names = _names(before)
    there = {str(one.get(names)): one for one in now if isinstance(one, Mapping)} if names else {}
    for index, old in enumerate(before):
        if not isinstance(old, Mapping) or not names:
            if old not in now:
                yield Difference(f"{field}[{index}]", old, ABSENT)
            continue
        name = str(old[names])
        yield from differences(f"{field}[{names} {name}]", old, there.get(name, ABSENT))


def _names(items: Sequence[Any]) -> str:
    """Return the member that tells all items apart, if there is one."""
    for name in _NAMES:
        values = [str(one[name]) for one in items if isinstance(one, Mapping) and name in one]
        if len(values) == len(items) == len(set(values)):
            return name
    return ""
