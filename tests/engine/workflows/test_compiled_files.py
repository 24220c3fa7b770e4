"""What is wrong with a file is kept as long as all that it was checked against stays, and not a moment longer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InvalidFile, UnknownName
from engine.base.problem import Problem
from engine.compiler.compiler import CompilerContext
from engine.workflows.compiled_files import CheckedText, CompiledFiles, RecordedCompilerContext
from engine.workspace.workspace import Workspace

INNER: dict[str, Any] = {
    "schema_version": 1,
    "inputs": {"type": "object", "properties": {"n": {"type": "integer"}}},
    "steps": [{"id": "a", "uses": "flow.assert", "with": {"condition": "{{ inputs.n > 0 }}"}}],
}
OTHER_INPUTS = json.loads(json.dumps(INNER).replace('"n"', '"m"').replace("inputs.n", "inputs.m"))
CALLS = {"id": "called", "uses": "workflow.run", "with": {"workflow": "inner", "inputs": {"n": 1}}}
SORTS = {"id": "sort", "uses": "llm.extract", "with": {"prompt": "sort", "variables": {"text": "x"}}}
READS = {"id": "issue", "uses": "github.get_issue", "connection": "work", "with": {"repository": "a/b", "issue": 1}}
SORTING = {"variables": {"text": {"type": "string"}}, "messages": [{"role": "user", "content": "{{ text }}"}]}


class World:
    """What a workflow may refer to, and how often each of it was asked for."""

    def __init__(self) -> None:
        self.connections = {"llm": "openai", "work": "github"}
        self.prompts: dict[str, Any] = {"sort": {**SORTING, "output_schema": answer("kind")}}
        self.workflows: dict[str, Any] = {"inner": INNER}
        self.questions: list[str] = []

    def asked(self) -> RecordedCompilerContext:
        around = CompilerContext(dict(self.connections), self._giver(self.prompts), self._giver(self.workflows))
        return RecordedCompilerContext(around)

    def _giver(self, things: dict[str, Any]) -> Callable[[str], Any]:
        def given(name: str) -> Any:
            self.questions.append(name)
            if name not in things:
                raise UnknownName("thing", name, list(things))
            if isinstance(things[name], str):
                raise InvalidFile("It is damaged.", [Problem(things[name])])
            return things[name]

        return given


def answer(*fields: str) -> dict[str, Any]:
    return {"type": "object", "properties": {name: {"type": "string"} for name in fields}}


def text_of(*steps: Any, **more: Any) -> str:
    return json.dumps({"schema_version": 1, "title": "Work", **more, "steps": list(steps)})


TEXT = text_of(CALLS, SORTS, READS, outputs={"k": "{{ steps.sort.output.kind }}", "i": "{{ steps.issue.output }}"})


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def files(tmp_path: Path) -> CompiledFiles:
    return CompiledFiles(Workspace(tmp_path).workflows, lambda: CompilerContext({}, no_prompt))


@pytest.fixture
def check(world: World, files: CompiledFiles) -> Callable[[str], CheckedText]:
    return lambda text: files.check("work", text, world.asked())


def no_prompt(name: str) -> Any:
    raise UnknownName("prompt", name)


def codes(checked: CheckedText) -> set[str]:
    return {one.code for one in checked.problems}


def test_what_has_not_changed_is_checked_once(check: Callable[[str], CheckedText]) -> None:
    first = check(TEXT)
    assert codes(first) == set()
    assert check(TEXT) is first
    assert check("{") is check("{")


def test_another_text_is_checked(check: Callable[[str], CheckedText]) -> None:
    assert codes(check(TEXT)) == set()
    assert codes(check(TEXT.replace("llm.extract", "llm.extrct"))) >= {"unknown_step_type"}
    assert codes(check(TEXT)) == set()


def test_texts_under_names_without_a_file_do_not_pile_up(world: World, files: CompiledFiles, tmp_path: Path) -> None:
    Workspace(tmp_path).workflows.folder.mkdir()
    (Workspace(tmp_path).workflows.folder / "saved.json").write_text(TEXT)
    names = ["saved", *(f"unsaved-{number}" for number in range(20))]
    first = {name: files.check(name, TEXT, world.asked()) for name in names}
    kept = [name for name in names[::-1] if files.check(name, TEXT, world.asked()) is first[name]]
    assert kept[-1] == "saved"
    assert 2 < len(kept) < 12


def _lose(things: str, name: str) -> Callable[[World], None]:
    return lambda world: getattr(world, things).pop(name)


def _put(things: str, name: str, value: Any) -> Callable[[World], None]:
    return lambda world: getattr(world, things).update({name: value})


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param(_lose("connections", "work"), "connection", id="a-connection-goes"),
        pytest.param(_put("connections", "work", "notion"), "connection", id="a-connection-of-another-service"),
        pytest.param(_lose("prompts", "sort"), "unknown_prompt", id="a-prompt-goes"),
        pytest.param(_put("prompts", "sort", "damaged"), "unknown_prompt", id="a-prompt-is-damaged"),
        pytest.param(_put("prompts", "sort", {**SORTING, "output_schema": answer("type")}), "expression",
                     id="another-answer"),
        pytest.param(_put("prompts", "sort", {**SORTING, "variables": {}}), "prompt_variable", id="other-variables"),
        pytest.param(_lose("workflows", "inner"), "unknown_workflow", id="a-called-workflow-goes"),
        pytest.param(_put("workflows", "inner", {**INNER, "steps": [{"id": "a", "uses": "no.such"}]}),
                     "called_workflow", id="a-called-workflow-has-errors"),
        pytest.param(_put("workflows", "inner", OTHER_INPUTS), "workflow_input", id="other-inputs"),
        pytest.param(_put("workflows", "inner", {**INNER, "schema_version": True}), "called_workflow",
                     id="true-in-place-of-1"),
    ],
)  # fmt: skip
def test_what_it_refers_to_counts(
    world: World, check: Callable[[str], CheckedText], change: Callable[[World], None], code: str
) -> None:
    before = check(TEXT)
    kept = {name: dict(getattr(world, name)) for name in ("connections", "prompts", "workflows")}
    change(world)
    assert code in codes(check(TEXT))
    for name, things in kept.items():
        getattr(world, name).update(things)
    assert check(TEXT) == before


def test_what_a_called_workflow_refers_to_counts(world: World, check: Callable[[str], CheckedText]) -> None:
    world.workflows["inner"] = {**INNER, "steps": [*INNER["steps"], SORTS]}
    check(TEXT)
    sorts_otherwise = {**SORTING, "variables": {"subject": {"type": "string"}}, "output_schema": answer("kind")}
    world.prompts["sort"] = sorts_otherwise
    assert "called_workflow" in codes(check(TEXT))


def test_two_reasons_why_there_is_nothing_are_two(world: World, check: Callable[[str], CheckedText]) -> None:
    world.prompts["sort"] = "one thing"
    first = check(TEXT)
    assert check(TEXT) is first
    world.prompts["sort"] = "another"
    assert check(TEXT) is not first


def test_a_pass_over_many_files_asks_for_each_thing_once(world: World, files: CompiledFiles) -> None:
    asked = world.asked()
    for name in ("one", "two", "three"):
        files.check(name, TEXT, asked)
    assert sorted(world.questions) == ["inner", "sort"]
