"""A search that finds the drafts of its own workflow is a warning, with its place and its remedy."""

from __future__ import annotations

from typing import Any

import pytest

from engine.base.problem import Problem
from tests.engine.compiler.test_compiler import call, compiled, flow, inputs

DRAFT = call("draft", "gmail.create_draft", {"to": "ann@example.org", "subject": "Hi", "text": "Hello"})
USED = {"mails": "{{ size(steps.mails.output.messages) }}"}
QUERY = inputs(query={"type": "string", "default": "newer_than:7d"})


def mails(query: Any, **more: Any) -> dict[str, Any]:
    return call("mails", "gmail.search_messages", {"query": query}, **more)


def own_drafts(*steps: Any, **more: Any) -> list[Problem]:
    _, result = compiled(flow(*steps, outputs=USED, **more))
    assert [str(one) for one in result.problems if one.severity == "error"] == []
    return [one for one in result.problems if one.code == "own_drafts"]


def test_the_warning_names_the_search_its_place_and_the_remedy() -> None:
    [found] = own_drafts(mails("newer_than:7d"), DRAFT)
    assert (found.severity, found.step, found.field) == ("warning", "mails", "with.query")
    assert found.message == (
        "The search 'newer_than:7d' also finds drafts: 'mails' reads in the next run what 'draft' wrote."
    )
    assert found.remedy == "Add -in:drafts to the search, or in:inbox to search there only."


def test_the_default_of_an_input_is_where_it_is_written() -> None:
    [found] = own_drafts(mails("{{ inputs.query }}"), DRAFT, inputs=QUERY)
    assert (found.step, found.field) == (None, "inputs.properties.query.default")


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([mails("hello"), {**DRAFT, "foreach": "{{ [1] }}", "key": "{{ item }}"}], id="in-a-loop"),
        pytest.param([mails("hello"), {"id": "g", "steps": [DRAFT]}], id="in-a-group"),
        pytest.param([{**DRAFT}, mails("{{ 'hello' }}")], id="a-constant-expression"),
        pytest.param([mails("hello", on_error={"steps": [DRAFT]})], id="in-a-fallback"),
    ],
)
def test_drafts_are_found_wherever_they_are_written(steps: list[Any]) -> None:
    used = {"has": "{{ has(steps.mails.output) }}"}
    codes = [one.code for one in compiled(flow(*steps, outputs=used))[1].problems]
    assert "own_drafts" in codes


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([mails("newer_than:7d")], id="no-drafts"),
        pytest.param([mails("in:inbox"), DRAFT], id="elsewhere"),
        pytest.param([call("mails", "gmail.search_messages", {}), DRAFT], id="the-usual-search"),
        pytest.param([mails("hello -in:drafts"), DRAFT], id="left-out"),
        pytest.param([mails("{{ run.id }}"), DRAFT], id="an-expression"),
        pytest.param([mails("newer_than:{{ 7 }}d {{ run.id }}"), DRAFT], id="a-mixed-text"),
        pytest.param([mails("hello"), {**DRAFT, "if": False}], id="never-written"),
        pytest.param([call("mails", "gmail.search_messages", {"query": "hello", "ids": ["1"]}), DRAFT], id="by-id"),
    ],
)
def test_other_searches_are_none(steps: list[Any]) -> None:
    assert own_drafts(*steps) == []
