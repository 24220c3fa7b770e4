"""Every mistake in a workflow file is found before anything runs, at its line, with what to do about it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InvalidFile, NotAvailableYet
from engine.orchestra import Orchestra
from tests.engine.compiler.test_compiler import compiled
from tests.engine.conftest import OWNER

SOUND = {
    "schema_version": 1,
    "title": "Mistakes",
    "inputs": {"type": "object", "properties": {"limit": {"type": "integer", "default": 3}}},
    "steps": [
        {"id": "read", "uses": "http.request", "connection": "web", "with": {"url": "https://example.com/items"}},
        {
            "id": "each_item",
            "foreach": "{{ ['a', 'b'] }}",
            "as": "entry",
            "key": "{{ entry }}",
            "steps": [{"id": "note", "uses": "flow.set", "with": {"values": {"text": "{{ entry }}"}}}],
        },
        {"id": "check", "uses": "flow.assert", "with": {"condition": "{{ inputs.limit > 0 }}", "message": "none"}},
    ],
    "outputs": {"status": "{{ steps.read.output.status }}", "notes": "{{ size(steps.each_item.output) }}"},
}
SINCE = {"repository": "acme/app", "since": "2026-11-01"}
Change = Callable[[dict[str, Any]], object]


def read(workflow: dict[str, Any]) -> dict[str, Any]:
    """The first step."""
    step: dict[str, Any] = workflow["steps"][0]
    return step


def loop(workflow: dict[str, Any]) -> dict[str, Any]:
    """The loop."""
    step: dict[str, Any] = workflow["steps"][1]
    return step


def check(workflow: dict[str, Any]) -> dict[str, Any]:
    """The last step."""
    step: dict[str, Any] = workflow["steps"][2]
    return step


def says(expression: str) -> Change:
    """The message of the last step is an expression of a value that only a run knows."""
    return lambda workflow: check(workflow)["with"].update(message="{{ EXPRESSION }}".replace("EXPRESSION", expression))


MISTAKES = [
    pytest.param(lambda w: w.pop("steps"), "", "steps", id="no steps"),
    pytest.param(lambda w: w.update(steps=[]), '"steps"', "must not be empty", id="empty steps"),
    pytest.param(lambda w: loop(w).update(steps=[]), '"steps": []', "Add a step.", id="a loop without a step"),
    pytest.param(lambda w: w.update(stepps=[]), '"stepps"', "stepps", id="a key that is none"),
    pytest.param(lambda w: w.update(schema_version=2), '"schema_version"', "1", id="another form"),
    pytest.param(
        lambda w: read(w)["with"].update(idempotency_header="My Key"), '"My Key"', "format: 'My Key'", id="a pattern"
    ),
    pytest.param(
        lambda w: read(w).update(uses="github.list_issues", connection="hub", **{"with": SINCE}),
        '"2026-11-01"',
        "2026-01-31T09:00:00Z",
        id="a date where a time is asked for",
    ),
    pytest.param(lambda w: read(w).update(uses="http.reqest"), "http.reqest", "http.request", id="a misspelt type"),
    pytest.param(lambda w: read(w).update(connection="wob"), '"wob"', "web", id="an unknown connection"),
    pytest.param(lambda w: read(w)["with"].update(method="FETCH"), "FETCH", "GET", id="a value that is none of those"),
    pytest.param(lambda w: read(w)["with"].update(urll="x"), '"urll"', "url", id="a misspelt field"),
    pytest.param(lambda w: read(w)["with"].pop("url"), '"with"', "url", id="a field left out"),
    pytest.param(lambda w: read(w).update(id="Read"), '"Read"', "lower-case", id="an id that is not a name"),
    pytest.param(lambda w: read(w).update(id="item"), '"item"', "item", id="an id that means something else"),
    pytest.param(lambda w: read(w).update(id="check"), '"check"', "taken", id="an id twice"),
    pytest.param(lambda w: read(w).update(steps=[check(w)]), "", "not both", id="a type and steps"),
    pytest.param(lambda w: read(w).update(parallel=2), "", "foreach", id="a loop's field without a loop"),
    pytest.param(lambda w: read(w).update(timeout_seconds=-1), "-1", "0", id="a time below zero"),
    pytest.param(lambda w: read(w).update(needs=["chekc"]), "chekc", "check", id="needs a stranger"),
    pytest.param(lambda w: read(w).update(needs=["check"]), "", "wait for each other", id="a circle of needs"),
    pytest.param(lambda w: loop(w).update(foreach="abc"), '"abc"', "{{ abc }}", id="a loop over text"),
    pytest.param(lambda w: loop(w).update(foreach="{{ 3 }}"), "{{ 3 }}", "list", id="a loop over a number"),
    pytest.param(lambda w: loop(w).update({"as": "steps"}), '"steps"', "steps", id="a loop's name that is taken"),
    pytest.param(lambda w: w.pop("inputs"), "inputs.limit", "no field 'limit'", id="an input where there are none"),
    pytest.param(lambda w: check(w).update({"if": "{{ 'yes' }}"}), "yes", "true", id="a condition that is text"),
    pytest.param(lambda w: check(w)["with"].update(condition="{{ 1 }}"), "{{ 1 }}", "true", id="a number for a yes"),
    pytest.param(
        lambda w: check(w)["with"].update(message="{{ inputs.limmit }}"), "limmit", "limit", id="a misspelt input"
    ),
    pytest.param(
        lambda w: check(w)["with"].update(message="{{ steps.raed.output.text }}"), "raed", "read", id="a misspelt step"
    ),
    pytest.param(
        lambda w: check(w)["with"].update(message="{{ steps.read.output.txt }}"), "txt", "text", id="a misspelt output"
    ),
    pytest.param(
        lambda w: check(w)["with"].update(message="{{ steps.note.output.text }}"), "note", "each_item", id="into a loop"
    ),
    pytest.param(says("format_date(run.started_at, 'YYYY')"), "YYYY", "Write yyyy", id="a pattern of a date"),
    pytest.param(says("day(run.started_at, 'Berlin')"), "Berlin", "There is no time zone", id="a time zone"),
    pytest.param(says("start_of('era', run.started_at)"), "era", "Write one of 'hour'", id="a unit of time"),
    pytest.param(says("text(parse_number(run.id, 'xx'))"), "'xx'", "How 'xx' writes numbers", id="a language"),
    pytest.param(says("regex.replace(run.id, '(', '')"), "regex", "cannot be used", id="a pattern"),
    pytest.param(lambda w: check(w)["with"].update(message="{{ 1 + 1.5 }}"), "1.5", "double", id="mixed numbers"),
    pytest.param(
        lambda w: check(w)["with"].update(message="{{ inputs.limit"), "{{ inputs.limit", "}}", id="braces not closed"
    ),
    pytest.param(
        lambda w: read(w)["with"].update(text="{{ steps.check.output.ok }}", method="POST"),
        "check.output",
        "below",
        id="a step that comes later",
    ),
    pytest.param(
        lambda w: w["inputs"]["properties"].update(api_key={"type": "string"}), "api_key", "connection", id="a secret"
    ),
    pytest.param(
        lambda w: w["inputs"]["properties"]["limit"].update(type="integr"), "integr", "integr", id="an input of no type"
    ),
    pytest.param(
        lambda w: w.update(inputs={"limit": {"type": "integer"}}),
        "inputs",
        'Write {"type": "object", "properties": {"limit": {"type": "integer"}}}.',
        id="inputs without properties",
    ),
    pytest.param(
        lambda w: w.update(inputs={"limit": "integer"}),
        "inputs",
        'Write {"type": "object", "properties": {"limit": {"type": "integer"}}}.',
        id="inputs with only types",
    ),
    pytest.param(
        lambda w: w.update(triggers=[{"id": "t", "uses": "no.such"}]), "no.such", "trigger type", id="a trigger"
    ),
]


def written(change: Change) -> str:
    """The workflow with the mistake in it, one value a line."""
    workflow = json.loads(json.dumps(SOUND))
    change(workflow)
    return json.dumps(workflow, indent=2)


def test_without_a_mistake_there_is_no_problem(orchestra: Orchestra) -> None:
    assert orchestra.workflows.check(OWNER, "work", json.dumps(SOUND)) == []


@pytest.mark.parametrize(("change", "seen", "said"), MISTAKES)
def test_a_mistake_is_told_at_its_line_with_what_to_do(
    orchestra: Orchestra, change: Change, seen: str, said: str
) -> None:
    text = written(change)
    problems = [one for one in orchestra.workflows.check(OWNER, "work", text) if one.severity == "error"]
    assert problems
    assert any(said in f"{one.message} {one.remedy}" for one in problems), problems
    assert any(seen in text.splitlines()[one.line - 1] for one in problems), problems
    assert all(one.file == "workflows/work.json" and one.column >= 1 for one in problems)


@pytest.mark.parametrize(("change", "seen", "said"), MISTAKES)
def test_nothing_runs_with_a_mistake_in_it(
    orchestra: Orchestra, root: Path, change: Change, seen: str, said: str
) -> None:
    (root / "workflows" / "work.json").write_text(written(change))
    with pytest.raises((InvalidFile, NotAvailableYet)):
        orchestra.runs.start(OWNER, "work", {})
    assert orchestra.runs.list(OWNER).rows == []


def test_all_mistakes_are_told_at_once(orchestra: Orchestra) -> None:
    def change(workflow: dict[str, Any]) -> None:
        read(workflow)["uses"] = "http.reqest"
        loop(workflow)["foreach"] = "{{ 3 }}"
        check(workflow)["with"]["message"] = "{{ inputs.limmit }} {{ steps.raed.output }}"

    problems = orchestra.workflows.check(OWNER, "work", written(change))
    assert len({one.line for one in problems}) >= 3
    assert {one.step for one in problems} >= {"read", "each_item", "check"}


@pytest.mark.parametrize(
    ("change", "at", "said"),
    [
        pytest.param(lambda w: read(w).update(retry={"on": ["RateLimitd"]}), "RateLimitd", "'RateLimited'", id="typo"),
        pytest.param(lambda w: read(w).update(retry={"on": ["AuthError", "Foo"]}), "Foo", "Unavailable", id="stranger"),
        pytest.param(lambda w: read(w).update(retry={"attempts": "3"}), '"3"', "a whole number", id="attempts"),
        pytest.param(lambda w: read(w).update(retry={"attempts": True}), "true", "a whole number", id="attempts-yes"),
        pytest.param(lambda w: read(w).update(retry={"backoff_seconds": "1"}), '"1"', "a number", id="backoff"),
        pytest.param(lambda w: read(w).update(timeout_seconds="5"), '"5"', "a number", id="time-limit"),
        pytest.param(lambda w: w.update(timeout_seconds="5"), '"5"', "a number", id="time-limit-of-all"),
        pytest.param(lambda w: loop(w).update(parallel="2"), '"2"', "a whole number", id="parallel"),
    ],
)
def test_numbers_and_names_of_errors_are_what_they_say(change: Change, at: str, said: str) -> None:
    workflow = json.loads(json.dumps(SOUND))
    change(workflow)
    text, result = compiled(workflow)
    [problem] = [one for one in result.problems if one.severity == "error"]
    assert said in problem.message + problem.remedy
    assert at in text.split("\n")[problem.line - 1]


@pytest.mark.parametrize("name", ["NotFound", "AuthError", "Conflict", "BadAnswer", "StepTimeout", "AssertionFailed"])
def test_every_error_that_there_is_may_be_tried_again(name: str) -> None:
    workflow = json.loads(json.dumps(SOUND))
    read(workflow).update(retry={"attempts": 2, "backoff_seconds": 1, "on": [name]}, timeout_seconds=5)
    assert [one for one in compiled(workflow)[1].problems if one.severity == "error"] == []


def test_a_schema_with_a_fault_has_no_remedy_that_says_nothing(orchestra: Orchestra) -> None:
    fields = {"messages": [{"role": "user", "content": "Hi"}], "schema": {"type": "nope"}}
    steps = [{"id": "ask", "uses": "llm.extract", "with": fields}]
    text = json.dumps({"schema_version": 1, "title": "Work", "steps": steps})
    (told,) = [one for one in orchestra.workflows.check(OWNER, "work", text) if one.code == "field"]
    assert (told.field, told.remedy) == ("with.schema", "")
    assert "'nope'" in told.message
