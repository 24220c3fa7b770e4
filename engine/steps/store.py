"""Steps that read and write the tables of the workspace: what a workflow remembers from one run to the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import field_validator

from clients.datastore.rows import KEY_CHARACTERS_MOST, TableRow, WantedRows, json_of, merged, require_table
from clients.errors import InvalidRequest
from engine.plugins.checked_texts import checked_by
from engine.plugins.step import (
    Call,
    CannotUndo,
    Effect,
    Fields,
    JsonValue,
    Output,
    Preview,
    Receipt,
    Repeat,
    StepType,
    Written,
    content,
    destination,
    option,
    outside,
)

_LISTED_MOST = 1_000


class TableFields(Fields):
    """The table."""

    table: str = destination("Table", min_length=1, max_length=64)

    _can_be_a_name = field_validator("table")(checked_by(require_table))


class RowFields(TableFields):
    """The row of a table."""

    key: str = destination("Key of the row", min_length=1, max_length=KEY_CHARACTERS_MOST)


class UpsertFields(RowFields):
    """The row and its value; `merge` keeps members of the old value that the new one does not have."""

    value: JsonValue = content("Value")
    merge: bool = option("Keep other fields", default=False)


class QueryFields(TableFields):
    """Which rows: those whose value has all members of `where`, and whose key begins with `prefix`."""

    where: dict[str, JsonValue] = option("Members that the value must have", {})
    prefix: str = option("Beginning of the keys", "")
    order_by: str = option("Order: `key`, `updated_at`, or a member of the value", "key")
    descending: bool = option("Largest or newest first", default=False)
    limit: int = option("Maximum number of rows", 100, ge=1, le=_LISTED_MOST)


class RowOutput(Output):
    """A row; `value` is null if no row has this key."""

    found: bool
    value: JsonValue = outside("Value")
    updated_at: str | None


class UpsertOutput(Output):
    """The row as it is now; `before` is its old value, null for a new row or if it is no longer known."""

    key: str
    value: JsonValue = outside("Value")
    created: bool
    changed: bool
    before: JsonValue = outside("Value before")


class DeleteOutput(Output):
    """Whether there was a row, and its value."""

    deleted: bool
    key: str
    before: JsonValue = outside("Value")


class ListedRow(Output):
    """One row."""

    key: str = outside("Key")
    value: JsonValue = outside("Value")
    updated_at: str


class QueryOutput(Output):
    """The rows, and their total number."""

    rows: list[ListedRow]
    total: int
    has_more: bool


class _OfTable(StepType):
    service = "datastore"
    keeps_files = True
    connection_optional = True
    timeout_seconds = 30.0


class Get(_OfTable):
    """Read a row of a table by its key. A row that does not exist is not an error: `found` says so."""

    name = "store.get"
    title = "Read a row"
    effect = Effect.READS
    fields = RowFields
    output = RowOutput

    def call(self, call: Call) -> JsonValue:
        """Return {found, value, updated_at}."""
        row: TableRow | None = call.client.get(call.fields.table, call.fields.key)
        if row is None:
            return {"found": False, "value": None, "updated_at": None}
        return {"found": True, "value": row.value, "updated_at": row.updated_at}


class Query(_OfTable):
    """List the rows of a table. A table that does not exist has none."""

    name = "store.query"
    title = "List rows"
    effect = Effect.READS
    volatile = frozenset({"has_more", "total"})
    fields = QueryFields
    output = QueryOutput

    def call(self, call: Call) -> JsonValue:
        """Return {rows, total, has_more}."""
        it = call.fields
        found = call.client.query(it.table, WantedRows(it.where, it.prefix, "", it.order_by, it.descending, it.limit))
        rows = [{"key": row.key, "value": row.value, "updated_at": row.updated_at} for row in found.rows]
        return {"rows": rows, "total": found.total, "has_more": found.total > len(rows)}


class _ChangesRow(_OfTable):
    effect = Effect.WRITES
    repeat = Repeat.SAFE
    undoes = "restores the row as it was"
    stays = "nothing"

    def target(self, fields: Any) -> str:
        """Return the table."""
        return str(fields.table)

    def receipt(self, output: JsonValue) -> Receipt:
        """Return the key of the row."""
        return Receipt(id=str(output.get("key", "")))

    def _before(self, call: Call) -> TableRow | None:
        """Return the row as it was before the first attempt of this write."""
        if "before" not in call.request:
            row: TableRow | None = call.client.get(call.fields.table, call.fields.key)
            call.request["before"] = None if row is None else {"value": row.value, "updated_at": row.updated_at}
        known = call.request["before"]
        return TableRow(call.fields.key, known["value"], known["updated_at"]) if isinstance(known, Mapping) else None

    def _put_back(self, call: Call, table: str, key: str, now: JsonValue, before: TableRow | None) -> None:
        if not call.client.put_back(table, key, now, before):
            raise CannotUndo(f"The row {key!r} of the table {table!r} was changed since.")


class Upsert(_ChangesRow):
    """Add a row to a table, or replace the one with its key. The table is created when it is first needed."""

    name = "store.upsert"
    title = "Save a row"
    agreed = "If you agree, this row is saved in the table {to}."
    done = "saved"
    fields = UpsertFields
    output = UpsertOutput

    def call(self, call: Call) -> JsonValue:
        """Return {key, value, created, changed, before}."""
        it = call.fields
        before = self._before(call)
        saved = call.client.save(it.table, it.key, it.value, merge=it.merge)
        return {
            "key": it.key,
            "value": saved.row.value,
            "created": before is None,
            "changed": before is None or json_of(before.value) != json_of(saved.row.value),
            "before": None if before is None else before.value,
        }

    def preview(self, call: Call) -> Preview:
        """Return the value of the row as it will be, and as it is."""
        it = call.fields
        row: TableRow | None = call.client.get(it.table, it.key)
        value = merged(it.key, it.value, row) if it.merge else it.value
        before = None if row is None else _lines(row.value)
        return Preview(f"{it.table}: {it.key}", _lines(value), before, f"{it.table}/{it.key}")

    def why_kept(self, written: Written) -> str:
        """Say so if the value before is not known: the write was repeated after a crash."""
        changed = written.output.get("changed") or written.output.get("created")
        unknown = "" if changed else "The row had this value before, or what it had is no longer known."
        return super().why_kept(written) or unknown

    def undo(self, call: Call, written: Written) -> None:
        """Restore the value before, or remove the row if it was new."""
        it, output = call.fields, written.output
        if written.receipt.id != it.key:
            raise CannotUndo(f"An update saved the row {it.key!r} instead, and left the row {written.receipt.id!r}.")
        before = None if output["created"] else TableRow(it.key, output["before"], "")
        self._put_back(call, it.table, it.key, output["value"], before)

    updates = updates_always = True

    def update(self, call: Call, written: Written) -> JsonValue:
        """Save the row with the same call; of the same row, keep what it had before the first write, for an undo."""
        it, table = call.fields, written.arguments.get("table", call.fields.table)
        if table != it.table:
            said = f"The row is in the table {table!r}, and an update cannot save it in {it.table!r}."
            raise InvalidRequest(said, service="datastore", remedy="Write it again (`--force`).")
        saved: dict[str, JsonValue] = dict(self.call(call))
        kept = {name: written.output[name] for name in ("created", "before")} if it.key == written.receipt.id else {}
        return {**saved, **kept}


class Delete(_ChangesRow):
    """Delete a row of a table, if it is there."""

    name = "store.delete"
    title = "Delete a row"
    done = "deleted"
    fields = RowFields
    output = DeleteOutput

    def call(self, call: Call) -> JsonValue:
        """Return {deleted, key, before}."""
        before = self._before(call)
        call.client.delete(call.fields.table, call.fields.key)
        return {
            "deleted": before is not None,
            "key": call.fields.key,
            "before": None if before is None else before.value,
        }

    def preview(self, call: Call) -> Preview:
        """Return the row that will be deleted."""
        it = call.fields
        row: TableRow | None = call.client.get(it.table, it.key)
        before = "(no row)" if row is None else _lines(row.value)
        return Preview(f"{it.table}: {it.key}", "(no row)", before, f"{it.table}/{it.key}")

    def why_kept(self, written: Written) -> str:
        """Say so if there was nothing to delete, or what there was is no longer known."""
        return "" if written.output.get("deleted") else "There was no row, or what it had is no longer known."

    def undo(self, call: Call, written: Written) -> None:
        """Add the row again."""
        it = call.fields
        self._put_back(call, it.table, it.key, None, TableRow(it.key, written.output["before"], ""))


def _lines(value: JsonValue) -> str:
    if not isinstance(value, Mapping) or not value:
        return json_of(value)
    return "\n".join(f"{name}: {one if isinstance(one, str) else json_of(one)}" for name, one in value.items())
