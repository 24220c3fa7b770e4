"""The dashboard's door: what a stranger sees, and what the cookie opens."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from dashboard.base.app_route import app_routes
from engine.base.errors import StorageError
from engine.orchestra import Orchestra
from engine.people.access import Role
from engine.people.sessions import Session
from tests.api.conftest import LOCAL, opened

HERE = "http://127.0.0.1:8501"
JSON = {"Accept": "application/json"}
STREAM = "ws://127.0.0.1:8501/_stcore/stream"


@pytest.fixture(scope="module")
def orchestra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orchestra]:
    with opened(tmp_path_factory.mktemp("api") / "workspace") as orchestra:
        yield orchestra


@pytest.mark.parametrize(
    ("path", "next_path"),
    [
        pytest.param("/", "/login", id="home"),
        pytest.param("/run?id=r1&tab=map", "/login?next=%2Frun%3Fid%3Dr1%26tab%3Dmap", id="deep link"),
        pytest.param("/loginx", "/login?next=%2Floginx", id="a page that begins like an open one"),
        pytest.param("/healthy", "/login?next=%2Fhealthy", id="another one"),
        pytest.param("/apis", "/login?next=%2Fapis", id="and another"),
        pytest.param("/static", "/login?next=%2Fstatic", id="a folder's name without the folder"),
        pytest.param("/Static/x", "/login?next=%2FStatic%2Fx", id="capitals"),
    ],
)
def test_a_stranger_is_sent_to_sign_in_and_back(client: TestClient, path: str, next_path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, next_path)


@pytest.mark.parametrize(
    ("method", "path", "headers", "expected"),
    [
        pytest.param("GET", "/runs", JSON, (404, "/api/runs"), id="for JSON"),
        pytest.param("GET", "/run?id=r1", {"Authorization": "Bearer x"}, (404, "/api/runs"), id="with a token"),
        pytest.param("GET", "/", {"Authorization": "bearer x"}, (404, "/api/openapi.json"), id="home"),
        pytest.param("GET", "/workflow/execut", JSON, (404, "/workflows/execute"), id="typo"),
        pytest.param("GET", "/api/runs/a/b/c/d", {}, (404, "/api/runs"), id="too deep"),
        pytest.param("GET", "/login", JSON, (404, "/auth/login"), id="the page to sign in"),
        pytest.param("GET", "/flows", {}, (401, "/auth/login"), id="not signed in"),
        pytest.param("POST", "/workflows", {}, (401, "/auth/login"), id="not signed in, of another engine"),
        pytest.param("GET", "/workflows/20261120T120000Z-aaaaaaaa", {}, (401, "/auth/login"), id="a run"),
        pytest.param("DELETE", "/flows", {"Authorization": "Bearer x"}, (405, "Allow"), id="another method"),
    ],
)
def test_a_program_gets_no_page_but_json_with_a_remedy(
    client: TestClient, method: str, path: str, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    answer = client.request(method, path, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (expected[0], "application/json")
    assert expected[1] in answer.json()["error"]["remedy"]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        pytest.param("/run", {"Accept": "text/html,application/json;q=0.9"}, id="a browser that also takes JSON"),
        pytest.param("/run", {"Authorization": "Basic eDp5"}, id="a proxy that asks for a password"),
        pytest.param("/_stcore/host-config", {"Accept": "application/json, text/plain, */*"}, id="a page's script"),
        pytest.param("/workflows", {}, id="the page of workflows"),
    ],
)
def test_a_browser_still_gets_pages(browser: TestClient, path: str, headers: dict[str, str]) -> None:
    assert browser.get(path, headers=headers).text == f"page {path}"


@pytest.mark.parametrize(
    "path", ["/_stcore/host-config", "/_stcore/upload_file/a/b", "/media/x.png", "/component/x/y.js"]
)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_stranger_gets_nothing_that_belongs_to_a_page(client: TestClient, path: str, method: str) -> None:
    assert client.request(method, path).status_code == 401


@pytest.mark.parametrize("path", ["/static/js/index.js", "/_stcore/health", "/favicon.png"])
def test_what_is_the_same_in_every_workspace_is_open(client: TestClient, path: str) -> None:
    assert client.get(path).text == f"page {path}"


def test_what_a_phone_installs_is_open(client: TestClient) -> None:
    paths = [one.path for one in app_routes()]
    assert {"/assets/app.webmanifest", "/assets/icon-192.png"} <= {*paths}
    assert {client.get(path).status_code for path in paths} == {200}
    assert client.get("/assets/browser.js").status_code == 401


def test_the_cookie_opens_the_pages(browser: TestClient) -> None:
    assert browser.get("/run?id=r1").text == "page /run"


@pytest.mark.parametrize(
    "cookie",
    [
        pytest.param("", id="empty"),
        pytest.param("x" * 43, id="made up"),
        pytest.param("../../etc/passwd", id="a path"),
    ],
)
def test_another_cookie_opens_nothing(client: TestClient, session: Session, cookie: str) -> None:
    client.cookies.set("orchestra_session_8501", cookie)
    assert client.get("/").status_code == 303


def test_the_cookie_of_another_port_opens_nothing(client: TestClient, session: Session) -> None:
    client.cookies.set("orchestra_session_8502", session.id)
    assert client.get("/").status_code == 303


def test_a_session_that_has_ended_opens_nothing(browser: TestClient, orchestra: Orchestra, session: Session) -> None:
    orchestra.users.logout(session.id)
    assert browser.get("/").status_code == 303


def test_a_removed_user_is_out_at_the_next_click(client: TestClient, orchestra: Orchestra) -> None:
    orchestra.users.add(LOCAL, "vera", "Vera", "viewer")
    session = orchestra.users.redeem(orchestra.users.login_link(LOCAL, "vera"))
    assert session is not None
    client.cookies.set("orchestra_session_8501", session.id)
    assert client.get("/").status_code == 200
    orchestra.users.remove(LOCAL, "vera")
    assert client.get("/").status_code == 303


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("operator", 200)])
def test_viewers_fill_no_memory_with_uploads(client: TestClient, orchestra: Orchestra, role: Role, status: int) -> None:
    orchestra.users.add(LOCAL, f"a-{role}", "Ada", role)
    session = orchestra.users.redeem(orchestra.users.login_link(LOCAL, f"a-{role}"))
    assert session is not None
    client.cookies.set("orchestra_session_8501", session.id)
    assert client.put("/_stcore/upload_file/a/b", headers={"Origin": HERE}).status_code == status


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        pytest.param({"Origin": HERE}, 200, id="ours"),
        pytest.param({"Origin": "http://evil.example"}, 403, id="a foreign page"),
        pytest.param({"Origin": "null"}, 403, id="a page without origin"),
        pytest.param({}, 403, id="no page"),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_the_cookie_changes_something_only_from_our_own_pages(
    browser: TestClient, method: str, origin: dict[str, str], status: int
) -> None:
    assert browser.request(method, "/_stcore/upload_file/a/b", headers=origin).status_code == status


def test_state_that_cannot_be_read_is_said_in_a_sentence(
    browser: TestClient, orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(_: str) -> None:
        raise StorageError("state.db: disk I/O error.")

    monkeypatch.setattr(orchestra.users, "session", unreadable)
    for path in ("/", "/login"):
        answer = browser.get(path)
        assert answer.status_code == 503
        assert "state.db: disk I/O error. Check free space" in answer.text
    with pytest.raises(WebSocketDisconnect):
        websocket_text(browser, HERE)


def websocket_text(client: TestClient, origin: str | None) -> str:
    headers = {} if origin is None else {"Origin": origin}
    with client.websocket_connect(STREAM, headers=headers) as websocket:
        return websocket.receive_text()


def test_the_websocket_opens_to_our_own_page_with_the_cookie(browser: TestClient) -> None:
    assert websocket_text(browser, HERE) == "stream"


@pytest.mark.parametrize("origin", ["http://evil.example", "null", None])
def test_the_websocket_stays_closed_to_other_pages(browser: TestClient, origin: str | None) -> None:
    with pytest.raises(WebSocketDisconnect) as closed:
        websocket_text(browser, origin)
    assert closed.value.code == 4403


def test_the_websocket_stays_closed_to_strangers(client: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect) as closed:
        websocket_text(client, HERE)
    assert closed.value.code == 4401


def test_the_websocket_stays_closed_under_a_foreign_host_name(browser: TestClient) -> None:
    with (
        pytest.raises(WebSocketDisconnect),
        browser.websocket_connect("/_stcore/stream", headers={"Host": "evil.example", "Origin": "http://evil.example"}),
    ):
        pass


@pytest.mark.parametrize("path", ["/", "/login", "/api/docs", "/api/nope", "/health", "/static/x.js"])
def test_every_answer_tells_the_browser_to_be_careful(browser: TestClient, path: str) -> None:
    headers = browser.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert headers["referrer-policy"] == "same-origin"
    assert "default-src" in headers["content-security-policy"]
    assert "frame-ancestors" in headers["content-security-policy"]
    assert "http" not in headers["content-security-policy"]  # nothing from another host
