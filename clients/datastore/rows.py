"""Rows of a table, their limits, and queries for rows."""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from msgspec import Struct

from clients.errors import InvalidRequest
from clients.in_workspace.levels import LEVELS_MOST, is_deep
from clients.in_workspace.names import require_name

ROWS_MOST = 100_000
"""Rows of one table; a larger one belongs in a database."""
TABLE_BYTES_MOST = 50_000_000
VALUE_BYTES_MOST = 64_000
ANSWER_BYTES_MOST = 20_000_000
"""Most bytes of values that one query returns; further rows count in `total` only."""
KEY_CHARACTERS_MOST = 300
SERVICE = "datastore"
# What a BIGINT of PostgreSQL and an INTEGER of SQLite hold.
_WHOLE = range(-(2**63), 2**63)
_SHOWN_MOST = 60
_MORE = "Keep larger data in a database or a file."


@dataclass(frozen=True)
class TableRow:
    """One row of a table."""

    key: str
    value: Any
    """Any JSON value; most often an object."""
    updated_at: str
    """When it was last changed (RFC 3339, UTC)."""


class SavedRow(Struct, frozen=True):
    """The result of saving a row."""

    row: TableRow
    before: StoredRow | None
    """The row as it was; None if there was none."""


class WantedRows(Struct, frozen=True):
    """Which rows of a table to return, and in which order."""

    where: Mapping[str, Any] | None = None
    """Values of members; a row must have all of them."""
    prefix: str = ""
    """How keys begin."""
    words: str = ""
    """A text that the key or the value contains, in any case."""
    order_by: str = "key"
    """`key`, `updated_at`, or a member of the values."""
    descending: bool = False
    limit: int = 100
    seen: Callable[[str], str] = str
    """Returns what the reader sees of a text: with `prefix` and `words` nobody finds out the rest."""


class TableRows(Struct, frozen=True):
    """The rows found; `total` counts those beyond the limit, too."""

    rows: list[TableRow]
    total: int


class StoredRow(Struct, dict=True):
    """A stored row, with its value as JSON text."""

    key: str
    text: str
    updated_at: str

    @cached_property
    def value(self) -> Any:
        """Its value."""
        return json.loads(self.text)

    @property
    def row(self) -> TableRow:
        """The row."""
        return TableRow(self.key, self.value, self.updated_at)


def chosen(stored: Iterable[StoredRow], wanted: WantedRows) -> TableRows:
    """Return the rows that are wanted, in order; only as many as are returned are in memory at once."""
    total = 0

    def fitting() -> Iterator[StoredRow]:
        nonlocal total
        for one in stored:
            if _may_fit(one, wanted) and _has(one, wanted.where):
                total += 1
                yield one

    first = heapq.nlargest if wanted.descending else heapq.nsmallest
    found = first(wanted.limit, fitting(), key=lambda one: _rank(_member(one, wanted.order_by)))
    return TableRows(list(_within(found)), total)


def _within(found: Iterable[StoredRow]) -> Iterator[TableRow]:
    left = ANSWER_BYTES_MOST
    for one in found:
        left -= len(one.text)
        if left < 0:
            return
        yield one.row


def json_of(value: Any) -> str:
    """Return the JSON text of a value, the same for equal values. Raises InvalidRequest."""
    try:
        # Sorted, so that a row saved again with the same value is seen as unchanged.
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
        # Raises UnicodeEncodeError, a ValueError, for half of a surrogate pair.
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRequest(f"The value cannot be stored as JSON: {error}.", service=SERVICE) from error
    return text


def require_table(table: str) -> None:
    """Raise InvalidRequest for a name that a table cannot have."""
    require_name(table, "a table", SERVICE)


def require_key(key: str) -> None:
    """Raise InvalidRequest for a text that cannot be a key."""
    if any("\ud800" <= sign <= "\udfff" for sign in key):
        raise InvalidRequest("The key of a row has half a character in it.", service=SERVICE, remedy="Leave it out.")
    if not 0 < len(key) <= KEY_CHARACTERS_MOST:
        raise InvalidRequest(
            f"The key of a row has {len(key):,} characters.",
            service=SERVICE,
            remedy=f"Give one with 1 to {KEY_CHARACTERS_MOST} characters.",
        )


def require_size(key: str, text: str) -> None:
    """Raise InvalidRequest for a value that is too large for a row; `text` is its JSON."""
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > VALUE_BYTES_MOST:
        raise InvalidRequest(
            f"The value of the row {key[:80]!r} has {size:,} bytes; at most {VALUE_BYTES_MOST:,} fit in a row.",
            service=SERVICE,
            remedy=_MORE,
        )


def require_depth(key: str, value: Any) -> None:
    """Raise InvalidRequest for a value whose lists and objects are nested too deep."""
    if is_deep(value):
        raise InvalidRequest(
            f"The value of the row {key[:80]!r} is nested deeper than {LEVELS_MOST} levels.",
            service=SERVICE,
            remedy="Save what is inside as a text, or as rows of its own.",
        )


def require_storable(key: str, value: Any) -> None:
    """Raise InvalidRequest for what databases and other readers of JSON refuse; the value is not nested too deep.

    That is a NUL character, and a whole number over 64 bits.
    """
    if "\0" in key:
        raise InvalidRequest("The key of a row holds a NUL character.", service=SERVICE, remedy="Leave it out.")
    members = value.items() if isinstance(value, Mapping) else [("", value)]
    for name, inner in members:
        found = _lack([name, inner])
        if found is not None:
            what, remedy = found
            where = f" in {name[:80]!r}" if name else ""
            raise InvalidRequest(
                f"The value of the row {key[:80]!r} holds {what}{where}.", service=SERVICE, remedy=remedy
            )


def _lack(value: Any) -> tuple[str, str] | None:
    """Return (why a value cannot be stored, what to do about it), None if it can."""
    if isinstance(value, str):
        return ("a NUL character", "Leave it out.") if "\0" in value else None
    if isinstance(value, int):
        return None if value in _WHOLE else ("a whole number that does not fit into 64 bits", "Save it as a text.")
    if isinstance(value, Mapping):
        value = [*value, *value.values()]
    return next(filter(None, map(_lack, value)), None) if isinstance(value, list | tuple) else None


def merged(key: str, value: Any, before: TableRow | None) -> Any:
    """Return a value with the members that only the row before has. Raises InvalidRequest if either has no members.

    `before`: None if there was no row.
    """
    olds: Any = {} if before is None else before.value
    for whose, one in (("The value for", value), ("The value of", olds)):
        if not isinstance(one, Mapping):
            raise InvalidRequest(
                f"{whose} the row {key[:80]!r} is {_shown(one)}, which has no members to merge.",
                service=SERVICE,
                remedy='Give an object, such as {"city": "Bonn"}.' if one is value else "Save the row without merging.",
            )
    return {**olds, **value}


def _shown(value: Any) -> str:
    text = json_of(value)
    return text if len(text) <= _SHOWN_MOST else f"{text[:_SHOWN_MOST]}…"


def require_room(table: str, count: int, size_bytes: int) -> None:
    """Raise InvalidRequest if a table with this number of rows and bytes is too large."""
    if count > ROWS_MOST:
        raise InvalidRequest(f"The table {table!r} is full: it has {ROWS_MOST:,} rows.", service=SERVICE, remedy=_MORE)
    if size_bytes > TABLE_BYTES_MOST:
        what = f"The table {table!r} is full: its rows have {TABLE_BYTES_MOST:,} bytes."
        raise InvalidRequest(what, service=SERVICE, remedy=_MORE)


def _may_fit(one: StoredRow, wanted: WantedRows) -> bool:
    """Return whether a row may be wanted, judged by its text, before its JSON is read."""
    if not wanted.prefix and not wanted.words:
        return True
    if not wanted.seen(one.key).startswith(wanted.prefix):
        return False
    return not wanted.words or wanted.words.casefold() in wanted.seen(f"{one.key}\n{one.text}").casefold()


def _has(one: StoredRow, where: Mapping[str, Any] | None) -> bool:
    if not where:
        return True
    value = one.value if isinstance(one.value, Mapping) else {}
    return all(name in value and _is_same(value[name], given) for name, given in where.items())


def _is_same(one: Any, other: Any) -> bool:
    """Return whether two JSON values are equal: numbers by their value, so that 2 is 2.0, but true is not 1."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_is_same(one[name], other[name]) for name in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_is_same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _member(one: StoredRow, name: str) -> Any:
    if name in ("key", "updated_at"):
        return getattr(one, name)
    value = one.value
    return value.get(name) if isinstance(value, Mapping) else None


def _rank(value: Any) -> tuple[int, float, str]:
    """Return a sort key for values of any type: null first, then numbers, texts, others."""
    if value is None:
        return (0, 0, "")
    if isinstance(value, int | float):
        return (1, value, "")
    return (2, 0, value) if isinstance(value, str) else (3, 0, json_of(value))
