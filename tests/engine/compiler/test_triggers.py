"""What the compiler says of triggers: names, fields, and how an item becomes inputs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from engine.base.errors import UnknownName
from engine.base.problem import Problem
from engine.compiler.compiler import Compiled, CompilerContext, compile_workflow
from engine.documents.json_file import parse
from tests.engine.conftest import set_step

INPUTS = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
MAPPED = {"id": "{{ item.name }}"}


def workflows(name: str) -> Mapping[str, Any]:
    if name not in ("reports", "own"):
        raise UnknownName("workflow", name, ["reports", "own"])
    return {"schema_version": 1, "steps": [set_step("a")]}


def compiled(trigger: Mapping[str, Any]) -> Compiled:
    document = {"schema_version": 1, "inputs": INPUTS, "triggers": [trigger], "steps": [set_step("s")]}
    file = parse(json.dumps(document), "workflows/own.json")
    return compile_workflow(file, "own", CompilerContext({"github": "github"}, lambda name: {}, workflows))


def of_triggers(found: Compiled) -> list[Problem]:
    return [one for one in found.problems if (one.field or "").startswith("triggers")]


def finished(*names: str) -> dict[str, Any]:
    mapped = {"id": "{{ item.run_id }}"}
    return {"id": "end", "uses": "workflow.finished", "with": {"workflows": list(names)}, "inputs": mapped}


def folder(**more: Any) -> dict[str, Any]:
    return {"id": "file", "uses": "folder.new_file", "with": {"path": "in"}, "inputs": MAPPED, **more}


def issue(repository: str) -> dict[str, Any]:
    fields = {"repository": repository}
    return {"id": "t", "uses": "github.new_issue", "with": fields, "inputs": {"id": "{{ item.url }}"}}


@pytest.mark.parametrize(
    ("trigger", "place", "said", "remedy"),
    [
        pytest.param(
            folder(**{"with": {"path": "{{ inputs.id }}"}}), "with.path", "are fixed", "Write the value", id="a field"
        ),
        pytest.param(folder(inputs={"id": "{{ inputs.id }}"}), "inputs.id", "'inputs'", "only 'item'", id="inputs"),
        pytest.param(folder(inputs={"id": "{{ steps.s.output }}"}), "inputs.id", "'s'", "only 'item'", id="a step"),
        pytest.param(folder(inputs={"id": "{{ itm.name }}"}), "inputs.id", "'itm'", "mean 'item'", id="near item"),
        pytest.param(folder(inputs={"id": "{{ item.nam }}"}), "inputs.id", "'nam'", "did you mean", id="near a field"),
        pytest.param(issue("acme"), "with.repository", "owner/name", "means: Repository", id="no repository"),
        pytest.param(
            {key: value for key, value in folder().items() if key != "id"}, "", "'id' is missing", "", id="no id"
        ),
    ],
)
def test_a_mistake_is_told_once_and_in_words_that_help(
    trigger: dict[str, Any], place: str, said: str, remedy: str
) -> None:
    [problem] = of_triggers(compiled(trigger))
    assert (problem.field or "").removeprefix("triggers.0").removeprefix(".") in (place, "id")
    assert said in problem.message
    assert remedy in problem.remedy
    assert "?" not in problem.message


@pytest.mark.parametrize(
    ("names", "said"),
    [
        pytest.param(["reprots"], "Did you mean 'reports'?", id="unknown"),
        pytest.param(["reports", "own"], "never follows on itself", id="itself"),
        pytest.param(["reports"], "", id="another"),
    ],
)
def test_workflows_on_which_nothing_can_follow_are_warned_of(names: list[str], said: str) -> None:
    found = compiled(finished(*names))
    assert found.plan is not None
    told = [f"{one.severity}: {one.message} {one.remedy}" for one in of_triggers(found)]
    assert [said in one and one.startswith("warning") for one in told] == [True] * bool(said)


def test_whoever_starts_by_hand_gives_the_inputs() -> None:
    assert of_triggers(compiled({"id": "hand", "uses": "manual"})) == []
    [problem] = of_triggers(compiled(folder(inputs={})))
    assert "needs the input 'id'" in problem.message


def test_a_repository_may_be_given_by_its_address() -> None:
    assert of_triggers(compiled(issue("https://github.com/acme/app"))) == []
