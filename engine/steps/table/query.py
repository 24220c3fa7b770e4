"""The step that asks lists of objects by SQL, such as the rows of a file or of a database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from clients.errors import InvalidRequest
from clients.sql.columns import reading_of
from clients.sql.memory import query_tables
from engine.plugins.step import Call, Fields, JsonValue, Output, Prompts, StepType, content, instruction, option
from engine.steps.sql.query import rows_schema, statement_problems


class TableQueryFields(Fields):
    """The fields of `table.query`."""

    tables: dict[str, list[dict[str, Any]]] = content("Lists of objects, by the name that the statement uses")
    statement: str = instruction("Statement: one SELECT in the SQL of SQLite", min_length=1, widget="text")
    parameters: dict[str, JsonValue] = content("Values of its :names", {})
    limit: int = option("Maximum rows", 100_000, ge=1, le=1_000_000)


class TableQueryOutput(Output):
    """The rows as objects."""

    columns: list[str]
    rows: list[dict[str, Any]]
    truncated: bool


class TableQuery(StepType):
    """Query lists of objects with SQL: join, group, sort, filter. Nothing outside is touched, no database is needed."""

    name = "table.query"
    title = "Query lists with SQL"
    heavy: ClassVar[bool] = True
    is_for_output = True
    fields = TableQueryFields
    output = TableQueryOutput

    def call(self, call: Call) -> JsonValue:
        """Return {columns, rows, truncated}."""
        it: TableQueryFields = call.fields
        columns, rows, is_cut = query_tables(it.tables, it.statement, it.parameters, it.limit)
        return {"columns": columns, "rows": rows, "truncated": is_cut}

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Require a fixed statement in the SQL of SQLite that reads, and a value for each of its parameters."""
        statement = arguments.get("statement")
        if isinstance(statement, str) and statement.strip() and "{{" not in statement:
            try:
                reading_of(statement, ("sqlite",))
            except InvalidRequest as error:
                return [("statement", f"{error.message} {error.remedy}")]
        return statement_problems(arguments, reads=False)

    def output_schema(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> dict[str, JsonValue]:
        """Return the schema of the output, with the columns that the statement names."""
        return rows_schema(TableQueryOutput.model_json_schema(mode="serialization"), arguments.get("statement"))
