"""A request for a message in Anthropic's form, parsed and validated as by the API."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from demo.model import model
from demo.model.document import text_of
from demo.openai.pictures import PictureHeader, pictures_in
from demo.service import Refused

_UNSUPPORTED = ("minimum", "maximum", "multipleOf", "minLength", "maxLength", "maxItems", "uniqueItems")
"""Members that structured outputs refuse (https://platform.claude.com/docs/en/build-with-claude/structured-outputs)."""


@dataclass(frozen=True)
class MessagesRequest:
    """A parsed request; messages and tools in OpenAI's form, as the demo's model reads them."""

    messages: list[dict[str, Any]]
    max_tokens: int
    pictures: tuple[PictureHeader, ...] = ()
    schema: dict[str, Any] | None = None
    tools: list[dict[str, Any]] = field(default_factory=list)
    tool_choice: str | dict[str, Any] = "auto"
    stream: bool = False

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> MessagesRequest:
        """Parse a request's body; raises Refused in the API's own words if it is invalid."""
        for name in ("model", "max_tokens", "messages"):
            if name not in body:
                raise Refused(400, f"{name}: Field required")
        limit = body["max_tokens"]
        if not isinstance(limit, int) or limit < 1:
            raise Refused(400, "max_tokens: Input should be greater than or equal to 1")
        # OpenAI and Google allow up to 2, so a client must not pass on their setting unchanged.
        if not 0 <= (body.get("temperature") or 0) <= 1:
            raise Refused(400, "temperature: range: 0..1")
        turns = _turns(body["messages"])
        system = [{"role": "system", "content": body["system"]}] if body.get("system") else []
        messages = [*system, *(one for turn in turns for one in _plain(turn))]
        tools = [{"type": "function", "function": _function(tool)} for tool in body.get("tools") or ()]
        return cls(
            messages=messages,
            max_tokens=limit,
            pictures=pictures_in(messages),
            schema=_schema((body.get("output_config") or {}).get("format")),
            tools=tools,
            tool_choice=_choice(body.get("tool_choice") or {"type": "auto"}, tools),
            stream=bool(body.get("stream")),
        )

    @property
    def input_tokens(self) -> int:
        """Return the token count of the request: its texts and pictures, and a few for each message."""
        words = sum(4 + model.count_tokens(text_of(each)) for each in self.messages)
        return words + model.count_tokens(json.dumps(self.tools)) + sum(each.tokens for each in self.pictures)


def _turns(given: Any) -> Sequence[Mapping[str, Any]]:
    if not isinstance(given, list) or not given:
        raise Refused(400, "messages: at least one message is required")
    for index, turn in enumerate(given):
        if not isinstance(turn, dict) or turn.get("role") not in {"user", "assistant"}:
            raise Refused(400, f"messages.{index}.role: Input should be 'user' or 'assistant'")
        content = turn.get("content")
        # A plain string is the short form of one text block (https://platform.claude.com/docs/en/api/messages).
        blocks = content if isinstance(content, list) else [{"type": "text", "text": content}]
        if not content or any(one["type"] == "text" and not str(one["text"]).strip() for one in blocks):
            raise Refused(400, f"messages.{index}: text content blocks must be non-empty")
    if given[0]["role"] != "user":
        raise Refused(400, 'messages: first message must use the "user" role')
    return given


def _plain(turn: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a turn in OpenAI's form: each answer of a tool is a message of its own."""
    content = turn["content"]
    if isinstance(content, str):
        return [{"role": turn["role"], "content": content}]
    found = [{"role": "tool", "content": str(one["content"])} for one in content if one["type"] == "tool_result"]
    parts = [_part(one) for one in content if one["type"] in {"text", "image"}]
    return [*found, {"role": turn["role"], "content": parts}] if parts else found


def _part(block: Mapping[str, Any]) -> dict[str, Any]:
    if block["type"] == "text":
        return {"type": "text", "text": block["text"]}
    source = block["source"]
    return {"type": "image_url", "image_url": {"url": f"data:{source['media_type']};base64,{source['data']}"}}


def _function(tool: Mapping[str, Any]) -> dict[str, Any]:
    if (tool.get("input_schema") or {}).get("type") != "object":
        raise Refused(400, "tools.0.custom.input_schema.type: Field required")
    return {"name": tool["name"], "parameters": tool["input_schema"], "description": tool.get("description", "")}


def _choice(given: Mapping[str, Any], tools: Sequence[Mapping[str, Any]]) -> str | dict[str, Any]:
    if given["type"] != "tool":
        # Anthropic's `any` is OpenAI's `required`; `auto` and `none` have the same names.
        return "required" if given["type"] == "any" else str(given["type"])
    if given.get("name") not in [each["function"]["name"] for each in tools]:
        raise Refused(400, f"Tool '{given.get('name')}' not found in provided tools")
    return {"type": "function", "function": {"name": given["name"]}}


def _schema(form: Any) -> dict[str, Any] | None:
    if form is None:
        return None
    if not isinstance(form, dict) or form.get("type") != "json_schema" or not isinstance(form.get("schema"), dict):
        raise Refused(400, "output_config.format: Input should be a JSON schema format")
    _check_schema(form["schema"])
    schema: dict[str, Any] = form["schema"]
    return schema


def _check_schema(schema: Any) -> None:
    if isinstance(schema, list):
        for each in schema:
            _check_schema(each)
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        text = "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false"
        raise Refused(400, text)
    for name in _UNSUPPORTED:
        if name in schema:
            text = f"output_config.format.schema: For '{schema.get('type')}' type, property '{name}' is not supported"
            raise Refused(400, text)
    for each in (*dict(schema.get("properties") or {}).values(), schema.get("items"), schema.get("anyOf")):
        _check_schema(each)
