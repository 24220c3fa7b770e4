"""Values of databases as plain JSON: decimal numbers, dates and times as text, so that none loses a digit."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

_MOST_FETCHED = 500
_BATCH_BYTES = 1_000_000
"""What the rows of one batch should take: the next one has as many as the largest row so far allows."""


def plain(value: Any) -> Any:
    """Return a value as JSON: bytes in base64, times as ISO 8601, numbers that JSON lacks as text."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case Decimal():
            return format(value, "f") if value.is_finite() else str(value)
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta() | UUID():
            return str(value)
        case bytes() | bytearray() | memoryview():
            return base64.b64encode(bytes(value)).decode("ascii")
        case dict():
            return {str(name): plain(inner) for name, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(inner) for inner in value]
        case _:
            return str(value)


def unique(names: Iterable[str]) -> list[str]:
    """Return names of columns, made unique: `id`, `id_2`."""
    found: list[str] = []
    for name in names:
        known, number = name, 2
        while known in found:
            known, number = f"{name}_{number}", number + 1
        found.append(known)
    return found


def record(names: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    """Return a row as an object."""
    return {name: plain(value) for name, value in zip(names, row, strict=True)}


def in_batches(
    first: Sequence[Sequence[Any]], fetch: Callable[[int], Sequence[Sequence[Any]]], limit: int
) -> Iterator[Sequence[Any]]:
    """Yield the rows, and at most one more than `limit`: few at a time while it is not known how large they are.

    `first` is what fetching one row gave; `fetch` returns at most as many of the next rows as it is asked for.
    """
    found, asked, left, largest = first, 1, limit + 1, 1
    while found:
        yield from found
        left -= len(found)
        if len(found) < asked or left <= 0:
            return
        largest = max(largest, *map(_size_of, found))
        asked = max(1, min(asked * 8, _MOST_FETCHED, left, _BATCH_BYTES // largest))
        found = fetch(asked)


def _size_of(row: Sequence[Any]) -> int:
    """Return about how many bytes a row takes."""
    return sum(len(value) if isinstance(value, str | bytes) else 8 + len(str(value)) for value in row)
