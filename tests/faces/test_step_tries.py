"""A step is tried with made-up values at the command line and over REST alike; the canvas has its own test."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.faces.conftest import Faces, Outcome

VALUES: dict[str, Any] = {"steps": {"one": {"output": {"x": 20}}}}
ADDRESS = "/api/workflows/twice/steps/two/try"
TWICE = {
    "schema_version": 1,
    "steps": [
        {"id": "one", "uses": "flow.set", "with": {"values": {"x": 1}}},
        {"id": "two", "uses": "flow.set", "with": {"values": {"x": "{{ steps.one.output.x * 2 }}"}}},
    ],
    "outputs": {"x": "{{ steps.two.output.x }}"},
}


def by_command(faces: Faces, values: Any, step: str = "two") -> Outcome:
    return faces.command(["workflows", "try", "twice", step, "--values", "-"], json.dumps(values))


def by_request(faces: Faces, values: Any, step: str = "two") -> Outcome:
    body = {"values": values, "wait_seconds": 20}
    return faces.request("POST", f"/api/workflows/twice/steps/{step}/try", body)


@pytest.fixture
def faces(make_faces: Callable[[], Faces]) -> Faces:
    """A workflow whose second step reads the first one."""
    faces = make_faces()
    (faces.orchestra.workspace.root / "workflows" / "twice.json").write_text(json.dumps(TWICE))
    return faces


def test_both_show_the_same_sample_and_run_the_step_alone(faces: Faces) -> None:
    sample = faces.request("GET", ADDRESS).value
    assert sample == faces.command(["workflows", "try", "twice", "two", "--sample"]).value
    assert sample["values"] == {"steps": {"one": {"output": {"x": 1}}}}
    for try_ in (by_command, by_request):
        run = try_(faces, VALUES).value
        assert (run["status"], run["options"]["only"]) == ("succeeded", "two")
        assert {one["path"]: one["output"] for one in run["steps"]} == {"one": {"x": 20}, "two": {"x": 40}}
        action, target = faces.trail()[-1]
        assert (action, target) == ("runs.try", "twice")


@pytest.mark.parametrize(
    ("values", "step"),
    [
        ({}, "two"),
        ({"steps": {"one": {"output": {"x": "many"}}}}, "two"),
        ({**VALUES, "inputs": {}}, "two"),
        (VALUES, "three"),
    ],
)
def test_both_refuse_in_the_same_words(faces: Faces, values: Any, step: str) -> None:
    first, second = by_command(faces, values, step), by_request(faces, values, step)
    assert first.message
    assert first == second
