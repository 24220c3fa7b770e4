"""A connection is added to config.yaml as a person would: all other lines stay as they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from engine.config import load
from engine.connection_file import with_connection, write_connection
from engine.dotenv import read_dotenv
from engine.errors import InvalidFile, InvalidInput
from engine.yamlfile import parse

ENTRY = {"service": "github", "token": "env:GITHUB_TOKEN"}
BLOCK = "  github:\n    service: github\n    token: env:GITHUB_TOKEN\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("", "\nconnections:\n" + BLOCK, id="empty"),
        pytest.param("# mine", "# mine\n\nconnections:\n" + BLOCK, id="no-line-break-at-the-end"),
        pytest.param(
            "connections:\n  a: {service: x} # keep\n\n# after\nserver: {}\n",
            "connections:\n  a: {service: x} # keep\n" + BLOCK + "\n# after\nserver: {}\n",
            id="after-the-last",
        ),
        pytest.param("connections: {} # none\n", "connections: # none\n" + BLOCK, id="empty-map"),
        pytest.param(
            "connections: # none\n# x\nlimits: {}\n",
            "connections: # none\n" + BLOCK + "# x\nlimits: {}\n",
            id="nothing",
        ),
        pytest.param(
            "connections: {a: {service: x}}\n",
            "connections: {a: {service: x}, github: {service: github, token: env:GITHUB_TOKEN}}\n",
            id="on-one-line",
        ),
        pytest.param(
            "connections:\n  github:\n    service: old # gone\n    token: env:T\n  # tail\n  z: {service: q}\n",
            "connections:\n" + BLOCK + "  # tail\n  z: {service: q}\n",
            id="replaced",
        ),
        pytest.param(
            "connections:\n  github: {service: old} # stays\n",
            "connections:\n  github: {service: github, token: env:GITHUB_TOKEN} # stays\n",
            id="replaced-on-one-line",
        ),
        pytest.param(
            "connections:\n    a:\n        service: x\n",
            "connections:\n    a:\n        service: x\n"
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
        f"  {name}: {{service: {name}}}  # c\n" if flow else f"  {name}:\n    # c\n    service: {name}\n"
        for name, flow in others.items()
    )
    text = f"{'' if at_the_end else 'limits: {}'}\nconnections:\n{entries}\n{'limits: {}' if at_the_end else ''}\n"
    value = parse(with_connection(text, "github", {"service": "openai", "model": model}), "c").value
    assert value["connections"] == {
        **{name: {"service": name} for name in others},
        "github": {"service": "openai", "model": model},
    }
    assert value["limits"] == {}


def test_secrets_go_to_dotenv_and_are_named_in_the_settings(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("# mine\nconnections:\n  a: {service: x}\n")
    settings = {
        "service": "http",
        "token": "s3cret",
        "base_url": "https://x.example",
        "api_key": "env:MINE",
        "note": SecretStr("hidden"),
        "headers": {"Authorization": "Bearer abc def", "Accept": "text/plain"},
        "token_file": Path("t.json"),
    }
    entry = write_connection(tmp_path, "my-api", settings)
    assert entry == {
        "service": "http",
        "token": "env:MY_API_TOKEN",
        "base_url": "https://x.example",
        "api_key": "env:MINE",
        "note": "env:MY_API_NOTE",
        "headers": {"Authorization": "env:MY_API_HEADERS_AUTHORIZATION", "Accept": "text/plain"},
        "token_file": "t.json",
    }
    assert read_dotenv(tmp_path / ".env") == {
        "MY_API_TOKEN": "s3cret",
        "MY_API_NOTE": "hidden",
        "MY_API_HEADERS_AUTHORIZATION": "Bearer abc def",
    }
    text = (tmp_path / "config.yaml").read_text()
    assert text.startswith("# mine\n")
    assert "s3cret" not in text
    assert load(tmp_path, {}).config.connections["my-api"].settings == {
        key: value for key, value in entry.items() if key != "service"
    }


@pytest.mark.parametrize(
    ("text", "name", "settings", "error"),
    [
        pytest.param("", "A", {"service": "x"}, InvalidInput, id="name"),
        pytest.param("", "a", {"token": "x"}, InvalidInput, id="no-service"),
        pytest.param("a: [", "a", {"service": "x", "token": "t"}, InvalidFile, id="broken-file"),
        pytest.param("sever: {}", "a", {"service": "x", "token": "t"}, InvalidFile, id="wrong-settings"),
        pytest.param("{\nserver: {}\n}", "a", {"service": "x", "token": "t"}, InvalidFile, id="odd-form"),
    ],
)
def test_what_cannot_be_added_changes_nothing(
    tmp_path: Path, text: str, name: str, settings: dict[str, str], error: type[Exception]
) -> None:
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(error):
        write_connection(tmp_path, name, settings)
    assert (tmp_path / "config.yaml").read_text() == text
    assert not (tmp_path / ".env").exists()
