"""The workspace that ships: in written form, without a problem, and every loop safe against one bad item."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from engine.base.checkout import CHECKOUT
from engine.compiler.compiler import CompilerContext, compile_workflow
from engine.compiler.definition.plan import Plan
from engine.documents.json_file import parse, read
from engine.prompts.prompts import PromptStore
from engine.workflows.samples import prompt_names
from engine.workspace.canonical import Kind, canonical
from engine.workspace.config import load
from engine.workspace.workspace import Workspace

SHIPPED = Workspace(CHECKOUT)
STORE = PromptStore(SHIPPED)
GALLERY = Workspace(CHECKOUT / "gallery")
WORKFLOWS = ("answer-mail", "commit-digest", "inbox-triage", "issue-to-notion", "reply-drafts")
PROMPTS = ("classify-mail", "draft-reply", "summarize-commits", "summarize-issue")


def compiled(name: str) -> Plan:
    config = load(CHECKOUT, {}).config
    services = {connection: settings.service for connection, settings in config.connections.items()}
    found = compile_workflow(SHIPPED.workflows.read(name), name, CompilerContext(services, STORE.resolve))
    assert [str(problem) for problem in found.problems] == []
    assert found.plan is not None
    return found.plan


def loops(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for step in steps:
        if "foreach" in step:
            yield step
        yield from loops(step.get("steps", []))


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_shipped_workflow_compiles_without_a_problem(name: str) -> None:
    plan = compiled(name)
    assert "llm" in plan.connections
    assert not plan.inputs_schema["required"], "pressing Run needs no typing"


@pytest.mark.parametrize("name", WORKFLOWS)
def test_one_bad_item_does_not_stop_a_shipped_loop_and_none_is_done_twice(name: str) -> None:
    for loop in loops(SHIPPED.workflows.read(name).value["steps"]):
        assert loop["key"]
        assert loop["item_title"]
        assert loop["on_item_error"] == "continue"


@pytest.mark.parametrize(
    ("kind", "file"),
    [
        *(pytest.param("workflow", f"workflows/{name}.json", id=name) for name in WORKFLOWS),
        *(pytest.param("prompt", f"prompts/{name}.json", id=name) for name in PROMPTS),
        *(pytest.param("prompt", f"prompts/{name}.versions/1.json", id=f"{name}-1") for name in PROMPTS),
    ],
)
def test_a_shipped_file_is_in_written_form(kind: Kind, file: str) -> None:
    found = read(CHECKOUT / file, file)
    assert canonical(found.value, kind) == found.text


@pytest.mark.parametrize("name", PROMPTS)
def test_a_shipped_prompt_has_no_problem_and_renders_its_samples(name: str) -> None:
    assert STORE.check(name, SHIPPED.prompts.text(name)) == []
    document = STORE.resolve(f"{name}@production")
    assert document["version"] == 1
    assert document["samples"]
    for sample in document["samples"]:
        assert all(message["content"] for message in STORE.render(document, sample["variables"]))


def test_the_shipped_prompts_are_those_that_the_workflows_use() -> None:
    used = set().union(*(prompt_names(SHIPPED.workflows.read(name).value) for name in WORKFLOWS))
    assert used == set(PROMPTS)


def test_the_main_sample_takes_new_mail_one_by_one_and_sends_none() -> None:
    [trigger] = SHIPPED.workflows.read("inbox-triage").value["triggers"]
    assert trigger == {
        "id": "new_mail",
        "uses": "gmail.new_message",
        "with": {"query": "in:inbox"},
        "inputs": {"messages": "{{ [item.id] }}"},
    }
    assert not any(node.action and node.action.uses == "gmail.send" for node in compiled("inbox-triage").nodes())


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(("item_title",), id="the title of an item"),
        pytest.param(("steps", 0, "with", "variables", "text"), id="a field inside"),
    ],
)
def test_a_field_of_a_mail_that_does_not_exist_is_found_in_the_sample(place: tuple[str | int, ...]) -> None:
    document = json.loads(SHIPPED.workflows.text("inbox-triage"))
    target = document["steps"][1]
    for part in place[:-1]:
        target = target[part]
    target[place[-1]] = "{{ mail.subjct }}"
    services = {"gmail": "gmail", "github": "github", "notion": "notion", "llm": "openai"}
    around = CompilerContext(services, STORE.resolve)
    problems = compile_workflow(parse(json.dumps(document), "inbox-triage.json"), "inbox-triage", around).problems
    assert [problem.remedy for problem in problems] == ["`mail.subjct`: did you mean `mail.subject`?"]
