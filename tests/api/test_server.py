"""Every route of the API: who gets in, and how it says no."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.testclient import TestClient

from api.base.errors import status_of
from api.families import FAMILIES
from api.server import PUBLIC_PATHS, create_api
from engine.base import errors
from engine.base.errors import OrchestraError
from engine.orchestra import Orchestra
from tests.api.conftest import LOCAL, PASSWORD, application, caller, opened

METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}


@cache
def every_route() -> tuple[tuple[str, str], ...]:
    app = create_api(lambda: pytest.fail("no route needs the engine to be listed"))
    app.complete()
    found = [(route.path, method) for route in iter_route_contexts(app.routes) for method in route.methods or ()]
    return tuple(sorted((str(path), method) for path, method in found))


@cache
def every_socket() -> tuple[str, ...]:
    app = create_api(lambda: pytest.fail("no route needs the engine to be listed"))
    app.complete()
    return tuple(sorted(str(route.path) for route in iter_route_contexts(app.routes) if not route.methods))


def test_a_family_is_imported_for_each_of_its_addresses() -> None:
    paths = [(family, str(route.path)) for family in FAMILIES for one in family.routers() for route in one.routes]  # type: ignore[attr-defined]
    assert len(paths) > 100
    assert [path for family, path in paths if not family.has(path)] == []


def test_addresses_that_do_not_exist_are_refused_before_and_after_a_family_is_imported(orchestra: Orchestra) -> None:
    with TestClient(create_api(lambda: orchestra)) as client:
        for _ in range(2):
            assert client.get("/api/copilot/a/b/c/d").status_code == 404
            assert client.patch("/api/workflows/tidy/versions").status_code == 405
            assert client.get("/api/workflows/tidy/versions").status_code == 401


def is_public(path: str) -> bool:
    return path in PUBLIC_PATHS or path.startswith("/api/docs/")


NAMES = {
    "delivery": "0123456789abcdef",
    "tool": "say",
    "id": "0123456789abcdef",
    "table": "customers",
    "collection": "manuals",
    **dict.fromkeys(
        ("run_id", "good", "bad", "plan_id", "try_id", "comparison_id", "test_id"), "20261120T120000Z-aaaaaaaa"
    ),
    "name": "inbox-triage",
    "proposal_id": "p-0123456789ab",
    "turn_id": "t-0123456789ab",
    "approval_id": "abcdefgh",
    "workflow": "inbox-triage",
    "branch": "labels",
    "trigger": "new_mail",
    "sha256": "0" * 64,
    "label": "staging",
    "case": "a-crash",
    "step": "model",
    "version_id": "20261120T073000.000000Z-ann",
    "version": "3",
    "user_id": "nobody",
    "session_id": "0123456789abcdef",
    "token_id": "0123456789abcdef",
    "worker_id": "worker-1-0123abcd",
}


@pytest.fixture(scope="module")
def orchestra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orchestra]:
    with opened(tmp_path_factory.mktemp("api") / "workspace") as orchestra:
        yield orchestra


@pytest.fixture(scope="module")
def client(orchestra: Orchestra, api: FastAPI) -> Iterator[TestClient]:
    """One caller for all of these tests: none signs in, so there is no cookie that another could see."""
    with application(orchestra, api) as app, caller(app) as client:
        yield client
        assert not client.cookies


@pytest.fixture(scope="module")
def token(orchestra: Orchestra) -> str:
    orchestra.users.add(LOCAL, "ada", "Ada", "owner", PASSWORD)
    return str(orchestra.users.token("ada", PASSWORD))


def test_the_routes_are_these() -> None:
    assert {path for path, _ in every_route() if not path.startswith("/api/docs/")} >= {
        "/health",
        "/ready",
        "/auth/login",
        "/workflows/execute",
        "/api/docs",
        "/api/openapi.json",
        "/api/workflows",
        "/api/runs",
        "/api/runs/{run_id}",
        "/api/prompts",
        "/api/connections",
        "/api/step-types",
    }
    assert len(PUBLIC_PATHS) <= 5


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(None, id="nothing sent"),
        pytest.param(b'{"workflow": "inbox-triage"}', id="good body"),
        pytest.param(b"{", id="broken body"),
        pytest.param(b" " * 2_000_000, id="huge body"),
    ],
)
def test_every_route_but_the_public_ones_needs_a_token(client: TestClient, body: bytes | None) -> None:
    guarded = [(method, path.format(**NAMES)) for path, method in every_route() if not is_public(path)]
    assert len(guarded) > 200
    let_in = []
    for method, path in guarded:
        answer = client.request(method, path, content=body, headers={"Content-Type": "application/json"})
        if (answer.status_code, answer.json()["error"]["type"]) != (401, "Unauthorized"):
            let_in.append((method, path, answer.status_code))
    assert let_in == []


@pytest.mark.parametrize("path", ["/health", "/ready", "/api/docs", "/api/openapi.json"])
def test_the_public_ones_need_none(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 200


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/nope", "/api/runs/", "/api/runs/a/b/c", "/api/%2e%2e/x", "/api//"]
)
@pytest.mark.parametrize("method", sorted(METHODS))
def test_an_unknown_address_is_said_in_json(client: TestClient, method: str, path: str) -> None:
    answer = client.request(method, f"http://127.0.0.1:8501{path}")
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "NotFound")


def test_a_wrong_method_is_said_in_json_with_the_right_ones(client: TestClient) -> None:
    for path in sorted({path for path, _ in every_route()}):
        taken = {method for one, method in every_route() if one == path}
        answer = client.request(next(one for one in ("PATCH", "DELETE") if one not in taken), path)
        assert (answer.status_code, answer.json()["error"]["type"]) == (405, "MethodNotAllowed"), path
        assert set(answer.headers["allow"].split(", ")) <= METHODS


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        pytest.param(b"", "application/json", 422, id="nothing"),
        pytest.param(b"{", "application/json", 422, id="broken"),
        pytest.param(b"[]", "application/json", 422, id="a list"),
        pytest.param(b"null", "application/json", 422, id="null"),
        pytest.param(b'{"workflow": 7}', "application/json", 422, id="wrong type"),
        pytest.param(b'{"workflow": ""}', "application/json", 422, id="empty name"),
        pytest.param(b'{"workflow": "a", "input": {}}', "application/json", 422, id="unknown key"),
        pytest.param(b'{"workflow": "a", "inputs": []}', "application/json", 422, id="inputs are a list"),
        pytest.param(b'{"workflow": "a", "wait_seconds": "5"}', "application/json", 422, id="number as text"),
        pytest.param(b'{"workflow": "a", "wait_seconds": -1}', "application/json", 422, id="negative"),
        pytest.param(b'{"workflow": "a", "wait_seconds": 1e9}', "application/json", 422, id="too long"),
        pytest.param(b'{"workflow": "a", "wait_seconds": true}', "application/json", 422, id="truth as number"),
        pytest.param(b'{"workflow": "a", "inputs": {"x": NaN}}', "application/json", 422, id="NaN"),
        pytest.param(b'{"workflow": "a", "inputs": {"x": Infinity}}', "application/json", 422, id="infinity"),
        pytest.param(b'{"workflow": "a", "inputs": {"x": "\\ud800"}}', "application/json", 422, id="half a character"),
        pytest.param(b'{"workflow": "\\ud800"}', "application/json", 422, id="half a character as name"),
        pytest.param(b'{"\\ud800": 1}', "application/json", 422, id="half a character as key"),
        pytest.param(
            b'{"workflow": "a", "inputs": {"x": ' + b"9" * 5_000 + b"}}", "application/json", 422, id="digits"
        ),
        pytest.param(b'{"workflow": "a", "inputs": {"n": 3, "n": 4}}', "application/json", 422, id="a key twice"),
        pytest.param(b'{"workflow": "a", "\\ud800": 1, "\\ud800": 1}', "application/json", 422, id="half a key twice"),
        pytest.param(b"[" * 100_000, "application/json", 422, id="endless nesting"),
        pytest.param(b'{"workflow": "a", "inputs": {"x": "\xff"}}', "application/json", 422, id="not UTF-8"),
        pytest.param(b'{"workflow": "a"}', "text/plain", 422, id="not sent as JSON"),
        pytest.param(b"workflow=a", "application/x-www-form-urlencoded", 422, id="a form"),
        pytest.param(b'{"workflow": "' + b"a" * 1_000_000 + b'"}', "application/json", 413, id="over 1 MB"),
    ],
)
def test_a_body_that_does_not_fit_is_refused_with_the_place(
    client: TestClient, token: str, content: bytes, kind: str, status: int
) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
    answer = client.post("/workflows/execute", content=content, headers=headers)
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["message"].endswith(".")
    assert error["remedy"]
    assert "Traceback" not in answer.text


def test_a_key_twice_in_a_body_is_named(client: TestClient, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    sent = b'{"workflow": "work", "inputs": {"n": 3, "n": 4}}'
    error = client.post("/workflows/execute", content=sent, headers=headers).json()["error"]
    assert error["message"] == (
        "The request is not valid: body, line 1, column 41: The key 'n' appears twice in one object."
    )


@pytest.mark.parametrize(
    ("sent", "place", "said", "remedy"),
    [
        pytest.param(b'{"workflow": "work",\n "inputs": {"n": NaN}}', "line 2, column 18", "NaN is not a number",
                     "Write null", id="NaN"),
        pytest.param(b'{"workflow": "\\ud800"}', "line 1, column 14", "half of a surrogate pair",
                     "Write the whole character", id="half a pair"),
        pytest.param(b'{"workflow": "B\xe4r"}', "line 1, column 16", "The byte 0xe4 is not UTF-8",
                     "Send it as UTF-8", id="Latin-1"),
        pytest.param(b"[" * 16_000, "line 1, column 65", "deeper than 64 levels", "Reduce the nesting", id="deep"),
        pytest.param(b'{"n": ' + b"1" * 5_000 + b"}", "line 1, column 7", "does not fit into 64 bits",
                     "Put it in quotes", id="digits"),
        pytest.param(b'{"workflow": \'a\'}', "line 1, column 14", "JSON uses double quotes", "Correct it here",
                     id="single quotes"),
    ],
)  # fmt: skip
def test_a_body_that_is_no_json_says_where_and_what_helps(
    client: TestClient, token: str, sent: bytes, place: str, said: str, remedy: str
) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    answer = client.post("/workflows/execute", content=sent, headers=headers)
    error = answer.json()["error"]
    assert answer.status_code == 422
    assert error["message"].startswith(f"The request is not valid: body, {place}: ")
    assert said in error["message"]
    assert error["remedy"].startswith(remedy)
    assert len(answer.content) < 1_000


def test_a_body_without_a_length_is_cut_at_1_mb(client: TestClient, token: str) -> None:
    def endless() -> Iterator[bytes]:
        yield b'{"workflow": "'
        for _ in range(200):
            yield b"a" * 10_000

    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    answer = client.post("/workflows/execute", content=endless(), headers=headers)
    assert (answer.status_code, answer.json()["error"]["type"]) == (413, "TooLarge")


@pytest.mark.parametrize(("size", "status"), [(2_000_000, 422), (16_000_000, 413)], ids=["bundle", "too large"])
def test_a_bundle_may_be_as_large_as_for_the_command(client: TestClient, token: str, size: int, status: int) -> None:
    sent = b'{"bundle": {"bundle_version": 1, "name": "a", "workflow": ["' + b"a" * size + b'"], "odd": 1}}'
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    answer = client.post("/api/workflow-imports", content=sent, headers=headers)
    assert answer.status_code == status
    assert ("odd" in answer.json()["error"]["message"]) == (status == 422), answer.text


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("status=sleeping", id="no such status"),
        pytest.param("limit=0", id="limit below one"),
        pytest.param("limit=1000", id="limit above 200"),
        pytest.param("limit=many", id="limit is not a number"),
        pytest.param("since=yesterday", id="no time"),
        pytest.param("since=2026-11-20T12:00:00", id="time without zone"),
        pytest.param("since=99999-01-01T00:00:00Z", id="no such year"),
        pytest.param("page=2", id="unknown filter"),
    ],
)
def test_a_filter_that_does_not_fit_is_refused(client: TestClient, token: str, query: str) -> None:
    answer = client.get(f"/api/runs?{query}", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 422
    name = query.partition("=")[0]
    assert answer.json()["error"]["problems"][0]["field"] in (f"query.{name}", f"query.{name}.0")


@pytest.mark.parametrize(
    "path", ["/api/runs?since=0001-01-01T00:00:00%2B14:00", "/api/audit?until=9999-12-31T23:59:59-12:00"]
)
def test_a_time_outside_the_calendar_is_refused(client: TestClient, token: str, path: str) -> None:
    answer = client.get(path, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 422
    assert "outside the calendar" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        pytest.param(errors.InvalidFile, 422, id="InvalidFile"),
        pytest.param(errors.InvalidInput, 422, id="InvalidInput"),
        pytest.param(errors.UnknownName, 404, id="UnknownName"),
        pytest.param(errors.StaleEdit, 409, id="StaleEdit"),
        pytest.param(errors.NotAllowed, 403, id="NotAllowed"),
        pytest.param(errors.StorageError, 507, id="StorageError"),
        pytest.param(errors.InUse, 409, id="InUse"),
        pytest.param(errors.Fenced, 503, id="Fenced"),
        pytest.param(errors.NotAvailableYet, 501, id="NotAvailableYet"),
        pytest.param(errors.TooManyTries, 429, id="TooManyTries"),
        pytest.param(errors.TooManyRuns, 429, id="TooManyRuns"),
        pytest.param(errors.OrchestraError, 500, id="any other"),
    ],
)
def test_each_error_of_the_engine_has_its_status(error: type[OrchestraError], status: int) -> None:
    assert status_of(error.__new__(error)) == status


class Broken:
    """An engine with a fault that nobody foresaw."""

    @property
    def health(self) -> Any:
        raise RuntimeError("the inside of the machine")


def test_an_unforeseen_fault_shows_nothing_of_the_inside(caplog: pytest.LogCaptureFixture) -> None:
    broken: Any = Broken()
    with TestClient(create_api(lambda: broken), raise_server_exceptions=False) as client:
        answer = client.get("/health")
    assert (answer.status_code, answer.json()["error"]["type"]) == (500, "InternalError")
    assert "inside" not in answer.text
    assert "the inside of the machine" in caplog.text


class Away:
    """An engine whose state cannot be reached."""

    @property
    def users(self) -> Any:
        raise errors.StateAway("The state at postgresql://db.example:5432/x: connection timeout expired.")


def test_a_stranger_is_not_told_where_the_state_is(caplog: pytest.LogCaptureFixture) -> None:
    away: Any = Away()
    with TestClient(create_api(lambda: away), base_url="http://127.0.0.1") as client:
        answer = client.post("/auth/login", json={"user_id": "olga", "password": "wrong password"})
    assert answer.status_code == 507
    assert "db.example" not in answer.text
    assert "db.example" in caplog.text


def test_the_reference_page_and_its_files_come_from_here(client: TestClient) -> None:
    page = client.get("/api/docs")
    assert "script-src 'self';" in page.headers["content-security-policy"]
    for address, kind in [
        ("/api/docs/swagger-ui.css", "text/css; charset=utf-8"),
        ("/api/docs/swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
        ("/api/docs/start.js", "text/javascript; charset=utf-8"),
    ]:
        assert f'"{address}"' in page.text
        file = client.get(address)
        assert (file.status_code, file.headers["content-type"]) == (200, kind)
    assert "//" not in page.text.replace("<!doctype html>", "")


def test_the_description_is_made_once_however_many_ask_for_it_at_once() -> None:
    app = create_api(lambda: pytest.fail("no engine is needed to describe the routes"))
    with ThreadPoolExecutor(8) as threads:
        answers = [one.result() for one in [threads.submit(app.description_json) for _ in range(8)]]
    assert len({id(one) for one in answers}) == 1


def test_the_description_tells_of_every_route_and_of_the_token(client: TestClient) -> None:
    description = client.get("/api/openapi.json").json()
    assert set(description["paths"]) == {
        path for path, _ in every_route() if not path.startswith(("/api/docs", "/api/openapi"))
    }
    for path, operations in description["paths"].items():
        for operation in operations.values():
            assert ("security" in operation) != is_public(path)
            assert operation["summary"]
            assert operation["description"]
    assert "Traceback" not in json.dumps(description)
