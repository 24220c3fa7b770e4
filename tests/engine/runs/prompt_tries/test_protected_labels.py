"""A protected label moves when the cases of the version pass by recorded answers, or with a reason; never otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from engine.base.errors import InUse, InvalidFile, InvalidInput, NotAllowed, ProtectedLabel, UnknownName
from engine.people.access import Principal
from engine.prompts.prompt_files import PromptFiles
from engine.runs.prompt_tries.columns import TriedColumn
from engine.runs.prompt_tries.matrix import MatrixRequest
from tests.engine.runs.prompt_tries.conftest import Desk
from tests.patience import PATIENCE_SECONDS

OWNER = Principal("tester", "owner", confirmed=True)
NAME = "sort"
PROMPT: dict[str, Any] = {
    "schema_version": 1,
    "variables": {"text": {"type": "string"}},
    "messages": [{"role": "system", "content": "Sort the mail."}, {"role": "user", "content": "{{ text }}"}],
    "output_schema": {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"type": "string", "enum": ["task", "bug", "nothing"]}},
    },
}
CRASH = {
    "name": "crash",
    "variables": {"text": "The export crashes with an error. It is broken."},
    "assertions": [{"type": "field_equals", "field": "kind", "value": "bug"}],
}
REWORDED = {**PROMPT, "messages": [{"role": "system", "content": "Which sort?"}, PROMPT["messages"][1]]}
BROKEN = {**PROMPT, "messages": [{"role": "user", "content": "Hello {{ text.size() > 0 ? '' : text }}"}]}


@pytest.fixture
def prompts(desk: Desk) -> PromptFiles:
    """A prompt whose version 1 is in production, and protected; version 2 says the same, version 3 drops the mail."""
    desk.config()
    prompts = desk.orchestra.prompts
    prompts.save_version(OWNER, NAME, json.dumps(PROMPT), None, "production")
    prompts.protect(OWNER, NAME, "production")
    for one in (REWORDED, BROKEN):
        file = prompts.get(OWNER, NAME)
        changed = json.dumps({**(file.document or {}), "messages": one["messages"]})
        prompts.save_version(OWNER, NAME, changed, file.etag, None)
    return prompts


def run_cases(desk: Desk, version: int) -> None:
    desk.orchestra.case_tests.start(OWNER, NAME, MatrixRequest([TriedColumn(str(version))]))
    desk.orchestra.case_tests.wait(OWNER, NAME, PATIENCE_SECONDS)


def history(prompts: PromptFiles) -> list[dict[str, Any]]:
    moves: list[dict[str, Any]] = (prompts.get(OWNER, NAME).document or {}).get("moves", [])
    return [{key: value for key, value in one.items() if key != "at"} for one in moves]


def test_it_moves_when_recorded_answers_pass_and_only_to_that_version(desk: Desk, prompts: PromptFiles) -> None:
    with pytest.raises(ProtectedLabel, match="has no cases"):
        prompts.set_label(OWNER, NAME, "production", 2)
    desk.orchestra.cases.add(OWNER, NAME, CRASH)
    with pytest.raises(ProtectedLabel, match="crash fails or has no recorded answer"):
        prompts.set_label(OWNER, NAME, "production", 2)
    run_cases(desk, 2)
    asked = desk.asked
    with pytest.raises(ProtectedLabel):
        prompts.set_label(OWNER, NAME, "production", 3)
    prompts.set_label(OWNER, NAME, "production", 2)
    assert prompts.get(OWNER, NAME).labels == {"production": 2}
    assert history(prompts) == [{"label": "production", "version": 2, "by": "tester", "cases": 1}]
    run_cases(desk, 3)
    with pytest.raises(ProtectedLabel):
        prompts.set_label(OWNER, NAME, "production", 3)
    assert desk.asked == asked + 1, "to move a label asks no model"
    desk.orchestra.cases.add(OWNER, NAME, {**CRASH, "name": "another", "assertions": []})
    prompts.set_label(OWNER, NAME, "production", 2)
    with pytest.raises(ProtectedLabel, match="another"):
        prompts.set_label(OWNER, NAME, "production", 1)


def test_a_reason_is_kept_with_who_and_when(prompts: PromptFiles) -> None:
    prompts.set_label(OWNER, NAME, "production", 3, "  A customer\n waits ")
    assert history(prompts) == [{"label": "production", "version": 3, "by": "tester", "reason": "A customer waits"}]
    for reason in (" \n", "x" * 501, "\ud800", "\u2800 \u2800", "\u3164", "\u034f", "\U0001d159", "\U00013441"):
        with pytest.raises((ProtectedLabel, InvalidInput)):
            prompts.set_label(OWNER, NAME, "production", 1, reason)
    prompts.set_label(OWNER, NAME, "staging", 1)
    assert prompts.get(OWNER, NAME).labels == {"production": 3, "staging": 1}
    assert len(history(prompts)) == 1


def _with(**changes: Any) -> Callable[[PromptFiles], object]:
    def act(prompts: PromptFiles) -> object:
        file = prompts.get(OWNER, NAME)
        return prompts.save(OWNER, NAME, json.dumps({**(file.document or {}), **changes}), file.etag)

    return act


def _as_version(label: str | None, **changes: Any) -> Callable[[PromptFiles], object]:
    def act(prompts: PromptFiles) -> object:
        file = prompts.get(OWNER, NAME)
        text = json.dumps({**(file.document or {}), "title": "Other", **changes})
        return prompts.save_version(OWNER, NAME, text, file.etag, label)

    return act


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(_as_version("production"), id="a version saved with it"),
        pytest.param(_as_version(None, labels={"production": 3}), id="a version whose text moves it"),
        pytest.param(_with(labels={"production": 3}), id="a draft that moves it"),
        pytest.param(_with(labels={}), id="a draft without it"),
        pytest.param(_with(protected=[]), id="a draft without the protection"),
        pytest.param(_with(protected="production"), id="a draft whose protection is unreadable"),
        pytest.param(_with(moves=[]), id="a draft without the history"),
        pytest.param(_with(moves={"a": 1}), id="a draft with another history"),
        pytest.param(_as_version(None, moves=[]), id="a version whose text has no history"),
        pytest.param(lambda prompts: prompts.remove_label(OWNER, NAME, "production"), id="removing it"),
    ],
)
def test_no_other_way_moves_it(prompts: PromptFiles, act: Callable[[PromptFiles], object]) -> None:
    prompts.set_label(OWNER, NAME, "production", 1)
    prompts.set_label(OWNER, NAME, "production", 2, "The first move")
    before = prompts.get(OWNER, NAME)
    with pytest.raises(ProtectedLabel):
        act(prompts)
    assert prompts.get(OWNER, NAME) == before


FORGED = [{"label": "production", "version": 1, "by": "owner", "at": "2020-01-01T00:00:00.000Z", "reason": "forged"}]


@pytest.mark.parametrize("moves", [FORGED, {"a": 1}, "x", [1], False])
def test_a_history_is_never_written_by_saving_a_text(prompts: PromptFiles, moves: Any) -> None:
    before = prompts.get(OWNER, NAME)
    for act in (_with(moves=moves), _as_version(None, moves=moves), _as_version("staging", moves=moves)):
        with pytest.raises((ProtectedLabel, InvalidFile)):
            act(prompts)
    with pytest.raises(ProtectedLabel, match="a history"):
        prompts.save(OWNER, "other", json.dumps({**PROMPT, "moves": moves}), None)
    assert prompts.get(OWNER, NAME) == before


@pytest.mark.parametrize(("bad", "field"), [({"a": 1}, "moves"), ([*FORGED, {"a": 1}], "moves.1.a")])
def test_a_damaged_history_is_told_and_what_is_unreadable_can_be_removed(
    desk: Desk, prompts: PromptFiles, bad: Any, field: str
) -> None:
    document = {**(prompts.get(OWNER, NAME).document or {}), "moves": bad}
    (desk.root / "prompts" / f"{NAME}.json").write_text(json.dumps(document))
    [*_, problem] = [one for one in prompts.get(OWNER, NAME).problems if one.field == field]
    assert "Remove" in problem.remedy
    _with(title="New")(prompts)
    with pytest.raises(ProtectedLabel):
        _with(moves=[{**FORGED[0], "by": "eve"}])(prompts)
    _as_version(None, moves=FORGED if isinstance(bad, list) else [])(prompts)
    assert prompts.get(OWNER, NAME).versions == [1, 2, 3, 4]


def test_saving_a_text_removes_and_sets_labels_only_as_their_own_verbs(desk: Desk, prompts: PromptFiles) -> None:
    prompts.unprotect(OWNER, NAME, "production")
    with pytest.raises(UnknownName):
        _with(labels={"production": 9})(prompts)
    desk.workflow([{"id": "a", "uses": "llm.extract", "with": {"prompt": NAME, "variables": {"text": "x"}}}])
    for act in (_with(labels={}), _as_version(None, labels={})):
        with pytest.raises(InUse):
            act(prompts)


def test_a_prompt_is_deleted_once_its_protection_is_taken_off(prompts: PromptFiles) -> None:
    with pytest.raises(ProtectedLabel, match="cannot be deleted"):
        prompts.delete(OWNER, NAME)
    prompts.unprotect(OWNER, NAME, "production")
    prompts.delete(OWNER, NAME)


def test_a_version_saved_with_it_needs_a_test_of_the_text(desk: Desk, prompts: PromptFiles) -> None:
    desk.orchestra.cases.add(OWNER, NAME, CRASH)
    file = prompts.get(OWNER, NAME)
    text = json.dumps({**(file.document or {}), "messages": REWORDED["messages"]})
    with pytest.raises(ProtectedLabel):
        prompts.save_version(OWNER, NAME, text, file.etag, "production")
    desk.orchestra.case_tests.start(OWNER, NAME, MatrixRequest([TriedColumn(text=text)]))
    desk.orchestra.case_tests.wait(OWNER, NAME, PATIENCE_SECONDS)
    assert prompts.save_version(OWNER, NAME, text, file.etag, "production") == 4


def test_the_protection_goes_with_a_copy_and_a_rename_and_is_taken_off_by_an_editor(prompts: PromptFiles) -> None:
    prompts.duplicate(OWNER, NAME, "copy")
    prompts.rename(OWNER, NAME, "sorted")
    for name in ("copy", "sorted"):
        assert prompts.get(OWNER, name).protected == ["production"]
        with pytest.raises(ProtectedLabel):
            prompts.set_label(OWNER, name, "production", 3)
    with pytest.raises(NotAllowed):
        prompts.unprotect(Principal("oda", "operator"), "copy", "production")
    prompts.unprotect(Principal("eve", "editor"), "copy", "production")
    prompts.set_label(OWNER, "copy", "production", 3)
    with pytest.raises(UnknownName):
        prompts.protect(OWNER, "copy", "produktion")
