from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from engine.base.json_text import JsonObject
from engine.orchestra import Orchestra
from engine.people.access import Principal

Open = Callable[..., AppTest]
OWNER = Principal("owner", "owner")

PROPERTIES: dict[str, Any] = {
    "name": {"type": "string", "title": "Whom to *greet*", "description": "A <b>name</b>."},
    "body": {"type": "string", "format": "multiline", "default": "a\nb"},
    "size": {"type": "string", "enum": ["small", "large"], "default": "large"},
    "color": {"type": "string", "enum": ["red", "blue"]},
    "count": {"type": "integer", "minimum": 1, "maximum": 9, "default": 3},
    "maybe": {"type": "integer"},
    "ratio": {"type": "number", "default": 0.5},
    "loud": {"type": "boolean", "default": True},
    "words": {"type": "array", "items": {"type": "string"}, "default": ["a", "b"]},
    "days": {"type": "array", "items": {"enum": ["mon", "tue"]}, "default": ["tue"]},
    "numbers": {"type": "array", "items": {"type": "integer"}, "default": [1, 2]},
    "extra": {"type": "object", "default": {"a": 1}},
    "day": {"type": "string", "format": "date", "default": "2026-11-20"},
    "at": {"type": "string", "format": "date-time"},
}


@pytest.fixture
def form(orchestra: Orchestra, open_page: Open) -> Callable[..., AppTest]:
    """Open the form of a workflow with these inputs."""

    def form(properties: dict[str, Any], required: list[str] | None = None) -> AppTest:
        document = {
            "schema_version": 1,
            "inputs": {"type": "object", "properties": properties, "required": required or []},
            "steps": [{"id": "a", "uses": "flow.set", "with": {"values": {"x": 1}}}],
        }
        file = orchestra.workflows.save(OWNER, "all", json.dumps(document), None)
        assert not [one for one in file.problems if one.severity == "error"]
        at = open_page("workflow", name="all")
        assert not at.exception
        return at

    return form


def started(orchestra: Orchestra, at: AppTest) -> JsonObject:
    """Press Run and return the inputs of the run."""
    at.button(key="run-all").click().run()
    assert not at.exception
    rows = orchestra.runs.list(OWNER).rows
    assert len(rows) == 1
    return orchestra.runs.wait(OWNER, rows[0].run_id, 60)["inputs"]


def test_a_list_of_objects_is_filled_in_entry_by_entry(orchestra: Orchestra, form: Callable[..., AppTest]) -> None:
    city = {"type": "object", "properties": {"name": {"type": "string"}, "count": {"type": "integer"}}}
    cities = {"type": "array", "items": city, "default": [{"name": "Bonn", "count": 2}, {"name": "Kiel"}]}
    at = form({"cities": cities})
    at.button(key="input-all-cities-remove-0").click().run()
    at.button(key="input-all-cities-add").click().run()
    at.text_input(key="input-all-cities-2-name").set_value("Mainz").run()
    at.button(key="input-all-cities-remove-2").click().run()
    at.button(key="input-all-cities-add").click().run()
    at.text_input(key="input-all-cities-3-name").set_value("Ulm").run()
    assert started(orchestra, at) == {"cities": [{"name": "Kiel"}, {"name": "Ulm"}]}


def test_a_form_left_alone_sends_the_defaults(orchestra: Orchestra, form: Callable[..., AppTest]) -> None:
    assert started(orchestra, form(PROPERTIES)) == {
        "body": "a\nb",
        "size": "large",
        "count": 3,
        "ratio": 0.5,
        "loud": True,
        "words": ["a", "b"],
        "days": ["tue"],
        "numbers": [1, 2],
        "extra": {"a": 1},
        "day": "2026-11-20",
    }


def test_what_does_not_fit_an_input_is_refused_in_words_and_nothing_runs(
    orchestra: Orchestra, form: Callable[..., AppTest]
) -> None:
    at = form(PROPERTIES)
    field = at.text_input(key="input-all-name")
    assert field.label == r"Whom to \*greet\*", "it is shown as it is"
    assert field.help == r"A \<b\>name\</b\>\."
    for typed in (99_999, 0, -1, 10):
        at.number_input(key="input-all-count").set_value(typed).run()
        said = "\n".join(one.value for one in at.error).replace("\\", "")
        assert f"count: {typed} is not between 1 and 9." in said
        assert at.button(key="run-all").disabled
        at.number_input(key="input-all-count").set_value(9).run()
        assert not at.error
        assert not at.button(key="run-all").disabled
    at.text_area(key="input-all-extra").set_value("{oops").run()
    assert not at.exception
    assert "extra" in at.error[0].value
    assert at.button(key="run-all").disabled
    assert orchestra.runs.list(OWNER).rows == []


def test_each_input_takes_what_fits_it(orchestra: Orchestra, form: Callable[..., AppTest]) -> None:
    at = form(PROPERTIES)
    at.text_input(key="input-all-name").set_value("Ada")
    at.text_area(key="input-all-body").set_value("long")
    at.selectbox(key="input-all-size").set_value("small")
    at.selectbox(key="input-all-color").set_value("blue")
    at.number_input(key="input-all-count").set_value(9)
    at.number_input(key="input-all-maybe").set_value(5)
    at.number_input(key="input-all-ratio").set_value(0.25)
    at.toggle(key="input-all-loud").set_value(False)
    at.multiselect(key="input-all-days").set_value(["mon", "tue"])
    at.text_area(key="input-all-numbers").set_value("[4]")
    at.text_area(key="input-all-extra").set_value('{"b": [1]}')
    at.date_input(key="input-all-day").set_value(date(2026, 1, 2))
    at.datetime_input(key="input-all-at").set_value(datetime(2026, 1, 2, 8, 30))  # noqa: DTZ001 - as a browser sends it
    assert started(orchestra, at) == {
        "name": "Ada",
        "body": "long",
        "size": "small",
        "color": "blue",
        "count": 9,
        "maybe": 5,
        "ratio": 0.25,
        "loud": False,
        "words": ["a", "b"],
        "days": ["mon", "tue"],
        "numbers": [4],
        "extra": {"b": [1]},
        "day": "2026-01-02",
        "at": "2026-01-02T08:30:00+00:00",
    }


def test_a_missing_input_is_named_and_nothing_starts(orchestra: Orchestra, form: Callable[..., AppTest]) -> None:
    at = form({"n": {"type": "integer", "title": "How many"}, "name": {"type": "string"}}, ["n", "name"])
    assert "required" in at.number_input(key="input-all-n").label
    assert "Still needed: How many" in " ".join(caption.value for caption in at.caption)
    assert at.button(key="run-all").disabled
    at.number_input(key="input-all-n").set_value(2).run()
    assert at.button(key="run-all").disabled, "a required text that is empty is missing, too"
    at.text_input(key="input-all-name").set_value("Ada").run()
    assert started(orchestra, at) == {"n": 2, "name": "Ada"}


def test_a_workflow_without_inputs_has_just_the_button(orchestra: Orchestra, form: Callable[..., AppTest]) -> None:
    assert started(orchestra, form({})) == {}


def test_a_form_begins_with_the_inputs_of_an_earlier_run(
    orchestra: Orchestra, form: Callable[..., AppTest], open_page: Open
) -> None:
    form(PROPERTIES)
    given = {"name": "Ada", "size": "small", "count": 9, "loud": False, "words": ["c"], "day": "2026-01-02"}
    run_id = orchestra.runs.start(OWNER, "all", {**given, "extra": {"b": [1]}, "numbers": [4]})
    before = orchestra.runs.wait(OWNER, run_id, 60)["inputs"]
    at = open_page("workflow", name="all", inputs_of=run_id)
    at.button(key="run-all").click().run()
    assert not at.exception
    again = orchestra.runs.list(OWNER).rows[0].run_id
    assert again != run_id
    assert orchestra.runs.wait(OWNER, again, 60)["inputs"] == before
    at = open_page("workflow", name="all", inputs_of="../nothing")
    assert not at.exception
    assert at.number_input(key="input-all-count").value == 3, "those of a run that is not there are the defaults"


def test_a_run_whose_accounts_have_no_key_says_so_beside_the_button(orchestra: Orchestra, open_page: Open) -> None:
    orchestra.connections.add(OWNER, "web", "http", {"headers": {"Authorization": "env:WEB_TOKEN"}})
    step = {"id": "get", "uses": "http.request", "connection": "web", "with": {"url": "https://a.example/"}}
    file = orchestra.workflows.save(OWNER, "keyless", json.dumps({"schema_version": 1, "steps": [step]}), None)
    assert not [one for one in file.problems if one.severity == "error"]
    at = open_page("workflow", name="keyless")
    assert not at.exception
    assert "has no key" in at.error[0].value
    assert "WEB" in at.error[0].value
    assert at.button(key="look-keyless").disabled
