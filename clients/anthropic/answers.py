"""Converts Anthropic's answers to plain JSON, whole or as they stream."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct, field

from clients.anthropic.service import ANTHROPIC
from clients.deadline import answer_goes_on
from clients.errors import BadAnswer, ServiceError
from clients.models.asking import CUT_OFF, OnText, charging, tool_call
from clients.models.metering import told_tokens
from clients.models.refusals import status_in
from clients.secrets import known

_ENDS: Mapping[str, str] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
}
"""The `finish_reason` for each `stop_reason`; others have the same name, such as `refusal`."""
_THOUGHTS = frozenset({"thinking", "redacted_thinking"})


def plain_answer(message: Any, asked_model: str, refuse: Callable[[int, Any], ServiceError]) -> dict[str, Any]:
    """Return {text, tool_calls, finish_reason, model, usage} of the SDK's Message; raises BadAnswer.

    The SDK does not fill in missing fields. The text of a refusal ends with its explanation, if there is one. An error
    that a gateway sends with status 200 is raised as `refuse` makes it.
    """
    blocks = getattr(message, "content", None)
    if not isinstance(blocks, list):
        error = getattr(message, "error", None)
        if error:
            raise refuse(status_in(error), error)
        raise BadAnswer("The model server sent an answer without a message.", service=ANTHROPIC.name)
    text = "".join(str(one.text or "") for one in blocks if one.type == "text")
    calls = [
        tool_call(ANTHROPIC, str(one.id), str(one.name), one.input or {}) for one in blocks if one.type == "tool_use"
    ]
    return {
        "text": text + _explanation(message),
        "tool_calls": calls,
        "finish_reason": _end(message.stop_reason),
        "model": str(message.model or asked_model),
        "usage": {**_input(message.usage), "output_tokens": _count(message.usage, "output_tokens")},
        **({"thoughts": True} if any(one.type in _THOUGHTS for one in blocks) else {}),
    }


def streamed(events: Iterable[Any], model: str, on_text: OnText, *, shows_input: bool = False) -> dict[str, Any]:
    """Read the events of an answer; returns what `plain_answer` returns. Raises BadAnswer and what the SDK raises.

    `shows_input`: whether the answer is the input of a tool, which `on_text` then receives, too.
    """
    collected = _Collected(model)
    for event in events:
        if event.type == "content_block_delta":  # not `ping`, which says that the connection lives
            answer_goes_on()
        for piece in collected.take(event):
            on_text(piece)
        if shows_input and _is_input(event):
            on_text(str(event.delta.partial_json))
    return collected.answer()


class _Collected(Struct):
    """The events so far (https://platform.claude.com/docs/en/build-with-claude/streaming)."""

    model: str
    text: list[str] = field(default_factory=list)
    calls: dict[int, dict[str, str]] = field(default_factory=dict)
    finish_reason: str = ""
    input: dict[str, int] = field(default_factory=dict)
    output_tokens: int = 0
    has_thoughts: bool = False

    def take(self, event: Any) -> Iterator[str]:
        """Add an event; yield its text, if any."""
        if event.type == "message_start":
            self.model = str(event.message.model or self.model)
            self.input = _input(event.message.usage)
        elif event.type == "content_block_start" and event.content_block.type == "tool_use":
            block = event.content_block
            self.calls[event.index] = {"id": str(block.id), "name": str(block.name), "written": ""}
        elif event.type == "content_block_start":
            self.has_thoughts = self.has_thoughts or event.content_block.type in _THOUGHTS
        elif _is_input(event):
            self.calls[event.index]["written"] += event.delta.partial_json
        elif event.type == "content_block_delta" and event.delta.type == "text_delta":
            yield self._added(event.delta.text)
        elif event.type == "message_delta":
            self.finish_reason = _end(event.delta.stop_reason)
            self.output_tokens = _count(event.usage, "output_tokens")  # cumulative: the last one counts
            if explanation := _explanation(event.delta):
                yield self._added(explanation)

    def _added(self, text: str) -> str:
        self.text.append(str(text))
        return str(text)

    def answer(self) -> dict[str, Any]:
        """Return the whole answer; raises BadAnswer if the stream ended early."""
        if not self.finish_reason:
            raise BadAnswer(CUT_OFF, service=ANTHROPIC.name)
        usage = {"input_tokens": 0, **self.input, "output_tokens": self.output_tokens}
        begun = [one for _, one in sorted(self.calls.items())]
        with charging(self.model, usage):
            calls = [tool_call(ANTHROPIC, one["id"], one["name"], known.in_data(one["written"])) for one in begun]
        return {
            # Redacted again as a whole: a secret may have been split between two pieces.
            "text": known.in_data("".join(self.text)),
            "tool_calls": calls,
            "finish_reason": self.finish_reason,
            "model": self.model,
            "usage": usage,
            **({"thoughts": True} if self.has_thoughts else {}),
        }


def _is_input(event: Any) -> bool:
    """Return whether an event has a piece of a tool's input."""
    return bool(event.type == "content_block_delta" and event.delta.type == "input_json_delta")


def _end(reason: Any) -> str:
    return _ENDS.get(str(reason), str(reason or "stop"))


def _explanation(message: Any) -> str:
    return str(getattr(getattr(message, "stop_details", None), "explanation", None) or "")


def _input(usage: Any) -> dict[str, int]:
    """Return {input_tokens}, and of these `cached_tokens` read from the cache and `cache_written_tokens`, if any."""
    # The API counts in `input_tokens` only what the cache neither served nor stored.
    cached, written = _count(usage, "cache_read_input_tokens"), _count(usage, "cache_creation_input_tokens")
    found = {"input_tokens": _count(usage, "input_tokens") + cached + written}
    more = {"cached_tokens": cached, "cache_written_tokens": written}
    return found | {name: one for name, one in more.items() if one}


def _count(usage: Any, name: str) -> int:
    return told_tokens(getattr(usage, name, None))
