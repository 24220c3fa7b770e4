"""A matrix asks each question once, compares with its first column, and keeps what came, however it ends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.base.errors import ConfirmationNeeded, InvalidInput, UnknownName
from engine.base.statuses import RunStatus
from engine.people.access import Principal
from engine.runs.prompt_tries.columns import TriedColumn, parsed
from engine.runs.prompt_tries.matrix import (
    CellAnswer,
    Matrix,
    MatrixColumn,
    MatrixFilter,
    MatrixRequest,
    mark,
    shown,
    told,
)
from tests.engine.runs.prompt_tries.conftest import Desk
from tests.engine.runs.prompt_tries.test_case_tests import BUG, NAME, OWNER, PROMPT, change
from tests.patience import PATIENCE_SECONDS, until

MANY = 6


@pytest.fixture
def ready(desk: Desk) -> Desk:
    """A prompt in production, and six cases that expect a bug: the first answers differ from the others."""
    desk.config()
    prompts, cases = desk.orchestra.prompts, desk.orchestra.cases
    prompts.save(OWNER, NAME, json.dumps(PROMPT), None)
    prompts.save_version(OWNER, NAME, json.dumps(PROMPT), prompts.get(OWNER, NAME).etag, "production")
    expected = [{"type": "field_equals", "field": "kind", "value": "bug"}]
    for number in range(MANY):
        document = {"name": f"Case {number}", "variables": {"text": f"{BUG} {number}"}, "assertions": expected}
        cases.add(OWNER, NAME, document)
    return desk


def matrix_of(desk: Desk, *columns: str, **wanted: Any) -> Matrix:
    tests = desk.orchestra.case_tests
    begun = tests.start(OWNER, NAME, MatrixRequest([parsed(one) for one in columns], **wanted))
    return tests.wait(OWNER, NAME, PATIENCE_SECONDS, begun["id"])


def test_each_question_is_asked_once_and_an_unchanged_matrix_costs_nothing(ready: Desk) -> None:
    change(ready, f"{BUG} {{{{ text }}}}")
    columns = ("production", "draft", "draft:small", "1", "production:small")
    first = matrix_of(ready, *columns, concurrency=8)
    assert (ready.asked, first["asked"], first["reused"]) == (4 * MANY, 4 * MANY, MANY), "1 is production"
    again = matrix_of(ready, *columns, concurrency=8)
    assert (ready.asked, again["asked"], again["reused"]) == (4 * MANY, 0, 5 * MANY)
    assert dict(again["usage"]) == {"input_tokens": 0, "output_tokens": 0, "cost_usd": 0.0}
    thrice = matrix_of(ready, *columns, repeat=3)
    assert (ready.asked, thrice["asked"]) == (3 * 4 * MANY, 2 * 4 * MANY), "each repetition has an answer of its own"
    assert all(len(cell) == 3 for column in thrice["columns"] for cell in column["cells"].values())
    assert matrix_of(ready, *columns, repeat=3, is_offline=True)["columns"][1]["passed"] == MANY
    changed = {"name": "Case 0", "variables": {"text": f"{BUG} 0, changed"}}
    cases = ready.orchestra.cases
    cases.save(OWNER, NAME, "case-0", changed, cases.get(OWNER, NAME, "case-0").etag)
    assert matrix_of(ready, *columns)["asked"] == 4, "one case, four different questions"


def test_what_came_before_a_stop_or_the_end_of_the_program_is_kept(ready: Desk) -> None:
    tests, slow = ready.orchestra.case_tests, {"match": "POST /v1/chat", "times": 100, "delay_seconds": 0.2}
    ready.standins.faults("openai", **slow)
    begun = tests.start(OWNER, NAME, MatrixRequest([TriedColumn()], concurrency=1))
    until(lambda: len(tests.get(OWNER, NAME, begun["id"])["columns"][0]["cells"]) == 2)
    stopped = tests.cancel(OWNER, NAME, begun["id"])
    came = stopped["asked"]
    assert (stopped["status"], 2 <= came < MANY) == (RunStatus.CANCELLED, True)
    assert ready.asked == came, "nothing is asked after the stop"
    tests.start(OWNER, NAME, MatrixRequest([TriedColumn()], concurrency=1))
    until(lambda: ready.asked > came)
    ready.orchestra.close()
    ready.standins.calm("openai")
    ready.opened.append(again := ready.open())
    ready.opened.reverse()
    kept = again.case_tests.list(OWNER, NAME)
    assert [one.status for one in kept] == [RunStatus.INTERRUPTED, RunStatus.CANCELLED]
    assert again.case_tests.get(OWNER, NAME, stopped["id"])["columns"] == stopped["columns"]
    path = ready.root / ".orchestra" / "tries" / NAME / "tests" / f"{stopped['id']}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "status": "running", "owner": "killed"}))
    assert again.case_tests.get(OWNER, NAME, stopped["id"])["status"] == RunStatus.INTERRUPTED
    rest = matrix_of(ready, "production")
    assert (rest["asked"] <= MANY - came, rest["columns"][0]["passed"]) == (True, MANY)


def test_the_last_ten_tests_are_kept_and_follow_a_rename(ready: Desk) -> None:
    made = [matrix_of(ready, "draft", "production")["id"] for _ in range(11)]
    tests, prompts = ready.orchestra.case_tests, ready.orchestra.prompts
    assert [one.id for one in tests.list(OWNER, NAME)] == made[:0:-1]
    prompts.rename(OWNER, NAME, "triage")
    found = tests.get(OWNER, "triage", made[-1])
    assert (found["prompt"], len(tests.list(OWNER, "triage")), tests.list(OWNER, NAME)) == ("triage", 10, [])
    assert shown(found) == [f"case-{number}" for number in range(MANY)]
    assert found["columns"][1]["summary"].endswith(f"0 of {MANY} answered differently.")


def test_all_real_accounts_of_the_columns_are_agreed_to_at_once(ready: Desk) -> None:
    server = ready.standins["openai"]
    other = {"service": "openai", "base_url": server.base_url, "api_key": "BUDGET_OTHER", "model": "big"}
    config = {**other, "api_key": "env:BUDGET_KEY"}
    ready.config(connections={"llm": config, "second": {**config, "model": "small"}})
    hasty, tests = Principal("tester", "owner"), ready.orchestra.case_tests
    wanted = MatrixRequest([parsed("production@llm"), parsed("production@second")])
    with pytest.raises(ConfirmationNeeded) as refused:
        tests.start(hasty, NAME, wanted)
    assert ready.asked == 0
    begun = tests.start(hasty.agreeing(refused.value.needs_confirmation), NAME, wanted)
    assert tests.wait(OWNER, NAME, PATIENCE_SECONDS, begun["id"])["columns"][1]["passed"] == MANY


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"columns": []}, "1 to 8 columns, not 0"),
        ({"columns": [TriedColumn()] * 9}, "1 to 8 columns, not 9"),
        ({"repeat": 11}, "1 to 10 repetitions, not 11"),
        ({"concurrency": 0}, "1 to 32 questions at the same time, not 0"),
        ({"is_offline": True, "is_fresh": True}, "Offline, nothing can be asked again"),
    ],
)
def test_what_cannot_be_tested_is_refused(ready: Desk, wanted: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        ready.orchestra.case_tests.start(OWNER, NAME, MatrixRequest(**wanted))


def test_an_error_names_the_column(ready: Desk) -> None:
    with pytest.raises(UnknownName, match=r"Column 2 \(version 9\): There is no version"):
        matrix_of(ready, "production", "9")


def test_a_test_whose_end_was_not_kept_is_interrupted(ready: Desk) -> None:
    one = matrix_of(ready, "production")
    path = ready.root / ".orchestra" / "tries" / NAME / "tests" / f"{one['id']}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "status": "running"}))
    assert ready.orchestra.case_tests.get(OWNER, NAME, one["id"])["status"] == RunStatus.INTERRUPTED


def answer(text: str | None, *, value: Any = None, is_good: bool = True) -> CellAnswer:
    return {
        "text": text,
        "value": value,
        "failures": [] if is_good else [{"assertion": "equals", "message": "It is not."}],
        "model": "m",
        "seconds": 0.1,
        "usage": None if text is None else {"input_tokens": 1, "output_tokens": 1, "cost_usd": None},
        "reused": False,
    }


def begun(repeat: int, *cases: str) -> Matrix:
    def column(title: str) -> MatrixColumn:
        return {
            "title": title,
            "version": None,
            "connection": "llm",
            "demo": True,
            "model": "m",
            "document": {},
            "cells": {},
            "passed": 0,
            "regressions": [],
            "improvements": [],
            "different": [],
            "compared": 0,
            "summary": "",
        }

    return {
        "id": "1",
        "prompt": NAME,
        "status": RunStatus.RUNNING,
        "cases": [{"case": one, "title": one, "variables": {}} for one in cases],
        "order": [],
        "columns": [column("before"), column("now")],
        "repeat": repeat,
        "concurrency": 4,
        "usage": {"input_tokens": 0, "output_tokens": 0, "cost_usd": 0.0},
        "asked": 0,
        "reused": 0,
        "started_by": "",
        "started_at": "",
        "ended_at": None,
        "owner": "",
    }


GOOD, BAD, NONE = answer("a"), answer("a", is_good=False), answer(None, is_good=False)
OTHER = answer("b")
RELATIONS: dict[str, tuple[CellAnswer, CellAnswer, str]] = {
    "a-same": (GOOD, GOOD, "passed"),
    "b-space": (GOOD, answer(" a\n"), "passed"),
    "c-json": (answer('{"a": 1, "b": 2}', value={"a": 1}), answer('{"a":1}', value={"a": 1}), "passed"),
    "d-number": (answer("1", value={"a": 1}), answer("1", value={"a": 1.0}), "passed, differs"),
    "e-differs": (GOOD, OTHER, "passed, differs"),
    "f-fails-in-both": (BAD, BAD, "FAILED"),
    "g-better": (BAD, OTHER, "passed, better"),
    "h-worse": (GOOD, answer("c", is_good=False), "FAILED, worse"),
    "i-no-answer": (GOOD, NONE, "NO ANSWER, worse"),
    "j-no-answer-before": (NONE, GOOD, "passed, better"),
}


def test_a_cell_is_compared_with_the_baseline_and_worse_ones_come_first() -> None:
    answers = {
        (number, case, 0): cell for case, one in RELATIONS.items() for number, cell in enumerate((one[0], one[1]))
    }
    matrix = told(begun(1, *RELATIONS, "k-not-asked"), answers)
    assert {case: mark(matrix, 1, case) for case in RELATIONS} == {case: one[2] for case, one in RELATIONS.items()}
    assert mark(matrix, 1, "k-not-asked") == "not asked"
    assert shown(matrix)[:5] == ["h-worse", "i-no-answer", "g-better", "d-number", "e-differs"]
    assert shown(matrix, MatrixFilter.FAILED) == [
        "h-worse",
        "i-no-answer",
        "g-better",
        "f-fails-in-both",
        "j-no-answer-before",
    ]
    assert shown(matrix, MatrixFilter.CHANGED) == ["h-worse", "i-no-answer", "g-better", "j-no-answer-before"]
    assert shown(matrix, MatrixFilter.DIFFERENT) == ["h-worse", "g-better", "d-number", "e-differs"]
    assert matrix["columns"][1]["summary"] == (
        "7 of 11 cases passed, 2 worse, 2 better; 4 of 8 answered differently, 3 not compared."
    )


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        ([GOOD] * 3, [GOOD, BAD, GOOD], "passed 2 of 3, worse"),
        ([GOOD, BAD, GOOD], [GOOD] * 3, "passed, better"),
        ([GOOD, BAD, GOOD], [BAD] * 3, "FAILED"),
        ([GOOD, OTHER, GOOD], [OTHER] * 3, "passed"),
        ([GOOD] * 3, [GOOD, GOOD, OTHER], "passed, differs"),
        ([GOOD] * 3, [GOOD] * 2, "passed 2 of 3"),
    ],
)
def test_a_case_passes_if_all_its_repetitions_do(before: list[CellAnswer], now: list[CellAnswer], said: str) -> None:
    answers = {(at, "c", n): one for at, cell in enumerate((before, now)) for n, one in enumerate(cell)}
    assert mark(told(begun(3, "c"), answers), 1, "c") == said
