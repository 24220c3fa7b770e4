"""The step that reads rows of one table, all of whose fields are picked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clients.sql.columns import columns_of_table
from clients.sql.schemas import SeenTables
from clients.sql.select import RowSelection, column_of
from engine.plugins.step import (
    Call,
    Effect,
    Fields,
    JsonValue,
    Output,
    Prompts,
    StepType,
    content,
    destination,
    option,
    outside,
)
from engine.steps.sql.query import SERVICE, with_columns


class RowsFields(Fields):
    """The fields of `sql.rows`."""

    table: str = destination("Table", min_length=1, format="sql-table")
    columns: list[str] = destination("Columns; empty: all", [], format="sql-column")
    where: dict[str, JsonValue] = content("Values that columns must have, by column", {})
    order_by: str = destination("Column to sort by", "", format="sql-column")
    descending: bool = option("Highest first", default=False)
    limit: int = option("Maximum rows", 100, ge=1, le=10_000)


class RowsOutput(Output):
    """The rows as objects."""

    columns: list[str]
    rows: list[dict[str, Any]] = outside("Rows")
    truncated: bool


class Rows(StepType):
    """Read rows of one table by picking it and its columns, without writing SQL."""

    name = "sql.rows"
    title = "Read rows from a table"
    service = SERVICE
    effect = Effect.READS
    volatile = frozenset({"truncated"})
    knows_account = True
    fields = RowsFields
    output = RowsOutput

    def call(self, call: Call) -> JsonValue:
        """Return {columns, rows, truncated}."""
        it: RowsFields = call.fields
        found = call.client.select(
            RowSelection(it.table, it.columns, it.where, it.order_by, descending=it.descending, limit=it.limit)
        )
        return {
            "columns": [column["name"] for column in found.columns],
            "rows": list(found.rows),
            "truncated": found.truncated,
        }

    def output_schema(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> dict[str, JsonValue]:
        """Return the schema of the output, with the columns that are picked."""
        schema = RowsOutput.model_json_schema(mode="serialization")
        columns, table = arguments.get("columns"), arguments.get("table")
        if not isinstance(columns, list) or not columns or "{{" in f"{columns}{table}":
            return schema
        return with_columns(schema, {column_of(str(table), str(name)): {} for name in columns})

    def seen_schema(
        self, arguments: Mapping[str, JsonValue], schema: dict[str, JsonValue], seen: SeenTables
    ) -> dict[str, JsonValue]:
        """Return the schema of the output, with what the columns are; with all of the table if none is picked."""
        columns, name = arguments.get("columns", []), arguments.get("table")
        table = next((one for one in seen.tables if one.name == name), None)
        if table is None or "{{" in f"{columns}" or not isinstance(columns, list):
            return schema
        known = columns_of_table(table, seen.dialect)
        picked = [column_of(table.name, str(one)) for one in columns] or list(known)
        return with_columns(schema, {one: known.get(one, {}) for one in picked})
