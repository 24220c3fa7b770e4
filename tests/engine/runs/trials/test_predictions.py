"""A prediction is what the run has recorded, until the draft says something else; and it calls nothing."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InvalidInput
from engine.base.step_path import in_workflow, is_item
from engine.orchestra import Orchestra
from engine.runner.effects import retry
from engine.runs.trials.prediction import Prediction, StepPrediction, Will
from tests.engine.conftest import OWNER, Run, Service, get_step, set_step, write_workflow
from tests.engine.record.states.random_workflows import INPUTS, random_steps
from tests.patience import PATIENCE_SECONDS

WORKFLOWS, RUNS = 12, 2
GO = {"type": "object", "properties": {"go": {"type": "boolean", "default": True}}}


def of(found: Prediction, path: str) -> StepPrediction:
    return next(one for one in found.steps if one.path == path)


def values(step: StepPrediction) -> list[dict[str, tuple[str | None, str | None]]]:
    return [{one.name: (one.value, one.was) for one in case.fields} for case in step.cases]


def test_the_prediction_of_what_ran_is_what_the_run_has_recorded(
    root: Path, service: Service, orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "_backoff", lambda *_: 0.0)
    for number in range(WORKFLOWS):
        write_workflow(root, f"work-{number}", random_steps(number, service, RUNS), inputs=INPUTS)
    each = [(f"work-{number}", {"n": run}) for number in range(WORKFLOWS) for run in range(RUNS)]
    started = [orchestra.runs.start(OWNER, name, inputs) for name, inputs in each]
    runs = [orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS) for run_id in started]
    calls, seen, kinds = service.seen.total(), Counter[str](), Counter[Will]()
    for (name, _), run in zip(each, runs, strict=True):
        found = orchestra.predictions.predict(OWNER, name, run["run_id"])
        assert found.why == ""
        recorded = {step["path"]: step for step in run["steps"]}
        for step in found.steps:
            kinds.update(step.counts)
            for case in step.cases:
                assert all(one.was is None for one in case.fields), (case, run)
                record = recorded.get(case.path)
                if record is not None and record["status"] in ("skipped", "succeeded"):
                    assert (case.will == Will.SKIP) == (record["status"] == "skipped"), (case, run)
                    seen[record["status"]] += 1
        if run["status"] == "succeeded" and not run["counts"]["failed_steps"]:
            assert_whole(found, run["steps"])
            seen["whole"] += 1
    assert service.seen.total() == calls
    assert min(seen["skipped"], seen["succeeded"], seen["whole"]) > 5
    assert kinds[Will.FAIL] == 0


def assert_whole(found: Prediction, records: Sequence[Mapping[str, Any]]) -> None:
    """Every repetition of every step of a run that went well is predicted, and no other."""
    calls: dict[str, Counter[str]] = defaultdict(Counter)
    for record in records:
        if record["uses"] and not is_item(record["path"]):
            calls[in_workflow(record["path"])][{"skipped": "skip"}.get(record["status"], "run")] += 1
    for path, counts in calls.items():
        assert dict(of(found, path).counts) == counts, (path, records)


MAIL = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
MAILS = {"type": "object", "properties": {"mails": {"type": "array", "items": MAIL}}, "required": ["mails"]}
STEPS = [
    {
        "id": "each",
        "foreach": "{{ inputs.mails }}",
        "as": "mail",
        "key": "{{ mail.id }}",
        "steps": [
            get_step("open", "{service}/{{ mail.id }}"),
            set_step("title", {"text": "{{ mail.id }}: {{ text(steps.open.output.json.count) }}"}),
            get_step("send", "{service}/send/{{ mail.id }}", **{"if": "{{ steps.title.output.text != 'b: 1' }}"}),
        ],
    },
]


def written(root: Path, service: Service, change: Mapping[str, str] | None = None) -> None:
    """Write the workflow with some texts replaced."""
    text = json.dumps(STEPS).replace("{service}", service.url(""))
    for old, new in (change or {}).items():
        assert old in text
        text = text.replace(old, new)
    write_workflow(root, "work", json.loads(text), inputs=MAILS)


@pytest.fixture
def ran(root: Path, service: Service, orchestra: Orchestra) -> str:
    """A run over the mails a, b and c."""
    written(root, service)
    run_id = orchestra.runs.start(OWNER, "work", {"mails": [{"id": one} for one in "abc"]})
    assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "succeeded"
    return run_id


def test_a_draft_gets_the_outputs_of_the_run_and_its_new_values_go_on(
    root: Path, service: Service, orchestra: Orchestra, ran: str
) -> None:
    before = service.seen.total()
    written(root, service, {"{{ mail.id }}: ": "Mail {{ mail.id }}: ", "!= 'b: 1'": "== 'Mail b: 1'"})
    found = orchestra.predictions.predict(OWNER, "work", ran)
    assert values(of(found, "each.title"))[1] == {"values": ('{"text": "Mail b: 1"}', '{"text": "b: 1"}')}
    send = of(found, "each.send")
    assert send.counts == {Will.SKIP: 2, Will.RUN: 1}
    assert [case.will for case in send.cases] == [Will.SKIP, Will.RUN, Will.SKIP]
    address = json.dumps(service.url("/send/b"))
    assert values(send)[1] == {"if": ("true", None), "url": (address, None)}  # it was skipped in the run
    assert "no output" in send.cases[1].why
    assert (send.may_be_missing, of(found, "each.open").may_be_missing) == (True, False)
    assert of(found, "each").type.startswith("list")
    assert service.seen.total() == before


def test_items_keep_their_outputs_by_key_and_what_is_new_is_not_known(
    root: Path, service: Service, orchestra: Orchestra, ran: str
) -> None:
    written(root, service, {"{{ inputs.mails }}": "{{ [inputs.mails[2], {'id': 'new'}] }}"})
    found = orchestra.predictions.predict(OWNER, "work", ran)
    opened = of(found, "each.open")
    assert [(case.key, case.output is None) for case in opened.cases] == [("c", False), ("new", True)]
    title = of(found, "each.title")
    assert [one["values"][0] for one in values(title)] == [
        '{"text": "c: 1"}',
        '{"text": "new: ⟪text(steps.open.output.json.count)⟫"}',
    ]
    assert [case.will for case in of(found, "each.send").cases] == [Will.RUN, Will.UNKNOWN]


def test_an_expression_that_would_fail_says_why(root: Path, service: Service, orchestra: Orchestra, ran: str) -> None:
    written(root, service, {"text(steps.open.output.json.count)": "steps.open.output.json.nothing"})
    found = orchestra.predictions.predict(OWNER, "work", ran)
    [case, *_] = of(found, "each.title").cases
    assert (case.will, "nothing" in case.why) == (Will.FAIL, True)
    assert {one.will for one in of(found, "each.send").cases} == {Will.UNKNOWN}


def test_without_a_run_there_are_types_and_the_run_of_another_workflow_is_refused(
    root: Path, orchestra: Orchestra, ran: str, run: Run
) -> None:
    found = orchestra.predictions.predict(OWNER, "work")
    assert (found.run_id, {step.path: len(step.cases) for step in found.steps}.keys()) == (
        None, {"each": 0, "each.open": 0, "each.title": 0, "each.send": 0}.keys()
    )  # fmt: skip
    assert of(found, "each.title").type == "object"
    write_workflow(root, "other", [set_step("a")])
    with pytest.raises(InvalidInput, match="one of 'work'"):
        orchestra.predictions.predict(OWNER, "other", ran)


def test_a_draft_with_errors_has_types_and_says_why_it_has_no_values(
    root: Path, service: Service, orchestra: Orchestra, ran: str
) -> None:
    written(root, service, {"steps.title.output": "steps.titel.output"})
    found = orchestra.predictions.predict(OWNER, "work", ran)
    assert found.why == "There are no values: the workflow has 1 error."
    assert of(found, "each.open").type == "object"


def test_loops_within_loops_are_predicted_up_to_a_limit(root: Path, orchestra: Orchestra) -> None:
    numbers = "{{ [1,2,3,4,5,6,7,8,9,10] }}"
    steps = [set_step("inmost")]
    for depth in range(6):
        steps = [{"id": f"loop_{depth}", "foreach": numbers, "as": f"n_{depth}", "steps": steps}]
    write_workflow(root, "deep", [{**steps[0], "if": "{{ inputs.go }}"}], inputs=GO)
    run_id = orchestra.runs.start(OWNER, "deep", {"go": False})
    orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    write_workflow(root, "deep", steps, inputs=GO)
    found = orchestra.predictions.predict(OWNER, "deep", run_id)
    [inmost] = [one for one in found.steps if one.path.endswith(".inmost")]
    assert 1_000 < sum(inmost.counts.values()) < 6_000
    assert of(found, "loop_5").cases[0].why.startswith("Of its items, the first ")
