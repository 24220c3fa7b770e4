"""A connection is added to config.yaml as a person would: all other lines stay as they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from engine.base.errors import InvalidFile, InvalidInput
from engine.documents.yaml_file import parse
from engine.secrets.vault import StoredSecret
from engine.workspace.config import load
from engine.workspace.connection_file import with_connection, write_connection

ENTRY = {"service": "github", "token": "env:GITHUB_TOKEN"}
BLOCK = "  github:\n    service: github\n    token: env:GITHUB_TOKEN\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("", "\nconnections:\n" + BLOCK, id="empty"),
        pytest.param("# mine", "# mine\n\nconnections:\n" + BLOCK, id="no-line-break-at-the-end"),
        pytest.param(
            "connections:\n  a: {service: notion} # keep\n\n# after\nserver: {}\n",
            "connections:\n  a: {service: notion} # keep\n" + BLOCK + "\n# after\nserver: {}\n",
            id="after-the-last",
        ),
        pytest.param(
            "connections:\n  a:\n    service: notion\n    # token: x\n    # more\n  # of nobody\nserver: {}\n",
            "connections:\n  a:\n    service: notion\n    # token: x\n    # more\n"
            + BLOCK
            + "  # of nobody\nserver: {}\n",
            id="after-the-comments-of-the-last",
        ),
        pytest.param("connections: {} # none\n", "connections: # none\n" + BLOCK, id="empty-map"),
        pytest.param(
            "connections: # none\n# x\nlimits: {}\n",
            "connections: # none\n" + BLOCK + "# x\nlimits: {}\n",
            id="nothing",
        ),
        pytest.param(
            "connections: {a: {service: notion}}\n",
            "connections: {a: {service: notion}, github: {service: github, token: env:GITHUB_TOKEN}}\n",
            id="on-one-line",
        ),
        pytest.param(
            "connections:\n  github:\n    service: notion # stays\n    token: env:T\n    url: x\n  # tail\n",
            "connections:\n  github:\n    service: github # stays\n    token: env:GITHUB_TOKEN\n  # tail\n",
            id="replaced",
        ),
        pytest.param(
            "connections:\n  github:\n    service: notion\n    # token: env:T  # or so\n"
            "    # base_url: x\n    # tail\n  a: {service: notion}\n",
            "connections:\n" + BLOCK + "    # base_url: x\n    # tail\n  a: {service: notion}\n",
            id="replaced-with-the-comment-that-showed-it",
        ),
        pytest.param(
            "connections:\n  github:\n",
            "connections:\n  github: {service: github, token: env:GITHUB_TOKEN}\n",
            id="without-settings",
        ),
        pytest.param(
            "connections: {a: {service: 'notion',token: env:X}}\n",
            "connections: {a: {service: 'notion',token: env:X}, github: {service: github, token: env:GITHUB_TOKEN}}\n",
            id="beside-one-with-quotes",
        ),
        pytest.param(
            "connections:\n  github: {service: notion} # stays\n",
            "connections:\n  github: {service: github, token: env:GITHUB_TOKEN} # stays\n",
            id="replaced-on-one-line",
        ),
        pytest.param(
            "connections:\n    a:\n        service: notion\n",
            "connections:\n    a:\n        service: notion\n"
            "    github:\n      service: github\n      token: env:GITHUB_TOKEN\n",
            id="indented-by-four",
        ),
    ],
)
def test_the_text_changes_only_where_it_must(before: str, after: str) -> None:
    assert with_connection(before, "github", ENTRY) == after


@given(
    st.dictionaries(st.sampled_from(["a", "b", "github"]), st.booleans()),
    st.booleans(),
    st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=20),
)
def test_other_connections_keep_their_values_and_the_new_one_has_its_own(
    others: dict[str, bool], at_the_end: bool, model: str
) -> None:
    entries = "".join(
        f"  {name}: {{service: gmail}}  # c\n" if flow else f"  {name}:\n    # c\n    service: gmail\n"
        for name, flow in others.items()
    )
    text = f"{'' if at_the_end else 'limits: {}'}\nconnections:\n{entries}\n{'limits: {}' if at_the_end else ''}\n"
    value = parse(with_connection(text, "github", {"service": "openai", "model": model}), "c").value
    assert value["connections"] == {
        **{name: {"service": "gmail"} for name in others},
        "github": {"service": "openai", "model": model},
    }
    assert value["limits"] == {}


def test_odd_names_are_put_in_quotes() -> None:
    entry = {"service": "http", "headers": {"yes": "a", "X: b": "no", "12": "c"}}
    text = with_connection("connections:\n  a: {service: notion}\n", "2nd", entry)
    assert parse(text, "c").value["connections"] == {"a": {"service": "notion"}, "2nd": entry}


def test_secrets_are_kept_and_named_in_the_settings(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("# mine\nconnections:\n  a: {service: notion}\n")
    vault = load(tmp_path, {}).vault

    def written(name: str, settings: Mapping[str, object]) -> dict[str, object]:
        return write_connection(tmp_path, name, settings, lambda secret, value: vault.keep(secret, StoredSecret(value)))

    http = {"service": "http", "headers": {"X Authorization": "Bearer abc def", "Accept": "text/plain"}}
    assert written("my-api", http) == {
        "service": "http",
        "headers": {"X Authorization": "secret:my-api.headers.X_Authorization", "Accept": "text/plain"},
    }
    model = {"service": "openai", "api_key": "s3cret", "base_url": "https://x.example/v1", "model": SecretStr("hidden")}
    assert written("llm", model) == {
        "service": "openai",
        "api_key": "secret:llm.api_key",
        "base_url": "https://x.example/v1",
        "model": "secret:llm.model",
    }
    gmail = {"service": "gmail", "token": "env:MINE", "token_file": Path("t.json")}
    assert written("2nd", gmail) == {**gmail, "token_file": "t.json"}
    text = (tmp_path / "config.yaml").read_text()
    assert text.startswith("# mine\n")
    assert "s3cret" not in text
    loaded = load(tmp_path, {"MINE": "token"})
    assert loaded.settings_of("llm") == {"api_key": "s3cret", "base_url": "https://x.example/v1", "model": "hidden"}
    assert loaded.settings_of("my-api")["headers"]["X Authorization"] == "Bearer abc def"
    assert loaded.settings_of("2nd") == {"token": "token", "token_file": str(tmp_path / "t.json")}


@pytest.mark.parametrize(
    ("text", "name", "settings", "error"),
    [
        pytest.param("", "A", {"service": "github"}, InvalidInput, id="name"),
        pytest.param("", "a", {"token": "x"}, InvalidInput, id="no-service"),
        pytest.param("", "a", {"service": "gitub", "token": "t"}, InvalidFile, id="unknown-service"),
        pytest.param("", "a", {"service": "github", "tokn": "t"}, InvalidFile, id="unknown-setting"),
        pytest.param("a: [", "a", {"service": "github", "token": "t"}, InvalidFile, id="broken-file"),
        pytest.param("sever: {}", "a", {"service": "github", "token": "t"}, InvalidFile, id="wrong-settings"),
        pytest.param("{\nserver: {}\n}", "a", {"service": "github", "token": "t"}, InvalidFile, id="odd-form"),
    ],
)
def test_what_cannot_be_added_changes_nothing(
    tmp_path: Path, text: str, name: str, settings: dict[str, str], error: type[Exception]
) -> None:
    (tmp_path / "config.yaml").write_text(text)
    kept: list[str] = []
    with pytest.raises(error):
        write_connection(tmp_path, name, settings, lambda secret, _: kept.append(secret))
    assert (tmp_path / "config.yaml").read_text() == text
    assert kept == []
