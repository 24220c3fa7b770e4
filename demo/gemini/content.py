"""A request for content in Gemini's form, and its answer (https://ai.google.dev/api/generate-content)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from demo.model import model
from demo.model.document import text_of
from demo.openai.pictures import PictureHeader, pictures_in, told
from demo.service import Refused

CONTEXT_TOKENS = 1_048_576


@dataclass(frozen=True)
class ContentRequest:
    """A parsed request; messages and tools in OpenAI's form, as the demo's model reads them."""

    messages: list[dict[str, Any]]
    pictures: tuple[PictureHeader, ...] = ()
    schema: dict[str, Any] | None = None
    wants_json: bool = False
    tools: list[dict[str, Any]] = field(default_factory=list)
    max_tokens: int | None = None

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> ContentRequest:
        """Parse a request's body; raises Refused in the API's own words if it is invalid."""
        turns = body.get("contents")
        if not isinstance(turns, list) or not turns:
            raise Refused(400, "* GenerateContentRequest.contents: contents is not specified")
        config = body.get("generationConfig") or {}
        if not 0 <= (config.get("temperature") or 0) <= 2:
            raise Refused(400, "* GenerateContentRequest.generation_config.temperature: must be in the range [0, 2]")
        given = body.get("systemInstruction")
        system = [{"role": "system", "content": _texts(given)}] if given else []
        messages = [*system, *map(_message, turns)]
        return cls(
            messages=messages,
            pictures=pictures_in(messages),
            schema=config.get("responseJsonSchema"),
            wants_json=config.get("responseMimeType") == "application/json",
            tools=[_tool(one) for tool in body.get("tools") or () for one in tool.get("functionDeclarations") or ()],
            max_tokens=config.get("maxOutputTokens"),
        )

    @property
    def input_tokens(self) -> int:
        """Return the token count of the request: its texts and pictures, and a few for each message."""
        words = sum(4 + model.count_tokens(text_of(each)) for each in self.messages)
        return words + sum(each.tokens for each in self.pictures)


def _texts(content: Mapping[str, Any]) -> str:
    return "\n".join(str(part.get("text", "")) for part in content.get("parts") or ())


def _message(turn: Mapping[str, Any]) -> dict[str, Any]:
    if turn.get("role") not in {"user", "model"}:
        raise Refused(400, "Please use a valid role: user, model.")
    parts = turn.get("parts") or []
    answered = [one["functionResponse"] for one in parts if "functionResponse" in one]
    if answered:
        return {"role": "tool", "content": str(answered[0]["response"].get("output", ""))}
    role = "user" if turn["role"] == "user" else "assistant"
    return {"role": role, "content": [_part(part) for part in parts if "functionCall" not in part]}


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    if "inlineData" not in part:
        return {"type": "text", "text": part.get("text", "")}
    data = part["inlineData"]
    # Google's libraries send base64 for URLs, too.
    content = str(data["data"]).replace("-", "+").replace("_", "/")
    return {"type": "image_url", "image_url": {"url": f"data:{_member(data, 'mimeType')};base64,{content}"}}


def _tool(declared: Mapping[str, Any]) -> dict[str, Any]:
    parameters = _member(declared, "parametersJsonSchema") or {"type": "object"}
    return {"type": "function", "function": {"name": declared["name"], "parameters": parameters}}


def _member(given: Mapping[str, Any], name: str) -> Any:
    """Return a member that may also have the name of the protocol's definition (ProtoJSON accepts both)."""
    # https://protobuf.dev/programming-guides/json/
    return given.get(name) or given.get(re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", name))


def answer(asked: ContentRequest) -> dict[str, Any]:
    """Run the model, and return the whole answer."""
    if asked.input_tokens > CONTEXT_TOKENS:
        text = f"The input token count ({asked.input_tokens}) exceeds the maximum number of tokens allowed"
        raise Refused(400, f"{text} ({CONTEXT_TOKENS}).")
    reply = _reply(asked)
    text, reason = _ended(reply.text, asked.max_tokens)
    calls = [{"functionCall": {"name": name, "args": arguments}} for name, arguments in reply.tool_calls]
    used = model.count_tokens(text + str([one["functionCall"]["args"] for one in calls] or ""))
    return {
        "candidates": [
            {"content": {"role": "model", "parts": calls or [{"text": text}]}, "finishReason": reason, "index": 0}
        ],
        "usageMetadata": {
            "promptTokenCount": asked.input_tokens,
            "candidatesTokenCount": used,
            "totalTokenCount": asked.input_tokens + used,
        },
        "modelVersion": model.MODEL,
        "responseId": "demo",
    }


def _reply(asked: ContentRequest) -> model.ModelReply:
    if asked.pictures and not asked.wants_json:
        return model.ModelReply(told(asked.pictures))
    return model.answer(asked.messages, schema=asked.schema, wants_json=asked.wants_json, tools=asked.tools)


def _ended(text: str, max_tokens: int | None) -> tuple[str, str]:
    """Return the text within the maximum length, and the reason of its end."""
    if max_tokens is None or model.count_tokens(text) <= max_tokens:
        return text, "STOP"
    while model.count_tokens(text) > max_tokens:
        text = text[: -max(1, (model.count_tokens(text) - max_tokens) // 2)]
    return text, "MAX_TOKENS"
