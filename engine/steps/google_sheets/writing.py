"""Steps that write rows of Google Sheets."""

from __future__ import annotations

from typing import Any

from clients.errors import InvalidRequest
from clients.google_sheets.service import CELL, GOOGLE_SHEETS
from engine.plugins.step import (
    Call,
    Effect,
    JsonValue,
    Repeat,
    StepType,
    Written,
    changes_respected,
    content,
    destination,
)
from engine.steps.google_sheets.fields import SheetFields, Value, WrittenRow


class AppendFields(SheetFields):
    """The new row."""

    values: dict[str, Value] = content("Values by column name", min_length=1, limit=CELL)


class AppendRow(StepType):
    """Write a new row below the last one. A text stays a text, even if it looks like a formula.

    The row gets an invisible mark (developer metadata), by which it is found again, so it is never written twice.
    """

    name = "google_sheets.append_row"
    title = "Add a row"
    agreed = "If you agree, this row is added to the sheet."
    makes = ("a row of a sheet",)
    service = GOOGLE_SHEETS.name
    effect = Effect.WRITES
    repeat = Repeat.FINDABLE
    done = "added"
    undoes = "deletes the row, unless it has been changed since"
    fields = AppendFields
    output = WrittenRow

    def target(self, fields: AppendFields) -> str:
        """Return the spreadsheet: rows are added one after the other."""
        return fields.spreadsheet

    def call(self, call: Call) -> JsonValue:
        """Return {id, row, url}."""
        it: AppendFields = call.fields
        sheet = call.client.sheet(it.spreadsheet, it.sheet)
        return call.client.append(sheet, it.values, call.marker)

    def find(self, call: Call) -> JsonValue | None:
        """Look for the row with the marker."""
        return call.client.written(call.client.sheet(call.fields.spreadsheet, call.fields.sheet), call.marker)

    def undo(self, call: Call, written: Written) -> None:
        """Delete the row, wherever it is now."""
        it: AppendFields = call.fields
        with changes_respected():
            call.client.take_back(call.client.sheet(it.spreadsheet, it.sheet), written.marker, it.values)


class UpdateFields(SheetFields):
    """Which row, and its new values."""

    row: int | None = destination("Row number", None, ge=2)
    key_column: str = destination("Or: the column that identifies it", "")
    key: str = destination("The value of that column in this row", "")
    values: dict[str, Value] = content("New values by column name", min_length=1, limit=CELL)


class UpdatedRow(WrittenRow):
    """The row; `before` has the earlier cells by column letter, which an undo restores."""

    before: dict[str, Any] | None


class UpdateRow(StepType):
    """Change cells of a row; the others stay. A text stays a text, even if it looks like a formula.

    Identify the row by a value that is unique in a column: row numbers change when somebody sorts the sheet.
    """

    name = "google_sheets.update_row"
    title = "Change a row"
    service = GOOGLE_SHEETS.name
    effect = Effect.WRITES
    repeat = Repeat.FINDABLE
    done = "changed"
    undoes = "restores the cells, unless they have been changed since"
    fields = UpdateFields
    output = UpdatedRow

    def problems(self, arguments: Any, prompts: object) -> list[tuple[str, str]]:
        """Return what is missing: a row is named by its number, or by a value."""
        del prompts
        if ("row" in arguments) == ("key_column" in arguments):
            return [("row", "needs either `row`, or `key_column` with `key`")]
        return [("key", "is needed with `key_column`")] if "key_column" in arguments and "key" not in arguments else []

    def target(self, fields: UpdateFields) -> str:
        """Return the spreadsheet."""
        return fields.spreadsheet

    def call(self, call: Call) -> JsonValue:
        """Return {id, row, url, before}."""
        it: UpdateFields = call.fields
        sheet = call.client.sheet(it.spreadsheet, it.sheet)
        row = it.row if it.row is not None else _row_of(call, sheet)
        return call.client.update(sheet, row, it.values, call.marker)

    def find(self, call: Call) -> JsonValue | None:
        """Look for the row with the marker."""
        found = call.client.written(call.client.sheet(call.fields.spreadsheet, call.fields.sheet), call.marker)
        return None if found is None else {**found, "before": None}

    def why_kept(self, written: Written) -> str:
        """Return why it cannot be undone: the answer was lost, so the former cells are not known."""
        if written.output.get("before") is None:
            return "The answer to this change was lost, so what was there before is not known."
        return super().why_kept(written)

    def undo(self, call: Call, written: Written) -> None:
        """Restore the cells, wherever the row is now."""
        it: UpdateFields = call.fields
        sheet = call.client.sheet(it.spreadsheet, it.sheet)
        with changes_respected():
            call.client.restore(sheet, written.marker, it.values, written.output["before"])


def _row_of(call: Call, sheet: Any) -> int:
    """Return the number of the one row with the key. Raises InvalidRequest."""
    it: UpdateFields = call.fields
    found, _ = call.client.matching(sheet, it.key_column, it.key.strip(), 2)
    if len(found) != 1:
        what = f"{it.key!r} in the column {it.key_column!r}."
        raise InvalidRequest(
            f"Several rows have {what}" if found else f"No row has {what}",
            service=GOOGLE_SHEETS.name,
            remedy="Name the row by a value that it alone has.",
        )
    return int(found[0]["row"])
