"""The page of the REST API, made from its OpenAPI description: part of the documentation site (`docs/hooks.py`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from api.server import create_api

if TYPE_CHECKING:
    from engine.orchestra import Orchestra

Described = Mapping[str, Any]

_HEAD = """# REST API

Every address with what it takes and answers, from the OpenAPI description that a server gives at `/api/openapi.json`
and shows, to try out, at `/api/docs`. How to sign in, and what errors look like: [Operations](operations.md#http).
"""
_COLUMNS = "| Name | Type | Meaning |\n| --- | --- | --- |"
_USUAL = {"401", "403", "404", "422"}
"""Answers that almost every address can give."""


def api_page() -> str:
    """Return the whole page as Markdown."""
    described = create_api(_no_workspace).openapi()
    by_tag: dict[str, list[str]] = {}
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            [tag] = operation["tags"]
            by_tag.setdefault(tag, []).append("\n".join(_operation(f"{method.upper()} {path}", operation)))
    parts = [part for tag in sorted(by_tag) for part in (f"## {tag}\n", *by_tag[tag])]
    objects = ["\n".join(_object(name, one)) for name, one in sorted(described["components"]["schemas"].items())]
    return "\n".join([_HEAD, *parts, "## Objects\n", *objects])


def _no_workspace() -> Orchestra:
    raise AssertionError("a description asks no workspace")


def _operation(address: str, operation: Described) -> Iterator[str]:
    yield f"### `{address}`\n"
    yield f"**{operation['summary']}.** {' '.join(operation.get('description', '').split())}\n"
    rows = [_parameter(one) for one in operation.get("parameters", ())]
    if rows:
        yield f"{_COLUMNS}\n" + "\n".join(rows) + "\n"
    sent = _content(operation.get("requestBody", {}))
    if sent:
        yield f"Body: {sent}.\n"
    answers = [_answer(code, one) for code, one in operation["responses"].items() if code not in _USUAL]
    yield f"Answers: {'; '.join(answers)}.\n"


def _parameter(one: Described) -> str:
    place = {"path": "in the path", "query": "after `?`", "header": "header"}[one["in"]]
    needed = ", required" if one.get("required") and one["in"] != "path" else ""
    meaning = one.get("description") or one["schema"].get("description", "")
    return f"| `{one['name']}` ({place}{needed}) | {_type(one['schema'])} | {_cell(meaning)} |"


def _answer(code: str, answer: Described) -> str:
    content = _content(answer)
    return f"{code} {content}" if content else f"{code} ({answer['description'].lower()})"


def _content(described: Described) -> str:
    schemas = [one["schema"] for one in described.get("content", {}).values() if one.get("schema")]
    return " or ".join(_type(schema) for schema in schemas)


def _object(name: str, schema: Described) -> Iterator[str]:
    yield f"### {name}\n"
    if schema.get("description"):
        yield f"{' '.join(schema['description'].split())}\n"
    required = schema.get("required", ())
    rows = [_field(field, one, is_required=field in required) for field, one in schema.get("properties", {}).items()]
    if rows:
        yield f"{_COLUMNS}\n" + "\n".join(rows) + "\n"
    elif "enum" in schema:
        yield f"{_type(schema)}\n"


def _field(name: str, schema: Described, *, is_required: bool) -> str:
    needed = " (required)" if is_required else ""
    return f"| `{name}`{needed} | {_type(schema)} | {_cell(schema.get('description', ''))} |"


def _type(schema: Described) -> str:
    """Return the type of a value in words; objects with a name are links."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "enum" in schema or "const" in schema:
        return " or ".join(f"`{one}`" for one in schema.get("enum", [schema.get("const")]))
    options = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if options:
        return " or ".join(dict.fromkeys(map(_type, options)))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if isinstance(schema.get("additionalProperties"), Mapping):
        return f"object of {_type(schema['additionalProperties'])}"
    return str(schema.get("format") or schema.get("type") or "anything")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
