"""What a route takes, made from the description of the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI


def sample(schema: Mapping[str, Any], api: Mapping[str, Any], text: str, spare: Any = None) -> Any:
    """Return a value of a schema with this text wherever one is required, and `spare` where any value may be."""
    if "$ref" in schema:
        return sample(api["components"]["schemas"][schema["$ref"].rpartition("/")[2]], api, text, spare)
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return sample(schema[choice][0], api, text, spare)
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    kind = schema.get("type")
    if kind == "object":
        members = schema.get("properties", {})
        if schema.get("minProperties"):
            return {text: sample(schema["additionalProperties"], api, text, spare)}
        found = {name: sample(members[name], api, text, spare) for name in schema.get("required", ())}
        return found if members or spare is None else {"deep": spare}
    if kind == "array":
        return [sample(schema.get("items", {}), api, text, spare)]
    return {"string": text, "integer": 1, "number": 1.0, "boolean": True}.get(kind or "", spare)


def query_of(api: FastAPI, method: str, path: str, text: str) -> dict[str, Any]:
    """Return the parameters that a route requires."""
    reference = api.openapi()
    known = reference["paths"].get(path, {}).get(method.lower(), {}).get("parameters", ())
    wanted = [one for one in known if one["in"] == "query" and one.get("required")]
    return {one["name"]: sample(one["schema"], reference, text) for one in wanted}


def bodies_of(api: FastAPI, method: str, path: str, text: str, spare: Any = None) -> list[Any]:
    """Return the bodies that a route takes: with what it requires only, and with each other member that holds any."""
    reference = api.openapi()
    said = reference["paths"].get(path, {}).get(method.lower(), {}).get("requestBody", {}).get("content", {})
    if "application/json" not in said:
        return [None]
    schema = said["application/json"]["schema"]
    body = sample(schema, reference, text, spare)
    named = reference["components"]["schemas"].get(schema.get("$ref", "").rpartition("/")[2], {})
    others = {name: one for name, one in named.get("properties", {}).items() if name not in body}
    return [body, *({**body, name: sample(one, reference, text, spare)} for name, one in others.items())]
