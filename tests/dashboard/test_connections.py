from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from streamlit.testing.v1 import AppTest

from clients.errors import AuthError
from clients.gmail.app import GMAIL_APP
from clients.oauth.sign_in_file import SignInFile
from demo.sql import shop
from engine.base.statuses import AccountMode
from engine.connections.local_models import LocalServer, ServedModel, local_servers
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.model_servers import listed, serving
from tests.patience import PATIENCE_SECONDS

Open = Callable[..., AppTest]
OWNER = Principal("owner", "owner")
pytestmark = pytest.mark.usefixtures("offline")


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_TOKEN", "NOTION_TOKEN", "OPENAI_API_KEY", "GMAIL_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def words_of(text: object) -> str:
    return " ".join(str(text).replace(":color[]", "").replace("\\", "").split())


def words(at: AppTest) -> str:
    elements = [*at.header, *at.subheader, *at.markdown, *at.caption, *at.error, *at.warning, *at.info, *at.success]
    return "\n".join(str(one.value) for one in elements).replace(":color[]", "").replace("\\", "")


def fill(at: AppTest, opener: str, values: dict[str, str], button: str = "") -> None:
    """Fill fields of a dialog and press its button: in a browser it stays open, here each run has to open it again."""
    at.button(key=opener).click().run()
    fields = {str(one.key): one for one in [*at.text_input, *at.selectbox]}
    for key, value in values.items():
        fields[key].set_value(value)
    if button:
        at.button(key=button).click()
    at.button(key=opener).click().run()


def labels(at: AppTest) -> list[str]:
    return [button.label for button in at.button]


def mode(orchestra: Orchestra, name: str) -> str:
    return next(one.mode for one in orchestra.connections.list(OWNER) if one.name == name)


def test_each_service_has_a_card_that_says_how_to_give_a_key_and_refuses_what_is_none(
    workspace: Path, tmp_path: Path, open_page: Open
) -> None:
    before = (workspace / "config.yaml").read_text()
    at = open_page("connections")
    assert not at.exception
    assert len(at.header) == 5
    for said in ("`repo`", "GITHUB_TOKEN", "NOTION_TOKEN", "OPENAI_API_KEY", "DATABASE_URL", "sign in at Google"):
        assert said in words(at)
    assert "Use it" not in labels(at)

    at.button(key="key-save-github").click().run()
    assert "This is not a key" in words(at)
    next(one for one in at.text_input if one.label == "Address").set_value("my model server")
    at.button(key="key-save-llm").click().run()
    assert not at.exception
    assert "it must start with https://" in words(at)
    assert (workspace / "config.yaml").read_text() == before
    fill(at, "sign-in-open-gmail", {"secret-path-gmail": str(tmp_path / "none.json")}, "sign-in-gmail")
    assert not at.exception
    assert "There is no file" in words(at)
    assert "Desktop app" in words(at), "the guide stands above it"


def test_a_key_that_is_found_is_offered_and_used_only_when_asked(
    orchestra: Orchestra, workspace: Path, open_page: Open
) -> None:
    (workspace / ".env").write_text("GITHUB_TOKEN=ghp_0123456789abcdef\n", encoding="utf-8")
    at = open_page("connections")
    assert "A key was found in GITHUB_TOKEN." in words(at)
    assert "ghp_" not in words(at)
    assert mode(orchestra, "github") == "demo"
    at.button(key="mode-mine-github").click().run()
    assert not at.exception
    assert mode(orchestra, "github") == "mine"
    assert "Use it" not in labels(at), "a second click finds nothing to press"
    at.button(key="mode-demo-github").click().run()
    assert mode(orchestra, "github") == "demo"


def test_a_key_can_be_given_on_the_page_and_stays_out_of_config(
    orchestra: Orchestra, workspace: Path, open_page: Open
) -> None:
    at = open_page("connections")
    secret = "ntn_not-a-real-key"
    next(one for one in at.text_input if str(one.key).startswith("key-notion")).set_value(secret)
    at.button(key="key-save-notion").click().run()
    assert not at.exception
    files = [path for path in workspace.rglob("*") if path.is_file()]
    assert [path for path in files if secret.encode() in path.read_bytes()] == []
    assert "secret:notion.token" in (workspace / "config.yaml").read_text()
    assert mode(orchestra, "notion") == "demo"
    assert "A key is stored." in words(at)


def test_check_says_line_by_line_what_works(orchestra: Orchestra, open_page: Open) -> None:
    at = open_page("connections")
    at.button(key="check-gmail").click().run()
    assert "Signed in as demo-1@example.com." in words(at)
    httpx.post(
        f"{orchestra.demo.endpoints()['github']['base_url']}/_demo/faults",
        json={"match": "", "status": 503, "until_seconds": 30},
        trust_env=False,
        timeout=PATIENCE_SECONDS,
    )
    at.button(key="check-github").click().run()
    assert "does not work" in words(at)


def test_a_stored_key_is_checked_before_it_is_used_and_can_be_removed(orchestra: Orchestra, open_page: Open) -> None:
    beside = {"base_url": str(orchestra.demo.endpoints()["github"]["base_url"])}
    orchestra.connections.add(OWNER, "github", "github", {"token": "ghp_not-known-there", **beside})
    at = open_page("connections")
    at.button(key="check-github").click().run()
    assert "Checked: the demo" in words(at)
    at.button(key="check-mine-github").click().run()
    assert "Checked: your own account" in words(at)
    assert "does not work" in words(at)
    assert mode(orchestra, "github") == AccountMode.DEMO
    at.button(key="key-remove-github").click().run()
    assert not orchestra.connections.get(OWNER, "github").own_key_found
    assert "check-mine-github" not in [one.key for one in at.button]


def test_only_an_owner_switches_and_gives_keys(
    orchestra: Orchestra, workspace: Path, sign_in: Callable[..., str], open_page: Open
) -> None:
    (workspace / ".env").write_text("GITHUB_TOKEN=ghp_0123456789abcdef\n", encoding="utf-8")
    for role in ("viewer", "operator", "editor"):
        orchestra.users.add(OWNER, role, role.title(), role, "a long password 1")
        sign_in(role)
        at = open_page("connections")
        assert not at.exception
        assert not {"Use it", "Save the key", "Sign in with Google"} & set(labels(at))
        assert ("Check" in labels(at)) is (role != "viewer")


def test_the_guide_to_a_sign_in_is_in_the_language_of_the_reader(orchestra: Orchestra, open_page: Open) -> None:
    orchestra.languages.set(OWNER, "owner", "de")
    at = open_page("connections")
    at.button(key="sign-in-open-gmail").click().run()
    assert "Google verlangt von jeder Installation einen eigenen Client" in words(at)
    assert "This takes about ten minutes" not in words(at)


def test_gmail_s_sign_in_waits_beside_the_page(orchestra: Orchestra, tmp_path: Path, open_page: Open) -> None:
    base = orchestra.demo.endpoints()["gmail"]["base_url"]
    secret = tmp_path / "client.json"
    uris = {"auth_uri": f"{base}/o/oauth2/auth", "token_uri": f"{base}/token"}
    installed = {"client_id": "a", "client_secret": "b", "redirect_uris": ["http://localhost"], **uris}
    secret.write_text(json.dumps({"installed": installed}), encoding="utf-8")
    at = open_page("connections")
    fill(at, "sign-in-open-gmail", {"secret-path-gmail": str(secret)}, "sign-in-gmail")
    assert not at.exception
    link = next(str(one.value) for one in at.markdown if "/o/oauth2/auth" in str(one.value))
    address = link.partition("](")[2].partition(")")[0]
    query = parse_qs(urlsplit(address).query)
    assert query["redirect_uri"][0].startswith("http://127.0.0.1:")
    refused = {"state": query["state"][0], "error": "access_denied"}
    assert (
        httpx.get(query["redirect_uri"][0], params=refused, trust_env=False, timeout=PATIENCE_SECONDS).status_code
        == 200
    )
    under_way = at.session_state["draft.sign-in.gmail"]
    assert under_way.ended.wait(PATIENCE_SECONDS)
    assert "access_denied" in words(at.run())


def test_a_mailbox_is_added_with_an_address_and_an_app_password(
    orchestra: Orchestra, workspace: Path, open_page: Open
) -> None:
    at = open_page("connections")
    fill(at, "new-connection", {"new-connection-service": "imap"})
    fill(at, "new-connection", {"new-connection-imap-address": "me@fastmail.com"})
    assert "app.fastmail.com" in words(at)
    fill(at, "new-connection", {"new-connection-key-imap-0": "abcd efgh ijkl"}, "new-connection-add-imap")
    assert not at.exception
    status = next(one for one in orchestra.connections.list(OWNER) if one.name == "mailbox")
    assert (status.service, status.own_key_source, status.beside_key["address"]) == ("imap", "kept", "me@fastmail.com")
    files = [path for path in workspace.rglob("*") if path.is_file()]
    assert [path for path in files if b"abcd efgh" in path.read_bytes()] == []
    assert "Mailbox (IMAP)" in words(at.run())


def test_a_connection_that_people_sign_in_to_takes_settings_before_and_after(
    orchestra: Orchestra, workspace: Path, open_page: Open
) -> None:
    name, other = "projects/mine/subscriptions/mail", "projects/mine/subscriptions/other"
    at = open_page("connections")
    fill(at, "new-connection", {"new-connection-service": "gmail"})
    given = {"new-connection-name-gmail": "work", "new-connection-gmail-push_subscription": name}
    fill(at, "new-connection", given, "new-connection-add-gmail")
    assert not at.exception
    assert orchestra.connections.get(OWNER, "work").beside_key == {"push_subscription": name}

    for typed, kept in (("mail", name), (other, other), ("", "")):
        at.run()
        [field] = [one for one in at.text_input if str(one.key).startswith("beside-key-work")]
        assert field.label == "Pub/Sub subscription for new mail"
        field.set_value(typed)
        at.button(key="key-save-work").click().run()
        assert not at.exception
        assert orchestra.connections.get(OWNER, "work").beside_key == {"push_subscription": kept}
    assert "push_subscription" not in (workspace / "config.yaml").read_text()


def test_a_connection_is_called_connected_only_once_it_works(orchestra: Orchestra, open_page: Open) -> None:
    at = open_page("connections")
    fill(at, "new-connection", {"new-connection-service": "imap"})
    key, add = {"new-connection-key-imap-0": "abcd efgh ijkl"}, "new-connection-add-imap"
    fill(at, "new-connection", key, add)
    assert not at.success
    assert "connected" not in words_of(" ".join(one.value for one in at.toast))
    assert "Saved, not working yet: **Mail address**: There is no mail address yet." in words_of(at.warning[-1].value)
    fill(at, "new-connection", {"new-connection-name-imap": "mailbox", "new-connection-imap-address": "me@own.example"})
    fill(at, "new-connection", {**key, "new-connection-imap-host": "127.0.0.1:9"}, add)
    assert not at.exception
    assert "**IMAP server**: Nothing answers at 127.0.0.1:9. Check the address." in words_of(at.warning[-1].value)
    fill(at, "new-connection", {"new-connection-imap-address": ""})
    fill(at, "new-connection", {**key, "new-connection-imap-host": "127.0.0.1"}, add)
    assert not at.exception
    said = words_of(at.warning[-1].value)
    assert "Saved, not working yet: **IMAP server**: Nothing answers at 127.0.0.1:993. Check the address." in said
    status = orchestra.connections.get(OWNER, "mailbox")
    assert (status.beside_key["address"], status.beside_key["host"]) == ("me@own.example", "127.0.0.1")
    assert [one.name for one in orchestra.connections.list(OWNER)].count("mailbox-2") == 0, "it is the same connection"


def test_a_mailbox_without_anything_is_not_called_the_demo_and_can_be_removed(
    orchestra: Orchestra, open_page: Open
) -> None:
    at = open_page("connections")
    fill(at, "new-connection", {"new-connection-service": "imap"})
    fill(at, "new-connection", {}, "new-connection-add-imap")
    assert "It uses the demo" not in words_of(" ".join(one.value for one in at.toast))
    assert "Saved, not working yet: **Mail address**: There is no mail address yet." in words_of(at.warning[-1].value)
    at = open_page("connections")
    at.button(key="connection-remove-mailbox").click().run()
    assert not at.exception
    assert "mailbox" not in [one.name for one in orchestra.connections.list(OWNER)]


def test_a_stored_key_that_works_is_told_by_whom_it_belongs_to(orchestra: Orchestra, open_page: Open) -> None:
    there = orchestra.demo.endpoints()["openai"]
    at = open_page("connections")
    of_model = {"Address": str(there["base_url"]), "Model": "no-such-model"}
    for label, value in of_model.items():
        next(one for one in at.text_input if one.label == label).set_value(value)
    next(one for one in at.text_input if str(one.key).startswith("key-llm")).set_value(str(there["token"]))
    at.button(key="key-save-llm").click().run()
    assert "**Model**: The server does not offer" in words_of(" ".join(one.value for one in at.warning))
    next(one for one in at.text_input if one.label == "Model").set_value("demo-extractive")
    at.button(key="key-save-llm").click().run()
    assert not at.warning
    assert mode(orchestra, "llm") == AccountMode.DEMO, "saving and testing switches nothing"
    assert "Model is connected as llm." in words_of(" ".join(one.value for one in at.toast))


def test_an_account_that_refuses_is_one_notice_here_and_at_home(orchestra: Orchestra, open_page: Open) -> None:
    for _ in range(3):
        orchestra.account_notices.report(
            "github", AccountMode.DEMO, AuthError("It said no.", service="github", http_status=401)
        )
    for page in ("connections", ""):
        at = open_page(page)
        assert not at.exception
        assert [words_of(one.value) for one in at.error] == [
            words_of(
                "The connection 'github' is no longer let in: It said no. Workflows that need it wait. "
                "Check it again: Check on the page Connections."
            )
        ]
    at = open_page("connections")
    at.button(key="check-github").click().run()
    assert not at.error
    assert orchestra.account_notices.open() == []


def test_a_sign_in_that_is_about_to_end_says_so_here_and_at_home(
    orchestra: Orchestra, workspace: Path, sign_in: Callable[..., str], open_page: Open
) -> None:
    consented = datetime.now(UTC) - timedelta(days=5, hours=12)
    info = {"account": "me@example.com", "consented_at": consented.isoformat()}
    info["sign_in_ends_at"] = (consented + timedelta(days=7)).isoformat()
    SignInFile(workspace / ".orchestra" / "tokens" / "gmail.json", GMAIL_APP).save(info)
    orchestra.connections.add(OWNER, "gmail", "gmail", {"token_file": ".orchestra/tokens/gmail.json"})
    orchestra.connections.set_mode(OWNER, "gmail", AccountMode.MINE)
    orchestra.users.add(OWNER, "vi", "Vi", "viewer")
    for user in ("owner", "vi"):
        sign_in(user)
        for page in ("connections", ""):
            at = open_page(page)
            assert not at.exception
            [warning] = [words_of(one.value) for one in at.warning]
            assert "me@example.com" in warning
            assert "Testing mode: 1 day left." in warning
            assert ("Press Sign in again" in warning) is (user == "owner")
            assert ("An owner has to sign in again" in warning) is (user == "vi")


def test_a_model_server_of_this_machine_is_offered_and_used_when_asked(
    orchestra: Orchestra, workspace: Path, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = (
        ServedModel("llama3.2", 131_072, 2_019_393_189, ("tools", "schema")),
        ServedModel("qwen3"),
        ServedModel("nomic-embed-text", abilities=("embeddings",)),
    )
    found = LocalServer("Ollama", "http://127.0.0.1:11434/v1", models)
    monkeypatch.setattr("engine.connections.connections.local_servers", lambda: [found])
    at = open_page("connections", do="model")  # as the co-pilot's panel links to it
    field = next(one for one in at.selectbox if "Ollama at" in words_of(one.label))
    assert field.options[:2] == ["llama3.2 · 2.0 GB · reads 131,072 tokens · tools · JSON by a schema", "qwen3"]
    at.button(key="local-use-llm-http://127.0.0.1:11434/v1").click().run()
    assert not at.exception
    status = next(one for one in orchestra.connections.list(OWNER) if one.name == "llm")
    assert status.beside_key == {"base_url": "http://127.0.0.1:11434/v1", "model": "llama3.2"}
    assert "embedding_model: nomic-embed-text" in (workspace / "config.yaml").read_text()
    assert mode(orchestra, "llm") == "demo"
    at.button(key="local-models-llm").click().run()
    assert "Ollama at" in next(words_of(one.label) for one in at.selectbox)


def test_ollama_downloads_a_model_from_the_page_which_is_then_chosen(
    orchestra: Orchestra, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, goes_on = ["llama3.2:latest"], threading.Event()

    def pulled(body: Any) -> Any:
        yield {"status": "pulling a", "digest": "a", "total": 4_000_000, "completed": 1_000_000}
        goes_on.wait(PATIENCE_SECONDS)
        here.append(f"{body['model']}:latest")
        yield {"status": "success"}

    routes = {"GET /v1/models": lambda _: listed(*here)(None), "POST /api/pull": lambda body: (200, pulled(body))}
    with serving(routes) as url:
        usual = [("Ollama", int(url.rpartition(":")[2]))]
        for place in ("connections", "fetches"):
            monkeypatch.setattr(f"engine.connections.{place}.local_servers", lambda: local_servers(usual))
        place = f"llm-{url}/v1"
        at = open_page("connections", do="model")
        at.text_input(key=f"local-download-{place}").set_value("qwen3")
        at.button(key=f"local-download-begin-{place}").click().run()
        assert not at.exception
        fetch = orchestra.connections.begin_fetch(OWNER, f"{url}/v1", "qwen3")  # the same one
        assert "fetched-model-cancel" in [one.key for one in at.button]
        goes_on.set()
        assert fetch.ended.wait(PATIENCE_SECONDS)
        at.run()
        assert not at.exception
        assert next(one for one in at.selectbox if "Ollama at" in words_of(one.label)).value == "qwen3:latest"
        at.button(key=f"local-use-{place}").click().run()
        status = next(one for one in orchestra.connections.list(OWNER) if one.name == "llm")
        assert status.beside_key["model"] == "qwen3:latest"


def test_a_model_on_this_machine_needs_an_address_and_no_key(
    orchestra: Orchestra, workspace: Path, open_page: Open
) -> None:
    base = orchestra.demo.endpoints()["openai"]["base_url"]
    at = open_page("connections")
    next(one for one in at.text_input if one.label == "Address").set_value(f"{base}/")
    next(one for one in at.text_input if one.label == "Model").set_value("demo-extractive")
    at.button(key="key-save-llm").click().run()
    assert not at.exception
    status = next(one for one in orchestra.connections.list(OWNER) if one.name == "llm")
    assert status.own_key_found
    assert status.beside_key == {"base_url": f"{base}/", "model": "demo-extractive"}
    assert "api_key" not in (workspace / "config.yaml").read_text()
    assert mode(orchestra, "llm") == "demo"
    at.button(key="mode-mine-llm").click().run()
    assert mode(orchestra, "llm") == "mine"


def test_a_model_is_chosen_without_giving_the_key_again(orchestra: Orchestra, workspace: Path, open_page: Open) -> None:
    (workspace / ".env").write_text("OPENAI_API_KEY=sk-0123456789abcdef\n", encoding="utf-8")
    at = open_page("connections")
    next(one for one in at.text_input if one.label == "Model").set_value("gpt-5")
    at.button(key="key-save-llm").click().run()
    status = next(one for one in orchestra.connections.list(OWNER) if one.name == "llm")
    assert (status.own_key_found, status.own_key_source) == (True, "OPENAI_API_KEY")
    assert status.beside_key["model"] == "gpt-5"
    assert "sk-0123456789abcdef" in (workspace / ".env").read_text()


def test_a_database_is_added_by_its_address_which_nobody_sees_again(
    orchestra: Orchestra, workspace: Path, open_page: Open
) -> None:
    shop.make(workspace / "data" / "shop.db")
    at = open_page("connections")
    fill(at, "new-connection", {"new-connection-service": "sql"})
    fill(at, "new-connection", {"new-connection-name-sql": "shop"})
    fill(at, "new-connection", {"new-connection-key-sql-0": "sqlite:///data/shop.db"}, "new-connection-add-sql")
    assert not at.exception
    assert "url: secret:shop.url" in (workspace / "config.yaml").read_text()
    orchestra.connections.set_mode(OWNER, "sql", AccountMode.MINE)
    assert all(line.ok for line in orchestra.connections.check(OWNER, "shop"))
    assert "orders.status" in orchestra.connections.choices(OWNER, "sql-column", "shop")


def test_a_second_connection_to_a_service_names_the_workflows_that_it_makes_unclear(open_page: Open) -> None:
    at = open_page("connections")
    fill(at, "new-connection", {"new-connection-service": "github"})
    fill(at, "new-connection", {"new-connection-key-github-0": "a-key"}, "new-connection-add-github")
    assert not at.run().exception
    told = words_of(" ".join(one.value for one in at.toast))
    assert "workflows (commit-digest, inbox-triage, issue-to-notion) cannot run" in told
