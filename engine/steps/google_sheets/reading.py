"""Steps that read rows of Google Sheets."""

from __future__ import annotations

from engine.plugins.step import Call, JsonValue, Output, destination, option, outside
from engine.steps.google_sheets.fields import Row, SheetFields, SheetRead


class ReadFields(SheetFields):
    """Which rows."""

    first_row: int = option("From this row on", 2, ge=2)
    limit: int = option("At most", 500, ge=1, le=10_000)


class Rows(Output):
    """The rows, and the column names."""

    columns: list[str] = outside("Names of the columns")
    rows: list[Row]
    has_more: bool


class ReadRows(SheetRead):
    """Read the rows of a sheet, without empty ones. The first row names the columns."""

    name = "google_sheets.read_rows"
    title = "Read rows"
    fields = ReadFields
    output = Rows

    def call(self, call: Call) -> JsonValue:
        """Return {columns, rows, has_more}."""
        it: ReadFields = call.fields
        sheet = call.client.sheet(it.spreadsheet, it.sheet)
        rows, has_more = call.client.rows(sheet, it.first_row, it.limit)
        return {"columns": list(sheet.columns), "rows": rows, "has_more": has_more}


class FindFields(SheetFields):
    """What to look for."""

    column: str = destination("Column", min_length=1)
    value: str = destination("Value")
    limit: int = option("At most", 100, ge=1, le=10_000)


class FindRows(SheetRead):
    """Find the rows that have a value in a column."""

    name = "google_sheets.find_rows"
    title = "Find rows"
    fields = FindFields
    output = Rows

    def call(self, call: Call) -> JsonValue:
        """Return {columns, rows, has_more}."""
        it: FindFields = call.fields
        sheet = call.client.sheet(it.spreadsheet, it.sheet)
        rows, has_more = call.client.matching(sheet, it.column, it.value.strip(), it.limit)
        return {"columns": list(sheet.columns), "rows": rows, "has_more": has_more}
