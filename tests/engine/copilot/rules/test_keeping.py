"""A request that says one member of a rule keeps the others, and what is removed takes its outputs along."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.workspaces import init

OWNER = Principal("owner", "owner", confirmed=True)
FOUR_EYES = {"by": ["owner", "not_self"], "expires_after": "2d"}
NAME = "guarded"
STEPS: list[dict[str, Any]] = [
    {
        "id": "g",
        "uses": "github.create_issue",
        "approve": {"when": "when_outside", **FOUR_EYES},
        "with": {"repository": "acme/app", "title": "A"},
        "retry": {"attempts": 2, "backoff_seconds": 9},
    },
    {
        "id": "h",
        "uses": "github.create_issue",
        "approve": {"when": "always", **FOUR_EYES},
        "with": {"repository": "acme/app", "title": "B"},
    },
    {"id": "i", "uses": "github.create_issue", "with": {"repository": "acme/app", "title": "C"}},
]


@pytest.fixture(scope="module")
def orchestra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orchestra]:
    folder = tmp_path_factory.mktemp("keeping") / "workspace"
    init(folder)
    opened = Orchestra.open(folder, demo=True)
    opened.workflows.save(OWNER, NAME, json.dumps({"schema_version": 1, "title": "Guarded", "steps": STEPS}), None)
    yield opened
    opened.close()


def values(orchestra: Orchestra, said: str, selection: tuple[str, ...] = ()) -> dict[str, Any]:
    made = orchestra.copilot.rules.answer(OWNER, said, NAME, selection=selection).proposal
    return {} if made is None else {str(one["step"]): one["value"] for one in made.ops}


@pytest.mark.parametrize(
    "said", ["ask me before g", "frage mich vor g", "I want to sign off step g", "set approve of g to always"]
)
def test_who_approves_a_step_and_how_long_it_waits_stays(orchestra: Orchestra, said: str) -> None:
    assert values(orchestra, said) == {"g": {"when": "always", **FOUR_EYES}}


@pytest.mark.parametrize(
    "said", ["ask me before every writing step", "ask me before every step that writes", "ask me before them"]
)
def test_a_step_that_asks_already_is_left_out(orchestra: Orchestra, said: str) -> None:
    selection = ("g", "h", "i") if said.endswith("them") else ()
    assert values(orchestra, said, selection) == {"g": {"when": "always", **FOUR_EYES}, "i": "always"}


@pytest.mark.parametrize(("said", "selection"), [("ask me before h", ()), ("ask me before this", ("h",))])
def test_if_all_ask_already_that_is_the_answer(orchestra: Orchestra, said: str, selection: tuple[str, ...]) -> None:
    answer = orchestra.copilot.rules.answer(OWNER, said, NAME, selection=selection)
    assert (answer.proposal, answer.text) == (None, "You are asked already before: Create an issue.")


def test_a_shipped_sample_keeps_what_it_does_if_nobody_answers(orchestra: Orchestra) -> None:
    answer = orchestra.copilot.rules.answer(OWNER, "ask me before every writing step", "answer-mail")
    assert (answer.proposal, answer.text) == (None, "You are asked already before: Send the answer.")


def test_a_change_of_all_workflows_leaves_those_that_ask_already(orchestra: Orchestra) -> None:
    answer = orchestra.copilot.rules.answer(OWNER, "ask me before every writing step in all workflows")
    names = [one.workflow for one in answer.proposals]
    assert NAME in names
    assert "answer-mail" not in names


def test_more_attempts_keep_the_pause_between_them(orchestra: Orchestra) -> None:
    assert values(orchestra, "retry g 5 times") == {"g": {"attempts": 5, "backoff_seconds": 9}}


@pytest.mark.parametrize("said", ["remove unsure", "lösche unsure", "remove it", "remove all steps that begin with un"])
def test_a_step_takes_the_outputs_along_that_name_it(orchestra: Orchestra, said: str) -> None:
    """Those that name another step stay, so the text compiles."""
    selection = ("unsure",) if said == "remove it" else ()
    made = orchestra.copilot.rules.answer(OWNER, said, "inbox-triage", selection=selection).proposal
    assert made is not None
    assert made.ops == [{"op": "remove", "steps": ["unsure"]}, {"op": "unset", "field": ["outputs", "unsure"]}]
    assert made.is_acceptable
    assert [one for one in made.problems if one.severity == "error"] == []


def test_several_selected_steps_take_an_output_along_once(orchestra: Orchestra) -> None:
    selection = ("task", "unsure")
    made = orchestra.copilot.rules.answer(OWNER, "remove them", "inbox-triage", selection=selection).proposal
    assert made is not None
    assert [one["field"] for one in made.ops if one["op"] == "unset"] == [["outputs", "tasks"], ["outputs", "unsure"]]
