"""Converts a conversation to Gemini's form (https://ai.google.dev/api/generate-content)."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from clients.errors import InvalidRequest
from clients.gemini.service import GEMINI

_INSTRUCTIONS = frozenset({"system", "developer"})
NAMES = {"max_tokens": "max_output_tokens", "stop": "stop_sequences"}
"""Parameters that have another name in OpenAI's form."""
KNOWN = frozenset(
    {
        "temperature",
        "max_output_tokens",
        "top_p",
        "top_k",
        "seed",
        "stop_sequences",
        "presence_penalty",
        "frequency_penalty",
        "thinking_config",
        "safety_settings",
        "media_resolution",
    }
)
"""What a prompt may set. The SDK refuses what it does not know; the rest would change the kind of answer, or where the
request goes."""


def contents(messages: Sequence[Mapping[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """Return the instructions, and the turns; a conversation of instructions alone is what the user says."""
    system = "\n\n".join(str(one["content"]) for one in messages if one["role"] in _INSTRUCTIONS)
    # A function response names its function; OpenAI's form has only the id of the call.
    names = {
        call["id"]: call["function"]["name"] for message in messages for call in message.get("tool_calls") or () if call
    }
    turns = [_turn(one, names) for one in messages if one["role"] not in _INSTRUCTIONS]
    turns = [one for one in turns if one["parts"]]
    return (system, turns) if turns else ("", [{"role": "user", "parts": [{"text": system}]}])


def config(
    system: str, parameters: Mapping[str, Any], tools: Sequence[Mapping[str, Any]], schema: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return the SDK's `config`. Raises InvalidRequest for an unknown parameter."""
    named = {NAMES.get(name, name): value for name, value in parameters.items()}
    if unknown := sorted(named.keys() - KNOWN):
        raise InvalidRequest(
            f"Gemini has no parameter {', '.join(unknown)}.",
            service=GEMINI.name,
            remedy=f"Take it out of the prompt's parameters. There are: {', '.join(sorted(KNOWN))}.",
        )
    if isinstance(named.get("stop_sequences"), str):
        named["stop_sequences"] = [named["stop_sequences"]]
    if system:
        named["system_instruction"] = system
    if tools:
        named["tools"] = [{"function_declarations": [_tool(tool["function"]) for tool in tools]}]
    if schema is not None:
        named |= {"response_mime_type": "application/json", "response_json_schema": dict(schema)}
    # Otherwise the SDK might call functions and ask again by itself, past the limits of the step.
    return {**named, "automatic_function_calling": {"disable": True}}


def _turn(message: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    content = message.get("content") or ""
    if message["role"] == "tool":
        answered = {"name": names.get(message.get("tool_call_id", ""), "tool"), "response": {"output": content}}
        return {"role": "user", "parts": [{"function_response": answered}]}
    parts = [_part(part) for part in content] if isinstance(content, list) else [{"text": content}] if content else []
    calls = [{"function_call": _call(call["function"])} for call in message.get("tool_calls") or ()]
    return {"role": "model" if message["role"] == "assistant" else "user", "parts": [*parts, *calls]}


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    if part["type"] != "image_url":
        return {"text": part["text"]}
    head, _, data = str(part["image_url"]["url"]).partition(";base64,")
    return {"inline_data": {"mime_type": head.removeprefix("data:"), "data": base64.b64decode(data)}}


def _call(function: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": function["name"], "args": json.loads(function["arguments"] or "{}")}


def _tool(function: Mapping[str, Any]) -> dict[str, Any]:
    known = {name: function[name] for name in ("name", "description") if function.get(name)}
    return {**known, "parameters_json_schema": function.get("parameters") or {"type": "object"}}
