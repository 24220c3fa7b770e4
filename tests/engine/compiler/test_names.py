"""What can be completed at a place of a workflow."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.compiler.compiler import read_workflow
from engine.compiler.names import names_at
from engine.documents.json_file import JsonPath, parse
from tests.engine.compiler.test_compiler import AROUND
from tests.engine.conftest import set_step

LOOP: Any = {
    "id": "each",
    "foreach": "{{ [{'id': 'a'}] }}",
    "as": "mail",
    "steps": [set_step("inner", {"v": "{{ mail.id }}"}), set_step("after", {"v": "x"})],
}
DOCUMENT = {
    "schema_version": 1,
    "inputs": {"type": "object", "properties": {"limit": {"type": "integer"}, "no name": {"type": "string"}}},
    "steps": [set_step("first", {"v": "{{ inputs.limit }}"}), LOOP, set_step("last", {"v": "x"})],
    "outputs": {"v": "x"},
}
ALL = {"inputs.limit", "run.id"}
FIRST = {"steps.first.output", "steps.first.output.v"}


@pytest.mark.parametrize(
    ("path", "there", "not_there"),
    [
        pytest.param(("steps", 0, "with", "values", "v"), ALL, {*FIRST, "mail", "inputs.no name"}, id="first step"),
        pytest.param(
            ("steps", 1, "steps", 1, "with"),
            {*ALL, *FIRST, "mail", "mail.id", "index", "steps.inner.output.v"},
            {"steps.after.output", "steps.last.output", "steps.each.output"},
            id="in a loop",
        ),
        pytest.param(
            ("steps", 2, "if"), {*ALL, *FIRST, "steps.each.output"}, {"mail", "steps.inner.output"}, id="last"
        ),
        pytest.param(("outputs", "v"), {*ALL, *FIRST, "steps.last.output.v"}, {"mail"}, id="outputs"),
    ],
)
def test_what_can_be_named_depends_on_the_place(path: JsonPath, there: set[str], not_there: set[str]) -> None:
    _, report = read_workflow(parse(json.dumps(DOCUMENT), "workflows/work.json"), "work", AROUND)
    assert report is not None
    names = {one.name: one.type for one in names_at(report, path)}
    assert there <= names.keys()
    assert not not_there & names.keys()
    assert names["inputs.limit"] == "integer"
    assert names_at(report, ("title",)) == []
