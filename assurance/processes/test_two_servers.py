"""Two `orchestra serve` with folders of their own and one state: what is done on one is seen on the other."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest
from cryptography.fernet import Fernet

from engine.orchestra import Orchestra
from engine.people.sessions import cookie_name
from engine.workflows.new_workspace import init
from tests import postgres
from tests.engine.conftest import OWNER, write_workflow
from tests.engine.writer import Writer, writing
from tests.patience import PATIENCE_SECONDS, until
from tests.ports import free_port

pytestmark = pytest.mark.slow

PASSWORD, CANARY = "correct horse battery", "sk-canary-of-two-servers"
ASK = {"messages": [{"role": "user", "content": "Hello"}]}


@dataclass(frozen=True)
class Server:
    """A process that serves, and a client without cookies."""

    url: str
    api: httpx.Client


@pytest.fixture
def writer() -> Iterator[Writer]:
    with writing() as running:
        yield running


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with postgres.schema() as url:
        monkeypatch.setenv("ORCHESTRA_STATE", url)
        monkeypatch.setenv("ORCHESTRA_LOGS", "postgres")
        monkeypatch.setenv("ORCHESTRA_SECRET_KEY", Fernet.generate_key().decode())
        yield url


@pytest.fixture
def servers(tmp_path: Path, state: str, writer: Writer, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Server]]:
    """The first one accepts runs, and the second one works on them."""
    first = tmp_path / "a"
    init(first)
    (first / "config.yaml").write_text(
        json.dumps({"connections": {"llm": {**writer.connection, "api_key": "secret:llm.api_key"}}})
    )
    write_workflow(first, "write", [{"id": "said", "uses": "llm.chat", "with": ASK}])
    shutil.copytree(first, tmp_path / "b")
    with closing(Orchestra.open(first)) as people:
        people.users.add(OWNER, "ada", "Ada", "owner", PASSWORD)
    with ExitStack() as stack:
        monkeypatch.setenv("ORCHESTRA_LIMITS__RUNS_AT_ONCE", "0")
        accepts = stack.enter_context(serving(first))
        monkeypatch.setenv("ORCHESTRA_LIMITS__RUNS_AT_ONCE", "10")
        yield [accepts, stack.enter_context(serving(tmp_path / "b"))]


@contextmanager
def serving(root: Path) -> Iterator[Server]:
    command = [sys.executable, "-m", "cli", "serve", "--json", "--port", str(free_port()), "--workspace", str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["url"]
            with httpx.Client(base_url=url, timeout=PATIENCE_SECONDS, trust_env=False) as api:
                yield Server(url, api)
        finally:
            process.send_signal(signal.SIGTERM)


@pytest.mark.parametrize(
    ("keys", "alike"),
    [
        pytest.param(["", ""], False, id="none"),
        pytest.param(["a" * 32, "b" * 32], False, id="different ones"),
        pytest.param(["a" * 32, "a" * 32], True, id="the same"),
    ],
)
def test_servers_that_refuse_the_tokens_of_each_other_say_so(
    tmp_path: Path, state: str, monkeypatch: pytest.MonkeyPatch, keys: list[str], alike: bool
) -> None:
    monkeypatch.delenv("ORCHESTRA_SECRET_KEY")
    init(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    with closing(Orchestra.open(tmp_path / "a")) as people:
        people.users.add(OWNER, "ada", "Ada", "owner", PASSWORD)
    shutil.rmtree(tmp_path / "a" / ".orchestra")
    with ExitStack() as stack:
        servers = []
        for name, key in zip("ab", keys, strict=True):
            if key:
                monkeypatch.setenv("ORCHESTRA_TOKEN_SECRET", key)
            servers.append(stack.enter_context(serving(tmp_path / name)))
        signed_in = servers[0].api.post("/auth/login", json={"user_id": "ada", "password": PASSWORD}).json()
        authorization = {"Authorization": f"Bearer {signed_in['access_token']}"}
        answers = [one.api.get("/api/runs", headers=authorization).status_code for one in servers]
        assert answers == [200, 200 if alike else 401]
        for one in servers:
            health = one.api.get("/health").json()
            assert (health["status"], [reason["check"] for reason in health.get("reasons", [])]) == (
                ("ok", []) if alike else ("degraded", ["servers"])
            )
            assert alike or "ORCHESTRA_SECRET_KEY" in health["reasons"][0]["remedy"]
        lines = servers[0].api.get("/api/workers/check", headers=authorization).json()["lines"]
        assert [line["ok"] for line in lines] == [True, True, *([] if alike else [False])]
        assert alike or "each refuses the tokens" in lines[2]["text"]


def test_what_is_done_on_one_server_is_seen_on_the_other(
    servers: list[Server], writer: Writer, state: str, tmp_path: Path
) -> None:
    a, b = servers
    _sign_in_on_a_is_valid_on_b(a, b)
    _draft_on_a_is_seen_on_b(a, b)

    assert a.api.post("/api/connections/llm/key", json={"key": CANARY}).status_code == 200
    assert b.api.get("/api/connections/llm").json()["own_key_found"]
    assert b.api.post("/api/connections/llm/mode", json={"mode": "mine"}).status_code == 200
    accepted = a.api.post("/workflows/execute", json={"workflow": "write", "confirmed": True})
    assert accepted.status_code in (201, 202), accepted.text
    run_id = accepted.json()["run_id"]
    heard = []
    with a.api.stream("GET", f"/api/runs/{run_id}/live") as live:
        for line in live.iter_lines():
            heard.append(line)
            if "First " in line:
                writer.may_end.set()
    assert any("First " in line for line in heard), heard
    ended = until(lambda: (run := a.api.get(f"/api/runs/{run_id}").json())["status"] == "succeeded" and run)
    assert "First second" in json.dumps(ended["steps"])
    assert set(writer.keys) == {f"Bearer {CANARY}"}
    assert [one["slots"] for one in sorted(b.api.get("/api/workers").json(), key=lambda one: one["slots"])] == [0, 10]
    health = a.api.get("/health").json()
    assert (health["status"], health["workers"]) == ("ok", {"working": 2, "draining": 0, "silent": 0, "taking_runs": 1})
    assert a.api.get("/ready").json() == {"ready": True, "taking_runs": 1}
    checked = a.api.get("/api/workers/check").json()
    assert [(one["what"], one["ok"]) for one in checked["lines"]] == [("alive", True), ("takes runs", True)]
    assert checked["lines"][0]["text"] == "2 servers and 0 workers are alive."
    _is_nowhere(CANARY, state, tmp_path)


def _sign_in_on_a_is_valid_on_b(a: Server, b: Server) -> None:
    session = a.api.post("/login", data={"user_id": "ada", "password": PASSWORD}, headers={"Origin": a.url})
    assert session.status_code == 303, session.text
    [cookie] = [one.value for one in a.api.cookies.jar if one.name.startswith("orchestra_session")]
    named = {cookie_name(b.url.partition("//")[2]): str(cookie)}
    assert httpx.get(f"{b.url}/api/workflows", cookies=named, trust_env=False).status_code == 200
    assert httpx.get(f"{b.url}/api/workflows", trust_env=False).status_code == 401
    a.api.cookies.clear()
    token = a.api.post("/auth/login", json={"user_id": "ada", "password": PASSWORD}).json()["access_token"]
    for one in (a, b):
        one.api.headers["Authorization"] = f"Bearer {token}"
        assert one.api.get("/api/workflows").status_code == 200


def _draft_on_a_is_seen_on_b(a: Server, b: Server) -> None:
    rev = a.api.get("/api/workflows/write/canvas").json()["rev"]
    ops = [{"op": "set", "field": "title", "value": "Typed on A"}]
    done = a.api.post("/api/workflows/write/draft/ops", json={"base_rev": rev, "ops": ops})
    assert done.status_code == 200, done.text
    assert "Typed on A" in b.api.get("/api/workflows/write/canvas").text


def _is_nowhere(secret: str, state: str, folder: Path) -> None:
    found = [path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file()]
    with psycopg.connect(state.replace("+psycopg", "")) as direct:
        tables = direct.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()").fetchall()
        found += [repr(direct.execute(f'SELECT * FROM "{name}"').fetchall()) for (name,) in tables]
    assert not any(secret in one for one in found)
