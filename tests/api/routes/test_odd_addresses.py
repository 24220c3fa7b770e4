"""No route fails for an odd name, wherever it is in the request, or for a body that is nested deep: it says so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import reduce
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from engine.orchestra import Orchestra
from tests.api.conftest import LOCAL, PASSWORD, application, caller, opened
from tests.api.test_server import NAMES, every_route, is_public

ODD = {"NUL": "a\0b", "long": "x" * 300}
LEFT_OUT = ("/sign-in", "/local-models", "/api/state/accept")
"""What asks elsewhere, or changes what the others need."""
LEVELS = 700


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, api: FastAPI) -> Iterator[TestClient]:
    """The owner, for all of these tests: no odd name is one of something that there is."""
    with opened(tmp_path_factory.mktemp("odd") / "workspace") as orchestra, application(orchestra, api) as app:
        _use(orchestra)
        with caller(app) as client:
            orchestra.users.add(LOCAL, "ada", "Ada", "owner", PASSWORD)
            client.headers["Authorization"] = f"Bearer {orchestra.users.token('ada', PASSWORD)}"
            yield client


def _use(orchestra: Orchestra) -> None:
    """Let there be every folder that a name could be looked for in."""
    orchestra.tools.new(LOCAL, "gone")
    orchestra.tools.delete(LOCAL, "gone")
    orchestra.tables.save(LOCAL, "customers", "ann", 1)


def _sample(schema: Mapping[str, Any], api: Mapping[str, Any], text: str, spare: Any = None) -> Any:
    """Return a value of a schema with this text wherever one is required, and `spare` where any value may be."""
    if "$ref" in schema:
        return _sample(api["components"]["schemas"][schema["$ref"].rpartition("/")[2]], api, text, spare)
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return _sample(schema[choice][0], api, text, spare)
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    kind = schema.get("type")
    if kind == "object":
        members = schema.get("properties", {})
        found = {name: _sample(members[name], api, text, spare) for name in schema.get("required", ())}
        return found if members or spare is None else {"deep": spare}
    if kind == "array":
        return [_sample(schema.get("items", {}), api, text, spare)]
    return {"string": text, "integer": 1, "number": 1.0, "boolean": True}.get(kind or "", spare)


def _query(api: FastAPI, method: str, path: str, text: str) -> dict[str, Any]:
    """Return the parameters that a route requires."""
    reference = api.openapi()
    known = reference["paths"].get(path, {}).get(method.lower(), {}).get("parameters", ())
    wanted = [one for one in known if one["in"] == "query" and one.get("required")]
    return {one["name"]: _sample(one["schema"], reference, text) for one in wanted}


def _bodies(api: FastAPI, method: str, path: str, text: str, spare: Any = None) -> list[Any]:
    """Return the bodies that a route takes: with what it requires only, and with each other member that holds any."""
    reference = api.openapi()
    said = reference["paths"].get(path, {}).get(method.lower(), {}).get("requestBody", {}).get("content", {})
    if "application/json" not in said:
        return [None]
    schema = said["application/json"]["schema"]
    body = _sample(schema, reference, text, spare)
    named = reference["components"]["schemas"].get(schema.get("$ref", "").rpartition("/")[2], {})
    others = {name: one for name, one in named.get("properties", {}).items() if name not in body}
    return [body, *({**body, name: _sample(one, reference, text, spare)} for name, one in others.items())]


def _routes() -> list[tuple[str, str]]:
    """Return each route with its method, but those that are left out."""
    known = sorted((method, path) for path, method in every_route() if not is_public(path))
    return [(method, path) for method, path in known if not any(part in path for part in LEFT_OUT)]


@pytest.mark.parametrize("first", [pytest.param(0), pytest.param(1, marks=pytest.mark.chaos)])
def test_an_odd_name_is_no_failure_of_the_server(client: TestClient, api: FastAPI, first: int) -> None:
    """Each route with one of the odd names, in turn; `make assurance` also tries the other."""
    for row, (method, path) in enumerate(_routes(), first):
        odd = [*ODD.values()][row % len(ODD)]
        query, body = _query(api, method, path, odd), _bodies(api, method, path, odd)[0]
        for names in ({}, *({name: odd.replace("\0", "%00")} for name in re.findall(r"{(\w+)", path))):
            answer = client.request(method, path.format_map({**NAMES, **names}), params=query, json=body)
            assert answer.status_code < 500, (method, path, answer.text)


def test_a_deep_body_is_no_failure_of_the_server(client: TestClient, api: FastAPI) -> None:
    deep = reduce(lambda inner, _: [inner], range(LEVELS), list[Any]())
    for method, path in _routes():
        query = _query(api, method, path, "inbox-triage")
        for body in _bodies(api, method, path, "odd", deep) if method in ("POST", "PUT", "PATCH") else ():
            answer = client.request(method, path.format_map(NAMES), params=query, json=body)
            assert answer.status_code < 500, (method, path, answer.text, str(body)[:100])
