"""One conversation with a model: what is sent, what the run records of it, its cost, and answers that fit a schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

from msgspec import Struct, field
from msgspec.structs import replace

from clients.errors import BadAnswer, InvalidRequest, ModelRefused
from engine.base.json_text import JsonObject, JsonSchema
from engine.plugins.step import Call, JsonValue
from engine.prompts.messages import WireMessage, WirePart
from engine.prompts.model_answers import as_spelled, faults, read_json, schema_problem

_SAID_MOST = 300
_CUT = "length"
_ENDS: Mapping[str, tuple[str, str]] = {
    _CUT: (
        "The model's answer is cut off: it is longer than `max_tokens`, or than the model writes.",
        "Raise `max_tokens`, ask for less at once, or use another model.",
    ),
    "refusal": ("The model refuses: {said}", "Change the prompt or what it is asked about, or use another model."),
    "content_filter": (
        "The model server held the answer back (content filter).",
        "Change the prompt or what it is asked about, or use another model.",
    ),
}
"""Ends of an answer that is not JSON, and would not be if asked again: (message, remedy)."""

Messages = Sequence[WireMessage]


class ModelAnswer(TypedDict):
    """A model's answer."""

    text: str
    tool_calls: list[JsonObject]
    """The tool calls that it asks for: {id, name, arguments}."""
    finish_reason: str
    """`stop`, or why it ended early."""
    model: str
    """The model that answered."""


class ModelTalk(Struct, frozen=True):
    """A question for the model of a call's connection."""

    call: Call
    messages: Messages
    model: str = ""
    """Empty: the connection's own model."""
    parameters: JsonObject = field(default_factory=dict)
    """Those that the client does not know are left out where the call asks a model of another service."""

    def __post_init__(self) -> None:
        request, client = self.call.request, self.call.client
        request.update(messages=readable(self.messages), model=self._asked or client.model)
        left_out = sorted(self.parameters.keys() - self._sent.keys())
        if left_out:
            request["left_out"] = left_out

    @property
    def _asked(self) -> str:
        """The model to ask: that of the call, where it asks another than the step's."""
        return asked_model(self.call, self.model)

    @property
    def _sent(self) -> JsonObject:
        if not self.call.is_other_service:
            return self.parameters
        known = self.call.client.parameters
        return {name: value for name, value in self.parameters.items() if name in known}

    def answer(self, tools: Sequence[JsonObject] = ()) -> ModelAnswer:
        """Ask for text: {text, tool_calls, finish_reason, model}. People who watch the run see it arrive.

        Raises ModelRefused where another model is asked next.
        """
        client, on_text = self.call.client, self.call.on_text
        answer = self._noted(
            client.chat(self.messages, model=self._asked, parameters=self._sent, tools=tools, on_text=on_text)
        )
        early = early_end(answer)
        if self.call.has_next_model and isinstance(early, ModelRefused):
            raise early
        return answer

    def fitting(self, schema: JsonSchema) -> JsonValue:
        """Ask for JSON that fits a schema; an answer that does not fit is sent back once with the reasons.

        Raises InvalidRequest for an invalid schema, or if the model refuses or its answer is cut off; BadAnswer if the
        second answer does not fit either.
        """
        problem = schema_problem(schema) if schema else "There is no schema, on the step or in its prompt."
        if problem:
            raise InvalidRequest(problem)
        answer = self.json(schema)
        value, wrong = _checked(answer, schema)
        if wrong:
            said: WireMessage = {"role": "assistant", "content": answer["text"]}
            repair = [*self.messages, said, _repair(wrong)]
            value, wrong = _checked(replace(self, messages=repair).json(schema), schema)
        if wrong:
            raise BadAnswer(
                f"The model's answer does not fit the schema: {'; '.join(wrong)}",
                remedy="Make the prompt or the schema clearer, or use another model.",
                outcome="not_done",
            )
        return value

    def json(self, schema: JsonSchema) -> ModelAnswer:
        """Ask once for JSON of a schema; its `text` is not checked. Where a call has `on_text`, it arrives there."""
        client, on_text = self.call.client, self.call.on_text
        return self._noted(
            client.chat_json(self.messages, schema, model=self._asked, parameters=self._sent, on_text=on_text)
        )

    def _noted(self, found: JsonObject) -> ModelAnswer:
        note(self.call, str(found["model"]), found["usage"])
        return {
            "text": found["text"],
            "tool_calls": found["tool_calls"],
            "finish_reason": found["finish_reason"],
            "model": found["model"],
        }


def asked_model(call: Call, own: str) -> str:
    """Return the model that a call asks, "" for that of its connection; `own`: that of its step."""
    return own if call.other_model is None else call.other_model


def note(call: Call, model: str, usage: Mapping[str, int]) -> None:
    """Record which model answered, and add up its tokens; what they cost, the engine knows."""
    call.request["model"] = model
    call.usage.input_tokens += usage["input_tokens"]
    call.usage.output_tokens += usage["output_tokens"]


def readable(messages: Messages) -> list[dict[str, object]]:
    """Return messages for people to read: a picture is named, not shown."""
    return [{**message, "content": _words(message["content"])} for message in messages]


def _words(content: str | Sequence[WirePart]) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(str(part.get("text") or "[the picture]") for part in content)


def early_end(answer: ModelAnswer) -> InvalidRequest | None:
    """Return the error for an answer that ended too early, None for any other."""
    if answer["finish_reason"] not in _ENDS:
        return None
    words, remedy = _ENDS[answer["finish_reason"]]
    kind = InvalidRequest if answer["finish_reason"] == _CUT else ModelRefused
    return kind(words.format(said=answer["text"][:_SAID_MOST] or "it gives no reason."), remedy=remedy)


def _checked(answer: ModelAnswer, schema: JsonSchema) -> tuple[JsonValue, list[str]]:
    """Return the value, and the reasons why it does not fit. Raises InvalidRequest if asking again would not help."""
    early = early_end(answer)
    if early is not None:
        raise early
    try:
        value = as_spelled(read_json(answer["text"]), schema)
    except ValueError as error:
        return None, [str(error)]
    return value, faults(value, schema)


def _repair(wrong: Sequence[str]) -> WireMessage:
    reasons = "\n".join(f"- {reason}" for reason in wrong)
    return {
        "role": "user",
        "content": f"That does not fit:\n{reasons}\nAnswer again, with the whole corrected JSON and nothing else.",
    }
