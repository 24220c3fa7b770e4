"""Test runs: outputs that are pinned, one step alone, the recorded outputs of an earlier run beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InvalidInput
from engine.base.statuses import AccountMode
from engine.orchestra import Orchestra
from engine.people.access import Principal, Role
from engine.record.acceptance import AcceptanceContext, acceptance
from engine.record.types.run import RunKind
from engine.store.blobs.disk import DiskBlobs
from engine.store.runs import RunRecord
from tests.engine.conftest import OWNER, Run, Service, get_step, post_step, set_step, statuses, write_workflow
from tests.patience import PATIENCE_SECONDS


def _workflow(root: Path, service: Service, **more: Any) -> None:
    """A list, a loop that reads and writes for each item, a step after it, and outputs."""
    loop = {
        "id": "each",
        "foreach": "{{ steps.names.output.json.path.split('/')[2].split('-') }}",
        "as": "name",
        "key": "{{ name }}",
    }
    inner = [
        get_step("read", service.url("/read/{{ name }}"), allow={"url": [service.url("/read/*")]}),
        post_step(
            "write",
            service.url("/write/{{ steps.read.output.json.count }}"),
            once="{{ name + run.id }}",
            allow={"url": [service.url("/write/*")]},
        ),
    ]
    after = set_step("after", {"n": "{{ size(steps.each.output) }}"})
    names = get_step("names", service.url("/names/a-b-c"))
    steps: list[Mapping[str, Any]] = [
        names,
        {**loop, "output": "{{ steps.read.output.json.count }}", "steps": inner},
        after,
    ]
    write_workflow(root, "work", steps, outputs={"n": "{{ steps.after.output.n }}"}, **more)


def _ended(orchestra: Orchestra, **asked: Any) -> Any:
    return orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "work", {}, **asked), PATIENCE_SECONDS)


def _marked(document: dict[str, Any], mark: str) -> list[str]:
    return [step["path"] for step in document["steps"] if step.get(mark)]


_ANSWER = {"status": 200, "headers": {}, "text": "", "url": "http://x", "json": {"path": "/names/x-y", "count": 7}}


def test_a_pinned_output_is_taken_instead_of_running_the_step(
    orchestra: Orchestra, root: Path, service: Service
) -> None:
    _workflow(root, service)
    document = _ended(orchestra, pins={"names": _ANSWER, "each.write": _ANSWER})
    assert document["status"] == "succeeded", document["error"]
    assert dict(service.seen) == {"/read/x": 1, "/read/y": 1}
    assert document["outputs"] == {"n": 2}
    assert document["sentence"].endswith(" 3 outputs pinned.")
    assert _marked(document, "pinned") == ["names", "each[0].write", "each[1].write"]
    names = document["steps"][0]
    assert (names["status"], names["output"], names["attempts"], names["effect"]) == ("succeeded", _ANSWER, [], None)
    assert document["options"] == {"pins": {"names": _ANSWER, "each.write": _ANSWER}}
    [row] = orchestra.runs.list(OWNER).rows
    assert (row.is_test, row.kind, document["kind"]) == (True, "part", "part")


def test_a_run_that_0_1_0_has_ended_is_told_its_kind_from_what_it_has(
    orchestra: Orchestra, root: Path, service: Service
) -> None:
    _workflow(root, service)
    run_id = _ended(orchestra, pins={"names": _ANSWER})["run_id"]
    [log] = (root / "logs").rglob(f"{run_id}.json")
    log.write_text(json.dumps({name: one for name, one in json.loads(log.read_text()).items() if name != "kind"}))
    assert orchestra.runs.get(OWNER, run_id)["kind"] == "part"


@pytest.mark.parametrize(
    ("is_test", "plan_hash", "kind"),
    [
        pytest.param(0, None, RunKind.RUN, id="a run"),
        pytest.param(1, None, RunKind.PART, id="a test"),
        pytest.param(0, "", RunKind.PLAN, id="a plan"),
    ],
)
def test_a_row_that_0_1_0_has_written_tells_the_kind_as_far_as_it_goes(
    is_test: int, plan_hash: str | None, kind: RunKind
) -> None:
    known = {"is_test": is_test, "plan_hash": plan_hash}
    row = RunRecord(**{**dict.fromkeys(RunRecord._fields), **known, "kind": ""})  # type: ignore[arg-type]
    assert row.run_kind is kind
    assert row._replace(kind="debug").run_kind is RunKind.DEBUG


@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param(10**30, "a whole number that does not fit into 64 bits", id="a number over 64 bits"),
        pytest.param(float("nan"), "NaN or infinity", id="not a number"),
        pytest.param("a\0b", "a NUL character", id="a NUL character"),
        pytest.param("\ud800", "half of a surrogate pair", id="half a character"),
    ],
)
def test_a_pin_that_no_step_could_put_out_is_refused(
    orchestra: Orchestra, root: Path, service: Service, value: Any, said: str
) -> None:
    _workflow(root, service)
    with pytest.raises(InvalidInput) as refused:
        orchestra.runs.start(OWNER, "work", {}, pins={"after": {"n": value}})
    assert str(refused.value).startswith(f"The output pinned to 'after' holds {said}")


def test_a_pin_for_one_item_goes_before_the_one_for_all(orchestra: Orchestra, root: Path, service: Service) -> None:
    _workflow(root, service)
    one = {**_ANSWER, "json": {"count": 100}}
    document = _ended(orchestra, pins={"each.read": _ANSWER, "each[1].read": one, "each.write": _ANSWER})
    counts = {step["path"]: step["output"]["json"]["count"] for step in document["steps"] if step["id"] == "read"}
    assert counts == {"each[0].read": 7, "each[1].read": 100, "each[2].read": 7}


def test_a_whole_loop_can_be_pinned(orchestra: Orchestra, root: Path, service: Service) -> None:
    _workflow(root, service)
    document = _ended(orchestra, pins={"each": [{"key": "a"}] * 5})
    assert document["outputs"] == {"n": 5}
    assert statuses(document) == {"names": "succeeded", "each": "succeeded", "after": "succeeded"}


def test_one_step_runs_alone(orchestra: Orchestra, root: Path, service: Service) -> None:
    _workflow(root, service)
    document = _ended(orchestra, only="names")
    assert document["status"] == "succeeded", document["error"]
    assert statuses(document) == {"names": "succeeded", "each": "skipped", "after": "skipped"}
    assert document["steps"][1]["note"] == "Left out: only names was asked for."
    assert document["outputs"] is None
    assert document["sentence"] == "Test of names: done."
    assert dict(service.seen) == {"/names/a-b-c": 1}


def test_one_step_runs_in_every_item_with_pins_for_what_it_needs(
    orchestra: Orchestra, root: Path, service: Service
) -> None:
    _workflow(root, service)
    document = _ended(orchestra, only="each.read", pins={"names": _ANSWER})
    assert document["status"] == "succeeded", document["error"]
    assert dict(service.seen) == {"/read/x": 1, "/read/y": 1}
    assert statuses(document)["each[0].write"] == "skipped"
    assert statuses(document)["after"] == "skipped"


@pytest.mark.parametrize("only", ["each[1].read", "each[1]"])
def test_only_one_item_is_gone_through(orchestra: Orchestra, root: Path, service: Service, only: str) -> None:
    _workflow(root, service)
    document = _ended(orchestra, only=only, pins={"names": _ANSWER})
    assert document["status"] == "succeeded", document["error"]
    assert service.seen["/read/y"] == 1
    assert service.seen["/read/x"] == 0
    assert statuses(document)["each[0]"] == "skipped"
    assert statuses(document)["each[1].write"] == ("succeeded" if only == "each[1]" else "skipped")


def test_the_recorded_outputs_of_a_run_stand_in_for_the_steps_beside(
    orchestra: Orchestra, root: Path, service: Service
) -> None:
    _workflow(root, service)
    first = _ended(orchestra)
    seen = dict(service.seen)
    document = _ended(orchestra, only="after", from_run=first["run_id"])
    assert document["status"] == "succeeded", document["error"]
    assert document["steps"][-1]["output"] == {"n": 3}
    assert "pinned" not in document["steps"][-1]
    assert dict(service.seen) == seen
    assert len(_marked(document, "pinned")) == 7


def test_recorded_outputs_reach_one_step_of_one_item(orchestra: Orchestra, root: Path, service: Service) -> None:
    _workflow(root, service)
    first = _ended(orchestra)
    seen = dict(service.seen)
    document = _ended(orchestra, only="each[1].read", from_run=first["run_id"])
    assert document["status"] == "succeeded", document["error"]
    new = {path: count for path, count in service.seen.items() if count != seen.get(path)}
    assert new == {"/read/b": 2}


def test_a_write_that_runs_alone_is_really_made(orchestra: Orchestra, root: Path, service: Service) -> None:
    write_workflow(root, "work", [set_step("a"), post_step("w", service.url("/w"))])
    document = _ended(orchestra, only="w")
    assert (service.seen["/w"], document["steps"][1]["effect"]["reused"]) == (1, False)


def test_a_step_that_fails_alone_fails_the_run_and_can_be_resumed(
    orchestra: Orchestra, root: Path, service: Service
) -> None:
    _workflow(root, service)
    service.answers = {"/read/y": [404]}
    document = _ended(orchestra, only="each.read", pins={"names": _ANSWER})
    assert document["status"] == "failed"
    assert document["sentence"].startswith("Test of each.read failed: ")
    orchestra.runs.resume(OWNER, document["run_id"])
    document = orchestra.runs.wait(OWNER, document["run_id"], PATIENCE_SECONDS)
    assert document["status"] == "succeeded", document["error"]
    assert dict(service.seen) == {"/read/x": 1, "/read/y": 2}
    assert document["options"]["only"] == "each.read"


REFUSED = [
    pytest.param({"only": "eahc.read"}, "no step 'eahc.read'", id="an unknown step"),
    pytest.param({"only": "each..read"}, "no step", id="no path"),
    pytest.param({"only": "names[0]"}, "'names' is not a loop", id="an index where there is no loop"),
    pytest.param({"only": "each.read"}, "takes the output of names", id="a loop whose list would be left out"),
    pytest.param(
        {"only": "each.write", "pins": {"names": _ANSWER}}, "takes the output of each.read", id="a sibling left out"
    ),
    pytest.param({"pins": {"naems": _ANSWER}}, "no step 'naems'", id="an unknown step that is pinned"),
    pytest.param({"pins": {"names": {"status": "ok"}}}, "does not fit", id="a pin that does not fit"),
    pytest.param({"pins": {"each[0]": {}}}, "one item of a loop", id="a pinned item"),
    pytest.param({"pins": {"each": {}}}, "a loop gives a list", id="a loop pinned to an object"),
    pytest.param({"only": "each.read", "pins": {"each": []}}, "is pinned", id="a step inside a pinned loop"),
    pytest.param({"only": "names", "pins": {"names": _ANSWER}}, "is pinned", id="the step itself pinned"),
    pytest.param({"from_run": "20260501T080000Z-aaaaaaaa"}, "name that step", id="recorded outputs without a step"),
]


@pytest.mark.parametrize(("asked", "said"), REFUSED)
def test_what_cannot_be_is_refused_before_anything_runs(
    orchestra: Orchestra, root: Path, service: Service, asked: dict[str, Any], said: str
) -> None:
    _workflow(root, service)
    with pytest.raises(InvalidInput, match=said):
        orchestra.runs.start(OWNER, "work", {}, **asked)
    assert orchestra.runs.list(OWNER).rows == []


def test_an_item_that_the_loop_does_not_have_fails_with_how_many_it_has(
    orchestra: Orchestra, root: Path, service: Service
) -> None:
    _workflow(root, service)
    whole = _ended(orchestra)
    document = _ended(orchestra, only="each[7].read", from_run=whole["run_id"])
    assert document["status"] == "failed"
    assert document["error"]["message"] == "'each[7].read' is to run, and the loop 'each' has 3 items."


def test_a_misspelt_step_is_suggested(orchestra: Orchestra, root: Path, service: Service) -> None:
    _workflow(root, service)
    with pytest.raises(InvalidInput) as refused:
        orchestra.runs.start(OWNER, "work", {}, only="each.raed")
    assert "each.read" in refused.value.remedy


def test_recorded_outputs_come_from_a_run_of_the_same_workflow(
    orchestra: Orchestra, root: Path, run: Run, service: Service
) -> None:
    other = run([set_step("a")])
    write_workflow(root, "else", [set_step("a"), set_step("b")])
    with pytest.raises(InvalidInput, match="is one of 'work'"):
        orchestra.runs.start(OWNER, "else", {}, only="b", from_run=other["run_id"])


def test_what_was_recorded_on_the_demo_stays_out_of_real_accounts(root: Path, service: Service) -> None:
    _workflow(root, service)
    with closing(Orchestra(root, demo=True)) as demo:
        first = _ended(demo)
    with closing(Orchestra(root)) as mine, pytest.raises(InvalidInput, match="is now a real account"):
        mine.runs.start(OWNER, "work", {}, only="after", from_run=first["run_id"])


def test_a_run_that_a_trigger_starts_takes_no_pins(orchestra: Orchestra, root: Path, service: Service) -> None:
    _workflow(root, service)
    trigger = Principal("trigger:new_mail", "owner", confirmed=True)
    with pytest.raises(InvalidInput, match="a trigger starts this one"):
        orchestra.runs.start(trigger, "work", {}, pins={"names": _ANSWER})
    assert orchestra.runs.start(trigger, "work", {})


def test_a_called_run_takes_no_pins(orchestra: Orchestra, root: Path, service: Service, tmp_path: Path) -> None:
    write_workflow(root, "work", [set_step("a")])
    plan = orchestra.runs._plans.named("work", {}, "")
    around = AcceptanceContext(
        run_id="20260501T080000Z-aaaaaaaa",
        started_by="tester",
        queued_at="2026-05-01T08:00:00.000Z",
        modes={},
        default_mode=AccountMode.MINE,
        connections={},
        blobs=DiskBlobs(tmp_path),
        parent_run_id="20260501T080000Z-bbbbbbbb",
        caller=["parent", "call", "keys", "a"],
        options={"only": "a"},
    )
    with pytest.raises(InvalidInput, match="another run starts this one"):
        acceptance(plan, {}, around)


def test_a_plain_run_is_no_test(orchestra: Orchestra, run: Run) -> None:
    assert run([set_step("a")])["options"] == {}
    assert orchestra.runs.list(OWNER).rows[0].is_test is False


_SAID = {"approved": True, "by": "boss", "at": "2026-11-21T12:00:00.000Z", "comment": ""}
_SECOND = {"approve": {"by": ["owner", "not_self"]}}


@pytest.mark.parametrize(
    ("question", "asked", "starter"),
    [
        pytest.param({"approve": {"by": "owner"}}, {"pins": {"ask": _SAID}}, "operator", id="given by a lower role"),
        pytest.param(_SECOND, {"pins": {"ask": _SAID}}, "owner", id="given by who started it"),
        pytest.param(_SECOND, {"only": "write"}, "owner", id="one step behind it"),
        pytest.param(
            {**_SECOND, "if": "{{ steps.n.output.big }}"},
            {"pins": {"n": {"big": False}}},
            "owner",
            id="not asked at all",
        ),
        pytest.param({"approve": {"by": "owner"}}, {"pins": {"ask": _SAID}}, None, id="by who may answer it"),
        pytest.param(_SECOND, {"only": "n"}, None, id="one step before it"),
        pytest.param(_SECOND, {"pins": {"ask": _SAID, "write": _ANSWER}}, None, id="nothing is written"),
    ],
)
def test_a_test_run_goes_past_no_question_that_its_starter_may_not_answer(
    orchestra: Orchestra,
    root: Path,
    service: Service,
    question: Mapping[str, Any],
    asked: dict[str, Any],
    starter: Role | None,
) -> None:
    ask = {"id": "ask", "uses": "flow.approve", "with": {"message": "Go?"}, **question}
    write_workflow(root, "work", [set_step("n", {"big": True}), ask, post_step("write", service.url("/w"))])
    if starter is None:
        assert _ended(orchestra, **asked)["status"] == "succeeded"
        return
    with pytest.raises(InvalidInput, match="would write without the answer to 'ask'"):
        orchestra.runs.start(Principal("it", starter), "work", {}, **asked)
    assert service.seen["/w"] == 0
