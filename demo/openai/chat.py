"""A chat completion in OpenAI's form: as a whole answer or a stream."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from demo.model import model
from demo.openai.pictures import told
from demo.openai.request import ChatRequest, bad

CONTEXT_TOKENS = 128_000
FINGERPRINT = "fp_demo_extractive"


@dataclass(frozen=True)
class ChatAnswer:
    """The answer to one request."""

    id: str
    created: int
    choices: int
    content: str | None
    tool_calls: list[dict[str, Any]]
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int

    @classmethod
    def of(cls, asked: ChatRequest) -> ChatAnswer:
        """Run the model."""
        if asked.prompt_tokens > CONTEXT_TOKENS:
            raise bad(
                f"This model's maximum context length is {CONTEXT_TOKENS} tokens. However, your messages resulted "
                f"in {asked.prompt_tokens} tokens.",
                "messages",
                "context_length_exceeded",
            )
        reply = _reply(asked)
        # A script or an escape in the prompt can hold half a surrogate pair.
        text, reason = _ended(reply.text.encode(errors="replace").decode(), asked)
        calls = [_tool_call(name, arguments) for name, arguments in reply.tool_calls]
        said = text + "".join(each["function"]["arguments"] for each in calls)
        return cls(
            id=f"chatcmpl-{secrets.token_hex(12)}",
            created=int(time.time()),
            choices=asked.choices,
            content=None if calls else text,
            tool_calls=calls,
            finish_reason="tool_calls" if calls else reason,
            prompt_tokens=asked.prompt_tokens,
            completion_tokens=model.count_tokens(said) * asked.choices,
        )

    def usage(self) -> dict[str, Any]:
        """Return estimated token counts."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }

    def head(self, kind: str) -> dict[str, Any]:
        """Return the fields that an answer and its chunks share."""
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": model.MODEL,
            "service_tier": "default",
            "system_fingerprint": FINGERPRINT,
        }

    def document(self) -> dict[str, Any]:
        """Return the whole answer."""
        message: dict[str, Any] = {"role": "assistant", "content": self.content, "refusal": None, "annotations": []}
        if self.tool_calls:
            message["tool_calls"] = self.tool_calls
        choice = {"message": message, "logprobs": None, "finish_reason": self.finish_reason}
        choices = [{"index": index, **choice} for index in range(self.choices)]
        return {**self.head("chat.completion"), "choices": choices, "usage": self.usage()}


def _reply(asked: ChatRequest) -> model.ModelReply:
    """Return the model's reply; a schema that it cannot follow is refused as invalid."""
    try:
        return _answered(asked)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        if asked.schema is None and not asked.tools and not asked.wants_json:
            raise
        raise bad(f"Invalid schema for response_format: {type(error).__name__}.", "response_format") from error


def _answered(asked: ChatRequest) -> model.ModelReply:
    if asked.pictures and asked.schema is None and not asked.wants_json:
        return model.ModelReply(told(asked.pictures))
    return model.answer(
        asked.messages,
        schema=asked.schema,
        wants_json=asked.wants_json,
        tools=asked.tools,
        tool_choice=asked.tool_choice,
    )


def server_sent_events(completion: ChatAnswer, asked: ChatRequest) -> Iterator[str]:
    """Yield the answer as a stream: the role, the text, the finish reason, then usage if requested."""
    head = completion.head("chat.completion.chunk") | ({"usage": None} if asked.stream_usage else {})
    for index in range(completion.choices):
        for delta in _deltas(completion):
            yield _event({**head, "choices": [_chunk_choice(index, delta, None)]})
        yield _event({**head, "choices": [_chunk_choice(index, {}, completion.finish_reason)]})
    if asked.stream_usage:
        # The usage comes in a chunk without choices: https://platform.openai.com/docs/api-reference/chat-streaming
        yield _event({**head, "choices": [], "usage": completion.usage()})
    yield "data: [DONE]\n\n"


def _deltas(completion: ChatAnswer) -> Iterator[dict[str, Any]]:
    if completion.tool_calls:
        calls = [{"index": index, **call} for index, call in enumerate(completion.tool_calls)]
        yield {"role": "assistant", "content": None, "tool_calls": calls}
        return
    yield {"role": "assistant", "content": "", "refusal": None}
    for piece in re.findall(r"\s*\S{1,20}|\s+$", completion.content or ""):
        yield {"content": piece}


def _chunk_choice(index: int, delta: dict[str, Any], reason: str | None) -> dict[str, Any]:
    return {"index": index, "delta": delta, "logprobs": None, "finish_reason": reason}


def _event(document: Mapping[str, Any]) -> str:
    return f"data: {json.dumps(document, ensure_ascii=False)}\n\n"


def _tool_call(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    text = json.dumps(arguments, ensure_ascii=False)
    call_id = f"call_{secrets.token_hex(12)}"
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": text}}


def _ended(text: str, asked: ChatRequest) -> tuple[str, str]:
    """Return the text up to the first stop word and within the maximum length, and the finish reason."""
    ends = [text.find(word) for word in asked.stop if word and word in text]
    text = text[: min(ends)] if ends else text
    if asked.max_tokens is None or model.count_tokens(text) <= asked.max_tokens:
        return text, "stop"
    while model.count_tokens(text) > asked.max_tokens:
        text = text[: -max(1, (model.count_tokens(text) - asked.max_tokens) // 2)]
    return text, "length"
