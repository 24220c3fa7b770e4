"""A step is tried with made-up values: they are checked, the step runs alone, and nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InvalidInput, NotAllowed
from engine.documents.schema_check import misfits
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.record.types.run import Run
from engine.runs.trials.samples import sample_of
from tests.engine.conftest import OWNER, Service, post_step, write_workflow
from tests.patience import PATIENCE_SECONDS

INPUTS = {
    "type": "object",
    "required": ["limit", "who"],
    "properties": {"limit": {"type": "integer", "minimum": 2}, "who": {"type": "string", "minLength": 9}},
}
NUMBERS = {"id": "numbers", "uses": "flow.set", "with": {"values": {"all": "{{ [1, 2, inputs.limit] }}"}}}


def triple(**more: Any) -> dict[str, Any]:
    return {"id": "triple", "uses": "flow.set", "with": {"values": {"n": "{{ number * 3 }}"}}, **more}


def looped(*steps: dict[str, Any]) -> dict[str, Any]:
    around = {"foreach": "{{ steps.numbers.output.all }}", "as": "number", "key": "{{ string(number) }}"}
    return {"id": "each", **around, "steps": list(steps)}


def tried(orchestra: Orchestra, step: str, values: Mapping[str, Any]) -> Run:
    run_id = orchestra.step_tries.start(OWNER, "work", step, values)
    return orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)


@pytest.fixture
def work(orchestra: Orchestra, root: Path, service: Service) -> Orchestra:
    """A workflow with a loop, a step that reads another one, and one that writes."""
    total = {"id": "total", "uses": "flow.set", "with": {"values": {"t": "{{ steps.numbers.output.all[0] + 1 }}"}}}
    own = {**triple(id="own"), "foreach": "{{ steps.numbers.output.all }}", "as": "number"}
    send = post_step("send", service.url("/send"))
    send["with"]["json"] = {"n": "{{ steps.triple.output.n }}", "who": "{{ inputs.who }}"}
    write_workflow(root, "work", [NUMBERS, total, own, looped(triple(), send)], id="work", inputs=INPUTS)
    return orchestra


def test_a_sample_is_made_from_types_and_then_from_the_last_run(work: Orchestra) -> None:
    found = work.step_tries.sample(OWNER, "work", "send")
    assert found.values == {
        "inputs": {"limit": 2, "who": "textxxxxx"},
        "steps": {"triple": {"output": {"n": 1}}},
        "number": 1,
    }
    assert not found.is_recorded
    assert tried(work, "send", found.values)["status"] == "succeeded"
    assert not work.step_tries.sample(OWNER, "work", "send").is_recorded, "what was made up is not a record"
    run_id = work.runs.start(OWNER, "work", {"limit": 7, "who": "Ada Lovelace"})
    work.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    found = work.step_tries.sample(OWNER, "work", "send")
    assert found.is_recorded
    assert (found.values["inputs"], found.values["number"]) == ({"limit": 7, "who": "Ada Lovelace"}, 1)
    assert work.step_tries.sample(OWNER, "work", "total").values == {
        "steps": {"numbers": {"output": {"all": [1, 2, 7]}}}
    }


@pytest.mark.parametrize(
    ("step", "values", "path", "output"),
    [
        pytest.param("total", {"steps": {"numbers": {"output": {"all": [41]}}}}, "total", {"t": 42}, id="output"),
        pytest.param("triple", {"number": 14}, "each[0].triple", {"n": 42}, id="item"),
        pytest.param("own", {"number": 5}, "own[0].own", {"n": 15}, id="own-loop"),
        pytest.param(
            "numbers", {"inputs": {"limit": 3, "who": "Grace Hop"}}, "numbers", {"all": [1, 2, 3]}, id="inputs"
        ),
    ],
)
def test_a_step_runs_alone_with_made_up_values(
    work: Orchestra, step: str, values: dict[str, Any], path: str, output: Any
) -> None:
    run = tried(work, step, values)
    assert run["status"] == "succeeded", run["error"]
    outputs = {one["path"]: one["output"] for one in run["steps"] if one["status"] == "succeeded"}
    assert outputs.get(path, outputs.get(path.removesuffix(f".{step}"))) == output, outputs
    assert work.runs.list(OWNER).rows[0].is_test


def test_nothing_is_written_not_even_when_the_try_is_run_again(work: Orchestra, service: Service) -> None:
    values = {"inputs": {"limit": 2, "who": "Grace Hop"}, "steps": {"triple": {"output": {"n": 99}}}, "number": 1}
    run = tried(work, "send", values)
    [sent] = [one for one in run["steps"] if one["id"] == "send"]
    assert sent["planned"]["write"] == "new"
    assert (sent["arguments"] or {})["json"] == {"n": 99, "who": "Grace Hop"}
    again = work.runs.wait(OWNER, work.runs.rerun(OWNER, run["run_id"]), PATIENCE_SECONDS)
    assert again["status"] == "succeeded"
    assert service.seen == {}
    assert work.plans.list(OWNER)["plans"] == [], "it is not a plan, which could be applied"
    real = work.runs.start(OWNER, "work", {"limit": 5, "who": "Grace Hop"})
    assert work.runs.wait(OWNER, real, PATIENCE_SECONDS)["status"] == "succeeded"
    assert service.seen == {"/send": 3}, "no receipt was left"


def test_a_workflow_that_is_called_writes_nothing_either(orchestra: Orchestra, root: Path, service: Service) -> None:
    write_workflow(root, "inner", [post_step("send", service.url("/send"))], id="inner")
    call = {"id": "call", "uses": "workflow.run", "with": {"workflow": "inner"}, "if": "{{ inputs.limit > 1 }}"}
    write_workflow(root, "work", [call], id="work", inputs=INPUTS)
    run = tried(orchestra, "call", {"inputs": {"limit": 2, "who": "Grace Hop"}})
    assert run["status"] == "succeeded", run["error"]
    assert service.seen == {}
    called = orchestra.runs.get(OWNER, run["steps"][0]["child_run_id"])
    assert dict(called["options"]) == {"made_up": {}}
    assert [row.is_test for row in orchestra.runs.list(OWNER, parent=run["run_id"]).rows] == [True]
    skipped = tried(orchestra, "call", {"inputs": {"limit": 2, "who": "Grace Hopper"}})
    assert skipped["status"] == "succeeded"


@pytest.mark.parametrize(
    ("step", "values", "place", "said"),
    [
        ("total", {}, "values", "lacks 'steps'"),
        ("total", {"steps": {}}, "values.steps", "lacks 'numbers'"),
        ("total", {"steps": {"numbers": {}}}, "values.steps.numbers", "lacks 'output'"),
        ("total", {"steps": {"numbers": {"output": {"all": 7}}}}, "values.steps.numbers.output.all", "array"),
        ("triple", {"number": "x"}, "values.number", "does not fit"),
        ("triple", {"numbr": 1}, "values.numbr", "does not read it. Did you mean 'number'"),
        ("numbers", {"inputs": {"limit": 1, "who": "Grace Hop"}}, "values.inputs.limit", "2"),
        ("each", {}, "step", "is a group"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_at_its_place(
    work: Orchestra, step: str, values: dict[str, Any], place: str, said: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        work.step_tries.start(OWNER, "work", step, values)
    assert (refused.value.details.get("field"), said in refused.value.message) == (place, True), refused.value.message
    assert refused.value.remedy
    assert work.runs.list(OWNER).rows == []


def test_who_may_not_run_may_not_try(work: Orchestra) -> None:
    with pytest.raises(NotAllowed):
        work.step_tries.start(Principal("vic", "viewer"), "work", "triple", {"number": 1})
    assert work.step_tries.sample(Principal("vic", "viewer"), "work", "triple").values == {"number": 1}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "enum": ["a", "b"]},
        {"type": ["string", "null"], "format": "date-time"},
        {"anyOf": [{"type": "integer", "minimum": 5}, {"type": "null"}]},
        {
            "type": "array",
            "items": {"$ref": "#/$defs/x"},
            "$defs": {"x": {"type": "object", "properties": {"y": {"const": 4}}}},
        },
        {"type": "integer", "exclusiveMinimum": 3, "maximum": 4},
        {"type": "number", "maximum": 0},
        {"type": "string", "maxLength": 2},
        {"type": "array", "minItems": 3, "items": {"type": "boolean"}},
        {},
    ],
)
def test_a_sample_fits(schema: dict[str, Any]) -> None:
    assert not list(misfits(sample_of(schema), schema))


def test_a_draft_is_tried_as_it_is_edited_and_the_file_as_it_was_saved(work: Orchestra) -> None:
    change = {"op": "set", "step": "total", "field": "with.values.t", "value": "{{ inputs.limit * 2 }}"}
    work.editing.apply(OWNER, "work", work.editing.canvas(OWNER, "work").rev, [change])
    assert work.step_tries.sample(OWNER, "work", "total").values.keys() == {"steps"}
    assert work.step_tries.sample(OWNER, "work", "total", draft=True).values.keys() == {"inputs"}
    given = {"inputs": {"limit": 5, "who": "Ada Lovelace"}}
    run_id = work.step_tries.start(OWNER, "work", "total", given, draft=True)
    run = work.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert [one["output"] for one in run["steps"] if one["id"] == "total"] == [{"t": 10}]
    with pytest.raises(InvalidInput):
        work.step_tries.start(OWNER, "work", "total", given)
    writing = {
        "inputs": {"limit": 2, "who": "Ada Lovelace"},
        "steps": {"triple": {"output": {"n": 3}}},
        "number": 1,
    }
    sent = work.step_tries.start(OWNER, "work", "send", writing, draft=True)
    [write] = [one for one in work.runs.wait(OWNER, sent, PATIENCE_SECONDS)["steps"] if one["id"] == "send"]
    assert write["planned"]["write"], "it is only shown"
