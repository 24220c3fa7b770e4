"""The test of a prompt as a matrix: its cases answered by one or more columns; the first column is the baseline."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Any, NotRequired, TypedDict

from msgspec import Struct

from clients.wording import counted
from engine.base.definitions import PromptDefinition
from engine.base.json_text import JsonObject, is_same
from engine.base.statuses import RunStatus
from engine.prompts.assertions import Opinion
from engine.prompts.takeover import TakeoverRequest
from engine.record.types.step import UsageRecord
from engine.runs.prompt_tries.columns import TriedColumn

JUDGE = "judge"
"""The type of assertions that are opinions."""
DEFAULT_CONCURRENCY = 4
MOST_CONCURRENCY, MOST_REPEAT, MOST_COLUMNS = 32, 10, 8


class MatrixRequest(Struct, frozen=True):
    """Which texts of a prompt to test with which models, and how."""

    columns: Sequence[TriedColumn] = (TriedColumn(is_draft=True),)
    """If there are several, the first is the baseline."""
    repeat: int = 1
    """How often each question is asked; a case passes if all its answers do."""
    concurrency: int = DEFAULT_CONCURRENCY
    is_offline: bool = False
    """Use recorded answers only."""
    is_fresh: bool = False
    """Ask again, even if an answer is recorded."""
    cases: Sequence[str] = ()
    """Only these; empty: all."""
    is_kept: bool = True
    """Keep the test among the last 10; its answers are recorded in any case."""
    takeover: TakeoverRequest | None = None
    """Test with mails that try to take over the model, instead of the prompt's own cases."""


class MatrixFilter(StrEnum):
    """Which cases of a matrix to show."""

    FAILED = "failed"
    """A column does not pass."""
    CHANGED = "changed"
    """A column passes and the baseline does not, or the other way round."""
    DIFFERENT = "different"
    """A column answers differently from the baseline."""


class UnmetExpectation(TypedDict):
    """An expectation that an answer does not meet."""

    assertion: str
    """Its type; `answer` if there is no usable answer, `file` if the case itself cannot be read."""
    message: str


class SecondAnswer(TypedDict):
    """How sure a model is of its answer (`sure_at_least`)."""

    sure: dict[str, float]
    """From 0 to 1, for each field that it was asked about."""
    usage: UsageRecord
    reused: bool
    """Whether it was asked before: it cost nothing now."""


class CellAnswer(TypedDict):
    """One answer to a case."""

    text: str | None
    """None if there is no answer."""
    value: Any
    """The JSON in the text, if the prompt wants JSON and the text has some; else None."""
    failures: list[UnmetExpectation]
    """Empty if the answer is as expected."""
    model: str
    """The model that answered."""
    seconds: float
    usage: UsageRecord | None
    """Of the answer, whenever it was asked."""
    reused: bool
    """Whether it was asked before: it cost nothing now."""
    second: NotRequired[SecondAnswer]
    """How sure the model said it is; absent if it was not asked."""
    unsure: NotRequired[str]
    """What the model was not sure of, in a sentence: `value` says `unsure` there."""
    opinions: NotRequired[list[Opinion]]
    """What models said of it (`judge`), if any was asked."""


class MatrixCase(TypedDict):
    """A case as it was tested."""

    case: str
    title: str
    variables: JsonObject


class MatrixColumn(TypedDict):
    """A text and a model, and what they answered."""

    title: str
    version: int | None
    """None for a text that no version has."""
    connection: str
    demo: bool
    model: str
    """The model that is asked."""
    document: PromptDefinition
    cells: dict[str, list[CellAnswer]]
    """The answers to each case, one for each repetition; fewer if they have not come."""
    passed: int
    unsure: NotRequired[int]
    """Cases that have not passed, as the model was unsure; absent in tests of earlier releases."""
    regressions: list[str]
    """Cases that fail here and pass in the baseline; in a single column, all that fail."""
    improvements: list[str]
    """Cases that pass here and fail in the baseline."""
    different: list[str]
    """Cases with an answer that differs from all of the baseline's."""
    compared: int
    """Cases with answers both here and in the baseline."""
    summary: str
    """All this in words: how many passed, and are worse or better than in the baseline."""


class Matrix(TypedDict):
    """The test of a prompt."""

    id: str
    """Sorts by time."""
    prompt: str
    status: RunStatus
    """`running`, `succeeded` (no regressions), `failed`, `cancelled` or `interrupted`."""
    cases: list[MatrixCase]
    order: list[str]
    """The cases with those first that are worse than in the baseline, then those that are answered differently."""
    columns: list[MatrixColumn]
    repeat: int
    concurrency: int
    usage: UsageRecord
    """Of what was asked now; recorded answers cost nothing."""
    asked: int
    """How many questions were asked now."""
    reused: int
    """How many answers were recorded before."""
    started_by: str
    started_at: str
    ended_at: str | None
    owner: str
    """The process that asks."""


Answers = Mapping[tuple[int, str, int], CellAnswer]
"""By the number of the column, the case, and the number of the repetition, both from 0."""


def told(begun: Matrix, answers: Answers) -> Matrix:
    """Return a matrix with the answers that have come, and what follows from them."""
    columns: list[MatrixColumn] = [
        {**column, "cells": _cells(answers, number)} for number, column in enumerate(begun["columns"])
    ]
    matrix: Matrix = {**begun, "columns": [_concluded(begun, columns, number) for number in range(len(columns))]}
    opinions = [opinion for one in answers.values() for opinion in opinions_of([one])]
    second = [one["second"] for one in answers.values() if "second" in one]
    came: list[Any] = [*answers.values(), *second, *opinions]
    asked = [one["usage"] for one in came if one["usage"] and not one["reused"]]
    matrix["asked"], matrix["usage"] = len(asked), _sum(asked)
    matrix["reused"] = sum(one["reused"] for one in came)
    matrix["order"] = _order(matrix)
    return matrix


def _cells(answers: Answers, number: int) -> dict[str, list[CellAnswer]]:
    found: dict[str, list[CellAnswer]] = {}
    for column, case, repetition in sorted(answers):
        if column == number:
            found.setdefault(case, []).append(answers[column, case, repetition])
    return found


def _sum(used: Sequence[UsageRecord]) -> UsageRecord:
    costs = [one["cost_usd"] for one in used]
    known = [one for one in costs if one is not None]
    return {
        "input_tokens": sum(one["input_tokens"] for one in used),
        "output_tokens": sum(one["output_tokens"] for one in used),
        "cost_usd": sum(known, 0.0) if len(known) == len(costs) else None,
    }


def _concluded(matrix: Matrix, columns: Sequence[MatrixColumn], number: int) -> MatrixColumn:
    """Return a column with what follows from its answers and the baseline's."""
    column, baseline, repeat = columns[number], columns[0], matrix["repeat"]
    cases = [one["case"] for one in matrix["cases"]]
    passed = {case for case in cases if is_passed(column["cells"].get(case, []), repeat)}
    failed = {case for case in cases if is_failed(column["cells"].get(case, []))}
    unsure = sum(is_unsure(column["cells"].get(case, [])) for case in cases)
    done: MatrixColumn = {**column, "passed": len(passed), "unsure": unsure}
    if len(columns) == 1:
        done["regressions"] = [case for case in cases if case in failed]
    elif number > 0:
        before = {case: is_passed(baseline["cells"].get(case, []), repeat) for case in cases}
        failed_before = {case for case in cases if is_failed(baseline["cells"].get(case, []))}
        done["regressions"] = [case for case in cases if case in failed and before[case]]
        done["improvements"] = [case for case in cases if case in passed and case in failed_before]
        both = [case for case in cases if _texts(column, case) and _texts(baseline, case)]
        done["compared"] = len(both)
        done["different"] = [case for case in both if _is_different(column, baseline, case)]
    done["summary"] = _summary(done, len(cases), is_compared=number > 0)
    return done


def is_passed(cell: Sequence[CellAnswer], repeat: int) -> bool:
    """Return whether all answers of a cell have come and are as expected."""
    return len(cell) == repeat and not is_failed(cell)


def is_failed(cell: Sequence[CellAnswer]) -> bool:
    """Return whether an answer of a cell is not as expected."""
    return any(one["failures"] for one in cell)


def is_unsure(cell: Sequence[CellAnswer]) -> bool:
    """Return whether a cell is failed only because the model was unsure: it gave no wrong answer."""
    failed = [one for one in cell if one["failures"]]
    return bool(failed) and all("unsure" in one for one in failed)


def opinions_of(cell: Sequence[CellAnswer]) -> list[Opinion]:
    """Return what models said of the answers of a cell."""
    return [opinion for one in cell for opinion in one.get("opinions", [])]


def _texts(column: MatrixColumn, case: str) -> list[CellAnswer]:
    return [one for one in column["cells"].get(case, []) if one["text"] is not None]


def _is_different(column: MatrixColumn, baseline: MatrixColumn, case: str) -> bool:
    """Return whether a column has an answer unlike all of the baseline's: as JSON if both want that, else as text."""
    known = _texts(baseline, case)
    return any(not any(_is_equal(one, other) for other in known) for one in _texts(column, case))


def _is_equal(one: CellAnswer, other: CellAnswer) -> bool:
    if one["value"] is not None and other["value"] is not None:
        return is_same(one["value"], other["value"])
    return str(one["text"]).strip() == str(other["text"]).strip()


def _summary(column: MatrixColumn, cases: int, *, is_compared: bool) -> str:
    judged = sum(bool(opinions_of(cell)) and not is_failed(cell) for cell in column["cells"].values())
    opinion = f" ({judged} in a model's opinion)" if judged else ""
    passed = f"{column['passed']} of {counted(cases, 'case')} passed{opinion}"
    if unsure := column.get("unsure"):
        wrong = sum(is_failed(cell) for cell in column["cells"].values()) - unsure
        passed = f"{passed}, unsure in {unsure}, {wrong or 'none'} wrong"
    if not is_compared:
        return f"{passed}."
    worse, better = len(column["regressions"]), len(column["improvements"])
    different = f"{len(column['different'])} of {column['compared']} answered differently"
    missing = cases - column["compared"]
    more = f", {missing} not compared" if missing else ""
    return f"{passed}, {worse or 'none'} worse, {better or 'none'} better; {different}{more}."


def _order(matrix: Matrix) -> list[str]:
    """Return the cases: first those that are worse, then those answered differently, then others that fail."""
    columns = matrix["columns"]
    worse = {case for column in columns for case in column["regressions"]}
    different = {case for column in columns for case in column["different"]}
    failed = {case for column in columns for case, cell in column["cells"].items() if is_failed(cell)}
    names = [one["case"] for one in matrix["cases"]]
    return sorted(names, key=lambda case: (case not in worse, case not in different, case not in failed))


def shown(matrix: Matrix, only: MatrixFilter | None = None) -> list[str]:
    """Return the cases to show, in order."""
    columns = matrix["columns"]
    kept: Mapping[MatrixFilter, Collection[str]] = {
        MatrixFilter.FAILED: {case for one in columns for case, cell in one["cells"].items() if is_failed(cell)},
        MatrixFilter.CHANGED: {case for one in columns[1:] for case in (*one["regressions"], *one["improvements"])},
        MatrixFilter.DIFFERENT: {case for one in columns[1:] for case in one["different"]},
    }
    return [case for case in matrix["order"] if only is None or case in kept[only]]


def mark(matrix: Matrix, number: int, case: str) -> str:
    """Return what came of a case in a column in a few words, such as "FAILED, worse"."""
    column, repeat = matrix["columns"][number], matrix["repeat"]
    relation = _relation(column, case) if number > 0 else ""
    return ", ".join(filter(None, (_verdict(column["cells"].get(case, []), repeat), relation)))


def _verdict(cell: Sequence[CellAnswer], repeat: int) -> str:
    if not cell:
        return "not asked"
    if all(one["text"] is None for one in cell):
        return "NO ANSWER"
    good = sum(not one["failures"] for one in cell)
    opinion = " (opinion)" if _is_by_opinion(cell) else ""
    if is_unsure(cell) and not good:
        return "unsure"
    if 0 < good < repeat:
        return f"passed {good} of {repeat}{opinion}"
    return f"{'passed' if good else 'FAILED'}{opinion}"


def _is_by_opinion(cell: Sequence[CellAnswer]) -> bool:
    """Return whether it depends on a model's opinion what came of a cell."""
    faults = {fault["assertion"] for one in cell for fault in one["failures"]}
    return bool(opinions_of(cell)) and faults <= {JUDGE}


def _relation(column: MatrixColumn, case: str) -> str:
    if case in column["regressions"]:
        return "worse"
    if case in column["improvements"]:
        return "better"
    return "differs" if case in column["different"] else ""
