"""Connections over HTTP: keys are given and kept, sign-ins begun, accounts that refuse told, all of it checked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from starlette.testclient import TestClient

from clients.errors import AuthError
from engine.base.statuses import AccountMode
from engine.connections import doctor
from engine.connections.local_models import local_servers
from engine.orchestra import Orchestra
from tests.api.conftest import LOCAL, PASSWORD, opened
from tests.model_servers import OLLAMA, serving
from tests.patience import PATIENCE_SECONDS, until


@pytest.fixture(scope="module")
def orchestra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orchestra]:
    with opened(tmp_path_factory.mktemp("api") / "workspace") as orchestra:
        orchestra.users.add(LOCAL, "ada", "Ada", "owner", PASSWORD)
        orchestra.users.add(LOCAL, "eve", "Eve", "editor", PASSWORD)
        yield orchestra


@pytest.fixture
def program(client: TestClient, orchestra: Orchestra) -> TestClient:
    """A caller with an owner's token."""
    client.headers["Authorization"] = f"Bearer {orchestra.users.token('ada', PASSWORD)}"
    return client


def row(program: TestClient, name: str) -> dict[str, Any]:
    found: dict[str, Any] = program.get(f"/api/connections/{name}").json()
    return found


def test_a_key_is_given_and_kept_sealed(program: TestClient, orchestra: Orchestra) -> None:
    secret = "ntn_given-by-a-program"
    answer = program.post("/api/connections/notion/key", json={"key": secret})
    assert (answer.status_code, answer.json()["own_key_source"], answer.json()["owner"]) == (200, "kept", "ada")
    root = orchestra.workspace.root
    assert "secret:notion.token" in (root / "config.yaml").read_text()
    files = [path for path in root.rglob("*") if path.is_file()]
    assert [path for path in files if secret.encode() in path.read_bytes()] == []
    assert secret not in answer.text + program.get("/api/connections").text
    assert program.post("/api/connections/notion/key", json={}).status_code == 422


def test_a_connection_is_removed_but_not_one_that_workflows_use(program: TestClient) -> None:
    refused = program.delete("/api/connections/github")
    assert refused.status_code == 409
    assert "use the connection github: commit-digest, inbox-triage" in refused.json()["error"]["message"]
    program.put("/api/connections/other", json={"service": "telegram", "settings": {}})
    assert program.delete("/api/connections/other").status_code == 204
    assert program.delete("/api/connections/other").status_code == 404


def test_a_second_connection_to_a_service_names_the_workflows_that_it_makes_unclear(
    program: TestClient, orchestra: Orchestra
) -> None:
    config = orchestra.workspace.root / "config.yaml"
    before = config.read_text()
    added = program.put("/api/connections/other", json={"service": "github", "settings": {}}).json()
    assert "workflows (commit-digest, inbox-triage, issue-to-notion) cannot run" in added["note"]
    assert "cannot run" not in row(program, "other")["note"]
    again = program.put("/api/connections/other", json={"service": "github", "settings": {}}).json()
    assert "cannot run" not in again["note"], "it made nothing unclear"
    config.write_text(before)


def test_a_connection_is_added_switched_and_checked(
    program: TestClient, orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "local_servers", list)
    at = orchestra.demo.endpoints()["github"]
    settings = {"base_url": at["base_url"], "token": at["token"]}
    added = program.put("/api/connections/github", json={"service": "github", "settings": settings})
    assert (added.status_code, added.json()["mode"]) == (200, "demo")
    assert program.post("/api/connections/github/mode", json={"mode": "mine"}).json()["mode"] == "mine"
    checked = program.post("/api/connections/github/check").json()
    assert checked["ok"], checked
    assert {"reachable", "sign-in", "repositories", "limits"} <= {line["what"] for line in checked["lines"]}
    assert at["token"] not in json.dumps(checked)


def test_forms_offer_what_the_accounts_have(program: TestClient, orchestra: Orchestra) -> None:
    def offered(**asked: str) -> list[str]:
        found: list[str] = program.get("/api/choices", params=asked).json()["choices"]
        return found

    assert "acme/app" in offered(format="github-repository")
    assert "Tasks" in offered(format="notion-database")
    assert "INBOX" in offered(format="gmail-label")
    assert offered(format="model", connection="llm") == offered(format="model") != []
    assert offered(format="github-repository", connection="notion") == offered(format="no-such") == []
    listed = program.get("/api/connections", params={"uses": "github.create_issue"}).json()["connections"]
    assert [one["name"] for one in listed] == ["github"]
    assert program.get("/api/connections", params={"uses": "github.creat_issue"}).status_code == 404


def test_a_model_is_fetched_followed_and_cancelled(program: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on = threading.Event()

    def pulled(body: Any) -> Iterator[Any]:
        while True:
            yield {"status": "pulling a", "digest": "a", "total": 400, "completed": 100}
            if body["model"] == "whole" and goes_on.wait(PATIENCE_SECONDS):
                yield {"status": "success"}
                return

    def state(model: str) -> str:
        answer = program.get("/api/local-models/fetch", params={"source": source, "model": model})
        return str(answer.json()["state"])

    with serving({**OLLAMA, "POST /api/pull": lambda body: (200, pulled(body))}) as url:
        usual, source = [("Ollama", int(url.rpartition(":")[2]))], f"{url}/v1"
        monkeypatch.setattr("engine.connections.fetches.local_servers", lambda: local_servers(usual))
        whole, endless = ({"source": source, "model": one} for one in ("whole", "endless"))
        assert program.get("/api/local-models/fetch", params=whole).status_code == 404
        begun = program.post("/api/local-models/fetch", json=whole).json()
        assert (begun["source"], begun["model"], begun["state"]) == (source, "whole", "fetching")
        until(lambda: program.get("/api/local-models/fetch", params=whole).json()["arrived_bytes"] == 100)
        goes_on.set()
        until(lambda: state("whole") == "done")
        assert program.delete("/api/local-models/fetch", params=whole).json()["state"] == "done", "it has ended"
        program.post("/api/local-models/fetch", json=endless)
        assert program.delete("/api/local-models/fetch", params=endless).json()["state"] == "cancelled"
        assert state("endless") == "cancelled"
    elsewhere = program.post("/api/local-models/fetch", json={"source": "http://203.0.113.9/v1", "model": "m"})
    assert elsewhere.status_code == 422
    assert elsewhere.json()["error"]["message"] == "No Ollama of this machine answers at http://203.0.113.9/v1."


def test_an_account_that_refuses_is_told_once_everywhere(program: TestClient, orchestra: Orchestra) -> None:
    assert program.get("/health").json()["refused_connections"] == 0
    for _ in range(3):
        orchestra.account_notices.report("llm", AccountMode.DEMO, AuthError("No.", service="openai", http_status=401))
    [trouble] = program.get("/api/troubles").json()["troubles"]
    assert (trouble["connection"], trouble["workflows"]) == ("llm", [])
    assert "`POST /api/connections/llm/check`" in trouble["remedy"]
    assert row(program, "llm")["trouble"] == trouble
    until(lambda: program.get("/health").json()["refused_connections"] == 1)
    assert program.post("/api/connections/llm/check").json()["ok"]
    assert program.get("/api/troubles").json() == {"troubles": []}


def test_a_sign_in_is_begun_followed_and_known_afterwards(program: TestClient, orchestra: Orchestra) -> None:
    base = orchestra.demo.endpoints()["gmail"]["base_url"]
    program.put("/api/connections/gmail", json={"service": "gmail", "settings": {"base_url": base}})
    uris = {"auth_uri": f"{base}/o/oauth2/auth", "token_uri": f"{base}/token", "redirect_uris": ["http://localhost"]}
    secret = {"installed": {"client_id": "a", "client_secret": "client-very-secret", **uris}}
    begun = program.post("/api/connections/gmail/sign-in", json={"client_secret": secret}).json()
    assert (begun["state"], begun["message"]) == ("waiting", "")
    assert parse_qs(urlsplit(begun["address"]).query)["code_challenge_method"] == ["S256"]
    httpx.get(begun["address"], follow_redirects=True, trust_env=False, timeout=PATIENCE_SECONDS).raise_for_status()
    under_way = orchestra.connections.sign_in(LOCAL, "gmail")
    assert under_way is not None
    assert under_way.ended.wait(PATIENCE_SECONDS)
    assert program.get("/api/connections/gmail/sign-in").json()["state"] == "done"
    known = row(program, "gmail")
    assert (known["own_key_source"], known["owner"], known["sign_in"]["scopes"]) == (
        "signed in",
        "ada",
        ["gmail.modify"],
    )
    assert "days left" in known["sign_in"]["note"]
    files = [path for path in (orchestra.workspace.state_dir).rglob("*") if path.is_file() and "demo" not in str(path)]
    assert [path for path in files if b"client-very-secret" in path.read_bytes()] == []


def test_a_browser_on_another_machine_is_brought_back_by_its_address(program: TestClient, orchestra: Orchestra) -> None:
    base = orchestra.demo.endpoints()["gmail"]["base_url"]
    program.put("/api/connections/gmail", json={"service": "gmail", "settings": {"base_url": base}})
    uris = {"auth_uri": f"{base}/o/oauth2/auth", "token_uri": f"{base}/token", "redirect_uris": ["http://localhost"]}
    secret = {"installed": {"client_id": "a", "client_secret": "client-very-secret", **uris}}
    begun = program.post("/api/connections/gmail/sign-in", json={"client_secret": secret}).json()
    ended_at = httpx.get(begun["address"], trust_env=False, timeout=PATIENCE_SECONDS).headers["location"]
    back = "/api/connections/gmail/sign-in/back"
    for wrong in ("nothing", ended_at.replace("state=", "state=x"), "http://127.0.0.1:1/"):
        assert program.post(back, json={"address": wrong}).status_code == 422
    elsewhere = ended_at.replace("http://127.0.0.1", "http://169.254.169.254")
    assert program.post(back, json={"address": elsewhere}).status_code == 200, "only its query counts"
    under_way = orchestra.connections.sign_in(LOCAL, "gmail")
    assert under_way is not None
    assert under_way.ended.wait(PATIENCE_SECONDS)
    assert under_way.error is None
    assert program.post(back, json={"address": ended_at}).status_code == 422


def test_a_sign_in_that_is_refused_says_why(program: TestClient) -> None:
    answer = program.post("/api/connections/gmail/sign-in", json={"client_secret": {"web": {"client_id": "a"}}})
    assert answer.status_code == 422
    assert "Desktop app" in answer.json()["error"]["remedy"]
    assert program.get("/api/connections/nobody/sign-in").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("PUT", "/api/connections/x", {"service": "github", "settings": {}}, id="add"),
        pytest.param("POST", "/api/connections/github/key", {"key": "k"}, id="key"),
        pytest.param("POST", "/api/connections/github/mode", {"mode": "demo"}, id="mode"),
        pytest.param("POST", "/api/connections/gmail/sign-in", {"client_secret": {}}, id="sign-in"),
        pytest.param("GET", "/api/connections/gmail/sign-in", None, id="follow"),
        pytest.param("POST", "/api/connections/gmail/sign-in/back", {"address": "x"}, id="bring back"),
    ],
)
def test_only_an_owner_changes_connections(
    client: TestClient, orchestra: Orchestra, method: str, path: str, body: Any
) -> None:
    client.headers["Authorization"] = f"Bearer {orchestra.users.token('eve', PASSWORD)}"
    assert client.request(method, path, json=body).status_code == 403


def test_model_servers_are_looked_for(program: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.connections.connections.local_servers", list)
    assert program.get("/api/local-models").json() == {"servers": []}
