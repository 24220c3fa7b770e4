"""One conversation with a model: what is sent, what the run records of it, its cost, and answers that fit a schema."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

from msgspec import Struct, field
from msgspec.structs import replace

from clients.errors import BadAnswer, InvalidRequest, ModelRefused, ModelUnsure
from clients.wording import listed
from engine.base.json_text import JsonObject, JsonSchema
from engine.plugins.step import Call, JsonValue
from engine.prompts.answer_checks import (
    AnswerChecks,
    doubtful,
    without_doubtful,
)
from engine.prompts.fitting import room_for
from engine.prompts.messages import WireMessage, WirePart
from engine.prompts.model_answers import read_fitting, schema_problem
from engine.prompts.second_question import SecondQuestion

_SAID_MOST = 300
CUT = "length"
"""The `finish_reason` of an answer that reached the length limit."""
_REFUSAL, _HELD_BACK = "refusal", "content_filter"
_OTHER_PROMPT = "Change the prompt or what it is asked about, or use another model."
_RAISE_LIMIT = "Raise `max_tokens`, ask for less at once, or use another model."

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
    held_back: NotRequired[str]
    """What a content filter has found, in the server's words."""


class ModelTalk(Struct, frozen=True):
    """A question for the model of a call's connection."""

    call: Call
    messages: Messages
    model: str = ""
    """Empty: the connection's own model."""
    parameters: JsonObject = field(default_factory=dict)
    """A parameter that the client does not know is left out where the call asks a model of another service."""
    checks: AnswerChecks = AnswerChecks()
    """What the prompt says about its answers."""

    def __post_init__(self) -> None:
        request, client = self.call.request, self.call.client
        request.update(messages=readable(self.messages), model=self._asked or client.model)
        left_out = sorted(self.parameters.keys() - self._sent.keys())
        if left_out:
            request["left_out"] = left_out

    @property
    def _asked(self) -> str:
        """The model to ask: the call's, where it asks another than the step's."""
        return asked_model(self.call, self.model)

    @property
    def _sent(self) -> JsonObject:
        if not self.call.is_other_service:
            return self.parameters
        known = self.call.client.parameters
        return {name: value for name, value in self.parameters.items() if name in known}

    def answer(self, tools: Sequence[JsonObject] = ()) -> ModelAnswer:
        """Ask for text: {text, tool_calls, finish_reason, model}. People who watch the run see it arrive.

        Raises InvalidRequest for an answer that is cut off before it says anything, ModelRefused for one that is held
        back, and for a refusal where another model is asked next; otherwise, a refusal and a cut leave a note.
        """
        client, on_text, before = self.call.client, self.call.on_text, self.call.usage.output_tokens
        self._require_fit()
        answer = self._noted(
            client.chat(self.messages, model=self._asked, parameters=self._sent, tools=tools, on_text=on_text)
        )
        early = early_end(answer)
        if early is None:
            if answer["text"].strip() and not answer["tool_calls"]:
                self._require_as_asserted(answer, None, before)
            return answer
        is_told = answer["finish_reason"] != _HELD_BACK and (answer["text"].strip() or answer["tool_calls"])
        if not is_told or (self.call.has_next_model and isinstance(early, ModelRefused)):
            raise early
        self.call.notes.append(early.message)
        return answer

    def fitting(self, schema: JsonSchema) -> JsonValue:
        """Ask for JSON that fits a schema; an answer that does not fit is sent back once with the reasons.

        Where the checks say so, the model is then asked how sure it is, and a field of which it is not sure is
        `unsure`. Raises InvalidRequest for an invalid schema, or if the model refuses or its answer is cut off;
        BadAnswer if the second answer does not fit either, or an assertion does not hold; ModelUnsure if another model
        is asked next, or a field has no choice `unsure`. If that question fails, the next attempt of the call asks only
        it again.
        """
        asked, call = json.dumps([self.messages, schema]), self.call
        if asked not in call.kept:
            call.kept[asked] = self._fitted(schema), [*call.notes]
        value, notes = call.kept[asked]
        call.notes.extend(one for one in notes if one not in call.notes)
        return self._settled(value, schema)

    def _fitted(self, schema: JsonSchema) -> JsonValue:
        """Return the first answer that fits the schema and the assertions. Raises as `fitting`."""
        problem = schema_problem(schema) if schema else "There is no schema, on the step or in its prompt."
        if problem:
            raise InvalidRequest(problem)
        before = self.call.usage.output_tokens
        answer = self.json(schema)
        value, wrong = _checked(answer, schema)
        if wrong:
            said: WireMessage = {"role": "assistant", "content": answer["text"]}
            repair = [*self.messages, said, _repair(wrong)]
            before = self.call.usage.output_tokens
            answer = replace(self, messages=repair).json(schema)
            value, wrong = _checked(answer, schema)
        if wrong:
            error = BadAnswer(
                f"The model's answer does not fit the schema: {'; '.join(wrong)}",
                remedy="Make the prompt or the schema clearer, or use another model.",
                outcome="not_done",
            )
            error.retryable = False  # it was asked twice already
            raise error
        self._require_as_asserted(answer, value, before)
        return value

    def _require_as_asserted(self, answer: ModelAnswer, value: JsonValue, before: int) -> None:
        """Raise BadAnswer if an assertion does not hold; `before`: the tokens that were written before this answer."""
        wrong = list(self.checks.faults(answer["text"], value, self.call.usage.output_tokens - before))
        if wrong:
            error = BadAnswer(
                f"The answer is not as the prompt's assertions say: {' '.join(wrong)}",
                remedy="Change the prompt or its `assertions`, use another model, or name others in `fallback`.",
                outcome="not_done",
            )
            error.retryable = False  # the same question gets the same answer
            raise error

    def _settled(self, value: JsonValue, schema: JsonSchema) -> JsonValue:
        """Return an answer, or what is left of it where the model is not sure of it. Raises ModelUnsure."""
        doubts = self.checks.doubts(value, schema, self.sureness(value, schema))
        lacking = [one.field for one in doubts if not one.has_choice]
        if doubts and (lacking or self.call.has_next_model):
            remedy = f'Add the choice "unsure" to the `enum` of {listed(lacking)}, or name other models in `fallback`.'
            error = ModelUnsure(doubtful(doubts), remedy=remedy if lacking else "")
            error.answer = None if lacking else without_doubtful(value, doubts)
            raise error
        if any(one.sure is not None for one in doubts):
            self.call.notes.append(f"{self.call.request['model']} answered. {doubtful(doubts)}")
        return without_doubtful(value, doubts)

    def sureness(self, value: JsonValue, schema: JsonSchema) -> dict[str, float]:
        """Ask how sure the model is of each field of an answer with fixed choices; 0 to 1, by the name of the field."""
        asked = self.checks.questions(self.messages, value, schema)
        return {name: self._sure(question) for name, question in asked.items()}

    def _sure(self, question: SecondQuestion) -> float:
        ask = getattr(self.call.client, "first_token", None)
        if ask is not None:
            found = ask(question.messages, model=self._asked, parameters=self._sent)
            if found is not None:
                self._noted(found)
                sure = question.sure(found["likely"])
                if sure is not None:
                    return sure
        parameters = {**self._sent, "temperature": 0} if "temperature" in self._sent else self._sent
        again = self._noted(
            self.call.client.chat_json(question.messages, question.schema, model=self._asked, parameters=parameters)
        )
        value, _ = read_fitting(again["text"], question.schema)
        return 1.0 if isinstance(value, dict) and value.get("letter") == question.letters[-1] else 0.0

    def json(self, schema: JsonSchema) -> ModelAnswer:
        """Ask once for JSON of a schema; its `text` is not checked. Where a call has `on_text`, it arrives there.

        A model that calls a tool which nobody has offered has given its answer as the arguments.
        """
        client, on_text = self.call.client, self.call.on_text
        self._require_fit()
        answer = self._noted(
            client.chat_json(self.messages, schema, model=self._asked, parameters=self._sent, on_text=on_text)
        )
        calls = answer["tool_calls"]
        if answer["text"].strip() or len(calls) != 1:
            return answer
        return {**answer, "text": json.dumps(calls[0]["arguments"], ensure_ascii=False), "tool_calls": []}

    def _require_fit(self) -> None:
        """Raise InvalidRequest if the question is longer than the model reads at once, as far as that is known."""
        room = room_for(self.call.client, self._asked, self.messages)
        if room is not None:
            room.require(self.messages)

    def _noted(self, found: JsonObject) -> ModelAnswer:
        note(self.call, str(found["model"]), found["usage"])
        self.call.notes.extend(one for one in found.get("notes", ()) if one not in self.call.notes)
        answer: ModelAnswer = {
            "text": found["text"],
            "tool_calls": found["tool_calls"],
            "finish_reason": found["finish_reason"],
            "model": found["model"],
        }
        if "held_back" in found:
            answer["held_back"] = found["held_back"]
        return answer


def asked_model(call: Call, own: str) -> str:
    """Return the model that a call asks, "" for its connection's own; `own`: the model of its step."""
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
    ended, said = answer["finish_reason"], answer["text"].strip()
    if ended == CUT and not said and not answer["tool_calls"]:
        words = "The model reached its limit of tokens before it said anything: it may have been thinking."
        return InvalidRequest(words, remedy=_RAISE_LIMIT)
    if ended == CUT:
        words = "The model's answer is cut off: it is longer than `max_tokens`, or than the model writes."
        return InvalidRequest(words, remedy=_RAISE_LIMIT)
    if ended == _REFUSAL:
        return ModelRefused(f"The model refuses: {said[:_SAID_MOST] or 'it gives no reason.'}", remedy=_OTHER_PROMPT)
    if ended == _HELD_BACK:
        found = answer.get("held_back")
        words = f"The model server held the answer back (content filter{f': {found}' if found else ''})."
        return ModelRefused(words, remedy=_OTHER_PROMPT)
    return None


def _checked(answer: ModelAnswer, schema: JsonSchema) -> tuple[JsonValue, list[str]]:
    """Return the value, and the reasons why it does not fit. Raises InvalidRequest if asking again would not help."""
    early = early_end(answer)
    if early is not None:
        raise early
    return read_fitting(answer["text"], schema)


def _repair(wrong: Sequence[str]) -> WireMessage:
    reasons = "\n".join(f"- {reason}" for reason in wrong)
    return {
        "role": "user",
        "content": f"That does not fit:\n{reasons}\nAnswer again, with the whole corrected JSON and nothing else.",
    }
