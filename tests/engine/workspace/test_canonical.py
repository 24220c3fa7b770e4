"""The written form: the same value, the same text however often, keys in a fixed order."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base.errors import InvalidInput
from engine.documents.json_file import parse
from engine.workspace.canonical import Kind, canonical

KINDS: tuple[Kind, ...] = get_args(Kind)
KEYS = st.sampled_from(
    ["id", "title", "steps", "with", "if", "inputs", "properties", "messages", "content", "x", "a b"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
DOCUMENTS = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=40)


@pytest.mark.slow
@given(DOCUMENTS, st.sampled_from(KINDS))
def test_the_value_stays_equal_and_writing_again_changes_nothing(document: Any, kind: Kind) -> None:
    text = canonical(document, kind)
    again = json.loads(text)
    assert again == document
    assert canonical(again, kind) == text
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


def test_what_is_written_can_be_read_again_and_what_is_deeper_is_not_written() -> None:
    assert parse(canonical(json.loads("[" * 64 + "]" * 64), "prompt"), "it.json").value
    with pytest.raises(InvalidInput, match="nested deeper than 64 levels"):
        canonical(json.loads("[" * 65 + "]" * 65), "prompt")


@given(st.permutations(["id", "title", "if", "uses", "with", "retry", "timeout_seconds", "zzz"]))
def test_a_step_is_written_the_same_whatever_order_it_came_in(keys: list[str]) -> None:
    document = {"steps": [dict.fromkeys(keys, "x")]}
    written = list(json.loads(canonical(document, "workflow"))["steps"][0])
    assert written == ["id", "title", "if", "uses", "with", "retry", "timeout_seconds", "zzz"]


@pytest.mark.parametrize(
    ("kind", "document", "text"),
    [
        pytest.param(
            "workflow",
            {"steps": [{"with": {"b": 1, "a": 2}, "id": "s"}], "x": 1, "schema_version": 1},
            '{\n  "schema_version": 1,\n  "steps": [\n    {\n      "id": "s",\n      "with": {\n        "b": 1,\n'
            '        "a": 2\n      }\n    }\n  ],\n  "x": 1\n}\n',
            id="fields-of-a-step-keep-their-order-and-unknown-keys-come-last",
        ),
        pytest.param(
            "workflow",
            {"on_failure": [{"uses": "u", "id": "a"}], "outputs": {}},
            '{\n  "outputs": {},\n  "on_failure": [\n    {\n      "id": "a",\n      "uses": "u"\n    }\n  ]\n}\n',
            id="steps-for-a-failure-as-a-list",
        ),
        pytest.param(
            "workflow",
            {"on_failure": {"steps": [{"uses": "u", "id": "a"}]}},
            '{\n  "on_failure": {\n    "steps": [\n      {\n        "id": "a",\n        "uses": "u"\n      }\n'
            "    ]\n  }\n}\n",
            id="steps-for-a-failure-in-an-object",
        ),
        pytest.param(
            "workflow",
            {"inputs": {"properties": {"type": {"default": 1, "type": "integer"}}, "type": "object"}},
            '{\n  "inputs": {\n    "type": "object",\n    "properties": {\n      "type": {\n'
            '        "type": "integer",\n        "default": 1\n      }\n    }\n  }\n}\n',
            id="an-input-named-type-is-no-keyword",
        ),
        pytest.param(
            "prompt",
            {"messages": [{"content": ["a", "b"], "role": "user"}]},
            '{\n  "messages": [\n    {\n      "role": "user",\n      "content": [\n        "a",\n        "b"\n'
            "      ]\n    }\n  ]\n}\n",
            id="each-line-of-a-message-on-its-own-line",
        ),
        pytest.param(
            "layout",
            {"positions": {"b": [1, 2.5], "a": []}, "schema_version": 1},
            '{\n  "schema_version": 1,\n  "positions": {\n    "b": [1, 2.5],\n    "a": []\n  }\n}\n',
            id="a-short-list-on-one-line",
        ),
        pytest.param(
            "workflow",
            {"outputs": {"list": ["x" * 80, "y"], "text": "ü😀"}},
            '{\n  "outputs": {\n    "list": [\n      "'
            + "x" * 80
            + '",\n      "y"\n    ],\n    "text": "ü😀"\n  }\n}\n',
            id="a-long-list-on-many-and-letters-as-they-are",
        ),
    ],
)
def test_the_written_form_is(kind: Kind, document: Any, text: str) -> None:
    assert canonical(document, kind) == text
