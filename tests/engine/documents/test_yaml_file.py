"""The strict YAML reader: plain values, places, and every surprise refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base.errors import InvalidFile
from engine.documents.yaml_file import parse


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("", None, id="empty"),
        pytest.param("# only a comment\n", None, id="comment"),
        pytest.param(
            "a: 1\nb: -2.5\nc: true\nd: null\ne:\nf: ~",
            {"a": 1, "b": -2.5, "c": True, "d": None, "e": None, "f": None},
            id="plain-values",
        ),
        pytest.param('a: "on"\nb: \'12:30\'\nc: "NO"', {"a": "on", "b": "12:30", "c": "NO"}, id="quoted-words"),
        pytest.param("a: {b: [x, 2]}", {"a": {"b": ["x", 2]}}, id="flow"),
        pytest.param("a: http://x.example:80/y", {"a": "http://x.example:80/y"}, id="address"),
        pytest.param("a: env:TOKEN", {"a": "env:TOKEN"}, id="reference"),
    ],
)
def test_plain_values_are_read(text: str, value: Any) -> None:
    assert parse(text, "c.yaml").value == value


@pytest.mark.parametrize(
    ("text", "line", "column", "code", "words"),
    [
        pytest.param("a: on", 1, 4, "put_quotes", '"on"', id="on"),
        pytest.param("x: 1\na: NO", 2, 4, "put_quotes", '"NO"', id="norway"),
        pytest.param("a: 12:30", 1, 4, "put_quotes", '"12:30"', id="base-sixty"),
        pytest.param("a: 010", 1, 4, "put_quotes", '"010"', id="octal"),
        pytest.param("a: 0x1F", 1, 4, "put_quotes", '"0x1F"', id="hexadecimal"),
        pytest.param("a: 1_000", 1, 4, "put_quotes", '"1_000"', id="underscore"),
        pytest.param("a: .inf", 1, 4, "put_quotes", '".inf"', id="infinity"),
        pytest.param("a: 2026-11-20", 1, 4, "put_quotes", '"2026-11-20"', id="date"),
        pytest.param("on: 1", 1, 1, "put_quotes", '"on"', id="key-on"),
        pytest.param("? [a]\n: b", 1, 3, "put_quotes", "key must be text", id="list-as-key"),
        pytest.param("a: 1\nb: 2\na: 3", 3, 1, "duplicate_key", "'a' appears twice", id="key-twice"),
        pytest.param("a: &x 1", 1, 4, "alias", "Anchors", id="anchor"),
        pytest.param("a: !!python/name:os.system x", 1, 4, "tag", "Tags", id="tag"),
        pytest.param("a: [1, 2", 1, 9, "syntax", "not valid YAML", id="open-list"),
        pytest.param("a:\n\t- 1", 2, 1, "syntax", "spaces, not tabs", id="tab"),
        pytest.param("a: 1\n---\nb: 2", 2, 1, "syntax", "another document", id="two-documents"),
        pytest.param("a: \x07", 1, 1, "syntax", "not valid YAML", id="control-character"),
        pytest.param("a: " + "[" * 5000, 1, 19, "too_deep", "16 levels", id="deep"),
        pytest.param("a: " + "x" * 64_000, 1, 1, "too_large", "64,000", id="large"),
    ],
)
def test_each_surprise_is_named_with_its_place(text: str, line: int, column: int, code: str, words: str) -> None:
    with pytest.raises(InvalidFile) as caught:
        parse(text, "c.yaml")
    problem = caught.value.problems[0]
    assert (problem.line, problem.column, problem.code) == (line, column, code)
    assert words in f"{problem.message} {problem.remedy}"


def test_a_bomb_of_aliases_is_refused_before_it_grows() -> None:
    text = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    with pytest.raises(InvalidFile, match="Anchors"):
        parse(text, "c.yaml")


@given(st.text(alphabet="ab:-[]{}\"'&*!|>#%@,? \n\t0129.~", max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    places = [(1, 1)]
    try:
        parse(text, "c.yaml")
    except InvalidFile as error:
        places = [(problem.line, problem.column) for problem in error.problems]
    assert places
    assert all(line >= 1 and column >= 1 for line, column in places)


def test_every_value_knows_where_it_begins_and_ends() -> None:
    text = "a:\n  b: one # note\n  # tail\nc: [1, 2] # x\n"
    file = parse(text, "c.yaml")
    begin, end = file.spans["a",]
    assert text[begin:end] == "b: one"
    begin, end = file.spans["c",]
    assert text[begin:end] == "[1, 2]"
    assert file.key_places["a", "b"] == (2, 3)
    assert file.place(("a", "b", "nothing")) == (2, 6)


def test_a_number_of_thousands_of_digits_is_told_with_its_place() -> None:
    with pytest.raises(InvalidFile, match=r"c\.yaml:2:7: This number does not fit into 64 bits\. Write a smaller"):
        parse("a: 1\nport: 1" + "0" * 5000 + "\n", "c.yaml")
