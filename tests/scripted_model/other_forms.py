"""The answers of the scripted model in the forms of Anthropic and Gemini, as their SDKs read them.

Forms: https://platform.claude.com/docs/en/build-with-claude/streaming and https://ai.google.dev/api/generate-content.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol


class Answer(Protocol):
    """What is read of an answer of the script."""

    @property
    def calls(self) -> Sequence[tuple[str, Any]]:
        """Each (tool, arguments)."""

    @property
    def is_cut(self) -> bool:
        """Whether the stream ends in the middle of the text."""


Usage = tuple[int, int, int]
"""Tokens of the question, of it cached, and of the answer."""
Event = tuple[str, Mapping[str, Any]]
"""The name of an event, "" for none, and its data."""


def is_anthropic(path: str) -> bool:
    """Return whether a request is one to Claude."""
    return path.startswith("/v1/messages")


def is_gemini(path: str) -> bool:
    """Return whether a request is one to Gemini."""
    return "enerateContent" in path


def anthropic_events(answer: Answer, model: str, usage: Usage, pieces: list[str]) -> Iterator[Event]:
    """Yield the events of a streamed answer; one that is cut ends in its words."""
    asked, cached, out = usage
    counted = {"input_tokens": asked - cached, "cache_read_input_tokens": cached, "output_tokens": 1}
    message: dict[str, Any] = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
    }
    yield "message_start", {"message": {**message, "stop_sequence": None, "usage": counted}}
    index = 0
    if pieces:
        yield "content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}
        for piece in pieces:
            yield "content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": piece}}
        if answer.is_cut:
            return
        yield "content_block_stop", {"index": 0}
        index = 1
    for number, (tool, given) in enumerate(answer.calls):
        block = {"type": "tool_use", "id": f"call_{number}", "name": tool, "input": {}}
        yield "content_block_start", {"index": index + number, "content_block": block}
        written = given if isinstance(given, str) else json.dumps(given)
        delta = {"type": "input_json_delta", "partial_json": written}
        yield "content_block_delta", {"index": index + number, "delta": delta}
        yield "content_block_stop", {"index": index + number}
    end = {"stop_reason": "tool_use" if answer.calls else "end_turn", "stop_sequence": None}
    yield "message_delta", {"delta": end, "usage": {"output_tokens": out}}
    yield "message_stop", {}


def gemini_events(answer: Answer, model: str, usage: Usage, pieces: list[str]) -> Iterator[Event]:
    """Yield the answers of a streamed answer; one that is cut has no reason for its end."""
    asked, cached, out = usage

    def told(parts: list[dict[str, Any]], reason: str = "") -> Event:
        candidate = {"content": {"role": "model", "parts": parts}, **({"finishReason": reason} if reason else {})}
        return "", {"candidates": [candidate], "modelVersion": model}

    for piece in pieces:
        yield told([{"text": piece}])
    if answer.is_cut:
        return
    calls = [{"functionCall": {"name": tool, "args": given}} for tool, given in answer.calls if isinstance(given, dict)]
    counted = {"promptTokenCount": asked, "cachedContentTokenCount": cached, "candidatesTokenCount": out}
    name, last = told([*calls], "STOP")
    yield name, {**last, "usageMetadata": counted}
