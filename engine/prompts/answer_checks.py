"""What must hold of an answer beside its schema: the assertions of its prompt, and that the model is sure of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from pydantic import TypeAdapter

from engine.base.definitions import PromptDefinition
from engine.base.json_text import JsonObject, JsonSchema
from engine.plugins.step import JsonValue
from engine.prompts.assertions import AnswerAssertion, AnswerFacts
from engine.prompts.messages import WireMessage
from engine.prompts.second_question import SecondQuestion, written

UNSURE = "unsure"
"""The choice that means that a model cannot tell."""
MOST_CHOICES = 20
"""Servers tell the probabilities of so many tokens (OpenAI, `top_logprobs`)."""
REQUESTS_AGAIN = 2
"""How many requests one question how sure the model is takes at most: where a server tells no probabilities, two."""


class AnswerChecks(Struct, frozen=True):
    """What a prompt says about its answers."""

    assertions: Sequence[JsonObject] = ()
    sure_at_least: float | None = None
    """None: the model is not asked how sure it is."""

    @classmethod
    def of(cls, prompt: PromptDefinition) -> AnswerChecks:
        """Return the checks of a prompt."""
        return cls(prompt.get("assertions") or (), prompt.get("sure_at_least"))

    def faults(self, text: str, value: JsonValue, output_tokens: int) -> Iterator[str]:
        """Yield why an answer is not as the assertions say; `value` is the JSON in it, if the prompt wants JSON."""
        facts = AnswerFacts(text=text, value=value, output_tokens=output_tokens)
        adapter: TypeAdapter[Any] = TypeAdapter(list[AnswerAssertion])
        for one in adapter.validate_python(self.assertions):
            if said := one.fault(facts):
                yield said

    def doubts(self, value: Any, schema: JsonSchema | None, sureness: Mapping[str, float]) -> list[Doubt]:
        """Return the fields of which the model is not sure; `sureness` has that of each field that was asked about."""
        if self.sure_at_least is None or not isinstance(value, Mapping):
            return []
        return [
            Doubt(name, value[name], sureness.get(name), self.sure_at_least, has_choice=UNSURE in choices)
            for name, choices in chosen_fields(schema).items()
            if name in value and (value[name] == UNSURE or sureness.get(name, 1.0) < self.sure_at_least)
        ]

    def questions(self, messages: Sequence[WireMessage], value: Any, schema: JsonSchema) -> dict[str, SecondQuestion]:
        """Return what to ask about each chosen field of an answer; nothing about a field that says `unsure`."""
        if self.sure_at_least is None or not isinstance(value, Mapping):
            return {}
        return {
            name: SecondQuestion.of(messages, name, value[name], choices)
            for name, choices in chosen_fields(schema).items()
            if value.get(name) in choices and value[name] != UNSURE
        }


class Doubt(Struct, frozen=True):
    """A field of an answer of which the model is not sure."""

    field: str
    said: JsonValue
    sure: float | None
    """How sure, from 0 to 1; None if it said `unsure` itself."""
    wanted: float
    has_choice: bool
    """Whether the field may be `unsure`."""

    @property
    def words(self) -> str:
        """Such as: kind: bug (0.55 of 0.8)."""
        if self.sure is None:
            return f"{self.field}, as it says itself"
        return f"{self.field}: {written(self.said)} ({self.sure:.2f} of {self.wanted:g})"


def doubtful(doubts: Sequence[Doubt]) -> str:
    """Return what a model is not sure of, as a sentence."""
    return f"It was unsure of {'; '.join(one.words for one in doubts)}."


def without_doubtful(value: Any, doubts: Sequence[Doubt]) -> Any:
    """Return an answer with `unsure` in the fields of which the model is not sure, where they have that choice."""
    return {**value, **{one.field: UNSURE for one in doubts if one.has_choice}} if doubts else value


def asked_again(prompt: Mapping[str, Any]) -> int:
    """Return of how many fields of each answer a prompt asks how sure the model is; each takes `REQUESTS_AGAIN`."""
    return len(chosen_fields(prompt.get("output_schema"))) if prompt.get("sure_at_least") else 0


def chosen_fields(schema: Any) -> dict[str, list[JsonValue]]:
    """Return the fields of an answer with 2 to 20 fixed choices (`enum`), each with its choices."""
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    known = properties if isinstance(properties, Mapping) else {}
    choices = {name: one.get("enum") for name, one in known.items() if isinstance(one, Mapping)}
    return {
        name: found for name, found in choices.items() if isinstance(found, list) and 2 <= len(found) <= MOST_CHOICES
    }
