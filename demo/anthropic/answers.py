"""A message in Anthropic's form: as a whole answer or a stream."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from demo.anthropic.request import MessagesRequest
from demo.model import model
from demo.openai.pictures import told
from demo.service import Refused

# The context window of most Claude models (https://platform.claude.com/docs/en/build-with-claude/context-windows).
CONTEXT_TOKENS = 200_000


def document(asked: MessagesRequest) -> dict[str, Any]:
    """Run the model, and return the whole answer."""
    if asked.input_tokens > CONTEXT_TOKENS:
        raise Refused(400, f"prompt is too long: {asked.input_tokens} tokens > {CONTEXT_TOKENS} maximum")
    reply = _reply(asked)
    text, is_cut = _cut(reply.text, asked.max_tokens)
    blocks = [{"type": "text", "text": text, "citations": None}] if text else []
    uses = [_tool_use(name, arguments) for name, arguments in reply.tool_calls]
    said = text + "".join(json.dumps(one["input"]) for one in uses)
    return {
        "id": f"msg_{secrets.token_hex(12)}",
        "type": "message",
        "role": "assistant",
        "model": model.MODEL,
        "content": [*blocks, *uses],
        "stop_reason": "tool_use" if uses else "max_tokens" if is_cut else "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": asked.input_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": model.count_tokens(said),
        },
    }


def _reply(asked: MessagesRequest) -> model.ModelReply:
    if asked.pictures and asked.schema is None and not asked.tools:
        return model.ModelReply(told(asked.pictures))
    return model.answer(asked.messages, schema=asked.schema, tools=asked.tools, tool_choice=asked.tool_choice)


def _cut(text: str, max_tokens: int) -> tuple[str, bool]:
    """Return the text within the maximum length, and whether it was longer."""
    given = text
    while model.count_tokens(text) > max_tokens:
        # A token has at least one character, so cutting half as many characters as tokens never cuts too much.
        text = text[: -max(1, (model.count_tokens(text) - max_tokens) // 2)]
    return text, text != given


def _tool_use(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "tool_use", "id": f"toolu_{secrets.token_hex(12)}", "name": name, "input": dict(arguments)}


def server_sent_events(answer: Mapping[str, Any]) -> Iterator[str]:
    """Yield an answer as a stream (https://platform.claude.com/docs/en/build-with-claude/streaming)."""
    # `message_start` counts what exists by then, one token; `message_delta` has the final number.
    usage = {**answer["usage"], "output_tokens": 1}
    yield _event("message_start", message={**answer, "content": [], "stop_reason": None, "usage": usage})
    for index, block in enumerate(answer["content"]):
        empty = {**block, "input": {}} if block["type"] == "tool_use" else {**block, "text": ""}
        yield _event("content_block_start", index=index, content_block=empty)
        for delta in _deltas(block):
            yield _event("content_block_delta", index=index, delta=delta)
        yield _event("content_block_stop", index=index)
    ended = {"stop_reason": answer["stop_reason"], "stop_sequence": None}
    yield _event("message_delta", delta=ended, usage={"output_tokens": answer["usage"]["output_tokens"]})
    yield _event("message_stop")


def _deltas(block: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if block["type"] == "tool_use":
        yield {"type": "input_json_delta", "partial_json": json.dumps(block["input"], ensure_ascii=False)}
        return
    # Long words are split, too, since a real stream cuts anywhere: a reader must not rely on whole words.
    for piece in re.findall(r"\s*\S{1,20}|\s+$", block["text"]):
        yield {"type": "text_delta", "text": piece}


def _event(kind: str, **fields: Any) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields}, ensure_ascii=False)}\n\n"
