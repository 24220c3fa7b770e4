"""What is kept of a connection when it gets another key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.base.errors import InUse, InvalidInput
from engine.base.statuses import AccountMode
from engine.orchestra import Orchestra
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
