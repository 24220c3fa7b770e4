"""A chat request in OpenAI's form, parsed and validated as by the API."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jsonschema

from demo.model import model
from demo.model.document import short, text_of
from demo.openai.pictures import PictureHeader, pictures_in
from demo.service import Refused

ROLES = {"system", "developer", "user", "assistant", "tool", "function"}
LIMITS = {"temperature": (0, 2), "top_p": (0, 1), "presence_penalty": (-2, 2), "frequency_penalty": (-2, 2)}
"""The range of each number, https://platform.openai.com/docs/api-reference/chat/create."""
# Both: https://platform.openai.com/docs/api-reference/chat/create
MOST_CHOICES = 128
NAME = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")


def bad(message: str, param: str | None = None, code: str | None = None) -> Refused:
    """Return a 400 in OpenAI's form."""
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return Refused(400, message, error=error)


@dataclass(frozen=True)
class ChatRequest:
    """A parsed request."""

    messages: list[dict[str, Any]]
    pictures: tuple[PictureHeader, ...] = ()
    schema: dict[str, Any] | None = None
    wants_json: bool = False
    tools: list[dict[str, Any]] = field(default_factory=list)
    tool_choice: str | dict[str, Any] = "auto"
    stream: bool = False
    stream_usage: bool = False
    max_tokens: int | None = None
    choices: int = 1
    stop: tuple[str, ...] = ()

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> ChatRequest:
        """Parse a request's body; raises Refused in the API's own words if it is invalid."""
        if not isinstance(body.get("model"), str) or not body["model"]:
            raise bad("you must provide a model parameter")
        _check_characters(body)
        messages = _messages(body.get("messages"))
        for name, limits in LIMITS.items():
            _check_number(body, name, *limits)
        schema, wants_json = _response_format(body.get("response_format") or {"type": "text"}, messages)
        tools = _tools(body.get("tools") or [])
        return cls(
            messages=messages,
            pictures=pictures_in(messages),
            schema=schema,
            wants_json=wants_json,
            tools=tools,
            tool_choice=_tool_choice(body.get("tool_choice") or "auto", tools),
            stream=bool(body.get("stream")),
            stream_usage=bool((body.get("stream_options") or {}).get("include_usage")),
            # The second is the older name, which is still accepted.
            max_tokens=_positive(body, "max_completion_tokens") or _positive(body, "max_tokens"),
            choices=_choices(body),
            stop=_stop(body.get("stop")),
        )

    @property
    def prompt_tokens(self) -> int:
        """Return the token count of the prompt: its texts, and a few for each message."""
        extra = json.dumps(self.tools) if self.tools else ""
        words = sum(4 + model.count_tokens(text_of(each)) for each in self.messages) + model.count_tokens(extra) + 3
        return words + sum(each.tokens for each in self.pictures)


def _messages(given: Any) -> list[dict[str, Any]]:
    if not isinstance(given, list):
        raise bad("Missing required parameter: 'messages'.", "messages", "missing_required_parameter")
    if not given:
        raise bad("[] is too short - 'messages'", "messages")
    for index, message in enumerate(given):
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            role = message.get("role") if isinstance(message, dict) else message
            place = f"messages[{index}].role"
            raise bad(f"Invalid value: {role!r}. Supported values are: {sorted(ROLES)}.", place, "invalid_value")
        content = message.get("content")
        if not isinstance(content, str | list) and not (content is None and message["role"] == "assistant"):
            place = f"messages[{index}].content"
            raise bad("Invalid value for 'content': expected a string or a list of parts.", place, "invalid_type")
    return given


def _response_format(given: Any, messages: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any] | None, bool]:
    """Return the schema to follow, and whether any JSON object is accepted."""
    kind = given.get("type") if isinstance(given, dict) else None
    if kind == "json_schema":
        return _json_schema(given.get("json_schema")), False
    if kind == "json_object":
        # Without the word, real models may write white space up to the limit, so the API demands it.
        if not any("json" in text_of(each).casefold() for each in messages):
            text = (
                "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
            )
            raise bad(text, "messages")
        return None, True
    if kind != "text":
        raise bad(f"Invalid value: {kind!r}. Supported values are: 'json_object', 'json_schema', and 'text'.")
    return None, False


def _json_schema(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict) or not NAME.match(str(given.get("name", ""))):
        raise bad(
            "Invalid 'response_format.json_schema.name': 1 to 64 letters, digits, '_' or '-' are expected.",
            "response_format.json_schema.name",
        )
    schema = given.get("schema") or {}
    if not isinstance(schema, dict) or (given.get("strict") and schema.get("type") != "object"):
        raise bad("Invalid schema for response_format: an object is expected.", "response_format")
    _check_schema(schema, f"response_format '{given['name']}'", "response_format")
    if given.get("strict"):
        _check_strict(schema, given["name"], ())
    return schema


def _check_characters(body: Mapping[str, Any]) -> None:
    """Refuse half a surrogate pair, which no text can hold."""
    try:
        json.dumps(body, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError) as error:
        raise bad("We could not parse the JSON body of your request: it has an invalid character.") from error


def _check_schema(schema: Any, place: str, param: str) -> None:
    """Refuse an invalid JSON Schema, with its first mistake on one line."""
    validator: Any = jsonschema.Draft202012Validator
    try:
        validator.check_schema(schema, format_checker=None)
    except jsonschema.SchemaError as error:
        cause = short(f"In context={tuple(error.absolute_path)}, {error.message}", 400)
        raise bad(f"Invalid schema for {place}: {cause}", param, "invalid_json_schema") from error
    except RecursionError as error:
        raise bad(f"Invalid schema for {place}: it is nested too deeply.", param) from error


def _check_strict(schema: Any, name: str, place: tuple[str, ...]) -> None:
    """Check strict mode's rules for every object, https://platform.openai.com/docs/guides/structured-outputs."""
    if isinstance(schema, list):
        for index, each in enumerate(schema):
            _check_strict(each, name, (*place, str(index)))
        return
    if not isinstance(schema, dict):
        return
    properties = schema.get("properties")
    if schema.get("type") == "object" or isinstance(properties, dict):
        _check_strict_object(schema, name, place)
    for key, each in (properties or {}).items() if isinstance(properties, dict) else ():
        _check_strict(each, name, (*place, "properties", key))
    for key in ("items", "anyOf", "$defs", "definitions"):
        inner = schema.get(key)
        named = key in {"$defs", "definitions"} and isinstance(inner, dict)
        _check_strict(list(inner.values()) if named and inner else inner, name, (*place, key))


def _check_strict_object(schema: Mapping[str, Any], name: str, place: tuple[str, ...]) -> None:
    where = f"Invalid schema for response_format '{name}': In context={place},"
    if schema.get("additionalProperties") is not False:
        text = f"{where} 'additionalProperties' is required to be supplied and to be false."
        raise bad(text, "response_format")
    missing = sorted(set(schema.get("properties", {})) - set(schema.get("required", ())))
    if missing:
        text = f"{where} 'required' is required to be supplied and to be an array including every key in properties."
        raise bad(f"{text} Missing '{missing[0]}'.", "response_format")


def _tools(given: Any) -> list[dict[str, Any]]:
    """Return the tools, each a function with a valid name."""
    if not isinstance(given, list):
        raise bad("Invalid type for 'tools': expected an array.", "tools", "invalid_type")
    for index, each in enumerate(given):
        function = each.get("function") if isinstance(each, dict) else None
        if not isinstance(function, dict) or not NAME.match(str(function.get("name", ""))):
            text = f"Invalid 'tools[{index}].function.name': string does not match pattern '{NAME.pattern}'."
            raise bad(text, f"tools[{index}].function.name", "invalid_value")
        _check_schema(function.get("parameters") or {}, f"function '{function['name']}'", f"tools[{index}].function")
    return given


def _tool_choice(given: Any, tools: Sequence[Mapping[str, Any]]) -> str | dict[str, Any]:
    if isinstance(given, dict):
        name = (given.get("function") or {}).get("name")
        if name not in [each["function"]["name"] for each in tools]:
            raise bad(f"Invalid value for 'tool_choice': no tool is named {name!r}.", "tool_choice")
        return given
    if given not in {"auto", "none", "required"}:
        raise bad(f"Invalid value: {given!r}. Supported values are: 'none', 'auto', and 'required'.", "tool_choice")
    if given == "required" and not tools:
        raise bad("Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.")
    return str(given)


def _positive(body: Mapping[str, Any], name: str) -> int | None:
    number = body.get(name)
    if number is None:
        return None
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise bad(f"Invalid '{name}': integer below minimum value. Expected a value >= 1.", name)
    return number


def _choices(body: Mapping[str, Any]) -> int:
    number = _positive(body, "n") or 1
    if number > MOST_CHOICES:
        raise bad(f"Invalid 'n': integer above maximum value. Expected a value <= {MOST_CHOICES}.", "n")
    return number


def _check_number(body: Mapping[str, Any], name: str, lowest: float, highest: float) -> None:
    number = body.get(name)
    if number is None:
        return
    if not isinstance(number, int | float) or isinstance(number, bool):
        raise bad(f"Invalid type for '{name}': expected a decimal, but got {number!r}.", name, "invalid_type")
    side, limit = ("below minimum", lowest) if number < lowest else ("above maximum", highest)
    if not lowest <= number <= highest:
        sign = ">=" if number < lowest else "<="
        message = f"Invalid '{name}': decimal {side} value. Expected a value {sign} {limit}, but got {number} instead."
        raise bad(message, name, "decimal_below_min_value" if number < lowest else "decimal_above_max_value")


def _stop(given: Any) -> tuple[str, ...]:
    if given is None:
        return ()
    words = [given] if isinstance(given, str) else given
    if not isinstance(words, list) or len(words) > 4 or not all(isinstance(each, str) for each in words):
        raise bad("Invalid 'stop': a text or at most 4 texts are expected.", "stop")
    return tuple(words)
