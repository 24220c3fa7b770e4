"""Steps for the usual work with lists of objects, without SQL: group, join, sort, take out what is there twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from clients.errors import InvalidRequest
from engine.expressions.json_values import compact_json
from engine.plugins.step import Call, Fields, JsonValue, Output, StepType, content, instruction, option

Row = Mapping[str, Any]


class Rows(Output):
    """The rows as objects."""

    rows: list[dict[str, Any]]


class GroupFields(Fields):
    """The fields of `table.group`."""

    rows: list[dict[str, Any]] = content("Rows")
    by: list[str] = instruction("Columns that rows of a group have in common; empty: one group", [])
    sum: list[str] = instruction("Columns to add up", [])
    average: list[str] = instruction("Columns to average", [])
    lowest: list[str] = instruction("Columns whose lowest value is wanted", [])
    highest: list[str] = instruction("Columns whose highest value is wanted", [])


class _Form(StepType):
    """Base of the steps that make rows of rows."""

    heavy: ClassVar[bool] = True
    is_for_output = True
    output = Rows


class Group(_Form):
    """Group rows: each group becomes a row with its `count`, and `sum_x`, `average_x`, `lowest_x`, `highest_x`.

    Numbers may be written as text, as databases and tables have them. Empty values do not count.
    """

    name = "table.group"
    title = "Group rows"
    fields = GroupFields

    def call(self, call: Call) -> JsonValue:
        """Return {rows}: a row for each group, in the order in which the groups first appear."""
        it: GroupFields = call.fields
        groups: dict[str, list[Row]] = {}
        for row in it.rows:
            groups.setdefault(_key(row, it.by), []).append(row)
        wanted: list[tuple[str, Sequence[str], Callable[[list[float]], float]]] = [
            ("sum", it.sum, sum),
            ("average", it.average, lambda values: sum(values) / len(values)),
            ("lowest", it.lowest, min),
            ("highest", it.highest, max),
        ]
        return {"rows": [_grouped(rows, it.by, wanted) for rows in groups.values()]}


def _grouped(
    rows: Sequence[Row], by: Sequence[str], wanted: Iterable[tuple[str, Sequence[str], Callable[[list[float]], float]]]
) -> dict[str, Any]:
    found: dict[str, Any] = {name: rows[0].get(name) for name in by}
    found["count"] = len(rows)
    for word, columns, compute in wanted:
        for column in columns:
            values = [_number(row[column], column) for row in rows if row.get(column) not in (None, "")]
            found[f"{word}_{column}"] = compute(values) if values else None
    return found


def _number(value: Any, column: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    try:
        text = str(value).strip()
        return int(text) if text.lstrip("+-").isdigit() else float(text)
    except ValueError:
        raise InvalidRequest(
            f"{column!r} has {str(value)[:80]!r}, which is not a number.",
            remedy="Take such rows out first, for example by `filter` in an expression.",
        ) from None


class JoinFields(Fields):
    """The fields of `table.join`."""

    left: list[dict[str, Any]] = content("Rows")
    right: list[dict[str, Any]] = content("Rows to add to them")
    on: dict[str, str] = instruction("Column of the left: column of the right that must be equal", min_length=1)
    keep_all: bool = option("Keep rows of the left that have no partner", default=False)


class Join(_Form):
    """Join two lists of rows where columns are equal. A column that both have keeps the value of the left."""

    name = "table.join"
    title = "Join rows"
    fields = JoinFields

    def call(self, call: Call) -> JsonValue:
        """Return {rows}: each row of the left with each of its partners."""
        it: JoinFields = call.fields
        partners: dict[str, list[Row]] = {}
        for row in it.right:
            partners.setdefault(_key(row, list(it.on.values())), []).append(row)
        names = dict.fromkeys(name for row in it.right for name in row)
        rows = []
        for row in it.left:
            found = partners.get(_key(row, list(it.on)), [names] if it.keep_all else [])
            rows += [{**partner, **row} for partner in found]
        return {"rows": rows}


class SortFields(Fields):
    """The fields of `table.sort`."""

    rows: list[dict[str, Any]] = content("Rows")
    by: list[str] = instruction("Columns, the most important first", min_length=1)
    descending: bool = option("Highest first", default=False)
    limit: int | None = option("Most rows", None, ge=1)


class Sort(_Form):
    """Sort rows: numbers by size, text by its letters, empty values last. Rows that are equal keep their order."""

    name = "table.sort"
    title = "Sort rows"
    fields = SortFields

    def call(self, call: Call) -> JsonValue:
        """Return {rows}."""
        it: SortFields = call.fields
        rows = list(it.rows)
        for column in reversed(it.by):
            there = [row for row in rows if row.get(column) is not None]
            empty = [row for row in rows if row.get(column) is None]
            rows = sorted(there, key=lambda row, name=column: _rank(row[name]), reverse=it.descending) + empty  # type: ignore[misc]
        return {"rows": rows[: it.limit]}


def _rank(value: Any) -> tuple[int, float, str]:
    if isinstance(value, int | float):
        return 0, value, ""
    return 1, 0, value if isinstance(value, str) else compact_json(value)


class DedupeFields(Fields):
    """The fields of `table.dedupe`."""

    rows: list[dict[str, Any]] = content("Rows")
    by: list[str] = instruction("Columns that tell rows apart; empty: all", [])


class Dedupe(_Form):
    """Take out rows that are there twice: the first of each stays."""

    name = "table.dedupe"
    title = "Take out duplicates"
    fields = DedupeFields

    def call(self, call: Call) -> JsonValue:
        """Return {rows}."""
        it: DedupeFields = call.fields
        found: dict[str, Row] = {}
        for row in it.rows:
            found.setdefault(_key(row, it.by) if it.by else compact_json(dict(sorted(row.items()))), row)
        return {"rows": list(found.values())}


def _key(row: Row, columns: Sequence[str]) -> str:
    """Return the values of columns as one text; rows with the same one are equal in them."""
    return compact_json([row.get(name) for name in columns])
