"""AgentDojo's functions as step types `agentdojo.NAME`: one class for each, made of what its server says of it.

The evaluation adds this folder to `engine.steps`; no user has it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import create_model

from clients.errors import InvalidRequest
from clients.http.request import WebRequest
from engine.plugins.step import (
    Call,
    Effect,
    Fields,
    JsonValue,
    Output,
    Receipt,
    Repeat,
    StepType,
    content,
    destination,
    outside,
)
from evals.agentdojo.roles import DESTINATIONS, MARKDOWN, reads

_SUITES = "AGENTDOJO_SUITES"
"""Names the file with what the server says."""
_TYPES: Mapping[str, tuple[Any, Any]] = {
    "string": (str, ""),
    "integer": (int, 0),
    "number": (float, 0.0),
    "boolean": (bool, False),
    "array": (list[Any], []),
}


class Told(Output):
    """What the function returned."""

    text: str = outside("Text")


class _Function(StepType):
    """Call a function of AgentDojo's environment."""

    service = "http"
    connection_optional = True
    output = Told

    def call(self, call: Call) -> JsonValue:
        """Return {text}. Raises InvalidRequest if the function refuses."""
        given = call.fields.model_dump()
        address, required = given.pop("case"), set(_schema(self.name).get("required", ()))
        arguments = {key: one for key, one in given.items() if key in required or one not in ("", [], 0, None)}
        url = f"{address}/calls/{self.name.removeprefix('agentdojo.')}"
        answer: Any = call.client.request(WebRequest("POST", url, json=arguments))["json"]
        if "error" in answer:
            raise InvalidRequest(answer["error"], service="http")
        return {"text": answer["result"]}


class _Reading(_Function):
    effect = Effect.READS


class _Writing(_Function):
    effect = Effect.WRITES
    repeat = Repeat.UNFINDABLE
    done = "done"
    lasts = "AgentDojo's environment is thrown away."

    def receipt(self, output: JsonValue) -> Receipt:
        """Return none: the functions return no ids."""
        return Receipt(id="")


def _suites() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(Path(os.environ[_SUITES]).read_text(encoding="utf-8"))
    return found


_FUNCTIONS = {name: tool for suite in _suites().values() for name, tool in suite["tools"].items()}


def _schema(name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = _FUNCTIONS[name.removeprefix("agentdojo.")]["schema"]
    return found


def _kind_of(schema: Mapping[str, Any]) -> str:
    kinds = [one.get("type") for one in (schema, *schema.get("anyOf", ()))]
    return next((str(one) for one in kinds if one in _TYPES), "string")


def _fields(name: str, schema: Mapping[str, Any]) -> type[Fields]:
    fields: dict[str, Any] = {"case": (str, destination("Address of the case"))}
    for key, one in schema.get("properties", {}).items():
        kind, empty = _TYPES[_kind_of(one)]
        default = ... if key in schema.get("required", ()) else empty
        title = str(one.get("description") or key)
        if key in DESTINATIONS.get(name, ()):
            fields[key] = (kind, destination(title, default))
        else:
            more = {"markup": "markdown"} if MARKDOWN.get(name) == key else {}
            fields[key] = (kind, content(title, default, **more))
    return create_model(f"{name}_fields", __base__=Fields, __doc__=f"The fields of `{name}`.", **fields)


for _name, _tool in _FUNCTIONS.items():
    _base = _Reading if reads(_name) else _Writing
    globals()[_name] = type(
        _name,
        (_base,),
        {
            "__module__": __name__,
            "__doc__": _tool["description"],
            "name": f"agentdojo.{_name}",
            "title": _tool["description"].splitlines()[0],
            "fields": _fields(_name, _tool["schema"]),
        },
    )
