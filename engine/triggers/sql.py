"""New rows of a table."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct

from clients.errors import InvalidRequest
from clients.sql.changes import inserted_into
from clients.sql.select import RowSelection, column_of
from clients.wording import counted
from engine.plugins.step import Fields, JsonValue, Output, StepType, destination, outside
from engine.plugins.trigger import Found, Item, Look, OwnWrite, TriggerType
from engine.triggers.row_ids import RowId, row_ids

_LOOKED_BACK = 200
"""Rows before the newest known one that are read again: a transaction that began earlier may have ended later."""
_AHEAD = timedelta(days=2)
"""How far a time may be ahead of ours because its zone or the clock of its writer is another."""
_BEFORE = "it already existed"
_MOST_COUNTED = 1_000


class NewRowFields(Fields):
    """The table, and how its rows are told apart."""

    table: str = destination("Table", min_length=1, format="sql-table")
    column: str = destination("Column that increases with each new row, such as id", min_length=1, format="sql-column")
    key: str = destination("Column that identifies a row; empty: the same one", "", format="sql-column")


class NewRow(Output):
    """A row."""

    id: str = outside("Id")
    row: dict[str, Any] = outside("The row, by its columns")


class NewRows(TriggerType):
    """Starts a run for each new row of a table, found by an increasing column: a number, or a time of creation.

    A row that is changed later starts no new run. Each poll compares the last 200 rows, so that a row whose transaction
    ended late is not missed. Rows without a value of `key`, and without a `key` those with the same value of `column`,
    are told apart by all their values: if one of them is changed, it starts another run. Of rows with the same `key`,
    only the first starts a run. Rows without a value of `column` start none.
    """

    name = "sql.new_row"
    title = "A new row in a table"
    happens = "a table has a new row"
    watches = "a row of a table"
    service = "sql"
    fields = NewRowFields
    item = NewRow
    start_from = ("now", "last")
    made_by = ("sql.execute",)

    def knows_own(self, fields: Mapping[str, JsonValue], kind: StepType, arguments: Mapping[str, JsonValue]) -> bool:
        """Return whether a statement only adds rows to the table, named as here, and returns them whole."""
        return _is_same_table(fields.get("table"), inserted_into(str(arguments.get("statement"))))

    def is_made(self, look: Look, item: Item, made: Sequence[OwnWrite]) -> bool:
        """Compare all its values: another row may get the number of a deleted one."""
        row = None if item.value is None else item.value["row"]
        outputs = [one.output for one in made if isinstance(one.output, Mapping)]
        mine = [one for one in outputs if _is_same_table(look.fields.table, one.get("into"))]
        return any(row == returned for one in mine for returned in one["rows"])

    def may_find(self, fields: Mapping[str, JsonValue], kind: StepType, arguments: Mapping[str, JsonValue]) -> bool:
        """Return whether a statement adds rows to the table, or changes the column by which new ones are known."""
        table, column = (re.escape(_last_name(str(fields.get(one)))) for one in ("table", "column"))
        statement, here = str(arguments.get("statement")), rf"\s+(?:[\w\"`\[\]]+\.)*[\"`\[]?{table}(?!\w)"
        if re.search(rf"\b(?:into|insert|replace|merge){here}", statement, re.IGNORECASE):
            return True
        changed = re.search(rf"\bupdate{here}.*?\bset\b(.*?)(?:\bwhere\b|\Z)", statement, re.IGNORECASE | re.DOTALL)
        return changed is not None and re.search(rf"(?<!\w){column}[\"`\]]?\s*=", changed[1], re.IGNORECASE) is not None

    def source(self, fields: NewRowFields) -> str:
        """Return the table and the columns: others find other rows."""
        return f"{fields.table} {fields.column} {fields.key}"

    def look(self, look: Look) -> Found:
        """List the rows from the cursor on.

        The cursor is {from, owners}: the value of the oldest row that is read again, and the digests of the rows that
        are known by the value of `column`.
        """
        if look.cursor is None:
            return _first(look)
        most = _LOOKED_BACK + look.limit
        rows = _read(look, at_least=look.cursor["from"], limit=most)
        unseen = set(look.unseen(one.id for one in rows))
        new = [index for index, one in enumerate(rows) if one.id in unseen]
        listed = new[: look.limit]
        has_more = len(new) > len(listed) or len(rows) == most
        last = listed[-1] if len(new) > len(listed) else len(rows) - 1
        ahead = _first_ahead(rows, look)
        sure = min(last, ahead - 1)
        since = rows[max(0, sure - _LOOKED_BACK)].value if sure >= 0 else look.cursor["from"]
        if has_more and not listed and since == look.cursor["from"]:
            raise _too_many(look, "a time in the future" if ahead < len(rows) else "the same value")
        items = [rows[index].listed(look) for index in listed]
        cursor = {"from": since, "owners": _owners(rows, look)}
        return Found(items, cursor, has_more=has_more, note=_note(rows, look))


def _is_same_table(one: JsonValue, other: JsonValue) -> bool:
    names = [re.sub(r'["`\[\]\s]', "", str(name or "")).casefold() for name in (one, other)]
    return bool(names[0]) and names[0] == names[1]


def _last_name(name: str) -> str:
    """Return the name of a table or column without its schema and quotation marks."""
    return name.rpartition(".")[2].strip('"`[] ')


class _Row(Struct, frozen=True):
    known: RowId
    value: JsonValue
    """The value of the column that rises."""
    row: Mapping[str, JsonValue]

    @property
    def id(self) -> str:
        """Its id."""
        return self.known.id

    def listed(self, look: Look, skip: str = "") -> Item:
        """Return the row as an item."""
        title = f"{look.fields.table} {self.id}"
        return Item(
            self.id,
            {"id": self.id, "row": dict(self.row)},
            title,
            _moment(self.value) or look.now,
            skip or self.known.skip,
        )


def _first(look: Look) -> Found:
    """Skip the rows that do not count; those that count are listed at the next look."""
    wanted = look.start.last or 0
    most = _LOOKED_BACK + wanted
    rows = _read(look, limit=most, descending=True)[::-1]
    before = rows[: len(rows) - wanted] if wanted else rows
    is_ahead = bool(rows) and _first_ahead(rows, look) == 0
    if is_ahead and len(rows) == most:
        raise _too_many(look, "a time in the future")
    since = rows[0].value if rows and not is_ahead else None
    if len(rows) == most:  # there may be more rows with the value of the oldest one
        since = next((one.value for one in before if one.value != since), None)
        if since is None:
            raise _too_many(look, "the same value")
    return Found(
        [one.listed(look, _BEFORE) for one in before],
        {"from": since, "owners": _owners(rows, look)},
        has_more=len(before) < len(rows),
        note=_note(rows, look),
    )


def _first_ahead(rows: Sequence[_Row], look: Look) -> int:
    """Return the index of the first row with a time in the future, behind which the cursor must not move."""
    latest = look.now + _AHEAD
    times = (_moment(row.value) for row in rows)
    return next((index for index, at in enumerate(times) if at is not None and at > latest), len(rows))


def _owners(rows: Sequence[_Row], look: Look) -> Mapping[str, str]:
    """Return the digests of the rows that are known by a value that others may have, too."""
    return {} if look.fields.key else {one.id: one.known.digest for one in rows if one.known.is_by_value}


def _note(rows: Sequence[_Row], look: Look) -> str:
    """Return warnings: rows have no value of the column, or a time in the future."""
    return " ".join(filter(None, [_without_value(look), _in_future(rows, look)]))


def _without_value(look: Look) -> str:
    fields: NewRowFields = look.fields
    column = column_of(fields.table, fields.column)
    wanted = RowSelection(fields.table, (column,), equal={column: None}, limit=_MOST_COUNTED)
    found = look.client.select(wanted)
    if not found.rows:
        return ""
    more = "More than " if found.truncated else ""
    seen, start = counted(len(found.rows), "row"), "it starts" if len(found.rows) == 1 else "they start"
    return f"{more}{seen} of {fields.table} without a value of {fields.column}: {start} no run."


def _in_future(rows: Sequence[_Row], look: Look) -> str:
    found = rows[_first_ahead(rows, look) :]
    if not found:
        return ""
    fields: NewRowFields = look.fields
    seen = f"{counted(len(found), 'row')} of {fields.table} with a time in the future in {fields.column}"
    return f"{seen}, such as {found[-1].value}: rows that come later are still found while there are few of these."


def _too_many(look: Look, which: str) -> InvalidRequest:
    return InvalidRequest(
        f"More than {_LOOKED_BACK} rows of {look.fields.table} have {which} in {look.fields.column}.",
        service="sql",
        remedy="Correct them, or choose a column that rises with each row, such as its number.",
    )


def _read(look: Look, **more: Any) -> Sequence[_Row]:
    fields: NewRowFields = look.fields
    column = column_of(fields.table, fields.column)
    key = column_of(fields.table, fields.key) or column
    found = look.client.select(RowSelection(fields.table, order_by=column, needs_order=True, **more))
    _require_columns(fields.table, (column, key), [str(one["name"]) for one in found.columns])
    owners = {} if look.cursor is None else look.cursor["owners"]
    known = row_ids(found.rows, key, owners, is_key=bool(fields.key))
    return [_Row(one, row[column], row) for one, row in zip(known, found.rows, strict=True)]


def _require_columns(table: str, wanted: Sequence[str], found: Sequence[str]) -> None:
    """Raise InvalidRequest for a column that the rows do not have, also by its upper and lower case."""
    missing = next((name for name in wanted if name not in found), None)
    if missing is not None:
        raise InvalidRequest(
            f"The table {table} has no column {missing!r}.",
            service="sql",
            remedy=f"Correct `column` or `key` of the trigger. The columns are: {', '.join(found)}.",
        )


def _moment(value: JsonValue) -> datetime | None:
    """Return a time that a column may have; None if it has something else."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found is not None and found.tzinfo is None else found
