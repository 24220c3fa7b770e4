"""The three faces of one workspace, each asked for the same action with the same arguments."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from api.asgi import Site
from api.server import create_api
from cli import main
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.workspaces import copied, init

APP = Path(__file__).resolve().parents[2] / "app.py"
LOCAL = Principal("local:grace", "owner")
PASSWORD = "correct horse battery"
CALLER: dict[str, Any] = {
    "schema_version": 1,
    "title": "Caller",
    "steps": [{"id": "call", "uses": "workflow.run", "with": {"workflow": "small"}}],
}
SMALL: dict[str, Any] = {
    "schema_version": 1,
    "title": "Small",
    "steps": [
        {"id": "one", "uses": "flow.set", "with": {"values": {"x": 1}}},
        {"id": "two", "uses": "flow.set", "with": {"values": {"x": 2}}},
    ],
    "outputs": {"x": "{{ steps.two.output.x }}"},
}
NAP: dict[str, Any] = {
    "schema_version": 1,
    "title": "Nap",
    "steps": [{"id": "nap", "uses": "flow.wait", "with": {"seconds": 3600}}],
}

Open = Callable[..., AppTest]


@dataclass(frozen=True)
class Outcome:
    """What a face answered: nothing to complain about, or why not."""

    error: str = ""
    """The type; a page has only the message."""
    message: str = ""
    value: Any = field(default=None, compare=False)


@dataclass
class Faces:
    """A served workspace with its dashboard, its API and the command line."""

    orchestra: Orchestra
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    api: FastAPI
    clients: dict[str, TestClient] = field(default_factory=dict)

    def command(self, arguments: Sequence[str], stdin: str = "") -> Outcome:
        """Run a command with `--json` in this process."""
        self.monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8"))
        self.capsys.readouterr()
        code = main([*arguments, "--json", "--workspace", str(self.orchestra.workspace.root)])
        said = json.loads(self.capsys.readouterr().out)
        if code == 0:
            return Outcome(value=said)
        return Outcome(said["error"]["type"], said["error"]["message"])

    def request(self, method: str, path: str, body: Any = None, user_id: str = "owner") -> Outcome:
        """Send a request with the cookie of a user."""
        answer = self.client(user_id).request(method, path, json=body)
        if answer.is_success:
            is_json = answer.headers.get("content-type", "").startswith("application/json")
            return Outcome(value=answer.json() if is_json and answer.content else answer.text)
        error = answer.json()["error"]
        return Outcome(error["type"], error["message"])

    def raw(self, method: str, path: str, body: str) -> Any:
        """Send a body as it is, as the owner; return the answer of the server."""
        return self.client("owner").request(method, path, content=body, headers={"Content-Type": "application/json"})

    @cached_property
    def app(self) -> Starlette:
        """The API of the workspace, for every caller."""
        site = Site(lambda: self.orchestra, _of_workspace(self.api, lambda: self.orchestra))
        return Starlette(routes=site.routes(), middleware=site.middleware())

    def client(self, user_id: str) -> TestClient:
        """Return a program that is signed in as a user."""
        if user_id not in self.clients:
            client = TestClient(
                self.app,
                base_url="http://127.0.0.1:8501",
                raise_server_exceptions=False,
            )
            session = self.orchestra.users.redeem(self.orchestra.users.login_link(LOCAL, user_id))
            assert session is not None
            client.headers["Origin"] = "http://127.0.0.1:8501"
            client.cookies.set("orchestra_session_8501", session.id)
            self.clients[user_id] = client
        return self.clients[user_id]

    def page(self, press: Callable[[Open], AppTest], user_id: str = "owner") -> Outcome:
        """Let a person do something on a page."""
        session = self.orchestra.users.redeem(self.orchestra.users.login_link(LOCAL, user_id))
        assert session is not None
        self.monkeypatch.setattr(type(st.context), "cookies", {"orchestra_session": session.id})
        self.monkeypatch.setattr("engine.orchestra.shared", lambda: self.orchestra)
        at = press(_open)
        assert not at.exception, at.exception
        shown = [str(one.value).replace("\\", "").replace("\u2060", "") for one in at.error]
        return Outcome(message="\n".join(shown), value=at)

    def state(self) -> Mapping[str, Any]:
        """Return what an action can change: files, people, and what the trail says of it."""
        root = self.orchestra.workspace.root
        files = {
            str(path.relative_to(root)): _WHO_AND_WHEN.sub("", path.read_text())
            for folder in ("workflows", "prompts")
            for path in sorted([*(root / folder).rglob("*.json"), *(root / folder).rglob("*.md")])
        }
        trash = sorted(one.name[len("20261120T073000Z-") :] for one in (root / ".orchestra" / "trash").glob("*"))
        people = [(one.id, one.name, one.role, one.has_password) for one in self.orchestra.users.list(LOCAL)]
        signed_in = {one.id: one.sessions for one in self.orchestra.users.list(LOCAL) if one.id != "owner"}
        return {"files": files, "trash": trash, "people": people, "sessions": signed_in, "trail": self.trail()}

    def trail(self) -> list[tuple[str, str]]:
        """Return what the trail says, oldest first, but for how this test signs in."""
        lines = self.orchestra.audit(LOCAL, limit=500)
        signs = ("users.login", "users.login_link", "users.new_device")
        return [(one.action, one.target) for one in reversed(lines) if one.action not in signs]


def _of_workspace(api: FastAPI, orchestra_provider: Callable[[], Orchestra]) -> ASGIApp:
    """Return the API that all workspaces of these tests share, for one of them; they are asked one after another."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        api.state.orchestra_provider = orchestra_provider
        await api(scope, receive, send)

    return answer


_WHO_AND_WHEN = re.compile(r'"(?:labelled_|made_)?(?:by|at)": "[^"]*"')
"""In the history of a label: each face has a person of its own."""


def _open(path: str = "", **params: str) -> AppTest:
    at = AppTest.from_file(str(APP), default_timeout=60)
    for name, value in params.items():
        at.query_params[name] = value
    at._page_hash = calc_hash(path)
    return at.run()


@pytest.fixture(scope="session")
def new_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The samples, three small workflows (one alone, one that calls it, one that waits), and somebody of each role."""
    root = tmp_path_factory.mktemp("new") / "workspace"
    init(root, all_cases=False)
    for name, document in (("small", SMALL), ("caller", CALLER), ("nap", NAP)):
        (root / "workflows" / f"{name}.json").write_text(json.dumps(document, indent=1))
    with closing(Orchestra.open(root)) as orchestra:
        for role in ("viewer", "operator", "editor"):
            orchestra.users.add(LOCAL, role, role.capitalize(), role, PASSWORD)
    return root


@pytest.fixture(scope="session")
def api() -> FastAPI:
    """The REST API: FastAPI takes 300 ms to prepare its routes, which all tests of a process share."""
    return create_api(lambda: pytest.fail("no workspace is connected"))


@pytest.fixture
def make_faces(
    new_workspace: Path,
    api: FastAPI,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    components: None,
) -> Iterator[Callable[[], Faces]]:
    """Make a workspace of its own."""
    made: list[Faces] = []

    def make() -> Faces:
        root = copied(new_workspace, tmp_path / f"workspace-{len(made)}")
        made.append(Faces(Orchestra.open(root, serve=True), monkeypatch, capsys, api))
        return made[-1]

    yield make
    for faces in made:
        faces.orchestra.close()
