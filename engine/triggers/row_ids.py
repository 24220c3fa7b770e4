"""The ids of rows: by the value of a column where it tells them apart, otherwise by their content."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec import Struct

from engine.expressions.json_values import compact_json
from engine.plugins.step import JsonValue

_DIGITS = 24
_CONTENT, _TEXT = "(row ", "(text) "
_SAME_KEY = "another row has the same key"

Content = Mapping[str, JsonValue]


class RowId(Struct, frozen=True):
    """How a row is known."""

    id: str
    digest: str
    """The hash of its content."""
    skip: str = ""
    """Why it starts no run, if another row has the same key."""

    @property
    def is_by_value(self) -> bool:
        """Whether the id is the value of a column, so that it stays the same when the row changes."""
        return not self.id.startswith(_CONTENT)


def row_ids(rows: Sequence[Content], column: str, owners: Mapping[str, str], *, is_key: bool) -> list[RowId]:
    """Return the id of each row; identical rows are numbered.

    A row is known by its value of the column. Of several with the same value, one keeps it as its id: the one that
    `owners` names (digests by id), or the first. The others are known by their content, and start no run if the column
    is the key that a person has named. Rows without a value are known by their content, too.
    """
    digests = [_digest(row) for row in rows]
    ids = [_by_value(row[column]) for row in rows]
    holders = _holders(ids, digests, owners)
    count: Counter[str] = Counter()
    found = []
    for index, (digest, own) in enumerate(zip(digests, ids, strict=True)):
        count[digest] += 1
        number = f" #{count[digest]}" if count[digest] > 1 else ""
        is_holder = own is not None and holders[own] == index
        name = own if own is not None and is_holder else f"{_CONTENT}{digest}{number})"
        is_left_out = is_key and own is not None and not is_holder
        found.append(RowId(name, digest, _SAME_KEY if is_left_out else ""))
    return found


def _holders(ids: Sequence[str | None], digests: Sequence[str], owners: Mapping[str, str]) -> dict[str, int]:
    """Return which row keeps each id."""
    found: dict[str, int] = {}
    for index, (own, digest) in enumerate(zip(ids, digests, strict=True)):
        if own is None:
            continue
        known = found.setdefault(own, index)
        if digest == owners.get(own) and digests[known] != digest:
            found[own] = index
    return found


def _by_value(value: JsonValue) -> str | None:
    """Return the id by a value; None without a value. Texts that look like the other ids are marked."""
    text = str(value)
    return None if value is None else f"{_TEXT}{text}" if text.startswith((_CONTENT, _TEXT)) else text


def _digest(row: Content) -> str:
    return hashlib.sha256(compact_json(row).encode("utf-8", "replace")).hexdigest()[:_DIGITS]
