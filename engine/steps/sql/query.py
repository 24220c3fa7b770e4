"""Steps that read databases: the rows of a query, and the tables that there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clients.errors import InvalidRequest
from clients.sql.columns import Columns, columns_of, parameters_of, reading_of
from clients.sql.schemas import SeenTables
from engine.base.run_file import FileContent, RunFile
from engine.plugins.step import (
    Call,
    Effect,
    Fields,
    JsonValue,
    Output,
    Prompts,
    StepType,
    content,
    instruction,
    option,
    outside,
)

SERVICE = "sql"


class QueryFields(Fields):
    """The fields of `sql.query`."""

    statement: str = instruction(
        "Statement: one SELECT, with :names for values", min_length=1, widget="text", format="sql-statement"
    )
    parameters: dict[str, JsonValue] = content("Values of its :names", {})
    limit: int = option("Maximum rows", 1_000, ge=1, le=1_000_000)
    as_file: bool = option("Keep the rows as a file of JSON lines", default=False)


class QueryOutput(Output):
    """The rows as objects; with `as_file`, they are in the file instead."""

    columns: list[str]
    types: list[str]
    rows: list[dict[str, Any]] = outside("Rows")
    truncated: bool
    file: RunFile | None = None


def statement_problems(arguments: Mapping[str, JsonValue], *, reads: bool) -> list[tuple[str, str]]:
    """Return what is wrong with a statement and its parameters as written: [(field, message)]."""
    statement, given = arguments.get("statement"), arguments.get("parameters", {})
    if not isinstance(statement, str) or not statement.strip():
        return []
    if "{{" in statement:
        said = "A statement is fixed: no {{ }} in it. Write :name, and give the value in 'parameters'."
        return [("statement", said)]
    if reads:
        try:
            reading_of(statement)
        except InvalidRequest as error:
            return [("statement", f"{error.message} {error.remedy}")]
    names = parameters_of(statement)
    if names is None or not isinstance(given, dict):
        return []
    missing = [("parameters", f"There is no value for :{name}.") for name in sorted(names - given.keys())]
    return missing + [
        ("parameters", f"The statement has no :{name}, which a value is given for.")
        for name in given
        if name not in names
    ]


def rows_schema(schema: dict[str, Any], statement: JsonValue, seen: SeenTables | None = None) -> dict[str, Any]:
    """Return the schema of an output with the rows of a statement, and their columns as far as they are known."""
    is_fixed = isinstance(statement, str) and "{{" not in statement
    return with_columns(schema, columns_of(str(statement), seen=seen) if is_fixed else None)


def with_columns(schema: dict[str, Any], columns: Columns | None) -> dict[str, Any]:
    """Return the schema of an output with the columns of its rows, unless they are not known."""
    if columns is None:
        return schema
    row = {"type": "object", "properties": dict(columns), "required": list(columns), "additionalProperties": False}
    properties = schema["properties"]
    return {**schema, "properties": {**properties, "rows": {**properties["rows"], "items": row}}}


class Query(StepType):
    """Read rows of a database. Only statements that are proven to read are sent, in a session that cannot write.

    Pass values that vary as parameters: `where city = :city`, with `"parameters": {"city": "{{ inputs.city }}"}`. The
    statement itself is fixed. Decimal numbers, dates and times are text in the rows.
    """

    name = "sql.query"
    title = "Read rows from a database"
    service = SERVICE
    effect = Effect.READS
    volatile = frozenset({"truncated"})
    knows_account = True
    fields = QueryFields
    output = QueryOutput

    def call(self, call: Call) -> JsonValue:
        """Return {columns, types, rows, truncated, file}."""
        it: QueryFields = call.fields
        if not it.as_file:
            found = call.client.query(it.statement, it.parameters, it.limit)
            return _output(found, None)
        found, lines = call.client.lines(it.statement, it.parameters, it.limit)
        return _output(found, FileContent(lines, "rows.jsonl", "application/jsonl"))

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Require a fixed statement that reads, and a value for each of its parameters."""
        return statement_problems(arguments, reads=True)

    def output_schema(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> dict[str, JsonValue]:
        """Return the schema of the output, with the columns that the statement names."""
        return rows_schema(QueryOutput.model_json_schema(mode="serialization"), arguments.get("statement"))

    def seen_schema(
        self, arguments: Mapping[str, JsonValue], schema: dict[str, JsonValue], seen: SeenTables
    ) -> dict[str, JsonValue]:
        """Return the schema of the output, with the columns of the tables that the statement names."""
        plain = QueryOutput.model_json_schema(mode="serialization")
        return rows_schema(plain, arguments.get("statement"), seen)


def _output(found: Any, file: FileContent | None) -> JsonValue:
    return {
        "columns": [column["name"] for column in found.columns],
        "types": [column["type"] for column in found.columns],
        "rows": list(found.rows),
        "truncated": found.truncated,
        "file": file,
    }


class SchemaFields(Fields):
    """Which tables to describe."""

    tables: list[str] = option("Tables; empty: all", [], format="sql-table")


class ColumnOutput(Output):
    """A column of a table."""

    name: str = outside("Name")
    type: str = outside("Type")
    is_nullable: bool
    is_key: bool
    refers_to: str = outside("The `table.column` that it refers to", "")


class TableOutput(Output):
    """A table or view."""

    name: str = outside("Name")
    kind: str
    columns: list[ColumnOutput]


class SchemaOutput(Output):
    """The tables and views."""

    tables: list[TableOutput]


class Schema(StepType):
    """List the tables and views of a database, with their columns, types and keys."""

    name = "sql.schema"
    title = "List the tables in a database"
    service = SERVICE
    effect = Effect.READS
    fields = SchemaFields
    output = SchemaOutput

    def call(self, call: Call) -> JsonValue:
        """Return {tables}."""
        wanted = set(call.fields.tables)
        found = [table for table in call.client.schema() if not wanted or table.name in wanted]
        missing = wanted - {table.name for table in found}
        if missing:
            raise InvalidRequest(
                f"The database has no table {min(missing)!r}, or this account may not read it.", service=SERVICE
            )
        return {
            "tables": [
                {"name": table.name, "kind": table.kind, "columns": [_column(one) for one in table.columns]}
                for table in found
            ]
        }


def _column(column: Any) -> JsonValue:
    return {
        "name": column.name,
        "type": column.type,
        "is_nullable": column.is_nullable,
        "is_key": column.is_key,
        "refers_to": column.refers_to,
    }
