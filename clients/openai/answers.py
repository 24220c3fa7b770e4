"""Converts a model's answer to plain JSON, whole or as it streams: text, tool calls, token usage.

Servers with this API differ in their answers, which the SDK passes on as they are: content as a list of parts
(Mistral), reasoning beside it (DeepSeek, vLLM, OpenRouter), an error within a 200 (OpenRouter), no choices where a
filter held the question back (Azure).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field

from clients.deadline import answer_goes_on
from clients.error_mapping import words_in
from clients.errors import BadAnswer, ServiceError
from clients.models.asking import CUT_OFF, charging, tool_call
from clients.models.metering import told_tokens
from clients.models.refusals import error_in, filtered, status_in
from clients.models.thoughts import ThoughtFilter
from clients.openai.service import OPENAI
from clients.secrets import known

_SERVICE = OPENAI.name
REFUSAL, CONTENT_FILTER = "refusal", "content_filter"
"""The `finish_reason` if the model refuses to answer, and if the server holds the answer back."""
_SAID_MOST = 200
_THOUGHTS = ("reasoning_content", "reasoning", "reasoning_details")
_ENDS = {
    "eos": "stop",
    "end_turn": "stop",
    "max_tokens": "length",
    "model_length": "length",
    "function_call": "tool_calls",
}
"""The `finish_reason` for other names of it at some servers."""

Refuse = Callable[[int, Any], ServiceError]
"""Returns the error for a status and the body that came with it."""


class PartialAnswer(Struct):
    """The part of an answer that has arrived (https://platform.openai.com/docs/api-reference/chat-streaming)."""

    model: str
    text: list[str] = field(default_factory=list)
    refusal: list[str] = field(default_factory=list)
    has_thoughts: bool = False
    letters: int = 0
    """How much has been said, thoughts and tool calls included, and how often that the question is still read."""
    calls: dict[int, dict[str, str]] = field(default_factory=dict)
    finish_reason: str = ""
    held_back: str = ""
    """The findings of a filter, in the server's words."""
    was_filtered: bool = False
    """Whether the server has said how its filter sees the question: Azure does so even if it lets the question pass."""
    has_choice: bool = False
    has_message: bool = False
    serves_one: bool = False
    """Whether the server has one model, which answers by any name: llama.cpp, which sends its `timings`."""
    likely: dict[str, float] = field(default_factory=dict)
    """The tokens that were likely to be the first, each with its probability, where the server was asked for them."""
    usage: dict[str, int] = field(default_factory=lambda: {"input_tokens": 0, "output_tokens": 0})

    def take(self, piece: Any, refuse: Refuse) -> str:
        """Add a chunk, or a whole answer; return its text. Raises the error that it holds, if any."""
        self.model = str(_part(piece, "model") or self.model)
        if _part(piece, "usage") is not None:  # the last chunk has it, and no choices
            self.usage = tokens_of(piece)
        self.letters += _part(piece, "prompt_progress") is not None  # llama.cpp is still reading
        self.serves_one = self.serves_one or _part(piece, "timings") is not None
        error = _error_in(piece)
        if error is not None:
            raise refuse(status_in(error), error)
        self._take_filter(_part(piece, "prompt_filter_results"))
        return "".join(self._take_choice(choice, refuse) for choice in _part(piece, "choices") or ())

    def _take_choice(self, choice: Any, refuse: Refuse) -> str:
        self.has_choice = True
        error = _part(choice, "error")
        if error:
            raise refuse(status_in(error), error)
        ended = str(_part(choice, "finish_reason") or self.finish_reason)
        self.finish_reason = _ENDS.get(ended, ended)
        if self.finish_reason == "error":
            raise refuse(502, "the model's answer ended with an error")
        found = filtered(_plain(_part(choice, "content_filter_results")))
        self.held_back = found or self.held_back
        self.likely = self.likely or _likely(_part(choice, "logprobs"))
        message = _part(choice, "message") or _part(choice, "delta")
        self.has_message = self.has_message or message is not None
        return "" if message is None else self._take_message(message)

    def _take_message(self, message: Any) -> str:
        for number, call in enumerate(_part(message, "tool_calls") or ()):
            self._take_call(call, number)
        if (function := _part(message, "function_call")) is not None:
            self._take_function(0, "", function)
        thoughts = sum(len(str(thought)) for name in _THOUGHTS if (thought := _part(message, name)))
        self.has_thoughts, self.letters = self.has_thoughts or thoughts > 0, self.letters + thoughts
        pieces = [self._taken_part(part) for part in _parts_of(_part(message, "content"))]
        said = "".join([*pieces, self._refused(message)])
        self.text.append(said)
        self.letters += len(said)
        return said

    def _taken_part(self, part: Any) -> str:
        """Return the text of a part of the content; "" for thoughts and references."""
        if isinstance(part, str):
            return part
        kind = str(_part(part, "type") or "text")
        if kind in {"thinking", "reasoning"}:
            self.has_thoughts, self.letters = True, self.letters + 1
        if kind == REFUSAL:
            return self._refused(part)
        return str(_part(part, "text") or "") if kind in {"text", "output_text"} else ""

    def _refused(self, said: Any) -> str:
        refusal = str(_part(said, "refusal") or "")
        self.refusal.append(refusal)
        return refusal

    def _take_call(self, call: Any, number: int) -> None:
        function = _part(call, "function")
        if function is None:
            raise BadAnswer("The model called a tool in an unknown form.", service=_SERVICE)
        index = _part(call, "index")
        self._take_function(index if isinstance(index, int) else number, str(_part(call, "id") or ""), function)

    def _take_function(self, index: int, call_id: str, function: Any) -> None:
        call = self.calls.setdefault(index, {"id": "", "name": "", "arguments": ""})
        call["id"] = call_id or call["id"]
        call["name"] += str(_part(function, "name") or "")
        arguments = _part(function, "arguments") or ""
        self.letters += 1
        call["arguments"] += arguments if isinstance(arguments, str) else json.dumps(_plain(arguments))

    def _take_filter(self, results: Any) -> None:
        self.was_filtered = self.was_filtered or bool(results)
        self.held_back = filtered(_plain(results)) or self.held_back

    def answer(self) -> dict[str, Any]:
        """Return {text, tool_calls, finish_reason, model, usage}; raises BadAnswer if it is not whole.

        The text of a refusal ends with it, and `finish_reason` is `refusal`. `held_back`, if a filter says what it has
        found; `thoughts`, if there were some; `serves_one`, if the server answers by any name; `likely`, if it is told.
        """
        ended = REFUSAL if any(self.refusal) else self.finish_reason
        if not ended and self.was_filtered and not self.has_choice:
            ended = CONTENT_FILTER
        if not ended:
            raise BadAnswer(CUT_OFF, service=_SERVICE)
        with charging(self.model, self.usage):
            calls = [
                tool_call(OPENAI, one["id"], one["name"], known.in_data(one["arguments"]))
                for _, one in sorted(self.calls.items())
            ]
        found = {"held_back": self.held_back} if ended == CONTENT_FILTER and self.held_back else {}
        return {
            "text": known.in_data("".join(self.text)),
            "tool_calls": calls,
            "finish_reason": ended,
            "model": self.model,
            "usage": self.usage,
            **found,
            **({"thoughts": True} if self.has_thoughts else {}),
            **({"serves_one": True} if self.serves_one else {}),
            **({"likely": self.likely} if self.likely else {}),
        }


def plain_answer(answer: Any, asked_model: str, refuse: Refuse) -> dict[str, Any]:
    """Return {text, tool_calls, finish_reason, model, usage} of the SDK's ChatCompletion, or of a text.

    Raises BadAnswer for anything else, or the error that an answer holds. The SDK does not fill in missing fields: a
    200 with `{}` has no choices at all, and what does not say that it is JSON comes as a text.
    """
    collected = PartialAnswer(asked_model)
    for piece in _from_text(answer) if isinstance(answer, str) else [answer]:
        collected.take(piece, refuse)
    if not collected.has_message and not collected.was_filtered:
        raise BadAnswer("The model server sent an answer without a message.", service=_SERVICE)
    if collected.has_message:
        # A whole answer has ended, even if it does not say why.
        collected.finish_reason = collected.finish_reason or "stop"
    return collected.answer()


def _from_text(said: str) -> list[Any]:
    """Return the answer in a text, or the pieces of one that was streamed although nobody asked for that."""
    lines = [line.removeprefix("data:").strip() for line in said.splitlines() if line.startswith("data:")]
    try:
        found = [json.loads(line) for line in lines if line != "[DONE]"] if lines else [json.loads(said)]
    except (ValueError, RecursionError):
        found = []
    if found and all(isinstance(one, dict) for one in found):
        return found
    words = words_in(said)[:_SAID_MOST] or "nothing"
    raise BadAnswer(
        f"The model server sent something else than an answer: {words.rstrip('.!?')}.",
        service=_SERVICE,
        remedy="Check the connection's address: for most servers it ends with /v1.",
    )


def streamed(asked: Any, model: str, spoken: ThoughtFilter, refuse: Refuse) -> dict[str, Any]:
    """Read a streamed SDK answer; returns what `plain_answer` returns. Raises BadAnswer and what the SDK raises.

    A server that cannot stream returns a whole answer instead.
    """
    if "text/event-stream" not in asked.headers.get("content-type", "").lower():
        answer = plain_answer(asked.read().decode(errors="replace"), model, refuse)
        spoken.add(answer["text"])
        return answer
    collected = PartialAnswer(model)
    for chunk in asked.parse():
        had = collected.letters
        try:
            piece = collected.take(chunk, refuse)
        except ServiceError as error:
            if any(collected.text):
                error.http_status = None  # what was said so far may be charged
            raise
        if collected.letters > had:  # a sign of life without a word is silence, too
            answer_goes_on()
        if piece:
            spoken.add(piece)
    return collected.answer()


def tokens_of(answer: Any) -> dict[str, int]:
    """Return {input_tokens, output_tokens} of an answer; 0 if the server does not count.

    `cached_tokens`, if the server had read so many of the input before and says so (OpenAI, Prompt caching).
    """
    usage = _part(answer, "usage")
    found = {
        "input_tokens": told_tokens(_part(usage, "prompt_tokens")),
        "output_tokens": told_tokens(_part(usage, "completion_tokens")),
    }
    told = told_tokens(_part(_part(usage, "prompt_tokens_details"), "cached_tokens"))
    cached = min(told, found["input_tokens"])
    return {**found, "cached_tokens": cached} if cached else found


def _likely(logprobs: Any) -> dict[str, float]:
    """Return the probabilities of the tokens that were likely to be the first."""
    content = _part(logprobs, "content")
    first = _part(content[0], "top_logprobs") if isinstance(content, list) and content else None
    told = [(_part(one, "token"), _part(one, "logprob")) for one in (first if isinstance(first, list) else ())]
    return {str(token): math.exp(min(of, 0.0)) for token, of in told if isinstance(of, int | float)}


def _error_in(piece: Any) -> Any:
    """Return the error that stands in an answer with status 200: beside its choices, or in their place."""
    error = _part(piece, "error")
    return error or (None if _part(piece, "choices") else error_in(_plain(piece)))


def _parts_of(content: Any) -> list[Any]:
    if isinstance(content, list):
        return content
    return [] if content is None else [content]


def _part(whole: Any, name: str) -> Any:
    """Return a member of what the SDK has made of JSON: an object, or a mapping where it knows no class for it."""
    return whole.get(name) if isinstance(whole, Mapping) else getattr(whole, name, None)


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else value
