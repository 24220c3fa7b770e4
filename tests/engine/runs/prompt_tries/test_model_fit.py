"""A trigger is turned on with a warning if its model fails the cases of a prompt, or was not tried with all of them."""

from __future__ import annotations

import json
import os
from contextlib import closing
from typing import Any

import pytest
from msgspec import structs

from engine.base.errors import InvalidFile
from engine.orchestra import Orchestra
from engine.runs.prompt_tries.model_fit import ModelFit
from tests.engine.runs.prompt_tries.conftest import Desk
from tests.engine.runs.prompt_tries.test_case_tests import BUG, NAME, OWNER, PROMPT, ready, result_of

__all__ = ["ready"]

STEP = {
    "id": "kind",
    "uses": "llm.extract",
    "connection": "llm",
    "with": {"prompt": f"{NAME}@production", "variables": {"text": BUG}},
}


def warning(desk: Desk, trigger: str = "daily") -> str:
    return desk.orchestra.triggers.status(OWNER, "work", trigger).warning


def workflow(desk: Desk, **fields: Any) -> None:
    step = {**STEP, "with": {**STEP["with"], **fields}}  # type: ignore[dict-item]
    desk.workflow([step], triggers=[{"id": "daily", "uses": "schedule", "with": {"cron": "0 8 * * *"}}])


def add_cases(desk: Desk, kind: str, count: int) -> None:
    for number in range(count):
        expected = [{"type": "field_equals", "field": "kind", "value": kind}]
        variables = {"text": f"{BUG} {kind} {number}"}
        made = {"name": f"{kind} {number}", "variables": variables, "assertions": expected}
        desk.orchestra.cases.add(OWNER, NAME, made)


def test_a_model_that_fails_too_many_cases_is_told_before_its_trigger_is_on(ready: Desk) -> None:
    workflow(ready)
    said = warning(ready)
    assert said == (
        "big has been tried with 0 of 2 cases of the prompt 'sort'. "
        "`orchestra prompts test sort` shows how often it is right."
    )
    result_of(ready)
    assert warning(ready) == "", "both pass"
    asked = ready.asked
    add_cases(ready, "task", 1)
    assert warning(ready).startswith("big has been tried with 2 of 3 cases of the prompt 'sort'.")
    assert result_of(ready)["passed"] == 2
    said = warning(ready)
    assert said.startswith("big passes 2 of 3 cases of the prompt 'sort', and at least 80% should pass."), said
    on = ready.orchestra.triggers.turn_on(OWNER, "work", "daily")
    assert on.is_on
    assert on.warning == said
    assert ready.asked == asked + 1, "the warning asks no model"


def test_the_answers_of_another_model_say_nothing_about_this_one(ready: Desk) -> None:
    result_of(ready)
    workflow(ready, model="small")
    assert warning(ready).startswith("small has been tried with 0 of 2 cases")
    result_of(ready, model="small")
    assert warning(ready) == ""
    workflow(ready, fallback=[{"model": "third"}])
    assert "third has been tried with 0 of 2 cases" in warning(ready), "it may be asked, too"
    config = ready.root / "config.yaml"
    config.write_text(config.read_text().replace("model: big", "model: other"))
    workflow(ready)
    assert warning(ready).startswith("other has been tried with 0 of 2 cases"), "the connection has another model now"


@pytest.mark.parametrize(("wanted", "is_told"), [(0.5, False), (0.75, True)])
def test_the_prompt_says_how_many_should_pass(ready: Desk, wanted: float, is_told: bool) -> None:
    prompts = ready.orchestra.prompts
    file = prompts.get(OWNER, NAME)
    document = {**PROMPT, "pass_at_least": wanted}
    prompts.save_version(OWNER, NAME, json.dumps({**(file.document or {}), **document}), file.etag, "production")
    add_cases(ready, "task", 1)
    result_of(ready)
    workflow(ready)
    assert (f"{wanted:.0%} should pass" in warning(ready)) is is_told


def test_the_warning_says_how_often_the_model_was_unsure_rather_than_wrong() -> None:
    fit = ModelFit("sort", "small", cases=20, answered=20, passed=9, unsure=6, wanted=0.8)
    assert fit.warning.startswith("small passes 9 of 20 cases of the prompt 'sort', and at least 80% should pass.")
    assert fit.warning.endswith("It is unsure in 6 cases, rather than wrong.")
    assert "unsure" not in structs.replace(fit, unsure=0).warning


@pytest.mark.parametrize("wanted", ["0.9", True, -1, 2])
def test_a_share_that_is_none_is_refused(ready: Desk, wanted: Any) -> None:
    prompts = ready.orchestra.prompts
    file = prompts.get(OWNER, NAME)
    with pytest.raises(InvalidFile, match="pass_at_least"):
        prompts.save_version(OWNER, NAME, json.dumps({**PROMPT, "pass_at_least": wanted}), file.etag, "production")


def test_a_recorded_answer_that_is_no_file_is_none(ready: Desk) -> None:
    workflow(ready)
    result_of(ready)
    [first, _] = sorted((ready.root / "prompts" / f"{NAME}.cases" / "answers").iterdir())
    first.unlink()
    os.mkfifo(first)  # whoever opens it waits for somebody who writes
    assert warning(ready).startswith("big has been tried with 1 of 2 cases")


def test_a_workflow_on_the_demo_or_without_cases_has_no_warning(ready: Desk) -> None:
    workflow(ready)
    with closing(Orchestra(ready.root, demo=True)) as demo:
        assert demo.triggers.status(OWNER, "work", "daily").warning == ""
    assert warning(ready) != ""
    for one in ready.orchestra.cases.list(OWNER, NAME):
        ready.orchestra.cases.delete(OWNER, NAME, one.case)
    assert warning(ready) == ""


@pytest.mark.parametrize(("count", "odd", "is_told"), [(20, False, True), (19, False, False), (21, True, False)])
def test_a_model_that_always_says_the_same_is_told_by_the_run(
    ready: Desk, count: int, odd: bool, is_told: bool
) -> None:
    texts = [f"{BUG} {number}" for number in range(count)]
    if odd:
        texts[7] = "This week's newsletter. Unsubscribe here."
    step = {**STEP, "title": "Sort it", "with": {**STEP["with"], "variables": {"text": "{{ item }}"}}}  # type: ignore[dict-item]
    ready.workflow([{"id": "each", "foreach": f"{{{{ {json.dumps(texts)} }}}}", "steps": [step]}])
    run = ready.run()
    assert run["status"] == "succeeded", run["error"]
    told = f'All {count} answers of "Sort it" have the same kind, bug. Read some of them'
    assert (told in run["sentence"]) is is_told, run["sentence"]
    plan = ready.wait(ready.orchestra.plans.make(OWNER, "work", {}))
    assert (told in plan["sentence"]) is is_told, plan["sentence"]
