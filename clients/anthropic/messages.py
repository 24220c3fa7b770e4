"""Converts a conversation to Anthropic's form (https://platform.claude.com/docs/en/api/messages)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

INSTRUCTIONS = frozenset({"system", "developer"})
DEFAULT_MAX_TOKENS = 8192
"""The API requires a limit; each current model can write as much."""
_LEAST_KEPT = 8_000
"""Characters: the API keeps no less than 1,024 to 4,096 tokens, depending on the model."""
_NAMES = {"stop": "stop_sequences"}
"""Parameters that have another name in OpenAI's form."""


def request(
    model: str, messages: Sequence[Mapping[str, Any]], parameters: Mapping[str, Any], tools: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the arguments of the SDK; what a prompt sets beside `max_tokens` is sent unchanged, in `extra_body`."""
    system, turns = _conversation(messages)
    extra = {_NAMES.get(name, name): value for name, value in parameters.items() if name != "max_tokens"}
    if isinstance(extra.get("stop_sequences"), str):
        extra["stop_sequences"] = [extra["stop_sequences"]]
    body: dict[str, Any] = {
        "model": model,
        "messages": turns,
        "max_tokens": int(parameters.get("max_tokens", DEFAULT_MAX_TOKENS)),
        "extra_body": extra,
    }
    if system:
        body["system"] = _kept(system) if tools and len(system) >= _LEAST_KEPT else system
    if tools:
        body["tools"] = [_tool(tool["function"]) for tool in tools]
    return body


def _kept(system: str) -> list[dict[str, Any]]:
    """Return instructions that the server keeps, with the tools before them: several requests begin with them.

    https://platform.claude.com/docs/en/build-with-claude/prompt-caching
    """
    return [{"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}]


def _conversation(messages: Sequence[Mapping[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """Return the instructions, and the turns; a conversation of instructions alone is what the user says."""
    system = "\n\n".join(str(one["content"]) for one in messages if one["role"] in INSTRUCTIONS)
    turns = [_turn(one) for one in messages if one["role"] not in INSTRUCTIONS]
    turns = [one for one in turns if one["content"]]
    return (system, turns) if turns else ("", [{"role": "user", "content": system}])


def _turn(message: Mapping[str, Any]) -> dict[str, Any]:
    content = message.get("content") or ""
    if message["role"] == "tool":
        result = {"type": "tool_result", "tool_use_id": message.get("tool_call_id", ""), "content": content}
        return {"role": "user", "content": [result]}
    blocks = [_block(part) for part in content] if isinstance(content, list) else _text(content)
    return {"role": message["role"], "content": [*blocks, *map(_tool_use, message.get("tool_calls") or ())]}


def _text(text: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": text}] if text.strip() else []  # the API refuses empty blocks


def _block(part: Mapping[str, Any]) -> dict[str, Any]:
    if part["type"] != "image_url":
        return {"type": "text", "text": part["text"]}
    head, _, data = str(part["image_url"]["url"]).partition(";base64,")
    source = {"type": "base64", "media_type": head.removeprefix("data:"), "data": data}
    return {"type": "image", "source": source}


def _tool_use(call: Mapping[str, Any]) -> dict[str, Any]:
    function = call["function"]
    arguments = json.loads(function["arguments"] or "{}")
    return {"type": "tool_use", "id": call["id"], "name": function["name"], "input": arguments}


def _tool(function: Mapping[str, Any]) -> dict[str, Any]:
    described = {"description": function["description"]} if function.get("description") else {}
    return {"name": function["name"], **described, "input_schema": function.get("parameters") or {"type": "object"}}
