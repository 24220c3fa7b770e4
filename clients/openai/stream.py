"""Reads a model's answer as it streams, and returns the whole at the end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from msgspec import Struct, field

from clients.errors import BadAnswer
from clients.models.asking import CUT_OFF, OnText, charging, tool_call
from clients.openai.answers import REFUSAL, plain_answer, tokens_of
from clients.openai.service import OPENAI
from clients.secrets import known

_SERVICE = OPENAI.name


def streamed(asked: Any, model: str, on_text: OnText) -> dict[str, Any]:
    """Read a streamed SDK answer; returns what `plain_answer` returns. Raises BadAnswer and what the SDK raises.

    A server that cannot stream returns a whole answer instead.
    """
    if "text/event-stream" not in asked.headers.get("content-type", "").lower():
        from openai.types.chat import ChatCompletion

        answer = plain_answer(ChatCompletion.construct(**json.loads(asked.read())), model)
        on_text(answer["text"])
        return answer
    collected = _Collected(model)
    for chunk in asked.parse():
        for piece in collected.take(chunk):
            on_text(piece)
    return collected.answer()


class _Collected(Struct):
    """The chunks so far (https://platform.openai.com/docs/api-reference/chat-streaming)."""

    model: str
    text: list[str] = field(default_factory=list)
    calls: dict[int, dict[str, str]] = field(default_factory=dict)
    finish_reason: str = ""
    is_refused: bool = False
    usage: dict[str, int] = field(default_factory=lambda: {"input_tokens": 0, "output_tokens": 0})

    def take(self, chunk: Any) -> Iterator[str]:
        """Add a chunk; yield its text, if any."""
        self.model = str(getattr(chunk, "model", None) or self.model)
        if getattr(chunk, "usage", None) is not None:  # the last chunk has it, and no choices
            self.usage = tokens_of(chunk)
        for choice in getattr(chunk, "choices", None) or []:
            self.finish_reason = str(choice.finish_reason or self.finish_reason)
            delta = choice.delta
            for call in getattr(delta, "tool_calls", None) or []:
                self._take_call(call)
            refusal = getattr(delta, "refusal", None)
            self.is_refused = self.is_refused or bool(refusal)
            piece = getattr(delta, "content", None) or refusal
            if piece:
                self.text.append(str(piece))
                yield str(piece)

    def _take_call(self, call: Any) -> None:
        known = self.calls.setdefault(int(call.index or 0), {"id": "", "name": "", "arguments": ""})
        known["id"] = str(call.id or known["id"])
        known["name"] += str(getattr(call.function, "name", None) or "")
        known["arguments"] += str(getattr(call.function, "arguments", None) or "")

    def answer(self) -> dict[str, Any]:
        """Return the whole answer; raises BadAnswer if the stream ended early."""
        if not self.finish_reason:
            raise BadAnswer(CUT_OFF, service=_SERVICE)
        with charging(self.model, self.usage):
            calls = [
                tool_call(OPENAI, one["id"], one["name"], known.in_data(one["arguments"]))
                for _, one in sorted(self.calls.items())
            ]
        return {
            "text": known.in_data("".join(self.text)),
            "tool_calls": calls,
            "finish_reason": REFUSAL if self.is_refused else self.finish_reason,
            "model": self.model,
            "usage": self.usage,
        }
