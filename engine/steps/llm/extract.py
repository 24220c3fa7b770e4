"""Steps that ask a language model for text, or for JSON that matches a schema."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from pydantic import BaseModel, ConfigDict

from engine.base.definitions import PromptDefinition
from engine.documents.schema_check import is_usable
from engine.plugins.step import (
    Call,
    Effect,
    Fields,
    JsonValue,
    Output,
    Prompts,
    StepType,
    content,
    destination,
    instruction,
    option,
    outside,
)
from engine.prompts.answer_checks import AnswerChecks
from engine.prompts.fitting import TooLong, fitted, room_for
from engine.prompts.messages import Message, ToolCall, WireMessage, wire, wire_tool
from engine.prompts.model_answers import from_outside, schema_problem
from engine.prompts.talk import ModelTalk, asked_model

FALLBACKS_MOST = 8


class OtherModel(BaseModel):
    """A model to ask next: left out, `connection` is the step's, and `model` the connection's own."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    connection: str = ""
    model: str = ""


class AskingFields(Fields):
    """Which models a step asks."""

    model_config = ConfigDict(protected_namespaces=())

    model: str = destination("Model", "", format="model")
    fallback: list[OtherModel] = destination(
        "Models to ask in turn if one is down, refuses, is unknown or is not sure", [], max_length=FALLBACKS_MOST
    )


class ModelFields(AskingFields):
    """The fields of every step that asks for words."""

    temperature: float | None = option("Temperature", None, ge=0, le=2)
    max_tokens: int | None = option("Maximum tokens of the answer", None, ge=1)

    def parameters(self) -> dict[str, Any]:
        """Return the request parameters beside the messages."""
        own = {"temperature": self.temperature, "max_tokens": self.max_tokens}
        return {name: value for name, value in own.items() if value is not None}


class Question(Fields):
    """The question: a prompt with its variables, or the messages themselves. It comes before the model in forms."""

    prompt: str = instruction("Prompt", "", format="prompt")
    variables: dict[str, JsonValue] = content("Variables of the prompt", {})
    messages: list[Message] = content("Messages", [])


class _Schema(Question):
    answer_schema: dict[str, JsonValue] | None = instruction("JSON Schema of the answer", None, alias="schema")


class AskFields(ModelFields, Question):
    """The fields of every step that asks a question of the workflow's own."""

    too_long: TooLong = option("If the variables are longer than the model reads at once", "fail")


class ChatFields(AskFields):
    """The fields of `llm.chat`."""

    tools: list[dict[str, JsonValue]] = instruction("Tools that the model may ask for", [])


class ChatOutput(Output):
    """The model's answer."""

    text: str = outside("Text")
    tool_calls: list[ToolCall]
    finish_reason: str
    model: str


class ExtractFields(AskFields, _Schema):
    """The fields of `llm.extract`."""


class ModelStep(StepType):
    """Base of all model steps."""

    service = "openai"
    effect = Effect.READS
    timeout_seconds = 300.0

    @abstractmethod
    def call(self, call: Call) -> JsonValue:
        """Ask the model."""


class Ask(ModelStep):
    """Base of the steps whose question the author writes."""

    @abstractmethod
    def call(self, call: Call) -> JsonValue:
        """Ask the model."""

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Require either a prompt or messages; variables belong to a prompt."""
        has_prompt, has_messages = bool(arguments.get("prompt")), bool(arguments.get("messages"))
        if has_prompt and has_messages:
            return [("messages", "Give either a prompt or messages, not both.")]
        if not has_prompt and not has_messages:
            return [("prompt", "Give a prompt or messages: there is nothing to ask the model.")]
        if has_messages and arguments.get("variables"):
            return [("variables", "Variables are for prompts only; in messages, use {{ }}.")]
        if has_messages and arguments.get("too_long", "fail") != "fail":
            return [("too_long", "Only the variables of a prompt are shortened: give a prompt in place of messages.")]
        return []


class Chat(Ask):
    """Ask a model. It may request tool calls, which are returned as data and not run."""

    name = "llm.chat"
    title = "Ask a model"
    streams = True
    fields = ChatFields
    output = ChatOutput

    def call(self, call: Call) -> JsonValue:
        """Return {text, tool_calls, finish_reason, model}."""
        return _talk(call).answer([wire_tool(tool) for tool in call.fields.tools])


class Extract(Ask):
    """Ask a model for JSON that matches a schema; an invalid answer is sent back once with the reasons."""

    name = "llm.extract"
    title = "Extract data with a model"
    fields = ExtractFields

    def call(self, call: Call) -> JsonValue:
        """Return the object. Raises BadAnswer if it is still invalid after one repair."""
        return _talk(call).fitting(call.fields.answer_schema or _own_prompt(call).get("output_schema") or {})

    def output_schema(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> dict[str, JsonValue]:
        """Return the step's `schema`, else the prompt's; its free texts are marked as text from outside."""
        schema = arguments.get("schema") or _prompt(arguments, prompts).get("output_schema") or {}
        marked: dict[str, JsonValue] = from_outside(schema) if is_usable(schema) else {}
        return marked

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Require a valid schema."""
        found = super().problems(arguments, prompts)
        schema = arguments.get("schema")
        if isinstance(schema, dict):
            wrong = schema_problem(schema)
            return [*found, ("schema", wrong)] if wrong else found
        reference = str(arguments.get("prompt") or "")
        is_known = not reference or reference in prompts  # an unknown prompt is reported elsewhere
        if not schema and is_known and not _prompt(arguments, prompts).get("output_schema"):
            return [
                *found,
                ("schema", "Give a schema: neither the step nor its prompt has one."),
            ]
        return found


def _prompt(arguments: Mapping[str, JsonValue], prompts: Prompts) -> PromptDefinition:
    found: PromptDefinition = prompts.get(str(arguments.get("prompt") or "")) or {}
    return found


def _own_prompt(call: Call) -> PromptDefinition:
    return _prompt({"prompt": call.fields.prompt}, call.prompts)


def _talk(call: Call) -> ModelTalk:
    """Return the question; the step's model and parameters override the prompt's."""
    prompt = _own_prompt(call)
    parameters = {**(prompt.get("parameters") or {}), **call.fields.parameters()}
    model = str(call.fields.model or prompt.get("model") or "")
    messages = _messages(call, model, parameters.get("max_tokens"))
    return ModelTalk(call, messages, model, parameters, AnswerChecks.of(prompt))


def _messages(call: Call, model: str, answer_tokens: int | None) -> Sequence[WireMessage]:
    """Return the messages; the variables of a prompt are shortened if the step says so, with a note for people."""
    it = call.fields
    if not it.prompt:
        return [wire(message) for message in it.messages]
    messages = _rendered(call, it.variables)
    asked = asked_model(call, model)
    room = None if it.too_long == "fail" else room_for(call.client, asked, messages)
    if room is None:
        return messages
    messages, notes = fitted(partial(_rendered, call), it.variables, it.too_long, room, answer_tokens)
    call.notes.extend(notes)
    return messages


def _rendered(call: Call, variables: Mapping[str, JsonValue]) -> Sequence[WireMessage]:
    assert call.render is not None
    rendered = call.render(call.prompts[call.fields.prompt], variables)
    return [{"role": one["role"], "content": one["content"]} for one in rendered]
