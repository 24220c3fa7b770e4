"""Violations of a model in words: the remedy fits what the model asks for."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, Field, ValidationError

from engine.documents.shapes import faults


class Contact(BaseModel):
    """A record with all kinds of fields."""

    name: str = Field(min_length=1)
    from_: str = Field(alias="from")
    note: str = Field("", min_length=1)
    tags: list[str] = []
    labels: dict[str, str] = {}


class Book(BaseModel):
    """A record that holds others."""

    contacts: list[Contact] = []


FULL = {"name": "Ann", "from": "ann@example.org"}


@pytest.mark.parametrize(
    ("more", "remedy"),
    [
        pytest.param({"name": ""}, "Give it a value.", id="required-and-empty"),
        pytest.param({"name": None}, "Write a text in quotes.", id="required-and-null"),
        pytest.param({"from": None}, "Write a text in quotes.", id="required-by-another-name"),
        pytest.param({"note": ""}, "Give it a value, or remove the key.", id="optional-and-empty"),
        pytest.param({"note": None}, "Write a text in quotes, or remove the key.", id="optional-and-null"),
        pytest.param({"tags": ["a", None]}, "Write a text in quotes, or remove the entry.", id="an-entry"),
        pytest.param({"labels": {"a": None}}, "Write a text in quotes, or remove the key.", id="a-free-key"),
    ],
)
def test_only_what_may_be_absent_is_to_be_removed(more: dict[str, Any], remedy: str) -> None:
    document = {"contacts": [{**FULL, **more}]}
    with pytest.raises(ValidationError) as caught:
        Book.model_validate(document)
    assert [one.remedy for one in faults(caught.value, Book, document)] == [remedy]
