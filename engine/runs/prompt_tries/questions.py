"""Ask a model once with the messages of a prompt."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, convert, field
from msgspec.structs import replace

from clients.errors import BadAnswer
from engine.base.definitions import PromptDefinition
from engine.base.errors import UnknownName
from engine.base.json_text import JsonObject, JsonSchema
from engine.budgets.use import Use
from engine.connections.accounts import Account
from engine.plugins.step import Call, Effect, Fields, StepType, Usage
from engine.prompts.answer_checks import UNSURE, AnswerChecks, doubtful, without_doubtful
from engine.prompts.examples import Examples
from engine.prompts.model_answers import read_fitting
from engine.prompts.talk import ModelAnswer, ModelTalk, early_end
from engine.record.types.step import UsageRecord
from engine.runner.effects.live import StepAnswers
from engine.runs.model_calls import LAB, ModelCall
from engine.runs.prompt_tries.records import TryAnswer

_UNCHECKED = AnswerChecks()


class ModelAccount(Struct, frozen=True):
    """A connection of a model, and the account that is asked."""

    connection: str
    demo: bool
    account: Account | None
    """None if only recorded answers are used."""
    model: str | None = None
    """The model whose recorded answers are used; None: of any."""


class AskedColumn(Struct, frozen=True):
    """What a column of a test asks: a text, and the model."""

    document: PromptDefinition
    version: int | None
    """None for a text that no version has."""
    by: ModelAccount
    model: str = ""
    """Empty: the prompt's, else the connection's."""
    prompt: str = ""
    """What its usage counts for (`prompt_used`)."""
    examples: Examples = Examples(())
    """The cases that the model may get as examples."""
    judges: Mapping[str, ModelAccount] = field(default_factory=dict)
    """The accounts that assertions name, by connection."""

    def judge(self, connection: str) -> ModelAccount:
        """Return the account that judges: the named connection's, else the column's. Raises UnknownName."""
        if not connection:
            return self.by
        if connection not in self.judges:
            raise UnknownName("connection of a model", connection, list(self.judges))
        return self.judges[connection]

    @property
    def model_asked(self) -> str:
        """The model that is asked, as far as that is known."""
        return model_to_ask(self.document, self.model, self.by.account)


class TryQuestion(Struct, frozen=True):
    """What a model is asked."""

    id: str
    account: Account
    model: str
    """Empty: the connection's own model."""
    parameters: JsonObject
    messages: Sequence[Mapping[str, str]]
    output_schema: JsonSchema | None
    checks: AnswerChecks = AnswerChecks()
    answered: Any = None
    """The answer that the model has given: it is asked how sure it is of that. None: the first question."""
    usage: Usage = field(default_factory=Usage)
    """What was used so far."""
    notes: list[str] = field(default_factory=list)
    prompt: str = ""
    """What its usage counts for (`prompt_used`)."""
    stopped: threading.Event = field(default_factory=threading.Event)
    """Set when nobody waits for the answer any more."""

    def call(self, watch: StepAnswers | None = None) -> ModelCall:
        """Return the call that asks it; its output is a ModelAnswer."""
        use: Use = {"workflow": LAB, "step": LAB, "prompt": self.prompt}
        seconds = _Asking.timeout_seconds
        return ModelCall(
            self.id, _Asking(), self, self.account, use, seconds, usage=self.usage, notes=self.notes, watch=watch
        )

    @property
    def used(self) -> UsageRecord:
        """What was used so far, as records have it."""
        return {
            "input_tokens": self.usage.input_tokens,
            "output_tokens": self.usage.output_tokens,
            "cost_usd": self.usage.cost_usd,
        }


class _Asking(StepType):
    """Not registered: no workflow can use it."""

    name = "llm.try"
    title = "Try a prompt"
    effect = Effect.READS
    timeout_seconds = 300.0
    fields = Fields

    def call(self, call: Call) -> Any:
        """Return the model's answer as it is: unlike a step, a try does not ask again for one that does not fit.

        To the second question, the text is how sure the model is of each field, as JSON.
        """
        asked: TryQuestion = call.fields
        messages: Any = asked.messages
        talk = ModelTalk(call, messages, asked.model, asked.parameters)
        if asked.answered is not None:
            again = replace(talk, checks=asked.checks)
            text = json.dumps(again.sureness(asked.answered, asked.output_schema or {}))
            return {"text": text, "tool_calls": [], "finish_reason": "stop", "model": call.request["model"]}
        return talk.json(asked.output_schema) if asked.output_schema else talk.answer()


def judged(
    answer: ModelAnswer, schema: JsonSchema | None, checks: AnswerChecks = _UNCHECKED, output_tokens: int = 0
) -> TryAnswer:
    """Return an answer with all that keeps a step from using it."""
    early = early_end(answer)
    problems = [f"{early.message} {early.remedy}"] if early is not None else []
    value = None
    if schema:
        value, wrong = read_fitting(answer["text"], schema)
        if early is None or value is not None:
            problems += [f"{one[:1].upper()}{one[1:]}" for one in wrong]
    if not problems:
        problems += checks.faults(answer["text"], value, output_tokens)
    return {
        "text": answer["text"],
        "value": value,
        "finish_reason": answer["finish_reason"],
        "problems": problems,
    }


def is_asked_again(found: TryAnswer, schema: JsonSchema | None, checks: AnswerChecks) -> bool:
    """Return whether a model is asked how sure it is of an answer."""
    return bool(schema) and not found["problems"] and bool(checks.questions((), found["value"], schema or {}))


def sureness_in(text: str) -> dict[str, float]:
    """Return what the text of an answer to the second question says. Raises BadAnswer if somebody has changed it."""
    try:
        return convert(json.loads(text), dict[str, float])
    except ValueError as error:
        words = f"The recorded answer on how sure the model is cannot be used: {error}"
        raise BadAnswer(words, remedy="Test again with --fresh.") from error


def with_sureness(
    found: TryAnswer, schema: JsonSchema | None, checks: AnswerChecks, sureness: Mapping[str, float]
) -> TryAnswer:
    """Return an answer as a step has it after the second question; what it was unsure of is in `unsure`."""
    doubts = checks.doubts(found["value"], schema, sureness) if not found["problems"] else []
    if not doubts:
        return found
    lacking = [f"{one.field} has no choice `{UNSURE}`." for one in doubts if not one.has_choice]
    value = without_doubtful(found["value"], doubts)
    return {**found, "value": value, "problems": lacking, "unsure": doubtful(doubts)}


def model_to_ask(document: JsonObject, model: str, account: Account | None) -> str:
    """Return the model to ask: the wished one, else the prompt's, else the connection's, if that is known."""
    own = "" if account is None else str(getattr(account.client, "model", ""))
    return model or str(document.get("model") or "") or own


def prompt_used(name: str, version: int | None) -> str:
    """Return the name under which the usage of a prompt is counted."""
    return f"{name} (no version)" if version is None else f"{name}@{version}"
