"""The step that changes a database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from clients.sql.changes import inserted_into, is_harmless
from clients.sql.database import WriteResult, WriteStatement
from engine.plugins.step import (
    Call,
    Effect,
    Fields,
    JsonValue,
    Output,
    Prompts,
    Receipt,
    Repeat,
    StepType,
    content,
    instruction,
    outside,
)
from engine.steps.sql.query import SERVICE, statement_problems


class ExecuteFields(Fields):
    """The fields of `sql.execute`."""

    statement: str = instruction("Statement, with :names for values", min_length=1, widget="text")
    parameters: dict[str, JsonValue] = content("Values of its :names", {})


class ExecuteOutput(Output):
    """How many rows were changed, and what RETURNING gives; `id` is the row in `orchestra_once`.

    `into` is the table of a statement that only adds rows and returns them whole (`RETURNING *`), else empty.
    """

    id: str
    affected: int
    rows: list[dict[str, Any]] = outside("Rows of RETURNING")
    into: str = ""


class Execute(StepType):
    """Change a database with one statement, exactly once: it also writes a row to the table `orchestra_once`.

    That table is created on first use. An INSERT that replaces nothing, or an UPDATE whose WHERE compares a column,
    needs no approval unless it calls functions that may do more; all other statements do. DO and CALL are refused.
    MySQL cannot roll back CREATE, ALTER, DROP and changes to MyISAM tables, so these are refused, too.
    """

    name = "sql.execute"
    title = "Change a database"
    makes = ("a row of a table",)
    service = SERVICE
    effect = Effect.WRITES
    repeat = Repeat.FINDABLE
    approval: ClassVar[Literal["always", "never"]] = "always"
    done = "changed"
    lasts = "The earlier rows are not known: write a statement that corrects them."
    fields = ExecuteFields
    output = ExecuteOutput

    def approval_of(self, arguments: Mapping[str, JsonValue]) -> Literal["always", "never"]:
        """Return `never` for an INSERT that replaces nothing, or an UPDATE of rows that it names."""
        statement = arguments.get("statement")
        return "never" if isinstance(statement, str) and is_harmless(statement) else "always"

    def call(self, call: Call) -> JsonValue:
        """Return {id, affected, rows, into}."""
        it: ExecuteFields = call.fields
        return _output(call, call.client.execute(WriteStatement(it.statement, it.parameters, call.marker)))

    def find(self, call: Call) -> JsonValue | None:
        """Look for the marker's row in the database."""
        found = call.client.found(call.marker)
        return None if found is None else _output(call, found)

    def receipt(self, output: JsonValue) -> Receipt:
        """Return the marker of the row in `orchestra_once`."""
        return Receipt(id=str(output["id"]))

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Require a fixed statement, and a value for each of its parameters."""
        return statement_problems(arguments, reads=False)


def _output(call: Call, written: WriteResult) -> JsonValue:
    rows, into = [dict(row) for row in written.rows], inserted_into(call.fields.statement)
    return {"id": call.marker, "affected": written.affected, "rows": rows, "into": into}
