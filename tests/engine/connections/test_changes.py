"""What is kept of a connection when it gets another key."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from engine.base.errors import InUse, InvalidFile, InvalidInput, NotAllowed, OrchestraError, UnknownName
from engine.base.services import client_classes
from engine.base.statuses import AccountMode
from engine.documents.yaml_file import parse
from engine.orchestra import Orchestra
from engine.workspace.config import check
from tests.engine.conftest import OWNER


@pytest.fixture
def orchestra(tmp_path: Path) -> Iterator[Orchestra]:
    """A workspace with two connections to GitHub; the second names what was given to the first."""
    for folder in ("workflows", "prompts", "logs"):
        (tmp_path / folder).mkdir()
    (tmp_path / "config.yaml").write_text("connections:\n  github:\n    service: github\n")
    opened = Orchestra.open(tmp_path)
    opened.connections.give_key(OWNER, "github", "ghp_first")
    with (tmp_path / "config.yaml").open("a") as file:
        file.write("  work:\n    service: github\n    token: secret:github.token\n")
    yield opened
    opened.close()


def kept(orchestra: Orchestra) -> set[str]:
    return {path.name for path in (orchestra.workspace.root / ".orchestra" / "secrets").glob("*.json")}


def test_a_secret_that_no_connection_names_any_more_is_removed(orchestra: Orchestra) -> None:
    orchestra.connections.add(OWNER, "work", "github", {"token": "env:TOKEN"})
    orchestra.connections.add(OWNER, "github", "github", {"token": "env:TOKEN"})
    assert kept(orchestra) == set()


def test_a_removed_key_is_deleted_once_no_connection_uses_it(orchestra: Orchestra) -> None:
    assert not orchestra.connections.remove_key(OWNER, "github").own_key_found
    assert kept(orchestra) == {"github.token.json"}, "the other connection uses it"
    orchestra.connections.remove_key(OWNER, "work")
    assert kept(orchestra) == set()
    with pytest.raises(InvalidInput, match="No key is stored"):
        orchestra.connections.remove_key(OWNER, "work")


def test_a_connection_is_removed_with_the_secrets_that_no_other_uses(orchestra: Orchestra) -> None:
    file = orchestra.workspace.root / "config.yaml"
    file.write_text(file.read_text() + "# The end.\n")
    orchestra.connections.remove(OWNER, "github")
    assert (
        file.read_text() == "connections:\n  work:\n    service: github\n    token: secret:github.token\n# The end.\n"
    )
    assert kept(orchestra) == {"github.token.json"}, "the other connection uses it"
    orchestra.connections.remove(OWNER, "work")
    assert (kept(orchestra), orchestra.connections.list(OWNER)) == (set(), [])
    with pytest.raises(UnknownName, match="There is no connection named 'work'"):
        orchestra.connections.remove(OWNER, "work")
    orchestra.connections.add(OWNER, "work", "github", {"token": "env:TOKEN"})
    assert [one.name for one in orchestra.connections.list(OWNER)] == ["work"]


def test_a_connection_that_a_workflow_or_an_environment_uses_is_not_removed(orchestra: Orchestra) -> None:
    step = {"id": "a", "uses": "github.create_issue", "connection": "work"}
    document = {"schema_version": 1, "steps": [{**step, "with": {"repository": "acme/app", "title": "t"}}]}
    orchestra.workflows.save(OWNER, "report", json.dumps(document), None)
    before = (orchestra.workspace.root / "config.yaml").read_text()
    with pytest.raises(InUse, match="1 workflow uses the connection work: report"):
        orchestra.connections.remove(OWNER, "work")
    (orchestra.workspace.root / "workflows" / "report.json").write_text(json.dumps({**document, "outputs": 1}))
    with pytest.raises(InUse, match="1 workflow uses the connection work: report"):
        orchestra.connections.remove(OWNER, "work")
    (orchestra.workspace.root / "workflows" / "report.json").unlink()
    (orchestra.workspace.root / "environments").mkdir()
    environment = {"schema_version": 1, "connections": {"github": "work"}}
    (orchestra.workspace.root / "environments" / "prod.json").write_text(json.dumps(environment))
    for name in ("work", "github"):
        with pytest.raises(InUse, match=f"1 environment uses the connection {name}: prod"):
            orchestra.connections.remove(OWNER, name)
    assert (orchestra.workspace.root / "config.yaml").read_text() == before


def test_a_service_without_its_key_is_not_called_connected(orchestra: Orchestra) -> None:
    def is_connected() -> bool:
        offers = orchestra.copilot.wizard.offers(OWNER).sources
        return all(one.is_connected for one in offers if one.service == "imap")

    assert not is_connected()
    orchestra.connections.add(OWNER, "mailbox", "imap", {})
    assert not is_connected(), "it has no address and no password"
    orchestra.connections.add(OWNER, "mailbox", "imap", {"address": "me@fastmail.com", "password": "env:P"})
    assert not is_connected(), "the variable is not set"
    (orchestra.workspace.root / ".env").write_text("P=1\n")
    assert is_connected()


def test_a_secret_that_another_connection_names_stays(orchestra: Orchestra) -> None:
    orchestra.connections.add(OWNER, "github", "github", {"token": "env:TOKEN"})
    assert kept(orchestra) == {"github.token.json"}
    assert orchestra.connections.get(OWNER, "work").own_key_found


def test_a_connection_does_not_become_one_to_another_service(orchestra: Orchestra) -> None:
    before = (orchestra.workspace.root / "config.yaml").read_text()
    with pytest.raises(InUse, match="'work' is to github, not to gemini") as refused:
        orchestra.connections.add(OWNER, "work", "gemini", {"api_key": "env:KEY"})
    assert "such as 'gemini', or take connections.work out of config.yaml" in refused.value.remedy
    assert (orchestra.workspace.root / "config.yaml").read_text() == before
    orchestra.connections.add(OWNER, "gemini", "gemini", {"api_key": "env:KEY"})
    orchestra.connections.add(OWNER, "gemini", "gemini", {"model": "m"})


TOKEN = replace(OWNER, by_token=True)
HARMLESS = {
    "anthropic": {"api_key", "model"},
    "discord": {"token"},
    "dropbox": {"token"},
    "gemini": {"api_key", "embedding_model", "model"},
    "github": {"paced", "token"},
    "gmail": {"token"},
    "google_calendar": {"token"},
    "google_drive": {"documents_as", "token"},
    "google_sheets": {"token"},
    "imap": {"folder", "password", "sent_copy"},
    "local_model": {"model"},
    "local_vectors": {"model"},
    "mcp": {"token"},
    "notion": {"requests_per_second", "token"},
    "onedrive": {"token"},
    "outlook": {"token"},
    "openai": {"api_key", "embedding_model", "model"},
    "s3": {"secret_access_key"},
    "slack": {"token"},
    "telegram": {"token"},
    "webdav": {"token"},
}
"""The settings that lead nowhere else: whoever adds one here has thought about a stranger with an API token."""


def test_a_program_with_a_token_may_give_the_settings_that_lead_nowhere_else_and_no_others() -> None:
    known = {name: kind.service for name, kind in client_classes().items()}
    given = {
        name: {one for one in of.settings.model_fields if of.is_given_by_programs(one)} for name, of in known.items()
    }
    assert {name: found for name, found in given.items() if found} == HARMLESS


LEADING: Sequence[tuple[str, dict[str, Any]]] = [
    ("github", {"base_url": "https://evil.example"}),
    ("local_model", {"file": "/etc/passwd"}),
    ("local_model", {"context": 1_000_000}),
    ("openai", {"base_url": "http://169.254.169.254/v1"}),
    ("gmail", {"base_url": "https://evil.example"}),
    ("gmail", {"token_file": "../../etc/passwd"}),
    ("imap", {"host": "evil.example"}),
    ("imap", {"smtp_host": "evil.example"}),
    ("imap", {"address": "me@evil.example"}),
    ("imap", {"ca_file": "files/evil.pem"}),
    ("imap", {"security": "none"}),
    ("file", {"folder": "~/.ssh", "output": "."}),
    ("file", {"output": "inbox"}),
    ("sql", {"url": "sqlite:////var/lib/other.db"}),
    ("sql", {"url": SecretStr("postgresql://a:b@10.0.0.1/db")}),
    ("http", {"allow_hosts": ["127.0.0.1:5432"]}),
    ("http", {"token": "secret:github.token", "allow_hosts": ["evil.example"]}),
    ("http", {"headers": {"X-Key": "secret:github.token"}}),
    ("http", {"query": {"key": "env:ORCHESTRA_SECRET_KEY"}}),
    ("slack", {"token": "secret:github.token"}),
    ("openai", {"api_key": "env:GITHUB_TOKEN"}),
    ("openai", {"model": "env:GITHUB_TOKEN"}),
    ("openai", {"model": "secret:github.token"}),
    ("discord", {"webhook": "https://evil.example/hook"}),
    ("mcp", {"base_url": "https://evil.example/mcp"}),
    ("mcp", {"command": "sh"}),
]


@pytest.mark.parametrize(("service", "settings"), LEADING, ids=str)
def test_a_program_with_a_token_leads_no_connection_elsewhere(
    orchestra: Orchestra, service: str, settings: dict[str, Any]
) -> None:
    config = orchestra.workspace.root / "config.yaml"
    for name in ("new", service):
        before, secrets = config.read_text(), kept(orchestra)
        with pytest.raises(NotAllowed, match="An API token cannot") as refused:
            orchestra.connections.add(TOKEN, name, service, settings)
        assert "dashboard" in refused.value.remedy
        assert "command line" in refused.value.remedy
        assert (config.read_text(), kept(orchestra)) == (before, secrets)
        if service not in {one.name for one in orchestra.connections.list(OWNER)}:
            orchestra.connections.add(OWNER, service, service, {})
    assert orchestra.connections.add(OWNER, "person", service, settings).name == "person"


def test_nor_does_it_beside_a_key_or_by_taking_a_setting_away(orchestra: Orchestra) -> None:
    own = {"base_url": "http://127.0.0.1:9/v1", "api_key": SecretStr("sk-" + "x" * 20)}
    orchestra.connections.add(OWNER, "llm", "openai", own)
    config = orchestra.workspace.root / "config.yaml"
    before = config.read_text()
    elsewhere = {"base_url": "https://evil.example"}
    for key, beside in (("sk-new", elsewhere), ("", {"base_url": "", "model": "m"}), ("k", {"base_url": ""})):
        with pytest.raises(NotAllowed, match="base_url"):
            orchestra.connections.give_key(TOKEN, "llm", key, beside)
    assert config.read_text() == before


_TYPED = "Zq7-never-shown-Kx2"


@pytest.mark.parametrize(
    ("service", "settings"),
    [
        ("openai", {"base_url": _TYPED}),
        ("openai", {"base_url": f"https://h.example:{_TYPED}/v1"}),
        ("openai", {"base_url": f"https://[{_TYPED}]/v1"}),
        ("openai", {"base_url": f"https://h.example/v1?key={_TYPED}"}),
        ("imap", {"host": "mail.example.org", "port": _TYPED}),
        ("mcp", {"command": ["serve"], "network": [f"{_TYPED}/x"]}),
        ("s3", {"bucket": 7, "base_url": f"https://ann:{_TYPED}@h.example"}),
    ],
)
def test_no_refusal_of_a_setting_repeats_it(orchestra: Orchestra, service: str, settings: dict[str, Any]) -> None:
    with pytest.raises(OrchestraError) as refused:
        orchestra.connections.add(OWNER, "other", service, settings)
    beside = {key: str(value) for key, value in settings.items() if key == "base_url"}
    told = [f"{refused.value.message} {refused.value.remedy}"]
    text = json.dumps({"connections": {"other": {"service": service, **settings}, "text": _TYPED}})
    with pytest.raises(InvalidFile) as wrong:
        check(parse(text, "config.yaml"), {})
    told += [problem.message for problem in wrong.value.problems]
    if beside and service == "openai":
        orchestra.connections.add(OWNER, "llm", "openai", {})
        with pytest.raises(InvalidInput) as beside_key:
            orchestra.connections.give_key(OWNER, "llm", "sk-" + "y" * 20, beside)
        told.append(beside_key.value.message)
    assert not [one for one in told if "Zq7" in one or "zq7" in one]


def test_it_may_add_a_connection_give_and_remove_its_key_and_choose_a_model(orchestra: Orchestra) -> None:
    orchestra.connections.add(TOKEN, "llm", "openai", {})
    assert orchestra.connections.give_key(TOKEN, "llm", "sk-" + "y" * 20, {"model": "m"}).own_key_found
    orchestra.connections.add(TOKEN, "llm", "openai", {"model": "other", "api_key": "sk-" + "z" * 20})
    orchestra.connections.add(TOKEN, "github", "github", {"paced": True})
    assert orchestra.connections.get(OWNER, "github").own_key_found, "what is not given stays"
    assert "llm.api_key.json" in kept(orchestra)
    orchestra.connections.remove_key(TOKEN, "llm")
    assert "llm.api_key.json" not in kept(orchestra)


def test_it_signs_nobody_in(orchestra: Orchestra) -> None:
    sign_in = orchestra.connections
    client = b'{"installed": {"client_id": "x", "token_uri": "https://evil.example"}}'
    for attempt in (
        lambda: sign_in.begin_sign_in(TOKEN, "gmail", client, "gmail"),
        lambda: sign_in.connect_with_id(TOKEN, "dropbox", "dropbox", "x", lambda _: None),
        lambda: sign_in.bring_back(TOKEN, "gmail", "http://127.0.0.1/?code=x"),
    ):
        with pytest.raises(NotAllowed, match="An API token cannot sign in"):
            attempt()


def test_a_connection_that_gets_no_default_model_says_so(orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch) -> None:
    with (orchestra.workspace.root / "config.yaml").open("a") as file:
        file.write("  claude: {service: anthropic, api_key: env:CLAUDE_KEY}\n  llm: {service: openai}\n")
    monkeypatch.setenv("CLAUDE_KEY", "sk")
    notes = {one.name: one.note for one in orchestra.connections.list(OWNER)}
    assert "`orchestra connections add anthropic --name claude --set model=NAME`" in notes["claude"]
    assert "model=NAME" not in notes["llm"], "it has the default"
    orchestra.connections.add(OWNER, "claude", "anthropic", {"model": "m"})
    assert orchestra.connections.get(OWNER, "claude").note == ""


def test_what_a_connection_lacks_is_told_as_its_service_takes_it(orchestra: Orchestra) -> None:
    with (orchestra.workspace.root / "config.yaml").open("a") as file:
        file.write("  mail:\n    service: gmail\n    token: env:NO_SUCH_TOKEN\n  tickets:\n    service: http\n")
    with pytest.raises(InvalidInput, match="settings, not one key") as refused:
        orchestra.connections.give_key(OWNER, "tickets", "abc")
    assert "`orchestra connections add http --name tickets --set KEY=env:VARIABLE`" in refused.value.remedy
    with pytest.raises(InvalidInput, match="NO_SUCH_TOKEN is not set") as refused:
        orchestra.connections.require_ready({"mail": AccountMode.MINE})
    assert refused.value.remedy == (
        "Sign in: `orchestra connections add gmail --name mail --client-secret FILE`."
        " To try it on the demo: `--demo` at the command line, or Demo on the page Connections."
    )


@pytest.mark.parametrize("wrong", ["env:A B", "env:", "env:sk-ant-1234567890"])
def test_a_reference_that_names_no_variable_replaces_no_key(orchestra: Orchestra, wrong: str) -> None:
    with pytest.raises(InvalidInput, match="names no variable") as refused:
        orchestra.connections.add(OWNER, "github", "github", {"token": wrong})
    assert "1234567890" not in str(refused.value), "it may be a key"
    with pytest.raises(InvalidInput, match="names no variable"):
        orchestra.connections.give_key(OWNER, "github", wrong)
    assert kept(orchestra) == {"github.token.json"}


HERE, THERE = "http://127.0.0.1:9/v1", "http://127.0.0.1:8/v1"


@pytest.mark.parametrize(
    ("before", "embedding_model", "after"),
    [
        pytest.param({"api_key": "env:KEY"}, "", {}, id="a key by its variable goes nowhere else"),
        pytest.param({"api_key": SecretStr("sk-" + "x" * 20)}, "", {}, id="a stored key goes nowhere else"),
        pytest.param({"base_url": THERE, "embedding_model": "e"}, "", {}, id="another server may lack the model"),
        pytest.param({"base_url": THERE, "embedding_model": "e"}, "n", {"embedding_model": "n"}, id="or have another"),
        pytest.param(
            {"base_url": HERE, "api_key": "env:KEY", "embedding_model": "e"},
            "n",
            {"api_key": "env:KEY", "embedding_model": "e"},
            id="on the same server all stays",
        ),
        pytest.param({"base_url": HERE}, "n", {"embedding_model": "n"}, id="on the same server it is added"),
    ],
)
def test_a_connection_that_gets_another_server_keeps_nothing_of_the_former(
    orchestra: Orchestra,
    monkeypatch: pytest.MonkeyPatch,
    before: dict[str, Any],
    embedding_model: str,
    after: dict[str, Any],
) -> None:
    monkeypatch.setenv("KEY", "sk-0123456789abcdef")
    orchestra.connections.add(OWNER, "llm", "openai", before)
    audited = len(orchestra.audit(OWNER))
    orchestra.connections.use_model(OWNER, "llm", HERE, "m", embedding_model)
    written = parse((orchestra.workspace.root / "config.yaml").read_text(), "config.yaml").value["connections"]["llm"]
    assert written == {"service": "openai", "base_url": HERE, "model": "m", **after}
    assert len(orchestra.audit(OWNER)) == audited + 1
    assert "llm.api_key.json" not in kept(orchestra)


@pytest.mark.parametrize("way", ["add", "give_key"])
@pytest.mark.parametrize(
    ("before", "after", "is_kept"),
    [
        pytest.param({}, HERE, False, id="from the service's own"),
        pytest.param({"base_url": HERE}, "https://models.example/v1", False, id="to another server"),
        pytest.param({"base_url": HERE}, f"{HERE}/", True, id="the same server"),
    ],
)
def test_a_key_does_not_follow_a_connection_to_another_address(
    orchestra: Orchestra, way: str, before: dict[str, str], after: str, is_kept: bool
) -> None:
    orchestra.connections.add(OWNER, "llm", "openai", {**before, "api_key": SecretStr("sk-0123456789abcdef")})
    if way == "add":
        status = orchestra.connections.add(OWNER, "llm", "openai", {"base_url": after})
        assert ("The key for the former address is removed" in status.note) is not is_kept
    else:
        orchestra.connections.give_key(OWNER, "llm", "", {"base_url": after})
    written = parse((orchestra.workspace.root / "config.yaml").read_text(), "config.yaml").value["connections"]["llm"]
    assert ("api_key" in written) is is_kept
    assert ("llm.api_key.json" in kept(orchestra)) is is_kept


def test_a_key_goes_with_the_address_that_is_given_with_it(orchestra: Orchestra) -> None:
    orchestra.connections.add(OWNER, "llm", "openai", {"api_key": SecretStr("sk-0123456789abcdef")})
    orchestra.connections.add(OWNER, "llm", "openai", {"api_key": SecretStr("sk-fedcba9876543210"), "base_url": HERE})
    written = parse((orchestra.workspace.root / "config.yaml").read_text(), "config.yaml").value["connections"]["llm"]
    assert written == {"service": "openai", "base_url": HERE, "api_key": "secret:llm.api_key"}
