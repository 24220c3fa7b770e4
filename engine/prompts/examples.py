"""Which cases of a prompt the model gets as examples: those whose words are most like the ones it is asked about."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from msgspec import Struct

from clients.wording import counted
from engine.base.definitions import PromptDefinition
from engine.base.errors import ExpressionError, InvalidInput
from engine.base.json_text import JsonObject, JsonSchema, alike_text
from engine.base.text_index import TextIndex
from engine.documents.schema_check import misfits
from engine.plugins.step import JsonValue
from engine.prompts.cases import Case
from engine.prompts.prompt import (
    MOST_EXAMPLE_TOKENS,
    CaseExample,
    estimated_tokens,
    example_turns,
    filled,
    question_number,
)

_EQUALS = "field_equals"


class ExampleChoice(Struct, frozen=True):
    """The examples of one question."""

    examples: Sequence[CaseExample] = ()
    """The most similar one is the last."""
    left_out: int = 0
    """How many similar cases there was no room for."""

    @property
    def note(self) -> str:
        """Say that examples were left out; empty if none was."""
        if not self.left_out:
            return ""
        many = counted(self.left_out, "example")
        return f"{many} left out: together they have at most {MOST_EXAMPLE_TOKENS:,} tokens."


class _AnsweredCase(Struct, frozen=True):
    """A case with what it says is right."""

    case: str
    variables: JsonObject
    answer: JsonObject
    """Its fields, as far as the case says what is right."""


class Examples:
    """The cases of a prompt that say what is right; any thread."""

    def __init__(self, cases: Iterable[Case]) -> None:
        self._known = [one for one in map(_known, cases) if one is not None]
        self._index = TextIndex([""] * len(self._known), ["\n".join(_texts(one.variables)) for one in self._known])

    def chosen(
        self, document: PromptDefinition, variables: Mapping[str, object], schema: JsonSchema | None = None
    ) -> ExampleChoice:
        """Return the examples for a question; none for a prompt that wants none, or without a schema of its answer.

        `schema`: the step's own. A case with the same variables is never an example, so that a test cannot be answered
        by copying.
        """
        wanted, schema = document.get("examples") or 0, schema or document.get("output_schema")
        if not wanted or not schema or question_number(document) == len(document["messages"]):
            return ExampleChoice()
        with suppress(InvalidInput):  # the question itself says what is wrong with its variables
            own = filled(document.get("variables", {}), variables)
            near = self._near(document, own, schema)
            return _fitting(document, [one for one, _ in zip(near, range(wanted), strict=False)])
        return ExampleChoice()

    def most(self, document: PromptDefinition) -> int:
        """Return how many examples each question of a prompt can have, however many it wants."""
        schema = document.get("output_schema")
        if not schema or question_number(document) == len(document["messages"]):
            return 0
        usable = [one for one in self._known if _example(document, one, schema) is not None]
        return max(len(usable) - 1, 0)

    def _near(self, document: PromptDefinition, own: Mapping[str, object], schema: JsonSchema) -> Iterator[CaseExample]:
        """Yield the examples, the most similar one first; none without a word in common."""
        for place, _ in self._index.best("\n".join(_texts(own)), len(self._known)):
            example = _example(document, self._known[place], schema)
            if example is not None and alike_text(example.variables) != alike_text(own):
                yield example


def right_values(document: JsonObject) -> dict[str, JsonValue]:
    """Return the values of fields that a case expects (`field_equals`), by field."""
    expected = [one for one in document.get("assertions") or () if one.get("type") == _EQUALS]
    return {str(one["field"]): one["value"] for one in expected}


def _known(case: Case) -> _AnsweredCase | None:
    document = case.document or {}
    if case.problems or not document.get("variables"):
        return None
    answer = document.get("answer") or {}
    fields = {name: value for name, value in right_values(document).items() if "." not in name}
    return _AnsweredCase(case.case, document["variables"], {**answer, **fields})


def _example(document: PromptDefinition, known: _AnsweredCase, schema: JsonSchema) -> CaseExample | None:
    """Return a case as an example; None if its variables or its answer are not those of this text of the prompt."""
    if any(misfits(known.answer, schema)):
        return None
    with suppress(InvalidInput, ExpressionError):
        ordered = [name for name in schema.get("properties") or {} if name in known.answer]
        answer = {name: known.answer[name] for name in [*ordered, *known.answer]}
        values = filled(document.get("variables", {}), known.variables)
        example = CaseExample(known.case, values, json.dumps(answer, ensure_ascii=False))
        example_turns(document, example)
        return example
    return None


def _fitting(document: PromptDefinition, near: Sequence[CaseExample]) -> ExampleChoice:
    """Return the examples that there is room for; `near`: the most similar one first."""
    taken: list[CaseExample] = []
    tokens = 0
    for one in near:
        size = sum(estimated_tokens(turn["content"]) for turn in example_turns(document, one))
        if tokens + size <= MOST_EXAMPLE_TOKENS:
            taken.insert(0, one)
            tokens += size
    return ExampleChoice(taken, len(near) - len(taken))


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
