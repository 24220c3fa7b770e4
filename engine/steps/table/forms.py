"""Steps for the usual work with lists of objects, without SQL: group, join, sort, take out what is there twice."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar

from clients.errors import InvalidRequest
from engine.expressions.json_values import compact_json
from engine.plugins.step import Call, Fields, JsonValue, Output, StepType, content, instruction, option
from engine.steps.table.columns import Row, is_empty, key_of, number_in, require_columns, whole_key

_FIGURES: dict[str, Callable[[list[float]], float]] = {
    "sum": sum,
    "average": lambda values: sum(values) / len(values),
    "lowest": min,
    "highest": max,
}
"""What a group says of a column, by the field that asks for it."""


class Rows(Output):
    """The rows as objects."""

    rows: list[dict[str, Any]]


class GroupFields(Fields):
    """The fields of `table.group`."""

    rows: list[dict[str, Any]] = content("Rows")
    by: list[str] = instruction("Columns to group by; empty: one group", [])
    sum: list[str] = instruction("Columns to add up", [])
    average: list[str] = instruction("Columns to average", [])
    lowest: list[str] = instruction("Columns to take the lowest value of", [])
    highest: list[str] = instruction("Columns to take the highest value of", [])


class _Form(StepType):
    """Base of the steps that make rows of rows."""

    heavy: ClassVar[bool] = True
    is_for_output = True
    output = Rows


class Group(_Form):
    """Group rows: each group becomes a row with its `count`, and `sum_x`, `average_x`, `lowest_x`, `highest_x`.

    Numbers may be text, as in databases and tables. Empty values do not count. A column of `by` with the name of a
    result, such as `count`, is an error.
    """

    name = "table.group"
    title = "Group rows"
    fields = GroupFields

    def call(self, call: Call) -> JsonValue:
        """Return {rows}: a row for each group, in the order in which the groups first appear."""
        it: GroupFields = call.fields
        wanted: dict[str, list[str]] = {figure: getattr(it, figure) for figure in _FIGURES}
        require_columns(it.rows, by=it.by, **wanted)
        _require_names(it.by, ["count", *(f"{figure}_{name}" for figure, names in wanted.items() for name in names)])
        groups: dict[str, list[tuple[int, Row]]] = {}
        for place, row in enumerate(it.rows, 1):
            groups.setdefault(key_of(row, it.by), []).append((place, row))
        return {
            "rows": [
                {**{name: rows[0][1].get(name) for name in it.by}, "count": len(rows), **dict(_figures(rows, wanted))}
                for rows in groups.values()
            ]
        }


def _require_names(by: Sequence[str], figures: Sequence[str]) -> None:
    """Raise InvalidRequest for a column of `by` that a figure of the groups would take the place of."""
    taken = next((name for name in by if name in figures), None)
    if taken is not None:
        raise InvalidRequest(
            f"`by` names the column {taken!r}, and the groups have a figure of that name.",
            remedy="Give the column another name first, or group with `table.query`, which names its columns itself.",
        )


def _figures(rows: Sequence[tuple[int, Row]], wanted: dict[str, list[str]]) -> Iterator[tuple[str, float | None]]:
    """Yield (name, value) of what is wanted of the rows of a group; null for a column that is empty in all of them."""
    for figure, columns in wanted.items():
        for column in columns:
            values = [number_in(row, column, place) for place, row in rows if not is_empty(row.get(column))]
            yield f"{figure}_{column}", _finite(figure, column, values) if values else None


def _finite(figure: str, column: str, values: list[float]) -> float:
    try:
        found = _FIGURES[figure](values)
        if math.isfinite(found):
            return found
    except OverflowError:
        pass
    raise InvalidRequest(
        f"The numbers in the column {column!r} are too large for `{figure}`.",
        remedy="Take rows with such numbers out first, for example by `filter` in an expression.",
    )


class JoinFields(Fields):
    """The fields of `table.join`."""

    left: list[dict[str, Any]] = content("Rows")
    right: list[dict[str, Any]] = content("Rows to add to them")
    on: dict[str, str] = instruction("Left column: right column that must be equal to it", min_length=1)
    keep_all: bool = option("Keep left rows without a partner", default=False)


class Join(_Form):
    """Join two lists of rows where columns are equal. If both have a column, the left value is kept.

    As in SQL, a row in which such a column is null or missing has no partner.
    """

    name = "table.join"
    title = "Join rows"
    fields = JoinFields

    def call(self, call: Call) -> JsonValue:
        """Return {rows}: each row of the left with each of its partners."""
        it: JoinFields = call.fields
        require_columns(it.left, on=it.on)
        require_columns(it.right, on=it.on.values())
        partners: dict[str, list[Row]] = {}
        for row in it.right:
            if _can_match(row, it.on.values()):
                partners.setdefault(key_of(row, it.on.values()), []).append(row)
        names = dict.fromkeys(name for row in it.right for name in row)
        alone: list[Row] = [names] if it.keep_all else []  # a partner with nulls only
        rows = []
        for row in it.left:
            found = partners.get(key_of(row, it.on), alone) if _can_match(row, it.on) else alone
            rows += [{**partner, **row} for partner in found]
        return {"rows": rows}


def _can_match(row: Row, columns: Iterable[str]) -> bool:
    return all(row.get(name) is not None for name in columns)


class SortFields(Fields):
    """The fields of `table.sort`."""

    rows: list[dict[str, Any]] = content("Rows")
    by: list[str] = instruction("Columns, the most important first", min_length=1)
    descending: bool = option("Highest first", default=False)
    limit: int | None = option("Maximum rows", None, ge=1)


class Sort(_Form):
    """Sort rows: numbers by size, text alphabetically, empty values last. Equal rows keep their order."""

    name = "table.sort"
    title = "Sort rows"
    fields = SortFields

    def call(self, call: Call) -> JsonValue:
        """Return {rows}."""
        it: SortFields = call.fields
        require_columns(it.rows, by=it.by)
        rows = list(it.rows)
        for column in reversed(it.by):  # the least important first, as sorting keeps the order of equal rows
            there = [row for row in rows if not is_empty(row.get(column))]
            empty = [row for row in rows if is_empty(row.get(column))]
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
    """Remove duplicate rows; the first of each stays."""

    name = "table.dedupe"
    title = "Remove duplicates"
    fields = DedupeFields

    def call(self, call: Call) -> JsonValue:
        """Return {rows}."""
        it: DedupeFields = call.fields
        require_columns(it.rows, by=it.by)
        found: dict[str, Row] = {}
        for row in it.rows:
            found.setdefault(key_of(row, it.by) if it.by else whole_key(row), row)
        return {"rows": list(found.values())}
