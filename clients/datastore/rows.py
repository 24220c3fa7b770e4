"""Rows of a table, their limits, and which of them are wanted in which order."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from clients.errors import InvalidRequest

ROWS_MOST = 100_000
"""Rows of one table; what is larger belongs in a database."""
VALUE_BYTES_MOST = 64_000
KEY_CHARACTERS_MOST = 300
SERVICE = "datastore"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_MORE = "Keep larger data in a database or a file."


@dataclass(frozen=True)
class Row:
    """One row of a table."""

    key: str
    value: Any
    """Any JSON value; most often an object."""
    updated_at: str
    """When it was last changed (RFC 3339, UTC)."""


@dataclass(frozen=True)
class Saved:
    """What saving a row has done."""

    row: Row
    before: Row | None
    """The row as it was; None if there was none."""


@dataclass(frozen=True)
class Wanted:
    """Which rows of a table to return, and in which order."""

    where: Mapping[str, Any] | None = None
    """Values of members, all of which a row must have."""
    prefix: str = ""
    """How keys begin."""
    words: str = ""
    """A text that the key or the value contains, in any case."""
    order_by: str = "key"
    """`key`, `updated_at`, or a member of the values."""
    descending: bool = False
    limit: int = 100


@dataclass(frozen=True)
class Rows:
    """The rows found; `total` counts those beyond the limit, too."""

    rows: list[Row]
    total: int


def chosen(rows: Iterable[Row], wanted: Wanted) -> Rows:
    """Return the rows that are wanted, in order."""
    found = [row for row in rows if _fits(row, wanted)]
    found.sort(key=lambda row: _rank(_member(row, wanted.order_by)), reverse=wanted.descending)
    return Rows(found[: wanted.limit], len(found))


def json_of(value: Any) -> str:
    """Return the JSON text of a value, the same for equal values. Raises InvalidRequest."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise InvalidRequest(f"The value cannot be stored as JSON: {error}.", service=SERVICE) from error


def require_name(table: str) -> None:
    """Raise InvalidRequest for a name that a table cannot have."""
    if not _NAME.fullmatch(table):
        raise InvalidRequest(
            f"{table[:80]!r} cannot be the name of a table.",
            service=SERVICE,
            remedy="Use lower-case letters, digits, '-' and '_' (at most 64, a letter or digit first).",
        )


def require_key(key: str) -> None:
    """Raise InvalidRequest for a text that cannot be a key."""
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


def require_room(table: str, count: int) -> None:
    """Raise InvalidRequest if a table has no room for another row."""
    if count >= ROWS_MOST:
        raise InvalidRequest(f"The table {table!r} is full: it has {count:,} rows.", service=SERVICE, remedy=_MORE)


def _fits(row: Row, wanted: Wanted) -> bool:
    if not row.key.startswith(wanted.prefix):
        return False
    if wanted.words and wanted.words.casefold() not in f"{row.key}\n{json_of(row.value)}".casefold():
        return False
    value = row.value if isinstance(row.value, Mapping) else {}
    return all(name in value and json_of(value[name]) == json_of(one) for name, one in (wanted.where or {}).items())


def _member(row: Row, name: str) -> Any:
    if name in ("key", "updated_at"):
        return getattr(row, name)
    return row.value.get(name) if isinstance(row.value, Mapping) else None


def _rank(value: Any) -> tuple[int, float, str]:
    """Return what orders values of any type: nothing first, then numbers, texts, others."""
    if value is None:
        return (0, 0, "")
    if isinstance(value, int | float):
        return (1, value, "")
    return (2, 0, value) if isinstance(value, str) else (3, 0, json_of(value))
