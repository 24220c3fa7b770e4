"""The texts of a call that a person approves: its gaps, and what an edit has changed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from engine.base.errors import UnknownName
from engine.base.json_text import JsonObject, JsonSchema
from engine.documents.line_differences import unified
from engine.plugins.registry import step_type
from engine.plugins.step import Role, fields_schema
from engine.record.types.approval import AskedCall

_GAP = re.compile(r"(?<![\]!])\[(?!x\]|Cut here: |[A-Z0-9 _.:#+-]+\])[^\[\]\n]{1,120}\](?![(\[:])")
"""`[your answer]`; not a checkbox `[x]`, a footnote `[1]`, a mark such as `[BUG]`, a link or image of Markdown, or the
note of a text that was shortened."""


def gaps(call: AskedCall, arguments: Mapping[str, Any]) -> Sequence[str]:
    """Return what a person still has to fill in: `[your answer]`, or a text that an edit has emptied."""
    emptied = [name for name, text in call.arguments.items() if _is_text(text) and not _is_text(arguments.get(name))]
    schemas = _schemas(call.uses) if emptied else {}
    return [*(f"{name} (empty)" for name in emptied if _is_content(schemas, name)), *written_gaps(call.uses, arguments)]


def written_gaps(uses: str, arguments: Mapping[str, Any]) -> list[str]:
    """Return the gaps in the texts of a call, such as `[your answer]`."""
    texts = {name: value for name, value in arguments.items() if isinstance(value, str)}
    found = {name: _GAP.findall(text) for name, text in texts.items() if "[" in text}
    if not any(found.values()):
        return []
    schemas = _schemas(uses)
    return list(dict.fromkeys(gap for name, some in found.items() if _is_content(schemas, name) for gap in some))


def text_fields(call: AskedCall) -> Sequence[str]:
    """Return the names of the arguments that are a text which people read or write: content, addresses, no ids."""
    schemas = field_schemas(call)
    return [
        name for name, value in call.arguments.items() if isinstance(value, str) and _is_written(schemas.get(name, {}))
    ]


def field_schemas(call: AskedCall) -> Mapping[str, JsonSchema]:
    """Return the schemas of the fields of a call's step type; {} for a type that only an earlier release had."""
    return _schemas(call.uses)


def _schemas(uses: str) -> Mapping[str, JsonSchema]:
    try:
        found: JsonObject = fields_schema(step_type(uses).fields).get("properties", {})
    except UnknownName:
        return {}
    return found


def edit_difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Return what an edit has changed, as a unified diff of each field."""
    lines: list[str] = []
    for name in {**before, **after}:
        old, new = _lines(before, name), _lines(after, name)
        lines += unified(old, new, f"{name}, as asked", f"{name}, as edited")
    return "\n".join(lines)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _lines(arguments: Mapping[str, Any], name: str) -> list[str]:
    if name not in arguments:
        return []
    value = arguments[name]
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    return text.splitlines() or [""]


def _is_content(schemas: Mapping[str, JsonSchema], name: str) -> bool:
    return bool(schemas.get(name, {}).get("role") == Role.CONTENT)


def _is_written(schema: JsonSchema) -> bool:
    role = schema.get("role")
    return role == Role.CONTENT or (role == Role.DESTINATION and "format" not in schema)
