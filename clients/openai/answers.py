"""A model's answer as plain JSON: its words, the tools it asks for, the tokens it took."""

from __future__ import annotations

import json
from typing import Any

from clients.errors import BadAnswer

_SERVICE = "openai"
REFUSAL = "refusal"
"""The `finish_reason` of an answer that is the model's refusal, in its own words."""


def plain_answer(answer: Any, asked_model: str) -> dict[str, Any]:
    """Give {text, tool_calls, finish_reason, model, usage} of the SDK's ChatCompletion; raises BadAnswer.

    The SDK fills in nothing that the server left out: a 200 with `{}` has no choices at all. A model that refuses says
    so in a field of its own; then `text` ends with that, and `finish_reason` is `refusal`.
    """
    choices = getattr(answer, "choices", None)
    if not choices or getattr(choices[0], "message", None) is None:
        raise BadAnswer("The model server gave an answer without a message.", service=_SERVICE)
    message = choices[0].message
    refusal = str(getattr(message, "refusal", None) or "")
    return {
        "text": f"{message.content or ''}{refusal}",
        "tool_calls": [_tool_call(call) for call in message.tool_calls or []],
        "finish_reason": REFUSAL if refusal else str(choices[0].finish_reason or "stop"),
        "model": str(answer.model or asked_model),
        "usage": tokens_of(answer),
    }


def _tool_call(call: Any) -> dict[str, Any]:
    function = getattr(call, "function", None)
    if function is None:
        raise BadAnswer("The model asks for a tool in a form that is not known here.", service=_SERVICE)
    return tool_call(str(call.id or ""), str(function.name or ""), function.arguments)


def tool_call(call_id: str, name: str, written: Any) -> dict[str, Any]:
    """Give a tool that the model asks for as {id, name, arguments}; raises BadAnswer for arguments that are none."""
    return {"id": call_id, "name": name, "arguments": _arguments(name, written)}


def _arguments(name: str, written: Any) -> dict[str, Any]:
    """Read a tool's arguments: JSON text by OpenAI's description, an object with some servers, "" for none."""
    try:
        arguments = json.loads(written or "{}") if isinstance(written, str) or written is None else written
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        raise BadAnswer(
            f"The model asks for the tool {name!r} with arguments that are no JSON object.", service=_SERVICE
        )
    return arguments


def tokens_of(answer: Any) -> dict[str, int]:
    """Give {input_tokens, output_tokens} of an answer; 0 where the server does not count."""
    usage = getattr(answer, "usage", None)
    return {
        "input_tokens": int(getattr(usage, "prompt_tokens", None) or 0),
        "output_tokens": int(getattr(usage, "completion_tokens", None) or 0),
    }
