"""API tokens on every face, and what a program can do with one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect
from streamlit.testing.v1 import AppTest

from engine.people.access import Principal
from tests.faces.conftest import LOCAL, Faces, Open

LISTING = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
SOCKETS = "ws://127.0.0.1:8501/api/ws"
SENDS = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}


@pytest.fixture
def faces(make_faces: Callable[[], Faces]) -> Faces:
    return make_faces()


def program(faces: Faces, token: str) -> TestClient:
    client = TestClient(faces.app, base_url="http://127.0.0.1:8501", raise_server_exceptions=False)
    client.headers["Authorization"] = f"Bearer {token}"
    return client


def by_page(faces: Faces) -> str:
    """Make a token as the editor, who copies it from the page."""

    def press(go: Open) -> AppTest:
        at = go("tokens")
        at.button(key="new-token").click().run()
        at.button(key="new-token").click()
        at.text_input(key="new-token-name").set_value("by page")
        at.selectbox(key="new-token-role").set_value("viewer")
        at.run()
        at.button(key="new-token").click()
        at.button(key="new-token-make").click().run()
        return at

    at = faces.page(press, "editor").value
    [shown] = [str(one.value) for one in at.code]
    at.button(key="made-token-done").click().run()
    assert not at.code
    return shown


def test_every_face_makes_lists_and_revokes_tokens(faces: Faces) -> None:
    by_command = faces.command(["tokens", "create", "by command", "--user", "editor", "--no-end"]).value
    by_request = faces.request("POST", "/api/users/editor/tokens", {"name": "by request", "days": 7}, "editor").value
    tokens = [by_command["token"], by_request["token"], by_page(faces)]
    roles = [faces.orchestra.users.api_tokens.principal(one, "", is_mcp=False) for one in tokens]
    assert roles == [Principal("editor", "editor"), Principal("editor", "editor"), Principal("editor", "viewer")]

    listed = faces.request("GET", "/api/users/editor/tokens", user_id="editor").value
    assert [(one["name"], one["role"], one["ends_at"] is None) for one in listed["tokens"]] == [
        ("by command", None, True),
        ("by page", "viewer", False),
        ("by request", None, False),
    ]
    commanded = faces.command(["tokens", "list", "--user", "editor"]).value
    assert [one["id"] for one in commanded["tokens"]] == [one["id"] for one in listed["tokens"]]
    assert not [one for one in tokens if one in json.dumps([listed, commanded])]

    def press(go: Open) -> AppTest:
        at = go("tokens")
        key = f"revoke-{by_command['id']}"
        at.button(key=key).click().run()
        at.button(key=key).click()
        return at.button(key="revoke-token-make").click().run()

    assert faces.page(press, "editor").error == ""
    assert faces.request("DELETE", f"/api/users/editor/tokens/{by_request['id']}", user_id="editor").error == ""
    assert faces.request("DELETE", f"/api/users/editor/tokens/{by_request['id']}").error == "UnknownName"
    [last] = faces.orchestra.users.api_tokens.list(LOCAL, "editor")
    assert faces.command(["tokens", "revoke", last.name, "--user", "editor"]).error == ""
    assert faces.orchestra.users.api_tokens.list(LOCAL, "editor") == []
    told = [what for what, _ in faces.trail() if what.startswith("tokens.")]
    assert told == ["tokens.create"] * 3 + ["tokens.revoke"] * 3


def test_tokens_of_others_are_hidden_from_all_but_owners(faces: Faces) -> None:
    faces.orchestra.users.api_tokens.create(LOCAL, "editor", "laptop")
    assert faces.request("GET", "/api/users/editor/tokens", user_id="viewer").error == "NotAllowed"
    assert faces.request("POST", "/api/users/editor/tokens", {"name": "x"}, "viewer").error == "NotAllowed"

    def look(go: Open) -> AppTest:
        return go("tokens")

    assert "tokens-user" not in {one.key for one in faces.page(look, "viewer").value.selectbox}
    assert "tokens-user" in {one.key for one in faces.page(look).value.selectbox}


def test_a_program_acts_with_a_token_until_it_is_revoked(faces: Faces) -> None:
    tokens = faces.orchestra.users.api_tokens
    made = tokens.create(LOCAL, "operator", "script")
    client = program(faces, made.token)
    run_id = client.post("/workflows/execute", json={"workflow": "nap"}).json()["run_id"]
    assert faces.orchestra.runs.get(LOCAL, run_id)["started_by"] == "operator"
    assert client.post("/mcp", json=LISTING, headers=SENDS).json()["result"]["tools"]
    assert client.get("/api/users").status_code == 403
    refused = client.post("/api/users/operator/tokens", json={"name": "another"}).json()["error"]
    assert "An API token cannot make or revoke API tokens" in refused["message"]
    with client.websocket_connect(f"{SOCKETS}/runs/{run_id}") as socket:
        assert socket.receive_json()
        tokens.revoke(LOCAL, "operator", made.id)
        with pytest.raises(WebSocketDisconnect) as ended:
            _until_closed(socket)
    assert ended.value.code == 4401
    assert client.get("/api/runs").status_code == 401


def _until_closed(socket: Any) -> None:
    while True:
        socket.receive_json()


def test_a_token_for_mcp_opens_nothing_else_and_guessing_is_throttled(faces: Faces) -> None:
    client = program(faces, faces.orchestra.users.api_tokens.create(LOCAL, "owner", "assistant", mcp_only=True).token)
    assert client.post("/mcp", json=LISTING, headers=SENDS).status_code == 200
    refused = client.get("/api/runs")
    assert refused.status_code == 403
    assert refused.json()["error"]["message"] == "The API token 'assistant' is only for /mcp."
    with pytest.raises(WebSocketDenialResponse), client.websocket_connect(f"{SOCKETS}/workflows/small"):
        pass
    guesser = program(faces, "orch_" + "0" * 64)
    answers = [guesser.get("/api/runs") for _ in range(12)]
    assert [one.status_code for one in answers] == [401] * 10 + [429] * 2
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert client.post("/mcp", json=LISTING, headers=SENDS).status_code == 200


def test_an_owners_token_opens_no_other_way_in(faces: Faces) -> None:
    client = program(faces, faces.orchestra.users.api_tokens.create(LOCAL, "owner", "found").token)
    config = faces.orchestra.workspace.root / "config.yaml"
    before = config.read_text()
    for path, body in (
        ("connections/ssh", {"service": "file", "settings": {"folder": "~/.ssh", "output": "."}}),
        ("connections/all", {"service": "file", "settings": {"folder": "/"}}),
        ("connections/catcher", {"service": "http", "settings": {"token": "secret:github.token"}}),
        ("settings", {"approvals": {"notify": "https://evil.example/hook"}}),
        ("settings", {"approvals": {"notify": "secret:github.token"}}),
    ):
        refused = client.put(f"/api/{path}", json=body)
        assert (refused.status_code, refused.json()["error"]["type"]) == (403, "NotAllowed"), path
        assert "An API token cannot" in refused.json()["error"]["message"]
        assert "at the command line" in refused.json()["error"]["remedy"]
    assert config.read_text() == before
    assert client.put("/api/settings", json={"time_zone": "Europe/Berlin"}).status_code == 200
    folder = {"service": "file", "settings": {"folder": "../scans"}}
    assert faces.request("PUT", "/api/connections/scans", folder).error == ""  # a person, signed in
    added = ["connections", "add", "file", "--name", "more", "--set", "folder=../more"]
    assert faces.command(added).error == ""
