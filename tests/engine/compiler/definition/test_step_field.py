"""Each field of a step is declared once, and every other form of it comes from there."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import BaseModel, Field

from engine.compiler.definition.approval_rules import StepApproval
from engine.compiler.definition.step_field import StepField, declared_fields, form_schema
from engine.compiler.definition.step_model import STEP_FIELDS, RetryModel, StepModel, step_schema
from engine.step_docs import steps_page


def test_every_field_is_declared() -> None:
    assert list(STEP_FIELDS) == [info.alias or name for name, info in StepModel.model_fields.items()]
    assert list(step_schema()["properties"]) == list(STEP_FIELDS)


def test_a_field_needs_another_one() -> None:
    assert {one.only_with for one in STEP_FIELDS.values()} <= {"", *STEP_FIELDS}


def test_every_field_is_documented() -> None:
    inside = [f"retry.{name}" for name in RetryModel.model_fields] + [
        f"approve.{name}" for name in StepApproval.model_fields
    ]
    assert [name for name in [*STEP_FIELDS, *inside] if f"| `{name}` |" not in steps_page()] == []


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        pytest.param("parallel", {"type": "integer", "minimum": 1, "maximum": 256, "default": 1}, id="its limits"),
        pytest.param("if", {"anyOf": [{"type": "string"}, {"type": "boolean"}]}, id="without null"),
        pytest.param("id", {"type": "string", "minLength": 1, "maxLength": 64}, id="without an example"),
        pytest.param("note", {"type": "string", "description": "For readers; it has no effect."}, id="its words"),
    ],
)
def test_the_schema_of_a_field_has_its_type_its_limits_and_its_words(name: str, schema: dict[str, object]) -> None:
    declared = STEP_FIELDS[name]
    found = step_schema()["properties"][name]
    assert found == {**found, **schema, "title": declared.title, "section": declared.section}
    assert "examples" not in found


class _Node(BaseModel):
    note_x: Annotated[str | None, StepField("A made-up note", "It has no effect.", takes_expressions=True)] = None
    nodes: list[_Node] = Field(default_factory=list, title="Nodes")


def test_a_new_field_is_one_declaration() -> None:
    assert declared_fields(_Node) == {
        "note_x": StepField("A made-up note", "It has no effect.", takes_expressions=True)
    }
    assert form_schema(_Node)["properties"]["note_x"] == {
        "type": "string",
        "title": "A made-up note",
        "description": "It has no effect.",
        "section": "about",
        "takes_expressions": True,
    }
