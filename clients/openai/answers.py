"""Converts a model's answer to plain JSON: text, tool calls, token usage."""

from __future__ import annotations

from typing import Any

from clients.errors import BadAnswer
from clients.models.asking import charging, tool_call
from clients.models.metering import told_tokens
from clients.openai.service import OPENAI

_SERVICE = OPENAI.name
REFUSAL = "refusal"
"""The `finish_reason` of an answer in which the model refuses."""


def plain_answer(answer: Any, asked_model: str) -> dict[str, Any]:
    """Return {text, tool_calls, finish_reason, model, usage} of the SDK's ChatCompletion; raises BadAnswer.

    The SDK does not fill in missing fields: a 200 with `{}` has no choices at all. A refusal comes in a field of its
    own; `text` then ends with it, and `finish_reason` is `refusal`.
    """
    choices = getattr(answer, "choices", None)
    if not choices or getattr(choices[0], "message", None) is None:
        raise BadAnswer("The model server sent an answer without a message.", service=_SERVICE)
    message = choices[0].message
    refusal = str(getattr(message, "refusal", None) or "")
    model, usage = str(answer.model or asked_model), tokens_of(answer)
    with charging(model, usage):
        calls = [_tool_call(call) for call in message.tool_calls or []]
    return {
        "text": f"{message.content or ''}{refusal}",
        "tool_calls": calls,
        "finish_reason": REFUSAL if refusal else str(choices[0].finish_reason or "stop"),
        "model": model,
        "usage": usage,
    }


def _tool_call(call: Any) -> dict[str, Any]:
    function = getattr(call, "function", None)
    if function is None:
        raise BadAnswer("The model called a tool in an unknown form.", service=_SERVICE)
    return tool_call(OPENAI, str(call.id or ""), str(function.name or ""), function.arguments)


def tokens_of(answer: Any) -> dict[str, int]:
    """Return {input_tokens, output_tokens} of an answer; 0 if the server does not count.

    `cached_tokens`, if the server had read so many of the input before and says so (OpenAI, Prompt caching).
    """
    usage = getattr(answer, "usage", None)
    found = {
        "input_tokens": told_tokens(getattr(usage, "prompt_tokens", None)),
        "output_tokens": told_tokens(getattr(usage, "completion_tokens", None)),
    }
    told = told_tokens(getattr(getattr(usage, "prompt_tokens_details", None), "cached_tokens", None))
    cached = min(told, found["input_tokens"])
    return {**found, "cached_tokens": cached} if cached else found
