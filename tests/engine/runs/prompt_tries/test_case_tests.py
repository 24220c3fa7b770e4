"""Cases are answered once, compared with what they expect, and with another version; a regression is told apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import (
    ConfirmationNeeded,
    InUse,
    InvalidFile,
    InvalidInput,
    OrchestraError,
    ProtectedLabel,
    StaleEdit,
    UnknownName,
)
from engine.people.access import Principal
from engine.runs.prompt_tries.matrix import MatrixRequest, mark
from engine.runs.prompt_tries.reports import TryReport, columns_of, report_of
from engine.runs.prompt_tries.try_requests import TryRequest
from tests.engine.runs.prompt_tries.conftest import Desk
from tests.patience import PATIENCE_SECONDS

OWNER = Principal("tester", "owner", confirmed=True)
NAME = "sort"
CHAT_PATH = "POST /v1/chat/completions"
SCHEMA = {
    "type": "object",
    "required": ["kind"],
    "properties": {"kind": {"type": "string", "enum": ["task", "bug", "nothing"]}},
}
PROMPT: dict[str, Any] = {
    "schema_version": 1,
    "variables": {"text": {"type": "string"}},
    "messages": [{"role": "system", "content": "Sort the mail."}, {"role": "user", "content": "{{ text }}"}],
    "output_schema": SCHEMA,
}
BUG = "The export crashes with an error. It is broken."
CASES = {
    "crash": {"text": BUG, "kind": "bug"},
    "letter": {"text": "This week's newsletter. Unsubscribe here.", "kind": "nothing"},
}


@pytest.fixture
def ready(desk: Desk) -> Desk:
    """A prompt whose version 1 is in production, and two cases that it passes."""
    desk.config()
    prompts, cases = desk.orchestra.prompts, desk.orchestra.cases
    prompts.save(OWNER, NAME, json.dumps(PROMPT), None)
    prompts.save_version(OWNER, NAME, json.dumps(PROMPT), prompts.get(OWNER, NAME).etag, "production")
    for name, one in CASES.items():
        expected = [{"type": "field_equals", "field": "kind", "value": one["kind"]}]
        cases.add(OWNER, NAME, {"name": name, "variables": {"text": one["text"]}, "assertions": expected})
    return desk


def change(desk: Desk, words: str) -> None:
    """Change the draft so that the model sees other words."""
    prompts = desk.orchestra.prompts
    file = prompts.get(OWNER, NAME)
    changed = {**(file.document or {}), "messages": [{"role": "user", "content": words}]}
    prompts.save(OWNER, NAME, json.dumps(changed), file.etag)


def result_of(desk: Desk, against: str = "", model: str = "", **wanted: Any) -> TryReport:
    tests = desk.orchestra.case_tests
    tests.start(OWNER, NAME, MatrixRequest(columns_of("", None, against, "", model), **wanted))
    return report_of(tests.wait(OWNER, NAME, PATIENCE_SECONDS))


def test_an_unchanged_case_is_asked_once_and_works_offline(ready: Desk) -> None:
    with_nothing = result_of(ready, is_offline=True)
    assert {one["assertion"] for one in with_nothing["failed"]} == {"answer"}
    first = result_of(ready)
    assert (first["status"], first["version"], first["cases"], first["passed"]) == ("succeeded", 1, 2, 2)
    assert (first["asked"], ready.asked) == (2, 2)
    assert first["usage"]["output_tokens"] > 0
    again, offline = result_of(ready), result_of(ready, is_offline=True)
    assert (again["reused"], offline["reused"], ready.asked) == (2, 2, 2)
    assert dict(again["usage"]) == {"input_tokens": 0, "output_tokens": 0, "cost_usd": 0.0}
    assert result_of(ready, is_fresh=True)["asked"] == 2
    assert result_of(ready, model="other")["asked"] == 2
    assert ready.asked == 6


def _unsure(ready: Desk, sure_at_least: float) -> None:
    """Let the draft have the choice `unsure`, and ask the model how sure it is."""
    kind = {"type": "string", "enum": ["task", "bug", "nothing", "unsure"]}
    prompts = ready.orchestra.prompts
    file = prompts.get(OWNER, NAME)
    changed = {
        **(file.document or {}),
        "output_schema": {**SCHEMA, "properties": {"kind": kind}},
        "sure_at_least": sure_at_least,
    }
    prompts.save(OWNER, NAME, json.dumps(changed), file.etag)


def test_an_unsure_answer_is_told_apart_from_a_wrong_one(ready: Desk) -> None:
    ready.orchestra.cases.add(
        OWNER,
        NAME,
        {
            "name": "wrong",
            "variables": {"text": BUG},
            "assertions": [{"type": "field_equals", "field": "kind", "value": "task"}],
        },
    )
    _unsure(ready, 0.8)
    first = result_of(ready)
    assert (first["passed"], first["unsure"], len(first["failed"])) == (2, 0, 1), "the demo's model is sure"
    assert (first["asked"], ready.asked) == (4, 4), "two questions about each of two mails; the third is equal to one"
    again = result_of(ready)
    assert (again["asked"], ready.asked) == (0, 4), "both are recorded"
    for one in _second_answers(ready):
        one.write_text(one.read_text().replace("1.0", "0.55"))
    unsure = result_of(ready, is_offline=True)
    assert (unsure["passed"], unsure["unsure"]) == (0, 3)
    assert unsure["failed"][0]["message"] == '\'kind\' is "unsure", not "bug".'
    assert unsure["status"] == "failed"
    matrix = ready.orchestra.case_tests.get(OWNER, NAME, unsure["id"])
    assert matrix["columns"][0]["summary"] == "0 of 3 cases passed, unsure in 3, none wrong."
    assert mark(matrix, 0, "crash") == "unsure"
    _unsure(ready, 0.5)
    assert result_of(ready, is_offline=True)["passed"] == 2, "another threshold is no other question"
    for one in _second_answers(ready):
        one.unlink()
    assert result_of(ready)["asked"] == 2, "only the second questions"


def _second_answers(ready: Desk) -> list[Path]:
    """Return the files of the answers on how sure the model is."""
    answers = (ready.root / "prompts" / f"{NAME}.cases" / "answers").iterdir()
    return [
        one for one in answers if json.loads(json.loads(one.read_text())["text"]) in ({"kind": 1.0}, {"kind": 0.55})
    ]


def test_a_regression_is_told_apart_from_what_failed_before(ready: Desk) -> None:
    expected = [{"type": "field_equals", "field": "kind", "value": "task"}]
    ready.orchestra.cases.add(OWNER, NAME, {"name": "wrong", "variables": {"text": BUG}, "assertions": expected})
    alone = result_of(ready)
    assert (alone["status"], alone["regressions"]) == ("failed", ["wrong"])
    same = result_of(ready, against="production")
    assert (same["status"], same["regressions"]) == ("succeeded", [])
    assert [one["case"] for one in same["failed"]] == ["wrong"]
    change(ready, f"{BUG} {{{{ text.size() > 0 ? '' : text }}}}")
    worse = result_of(ready, against="production")
    assert (worse["status"], worse["version"], worse["regressions"]) == ("failed", None, ["letter"])
    assert worse["against"] is not None
    assert (worse["against"]["version"], worse["against"]["passed"]) == (1, 2)


def test_what_goes_wrong_fails_the_case_and_no_other(ready: Desk) -> None:
    folder = ready.root / "prompts" / f"{NAME}.cases"
    (folder / "damaged.json").write_text('{"name": "Damaged", "assertions": [{"type": "guess"}]}')
    (folder / "unfit.json").write_text(json.dumps({"name": "Unfit", "variables": {"texts": "a"}}))
    report = result_of(ready)
    assert [(one["case"], one["assertion"]) for one in report["failed"]] == [("damaged", "file"), ("unfit", "answer")]
    assert (report["cases"], report["passed"]) == (4, 2)
    assert "'type' must be 'equals'" in report["failed"][0]["message"]
    assert "no variable 'texts'" in report["failed"][1]["message"]


def test_budgets_hold(ready: Desk) -> None:
    ready.config(budgets={"day": {"calls": 1}})
    report = result_of(ready)
    assert (report["passed"], ready.asked) == (1, 1)
    [failure] = report["failed"]
    assert (failure["assertion"], "today's budget of all workflows" in failure["message"].lower()) == ("answer", True)


def test_a_real_account_is_asked_only_after_somebody_agreed(ready: Desk) -> None:
    hasty, tests = Principal("tester", "owner"), ready.orchestra.case_tests
    for _ in range(2):
        with pytest.raises(ConfirmationNeeded):
            tests.start(hasty, NAME, MatrixRequest())
    tests.start(hasty, NAME, MatrixRequest(is_offline=True))
    assert tests.wait(OWNER, NAME, PATIENCE_SECONDS)["columns"][0]["passed"] == 0
    assert ready.asked == 0
    assert result_of(ready)["passed"] == 2
    tests.start(hasty, NAME, MatrixRequest(is_fresh=True))
    assert tests.wait(OWNER, NAME, PATIENCE_SECONDS)["asked"] == 2


def test_consent_follows_a_rename_and_ends_with_the_prompt(ready: Desk) -> None:
    hasty, orchestra = Principal("tester", "owner"), ready.orchestra
    assert result_of(ready)["passed"] == 2
    orchestra.prompts.rename(OWNER, NAME, "sorted")
    orchestra.case_tests.start(hasty, "sorted", MatrixRequest())
    orchestra.case_tests.wait(OWNER, "sorted", PATIENCE_SECONDS)
    orchestra.prompts.delete(OWNER, "sorted")
    for name in ("sorted", NAME):
        orchestra.prompts.save(OWNER, name, json.dumps(PROMPT), None)
        with pytest.raises(ConfirmationNeeded):
            orchestra.case_tests.start(hasty, name, MatrixRequest())


GOOD = {
    "asked": "big",
    "model": "big",
    "text": '{"kind": "bug"}',
    "finish_reason": "stop",
    "usage": {"input_tokens": 1, "output_tokens": 1, "cost_usd": None},
    "seconds": 0.1,
}


MISFITS: list[dict[str, Any]] = [{"usage": None}, {"usage": []}, {"text": None}, {"seconds": "1"}]


@pytest.mark.parametrize(
    "text",
    ["[]", "5", "[" * 100_000 + "]" * 100_000, *(json.dumps({**GOOD, **one}) for one in MISFITS)],
    ids=["list", "number", "nested", "no-usage", "usage-list", "no-text", "seconds"],
)
def test_a_damaged_answer_is_as_if_it_were_not_recorded(ready: Desk, text: str) -> None:
    assert result_of(ready)["asked"] == 2
    for path in (ready.root / "prompts" / f"{NAME}.cases" / "answers").iterdir():
        path.write_text(text)
    offline = result_of(ready, is_offline=True)
    assert (offline["status"], offline["passed"], len(offline["failed"])) == ("failed", 0, 2)
    assert all(f"{NAME}.cases/answers/" in one["message"] for one in offline["failed"])
    ready.orchestra.prompts.protect(OWNER, NAME, "production")
    ready.orchestra.prompts.save_version(
        OWNER,
        NAME,
        json.dumps({**PROMPT, "labels": {"production": 1}, "protected": ["production"]}),
        ready.orchestra.prompts.get(OWNER, NAME).etag,
        None,
    )
    with pytest.raises(ProtectedLabel):
        ready.orchestra.prompts.set_label(OWNER, NAME, "production", 2)
    asked = result_of(ready)
    assert (asked["status"], asked["asked"]) == ("succeeded", 2)


def test_links_among_cases_and_answers_are_refused(ready: Desk, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.json").write_text('{"name": "stolen"}')
    cases = ready.root / "prompts" / f"{NAME}.cases"
    (cases / "sym.json").symlink_to(outside / "secret.json")
    [linked] = [one for one in ready.orchestra.cases.list(OWNER, NAME) if one.case == "sym"]
    assert (linked.document, linked.text, [one.code for one in linked.problems]) == (None, "", ["link"])
    with pytest.raises(InvalidInput, match="is a link"):
        ready.orchestra.prompts.duplicate(OWNER, NAME, "copy")
    (cases / "sym.json").unlink()
    (cases / "answers").symlink_to(outside)
    report = result_of(ready)
    assert (report["passed"], ready.asked, sorted(one.name for one in outside.iterdir())) == (0, 0, ["secret.json"])
    assert all("is a link" in one["message"] for one in report["failed"])
    cases.rename(outside / "moved")
    cases.symlink_to(outside / "moved")
    with pytest.raises(InvalidInput, match="is a link"):
        ready.orchestra.cases.list(OWNER, NAME)


def test_junit_tells_what_has_no_answer(ready: Desk) -> None:
    from commands.prompts.testing import junit_text

    ready.orchestra.case_tests.start(OWNER, NAME, MatrixRequest())
    matrix = ready.orchestra.case_tests.wait(OWNER, NAME, PATIENCE_SECONDS)
    broken: Any = {**matrix, "status": "interrupted", "columns": [{**matrix["columns"][0], "cells": {}}]}
    text = junit_text([broken])
    assert 'failures="0" errors="2"' in text
    assert text.count("<error ") == 2


def test_a_case_is_made_of_a_try_and_of_a_step_with_its_fixed_choices(ready: Desk) -> None:
    orchestra = ready.orchestra
    one = orchestra.tries.start(OWNER, NAME, TryRequest(variables={"text": BUG}))
    orchestra.tries.wait(OWNER, NAME, one["id"], PATIENCE_SECONDS)
    made = orchestra.tries.case_of(OWNER, NAME, one["id"], "From a try")
    expected = [{"type": "field_equals", "field": "kind", "value": "bug"}]
    assert made == {"name": "From a try", "variables": {"text": BUG}, "assertions": expected}
    assert orchestra.cases.add(OWNER, NAME, made).case == "from-a-try"
    step = {"id": "ask", "uses": "llm.extract", "with": {"prompt": NAME, "variables": {"text": BUG}}}
    ready.workflow([step])
    run = ready.run()
    made = orchestra.tries.case_of_step(OWNER, NAME, run["run_id"], "ask", "From a step")
    assert made == {"name": "From a step", "variables": {"text": BUG}, "assertions": expected}


def test_cases_are_edited_like_files_and_belong_to_their_prompt(ready: Desk) -> None:
    cases, prompts = ready.orchestra.cases, ready.orchestra.prompts
    case = cases.get(OWNER, NAME, "crash")
    refused: list[tuple[type[OrchestraError], Any]] = [
        (InUse, lambda: cases.add(OWNER, NAME, {"name": "Crash"})),
        (
            InvalidFile,
            lambda: cases.add(OWNER, NAME, {"name": "Bad", "assertions": [{"type": "regex", "pattern": "("}]}),
        ),
        (StaleEdit, lambda: cases.save(OWNER, NAME, "crash", {"name": "Crash"}, "other")),
        (UnknownName, lambda: cases.get(OWNER, NAME, "nothing")),
        (UnknownName, lambda: cases.list(OWNER, "nothing")),
    ]
    for kind, act in refused:
        with pytest.raises(kind):
            act()
    cases.save(OWNER, NAME, "crash", {"name": "Crash!", "variables": {"text": BUG}}, case.etag)
    result_of(ready)
    prompts.rename(OWNER, NAME, "triage")
    assert [one.title for one in cases.list(OWNER, "triage")] == ["Crash!", "letter"]
    assert ready.orchestra.case_tests.last(OWNER, "triage") is not None
    ready.orchestra.case_tests.start(OWNER, "triage", MatrixRequest(is_offline=True))
    assert ready.orchestra.case_tests.wait(OWNER, "triage", PATIENCE_SECONDS)["reused"] == 2
    assert [cases.add(OWNER, "triage", {"name": name}).case for name in ("検索", "Поиск")] == ["case-1", "case-2"]
    for name in ("letter", "case-1", "case-2"):
        cases.delete(OWNER, "triage", name)
    assert [one.case for one in cases.list(OWNER, "triage")] == ["crash"]
