"""The report on a test of one text of a prompt, optionally against another one: a matrix of one or two columns."""

from __future__ import annotations

from typing import TypedDict

from engine.base.statuses import RunStatus
from engine.prompts.assertions import Opinion, is_favourable, opinion_words
from engine.record.types.step import UsageRecord
from engine.runs.prompt_tries.columns import TriedColumn
from engine.runs.prompt_tries.matrix import Matrix, MatrixColumn, is_failed, opinions_of


class CaseFailure(TypedDict):
    """An expectation that an answer does not meet."""

    case: str
    assertion: str
    """Its type; `answer` if there is no usable answer, `file` if the case itself cannot be read."""
    message: str


class CaseOpinion(Opinion):
    """What a model says of the answer to a case."""

    case: str
    passed: bool
    words: str
    """All this as a sentence."""


class TestedText(TypedDict):
    """How the cases went with one text."""

    version: int | None
    """None for a text that no version has."""
    cases: int
    passed: int
    unsure: int
    """Cases that have not passed, as the model was unsure."""
    failed: list[CaseFailure]
    opinions: list[CaseOpinion]
    """Of models that were asked to judge answers (`judge`): not facts."""


class TryReport(TestedText):
    """The test of a prompt."""

    id: str
    prompt: str
    status: RunStatus
    """As in the matrix."""
    usage: UsageRecord
    """Of what was asked now; recorded answers cost nothing."""
    asked: int
    """How many questions were asked now, including the ones for `against`."""
    reused: int
    """How many answers were recorded before."""
    against: TestedText | None
    """The version compared with."""
    regressions: list[str]
    """Cases that fail and pass in `against`; without it, all that fail."""
    order: list[str]
    """All cases, by name."""
    connection: str
    demo: bool
    started_by: str
    started_at: str
    ended_at: str | None


def columns_of(version: str, text: str | None, against: str, connection: str, model: str) -> list[TriedColumn]:
    """Return the columns that test one text, the draft by default, optionally against a version."""
    tested = TriedColumn(version, text, is_draft=not version and text is None, connection=connection, model=model)
    return [*([TriedColumn(against, connection=connection, model=model)] if against else []), tested]


def report_of(matrix: Matrix) -> TryReport:
    """Return the report on the first column that is compared, else on the only one."""
    tested = (matrix["columns"][1:] or matrix["columns"])[0]
    is_compared = len(matrix["columns"]) > 1
    return {
        "id": matrix["id"],
        "prompt": matrix["prompt"],
        "status": matrix["status"],
        **of_column(matrix, tested),
        "usage": matrix["usage"],
        "asked": matrix["asked"],
        "reused": matrix["reused"],
        "against": of_column(matrix, matrix["columns"][0]) if is_compared else None,
        "regressions": tested["regressions"],
        "order": [one["case"] for one in matrix["cases"]],
        "connection": tested["connection"],
        "demo": tested["demo"],
        "started_by": matrix["started_by"],
        "started_at": matrix["started_at"],
        "ended_at": matrix["ended_at"],
    }


def of_column(matrix: Matrix, column: MatrixColumn) -> TestedText:
    """Return how the cases went with a column; what several answers to a case have in common is there once."""
    failed = [
        (one["case"], fault["assertion"], fault["message"])
        for one in matrix["cases"]
        for answer in column["cells"].get(one["case"], [])
        for fault in answer["failures"]
    ]
    opinions = {
        (one["case"], opinion["criterion"], opinion["reason"]): _opinion(one["case"], opinion)
        for one in matrix["cases"]
        for opinion in opinions_of(column["cells"].get(one["case"], []))
    }
    return {
        "version": column["version"],
        "cases": len(matrix["cases"]),
        "passed": column["passed"],
        "unsure": column.get("unsure", 0),
        "failed": [
            {"case": case, "assertion": assertion, "message": message}
            for case, assertion, message in dict.fromkeys(failed)
        ],
        "opinions": list(opinions.values()),
    }


def _opinion(case: str, given: Opinion) -> CaseOpinion:
    return {**given, "case": case, "passed": is_favourable(given), "words": opinion_words(given)}


def unanswered(matrix: Matrix, column: MatrixColumn) -> list[str]:
    """Return the cases that have not failed and lack an answer, as the test was stopped or broke down."""
    cells = {one["case"]: column["cells"].get(one["case"], []) for one in matrix["cases"]}
    return [case for case, cell in cells.items() if len(cell) < matrix["repeat"] and not is_failed(cell)]
