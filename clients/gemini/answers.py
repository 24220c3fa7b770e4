"""Converts Gemini's answers to plain JSON; a streamed one comes as several answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct, field

from clients.deadline import answer_goes_on
from clients.errors import BadAnswer
from clients.gemini.service import GEMINI
from clients.listing import require_shallow
from clients.models.asking import CUT_OFF, OnText, tool_call
from clients.models.metering import told_tokens
from clients.secrets import known

_ENDS: Mapping[str, str] = {"STOP": "stop", "MAX_TOKENS": "length"}
_HELD_BACK = frozenset({"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR"})
"""Reasons for which the API holds an answer back."""


def plain_answer(answers: Iterable[Any], asked_model: str, on_text: OnText | None) -> dict[str, Any]:
    """Return {text, tool_calls, finish_reason, model, usage} of the SDK's answer, in one piece or several.

    Raises BadAnswer, and what the SDK raises.
    """
    collected = _Collected(asked_model)
    for answer in answers:
        piece = collected.take(answer)
        if answer.candidates:
            answer_goes_on()
        if piece and on_text is not None:
            on_text(piece)
    return collected.answer()


class _Collected(Struct):
    """The pieces so far."""

    model: str
    text: list[str] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    finish_reason: str = ""
    held_back: str = ""
    """Why the API has held something back, in its words."""
    has_thoughts: bool = False
    usage: dict[str, int] = field(default_factory=lambda: {"input_tokens": 0, "output_tokens": 0})

    def take(self, answer: Any) -> str:
        """Add a piece; return its text."""
        self.model = str(answer.model_version or self.model)
        if answer.usage_metadata is not None:
            self.usage = _tokens(answer.usage_metadata)  # the totals so far, in each piece
            self.has_thoughts = bool(answer.usage_metadata.thoughts_token_count)
        if answer.prompt_feedback is not None and answer.prompt_feedback.block_reason is not None:
            self.finish_reason = "content_filter"
            said = answer.prompt_feedback.block_reason_message
            self.held_back = str(said or answer.prompt_feedback.block_reason.name)
        candidate = next(iter(answer.candidates or []), None)
        if candidate is None:
            return ""
        if candidate.finish_reason is not None:
            self.finish_reason = _end(candidate.finish_reason.name)
            if self.finish_reason == "content_filter":
                self.held_back = str(candidate.finish_message or candidate.finish_reason.name)
        parts = candidate.content.parts or [] if candidate.content is not None else []
        for call in (part.function_call for part in parts if part.function_call is not None):
            number = f"call_{len(self.calls) + 1}"  # the API may leave the id out
            self.calls.append(tool_call(GEMINI, str(call.id or number), str(call.name or ""), call.args or {}))
        self.has_thoughts = self.has_thoughts or any(part.thought for part in parts)
        piece = "".join(part.text for part in parts if part.text and not part.thought)
        self.text.append(piece)
        return piece

    def answer(self) -> dict[str, Any]:
        """Return the whole answer; raises BadAnswer if it ended early."""
        if not self.finish_reason:
            raise BadAnswer(CUT_OFF, service=GEMINI.name)
        require_shallow(self.calls, GEMINI.name)
        # Gemini ends with STOP even if it calls functions.
        ended = "tool_calls" if self.calls and self.finish_reason == "stop" else self.finish_reason
        return {
            "text": known.in_data("".join(self.text)),
            "tool_calls": known.in_json(self.calls),
            "finish_reason": ended,
            "model": self.model,
            "usage": self.usage,
            **({"held_back": self.held_back} if self.held_back else {}),
            **({"thoughts": True} if self.has_thoughts else {}),
        }


def _end(reason: str) -> str:
    return "content_filter" if reason in _HELD_BACK else _ENDS.get(reason, reason.lower())


def _tokens(usage: Any) -> dict[str, int]:
    """Return {input_tokens, output_tokens}, and `cached_tokens` of the input, if any; thinking is paid as output."""
    read = told_tokens(usage.prompt_token_count) + told_tokens(usage.tool_use_prompt_token_count)
    cached = min(told_tokens(usage.cached_content_token_count), read)
    return {
        **({"cached_tokens": cached} if cached else {}),
        "input_tokens": read,
        "output_tokens": told_tokens(usage.candidates_token_count) + told_tokens(usage.thoughts_token_count),
    }
