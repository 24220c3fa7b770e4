"""Functions of lists: sums, order, parts and pairs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from engine.expressions.functions.refused import RefusedValue, cited

ARRANGE = "@arrange"
"""`arranged` as CEL calls it, with a name that nobody can write: (macro, items, arguments)."""
MOST_ITEMS = 10_000
"""Items that `lists.range` makes, as many as a loop takes."""
_KINDS: Mapping[type, str] = {bool: "true and false", int: "numbers", float: "numbers", str: "texts"}


def total(items: list[Any]) -> int | float:
    """Return the sum of numbers: a whole number if all are, else one with a point. Raises RefusedValue."""
    _require_numbers("sum", items)
    found: int | float = sum(items)
    return found


def average(items: list[Any]) -> float:
    """Return the arithmetic mean of numbers. Raises RefusedValue, also for an empty list."""
    _require_numbers("avg", items)
    if not items:
        raise RefusedValue("An empty list has no average.", "Ask size(x) first, like size(x) > 0 ? avg(x) : 0.0")
    return float(sum(items) / len(items))


def flattened(items: list[Any]) -> list[Any]:
    """Return the items of the lists in a list, one level deep; what is not a list stays."""
    return [inner for one in items for inner in (one if isinstance(one, list) else [one])]


def zipped(left: list[Any], right: list[Any]) -> list[list[Any]]:
    """Return pairs of items from two lists of the same length. Raises RefusedValue."""
    if len(left) != len(right):
        said = f"zip() pairs lists of the same length; these have {len(left):,} and {len(right):,} items."
        raise RefusedValue(said, "Cut the longer one with slice(), or look for what is missing in the other.")
    return [[one, other] for one, other in zip(left, right, strict=True)]


def numbers_to(count: int) -> list[int]:
    """Return the whole numbers from 0 to before `count`. Raises RefusedValue."""
    if not 0 <= count <= MOST_ITEMS:
        raise RefusedValue(f"lists.range({count}) is not possible.", f"Give a number from 0 to {MOST_ITEMS:,}.")
    return list(range(count))


def arranged(how: str, items: list[Any], arguments: list[Any]) -> list[Any]:
    """Return some of the items of a list, in some order; `how` is one of _WAYS. Raises RefusedValue.

    The items of `sortBy` are pairs of key and item; the items of `group_by`, objects {key, items} with one item each.
    """
    if any(isinstance(one, datetime | timedelta) for one in items):  # cel-expr-python takes none back in a list
        raise RefusedValue(
            f"{how}() takes no list of times.", "Give it their texts, which have the same order: string(i)."
        )
    return _WAYS[how](items, *arguments)


def _sorted(items: list[Any]) -> list[Any]:
    _require_comparable("sort", items)
    return sorted(items)


def _sorted_by(pairs: list[Any]) -> list[Any]:
    keys = [pair[0] for pair in pairs]
    _require_comparable("sortBy", keys)
    # By place, since the items behind equal keys may not be comparable.
    return [pairs[place][1] for place in sorted(range(len(keys)), key=keys.__getitem__)]


def _reversed(items: list[Any]) -> list[Any]:
    return items[::-1]


def _distinct(items: list[Any]) -> list[Any]:
    found: dict[str, Any] = {}
    for one in items:
        found.setdefault(_identity(one), one)
    return list(found.values())


def _slice(items: list[Any], begin: Any, end: Any) -> list[Any]:
    if not (isinstance(begin, int) and isinstance(end, int)):
        raise RefusedValue("slice() takes two whole numbers.", "Write it like x.slice(0, 10).")
    if begin < 0 or end < begin:
        raise RefusedValue(
            f"slice({begin}, {end}) is not possible.", "Items are counted from 0; give the lower place first."
        )
    return items[begin:end]


def _grouped(groups: list[Any]) -> list[Any]:
    found: dict[str, dict[str, Any]] = {}
    for one in groups:
        group = found.setdefault(_identity(one["key"]), {"key": one["key"], "items": []})
        group["items"] += one["items"]
    return list(found.values())


def _least(items: list[Any]) -> list[Any]:
    _require_comparable("min", items)
    return [min(items)]


def _greatest(items: list[Any]) -> list[Any]:
    _require_comparable("max", items)
    return [max(items)]


_WAYS: Mapping[str, Callable[..., list[Any]]] = {
    "sort": _sorted,
    "sortBy": _sorted_by,
    "reverse": _reversed,
    "distinct": _distinct,
    "slice": _slice,
    "group_by": _grouped,
    "min": _least,
    "max": _greatest,
}


def _identity(value: Any) -> str:
    """Return the same text for values that are equal in CEL, where 1 is 1.0."""
    return json.dumps(_with_equal_numbers(value), sort_keys=True)


def _with_equal_numbers(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        return int(value)
    if isinstance(value, list):
        return [_with_equal_numbers(one) for one in value]
    if isinstance(value, dict):
        return {name: _with_equal_numbers(one) for name, one in value.items()}
    return value


def _require_numbers(name: str, items: list[Any]) -> None:
    wrong = next((one for one in items if isinstance(one, bool) or not isinstance(one, int | float)), None)
    if wrong is not None or None in items:
        remedy = "Turn texts into numbers first: x.map(i, parse_number(i, 'en'))."
        raise RefusedValue(f"{name}() takes a list of numbers, and {_told(wrong)} is not a number.", remedy)


def _require_comparable(name: str, items: list[Any]) -> None:
    if not items and name in ("min", "max"):
        said = f"An empty list has no {'least' if name == 'min' else 'greatest'} item."
        raise RefusedValue(said, f"Ask size(x) first, like size(x) > 0 ? {name}(x) : 0")
    kinds = {_KINDS.get(type(one), "") for one in items}
    if "" in kinds:
        wrong = next(one for one in items if type(one) not in _KINDS)
        remedy = "Name what to compare: x.sortBy(i, i.name); leave out what has none with filter() first."
        raise RefusedValue(f"{name}() cannot compare {_told(wrong)}.", remedy)
    if len(kinds) > 1:
        raise RefusedValue(
            f"{name}() cannot compare {' with '.join(sorted(kinds))}.", "Turn all into one kind: text(i)."
        )


def _told(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return cited(str(value))
