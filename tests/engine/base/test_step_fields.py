"""The table of a step's fields has every field that a file may have, and no other."""

from __future__ import annotations

from engine.base.step_fields import STEP_FIELDS, names
from engine.compiler.definition.model import StepModel
from tests.docs.pages import text_of


def test_the_table_has_the_fields_of_the_model() -> None:
    fields = StepModel.model_fields
    assert set(names()) == {info.alias or name for name, info in fields.items()}
    assert len(names()) == len(set(names()))


def test_a_field_needs_another_of_the_table() -> None:
    assert {one.only_with for one in STEP_FIELDS} <= {"", *names()}


def test_every_field_is_documented() -> None:
    assert [name for name in names() if f"`{name}`" not in text_of("docs/files.md")] == []
