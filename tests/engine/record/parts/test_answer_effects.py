"""Which steps wait for the output of a step, and which depend on what it says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.base.errors import UnknownName
from engine.compiler.compiler import CompilerContext, compile_workflow
from engine.compiler.definition.plan import Plan
from engine.documents.json_file import parse
from engine.record.parts.answer_effects import depending_on, waited_for


def planned(*steps: dict[str, Any]) -> Plan:
    def nothing(name: str) -> Any:
        raise UnknownName("name", name, [])

    document = {"schema_version": 1, "title": "Work", "steps": list(steps)}
    file = parse(json.dumps(document), "workflows/work.json")
    found = compile_workflow(file, "work", CompilerContext({}, nothing, nothing))
    assert found.plan is not None, found.problems
    return found.plan


def step(name: str, of: str = "", **more: Any) -> dict[str, Any]:
    """Return a step that puts out x, taken from another step if there is one."""
    value = f"{{{{ steps.{of}.output.x }}}}" if of else "x"
    return {"id": name, "uses": "flow.set", "with": {"values": {"x": value}}, **more}


def only_if(of: str) -> dict[str, Any]:
    return {"if": f"{{{{ steps.{of}.output.x == 'x' }}}}"}


def group(name: str, *steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": name, "steps": list(steps), **more}


def each(name: str, *steps: dict[str, Any]) -> dict[str, Any]:
    return group(name, *steps, foreach="{{ [1, 2] }}")


STOP = {"id": "stop", "uses": "flow.stop", "with": {"message": "Enough."}}

FOUND = [
    pytest.param("a", [step("a"), step("b")], set(), id="nothing refers to it"),
    pytest.param("a", [step("a"), step("b", "a"), step("c", "b"), step("d")], {"b", "c"}, id="through another step"),
    pytest.param("a", [step("a"), step("b", **only_if("a")), step("c")], {"b"}, id="a condition"),
    pytest.param(
        "a", [step("a"), group("g", step("b"), **only_if("a")), step("c")], {"g", "g.b"}, id="all in a group with an if"
    ),
    pytest.param(
        "each.a",
        [step("z"), each("each", step("a"), step("b", "a"), step("y", "z")), step("c"), step("d")],
        {"each.b"},
        id="inside an item",
    ),
    pytest.param(
        "each.a",
        [
            each("each", step("a"), step("b")),
            {"id": "c", "uses": "flow.set", "with": {"values": {"x": "{{ size(steps.each.output) }}"}}},
        ],
        {"c"},
        id="behind the loop, what uses its output",
    ),
    pytest.param(
        "a", [step("z"), step("a"), STOP | only_if("a"), step("b")], {"stop", "b"}, id="all behind a stop that may come"
    ),
    pytest.param("a", [step("a"), STOP, step("b")], set(), id="a stop that comes anyway"),
]


@pytest.mark.parametrize(("path", "steps", "found"), FOUND)
def test_what_depends_on_an_answer_is_found(path: str, steps: list[dict[str, Any]], found: set[str]) -> None:
    assert depending_on(planned(*steps), path) == found


def test_a_step_waits_for_those_before_it_and_what_they_need() -> None:
    plan = planned(step("z"), step("y", needs=[]), each("each", step("a"), step("b"), step("c")), step("d"))
    assert waited_for(plan, "each.b") == frozenset({"z", "y", "each.a"})
    parallel = planned(step("z"), step("y", needs=[]), step("a", needs=["y"]), step("b", needs=["a"]))
    assert waited_for(parallel, "b") == frozenset({"y", "a"})
    assert waited_for(parallel, "nothing") is None
