"""No route fails for an odd name, wherever it is in the request, or for a body that is nested deep: it says so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import reduce
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from engine.orchestra import Orchestra
from tests.api.bodies import bodies_of, query_of
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


def _routes() -> list[tuple[str, str]]:
    """Return each route with its method, but those that are left out."""
    known = sorted((method, path) for path, method in every_route() if not is_public(path))
    return [(method, path) for method, path in known if not any(part in path for part in LEFT_OUT)]


@pytest.mark.parametrize("first", [pytest.param(0), pytest.param(1, marks=pytest.mark.chaos)])
def test_an_odd_name_is_no_failure_of_the_server(client: TestClient, api: FastAPI, first: int) -> None:
    """Each route with one of the odd names, in turn; `make assurance` also tries the other."""
    for row, (method, path) in enumerate(_routes(), first):
        odd = [*ODD.values()][row % len(ODD)]
        query, body = query_of(api, method, path, odd), bodies_of(api, method, path, odd)[0]
        for names in ({}, *({name: odd.replace("\0", "%00")} for name in re.findall(r"{(\w+)", path))):
            answer = client.request(method, path.format_map({**NAMES, **names}), params=query, json=body)
            assert answer.status_code < 500, (method, path, answer.text)


def test_a_deep_body_is_no_failure_of_the_server(client: TestClient, api: FastAPI) -> None:
    deep = reduce(lambda inner, _: [inner], range(LEVELS), list[Any]())
    for method, path in _routes():
        query = query_of(api, method, path, "inbox-triage")
        for body in bodies_of(api, method, path, "odd", deep) if method in ("POST", "PUT", "PATCH") else ():
            answer = client.request(method, path.format_map(NAMES), params=query, json=body)
            assert answer.status_code < 500, (method, path, answer.text, str(body)[:100])
