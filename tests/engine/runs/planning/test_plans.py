"""A plan says what a run would write, and what it cannot know yet; nothing is written, and nothing is left out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from clients.http.service import HTTP
from engine.base.errors import InvalidInput, NotAllowed, UnknownName
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.plugins.registry import step_type
from engine.plugins.step import Effect
from engine.runs.planning.plan_documents import PlanDocument
from tests.engine.conftest import OWNER, Service, get_step, post_step, set_step, write_workflow
from tests.engine.record.members import misfits
from tests.patience import PATIENCE_SECONDS

Steps = Sequence[Mapping[str, Any]]
MakePlan = Callable[..., PlanDocument]


@pytest.fixture
def planned(orchestra: Orchestra, root: Path) -> MakePlan:
    """Plan a workflow of these steps."""

    def make(steps: Steps, given: Mapping[str, Any] | None = None, **more: Any) -> PlanDocument:
        write_workflow(root, "work", steps, **more)
        return plan_of(orchestra, given or {})

    return make


def plan_of(orchestra: Orchestra, given: Mapping[str, Any]) -> PlanDocument:
    plan_id = orchestra.plans.make(OWNER, "work", dict(given))
    run = orchestra.runs.wait(OWNER, plan_id, PATIENCE_SECONDS)
    assert misfits(run) == []
    return orchestra.plans.show(OWNER, plan_id)


def applied(orchestra: Orchestra, plan: PlanDocument) -> Any:
    run = orchestra.runs.wait(OWNER, orchestra.plans.apply(OWNER, plan["plan_id"]), PATIENCE_SECONDS)
    assert misfits(run) == []
    return run


def posting(step_id: str, url: str, said: Any, **more: Any) -> dict[str, Any]:
    return {**post_step(step_id, url), "with": {"method": "POST", "url": url, "json": {"said": said}}, **more}


def test_a_plan_reads_and_writes_nothing_and_applying_it_writes_exactly_that(
    orchestra: Orchestra, planned: MakePlan, service: Service
) -> None:
    service.texts["/r"] = '{"mail": "Hello"}'
    url = service.url
    plan = planned([get_step("r", url("/r")), posting("w", url("/w"), "{{ steps.r.output.json.mail }}")])
    assert plan["state"] == "open", plan["error"]
    assert (service.seen["/r"], service.seen["/w"]) == (1, 0)
    [write] = plan["writes"]
    assert (write["path"], write["uses"], write["unknown"], write["may"]) == ("w", "http.request", [], None)
    assert write["arguments"] == {"method": "POST", "url": url("/w"), "json": {"said": "Hello"}}
    run = applied(orchestra, plan)
    assert (run["status"], service.seen["/w"]) == ("succeeded", 1), run["error"]
    assert run["steps"][1]["arguments"] == write["arguments"]
    assert run["steps"][0]["replayed"] is True
    after = orchestra.plans.show(OWNER, plan["plan_id"])
    assert (after["state"], after["applied_run_id"], after["hash"]) == ("applied", run["run_id"], plan["hash"])


def test_what_follows_from_a_write_is_not_known_and_the_rest_of_a_text_is(
    orchestra: Orchestra, planned: MakePlan, service: Service
) -> None:
    url = service.url
    made = "steps.one.output"
    steps = [
        posting("one", url("/1"), "first"),
        set_step("named", {"whole": f"{{{{ {made}.json }}}}", "known": 3}),
        posting("two", url("/2"), f"It is {{{{ {made}.json.path }}}}, n {{{{ steps.named.output.known }}}}"),
        get_step("r", f"{url('/get')}{{{{ {made}.json.path }}}}", allow={"url": [f"{url('/get')}/*"]}),
        posting("three", url("/3"), "{{ steps.r.output.json }}"),
    ]
    plan = planned(steps)
    assert plan["state"] == "open", plan["error"]
    by_path = {write["path"]: write for write in plan["writes"]}
    assert list(by_path) == ["one", "two", "three"]
    assert by_path["two"]["arguments"]["json"]["said"] == f"It is ⟪{made}.json.path⟫, n 3"
    assert by_path["two"]["unknown"] == ["json.said"]
    assert by_path["three"]["unknown"] == ["json.said"]
    assert service.seen.total() == 0
    assert [note["path"] for note in plan["notes"]] == ["r"]
    run = applied(orchestra, plan)
    assert run["status"] == "succeeded", run["error"]
    assert service.bodies[1] == {"said": "It is /1, n 3"}
    assert service.bodies[-1] == {"said": {"path": "/get/1", "count": 1}}


def test_an_unknown_condition_says_what_may_happen_and_why(
    orchestra: Orchestra, planned: MakePlan, service: Service
) -> None:
    url = service.url
    condition = "{{ steps.one.output.status == 200 }}"
    steps = [
        posting("one", url("/1"), "first"),
        posting("two", url("/2"), "second", **{"if": condition}),
        {"id": "group", "if": condition, "steps": [posting("in_group", url("/3"), "third")]},
        posting("four", url("/4"), "{{ steps.two.status }}"),
        {"id": "ends", "uses": "flow.stop", "with": {}, "if": "{{ steps.one.output.status == 500 }}"},
        posting("five", url("/5"), "last"),
    ]
    plan = planned(steps)
    assert plan["state"] == "open", plan["error"]
    may = {write["path"]: write["may"] for write in plan["writes"]}
    why = f"Only if `{condition}` is true, which is not known before the plan is applied."
    assert may == {"one": None, "two": why, "group.in_group": why, "four": None, "five": None}
    assert ("ends", "If it is reached, the run ends here.") in [(one["path"], one["note"]) for one in plan["notes"]]
    run = applied(orchestra, plan)
    assert run["status"] == "succeeded", run["error"]
    assert [body["said"] for body in service.bodies] == ["first", "second", "third", "succeeded", "last"]


def test_a_loop_over_something_unknown_is_planned_once_for_any_item(
    orchestra: Orchestra, planned: MakePlan, service: Service
) -> None:
    service.texts["/1"] = '{"items": ["a", "b"]}'
    url = service.url
    loop = {
        "id": "each",
        "foreach": "{{ steps.one.output.json.items }}",
        "as": "one",
        "key": "{{ one }}",
        "steps": [posting("two", url("/2"), "to {{ one }}"), posting("three", url("/3"), "always")],
    }
    plan = planned(
        [posting("one", url("/1"), "first"), loop, posting("end", url("/4"), "{{ size(steps.each.output) }}")]
    )
    assert plan["state"] == "open", plan["error"]
    writes = {write["path"]: write for write in plan["writes"]}
    assert list(writes) == ["one", "each[0].two", "each[0].three", "end"]
    assert writes["each[0].two"]["arguments"]["json"]["said"] == "to ⟪one⟫"
    assert "Once for each item of `{{ steps.one.output.json.items }}`" in str(writes["each[0].two"]["may"])
    assert writes["each[0].three"]["unknown"] == []
    assert writes["end"]["unknown"] == ["json.said"]
    run = applied(orchestra, plan)
    assert run["status"] == "succeeded", run["error"]
    assert [body["said"] for body in service.bodies] == ["first", "to a", "always", "to b", "always", 2]


def test_waits_and_questions_are_told_and_not_waited_for(
    orchestra: Orchestra, planned: MakePlan, service: Service
) -> None:
    steps = [
        {"id": "nap", "uses": "flow.wait", "with": {"seconds": 86400}},
        {"id": "ask", "uses": "flow.approve", "with": {"message": "Really?"}},
        posting("w", service.url("/w"), "{{ steps.ask.output.by }}"),
    ]
    plan = planned(steps)
    assert plan["state"] == "open", plan["error"]
    assert [(note["path"], note["note"]) for note in plan["notes"]] == [
        ("nap", "The run waits here, as long as the step says."),
        ("ask", "A person is asked here: Really?"),
    ]
    assert orchestra.approvals.list(OWNER) == []
    run = applied(orchestra, plan)
    assert run["status"] == "waiting"


def test_a_called_workflow_is_planned_too(
    orchestra: Orchestra, root: Path, planned: MakePlan, service: Service
) -> None:
    url = service.url
    inner = [posting("w", url("/in"), "{{ inputs.text }}")]
    inputs = {"type": "object", "properties": {"text": {"type": "string"}}}
    write_workflow(root, "inner", inner, inputs=inputs, outputs={"made": "{{ steps.w.output.json.path }}", "n": 1})
    call = {"id": "call", "uses": "workflow.run", "with": {"workflow": "inner", "inputs": {"text": "deep"}}}
    again = {"id": "later", "uses": "workflow.run"}
    later = {**again, "with": {"workflow": "inner", "inputs": {"text": "{{ steps.call.output.made }}"}}}
    said = "{{ steps.call.output.made }} {{ steps.call.output.n }}"
    plan = planned([call, posting("after", url("/out"), said), later])
    assert plan["state"] == "open", plan["error"]
    assert [write["path"] for write in plan["writes"]] == ["call/w", "after"]
    [listed] = [one for one in orchestra.plans.list(OWNER)["plans"] if one["plan_id"] == plan["plan_id"]]
    assert listed["sentence"] == "Plan: 1 write (1 after), besides the writes of 1 called run."
    assert plan["writes"][0]["arguments"]["json"] == {"said": "deep"}
    assert plan["writes"][1]["arguments"]["json"] == {"said": "⟪steps.call.output.made⟫ 1"}
    assert [(one["path"], one["uses"]) for one in plan["may_happen"]] == [("later/w", "http.request")]
    run = applied(orchestra, plan)
    assert run["status"] == "succeeded", run["error"]
    assert [body["said"] for body in service.bodies] == ["deep", "/in 1", "/in"]


def test_what_runs_only_after_a_failure_is_listed(orchestra: Orchestra, planned: MakePlan, service: Service) -> None:
    url = service.url
    saved = {"steps": [posting("instead", url("/instead"), "{{ error.message }}")]}
    plan = planned(
        [posting("w", url("/w"), "x", on_error=saved)], on_failure={"steps": [posting("tell", url("/tell"), "y")]}
    )
    assert [(one["path"], one["because"]) for one in plan["may_happen"]] == [
        ("w.instead", "Only if a step before it fails."),
        ("on_failure.tell", "Only if a step before it fails."),
    ]
    service.answers["/w"] = [400]
    run = applied(orchestra, plan)
    assert (run["status"], service.seen["/instead"]) == ("succeeded", 1), run["error"]


def test_a_read_that_the_guard_refuses_is_not_called_and_its_fallback_may_happen(
    orchestra: Orchestra, planned: MakePlan, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clients.http.client.HTTP", replace(HTTP, reads=()))
    url, service.texts = service.url, {"/r": '{"mail": "Hello"}'}
    saved = {"steps": [posting("instead", url("/instead"), "{{ error.message }}")]}
    read = get_step("r", url("/r"), on_error=saved)
    plan = planned([read, posting("w", url("/w"), "{{ steps.r.output.json.mail }}", needs=["r"])])
    assert (plan["state"], service.seen["/r"]) == ("open", 0), plan["error"]
    assert [(one["path"], one["unknown"]) for one in plan["writes"]] == [("w", ["json.said"])]
    assert [one["path"] for one in plan["may_happen"]] == ["r.instead"]
    [note] = plan["notes"]
    assert note["note"].startswith("It is not called for the plan: GET ")
    run = applied(orchestra, plan)
    assert (run["status"], service.bodies[-1]) == ("succeeded", {"said": "Hello"}), run["error"]
    assert service.seen["/instead"] == 0


def test_no_fallback_makes_up_for_a_write_that_says_it_is_a_read(
    planned: MakePlan, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims_to_read: Callable[..., Any] = lambda _kind, _arguments: (Effect.READS, None)  # noqa: E731
    monkeypatch.setattr(type(step_type("http.request")), "effect_of", claims_to_read)
    saved = {"steps": [set_step("instead")]}
    plan = planned([posting("w", service.url("/w"), "x", on_error=saved)])
    assert (plan["state"], plan["error"] and plan["error"]["type"]) == ("failed", "WriteRefused")
    assert service.seen["/w"] == 0


def test_in_the_demo_a_plan_meets_the_same_refusal_as_its_run(root: Path) -> None:
    saved = {"steps": [{"id": "told", "uses": "flow.set", "with": {"values": {"why": "{{ error.type }}"}}}]}
    write_workflow(root, "work", [get_step("r", "https://example.org/", on_error=saved)])
    with closing(Orchestra(root, demo=True)) as orchestra:
        plan = plan_of(orchestra, {})
        assert (plan["state"], plan["notes"]) == ("open", []), plan["error"]
        steps = applied(orchestra, plan)["steps"]
    assert steps[0]["output"] == {"why": "Forbidden"}


def test_what_an_earlier_run_has_made_is_kept_and_no_write(
    orchestra: Orchestra, planned: MakePlan, service: Service
) -> None:
    step = posting("w", service.url("/w"), "x", once="{{ 'for ever' }}")
    first = applied(orchestra, planned([step]))
    plan = planned([step, posting("two", service.url("/2"), "{{ steps.w.output.json.path }}")])
    assert [write["path"] for write in plan["writes"]] == ["two"]
    assert plan["writes"][0]["arguments"]["json"] == {"said": "/w"}  # its receipt is known
    [kept] = plan["kept"]
    assert (kept["path"], kept["note"]) == ("w", f"Run {first['run_id']} has made it; it is kept.")
    assert applied(orchestra, plan)["status"] == "succeeded"
    assert service.seen["/w"] == 1


def test_the_names_of_the_run_are_those_of_the_plan(orchestra: Orchestra, planned: MakePlan, service: Service) -> None:
    plan = planned([posting("w", service.url("/w"), "{{ run.id }} {{ run.started_at }}")])
    run = applied(orchestra, plan)
    assert run["status"] == "succeeded", run["error"]
    assert service.bodies == [plan["writes"][0]["arguments"]["json"]]
    assert plan["plan_id"] in service.bodies[0]["said"]


def test_a_plan_that_fails_says_why_and_is_not_applied(
    orchestra: Orchestra, planned: MakePlan, service: Service
) -> None:
    service.answers["/r"] = [404]
    plan = planned([get_step("r", service.url("/r")), posting("w", service.url("/w"), "x")])
    assert (plan["state"], plan["error"] and plan["error"]["step"]) == ("failed", "r")
    with pytest.raises(Exception, match="failed") as refused:
        orchestra.plans.apply(OWNER, plan["plan_id"])
    assert type(refused.value).__name__ == "PlanDrift"
    assert service.seen["/w"] == 0


def test_a_plan_counts_nowhere_as_a_run(orchestra: Orchestra, planned: MakePlan, service: Service) -> None:
    plan = planned([posting("w", service.url("/w"), "x")])
    assert orchestra.runs.list(OWNER).rows == []
    assert [row["plan_id"] for row in orchestra.plans.list(OWNER)["plans"]] == [plan["plan_id"]]
    with pytest.raises(InvalidInput, match="is a plan"):
        orchestra.runs.rerun(OWNER, plan["plan_id"])
    run = applied(orchestra, plan)
    assert [row.run_id for row in orchestra.runs.list(OWNER).rows] == [run["run_id"]]
    assert [row["plan_id"] for row in orchestra.plans.list(OWNER)["plans"]] == [plan["plan_id"]]  # nor does its check
    for no_plan in (run["run_id"], "20260101T000000Z-aaaaaaaa", "nonsense"):
        with pytest.raises(UnknownName, match="There is no plan named"):
            orchestra.plans.show(OWNER, no_plan)


def test_who_may_run_may_plan_and_apply(orchestra: Orchestra, planned: MakePlan, service: Service) -> None:
    plan = planned([posting("w", service.url("/w"), "x")])
    viewer = Principal("viewer", "viewer")
    assert orchestra.plans.show(viewer, plan["plan_id"])["writes"]
    with pytest.raises(NotAllowed):
        orchestra.plans.make(viewer, "work", {})
    with pytest.raises(NotAllowed):
        orchestra.plans.apply(viewer, plan["plan_id"])


def test_what_looks_like_an_unknown_value_in_data_is_data(
    orchestra: Orchestra, planned: MakePlan, service: Service
) -> None:
    odd = {"$unknown": "steps.x"}
    service.texts["/r"] = json.dumps({"odd": odd, "text": "⟪steps.x⟫"})
    said = {"odd": "{{ steps.r.output.json.odd }}", "text": "{{ steps.r.output.json.text }}"}
    plan = planned([get_step("r", service.url("/r")), posting("w", service.url("/w"), said)])
    assert plan["writes"][0]["unknown"] == []
    assert applied(orchestra, plan)["status"] == "succeeded"
    assert service.bodies[-1] == {"said": {"odd": odd, "text": "⟪steps.x⟫"}}


def test_a_plan_says_which_writes_a_person_approves_first(
    planned: MakePlan, orchestra: Orchestra, service: Service
) -> None:
    service.texts["/r"] = '{"mail": "Hello"}'
    said = "{{ steps.r.output.json.mail }}"
    rules: dict[str, dict[str, Any]] = {
        "w": {"approve": "always"},
        "x": {"approve": "never"},
        "outside": {"approve": "when_outside", "needs": ["r"]},
        "own": {"approve": "when_outside"},
        "unruled": {},
    }
    steps = [
        posting(name, service.url(f"/{name}"), said if name == "outside" else "Hi", **more)
        for name, more in rules.items()
    ]
    plan = planned([get_step("r", service.url("/r")), *steps])
    assert {one["path"]: one["approval"] for one in plan["writes"]} == {
        "w": True, "x": False, "outside": True, "own": False, "unruled": False,
    }  # fmt: skip
    run_id = orchestra.plans.apply(OWNER, plan["plan_id"])
    assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "waiting"
    assert {one.path for one in orchestra.approvals.list(OWNER)} == {"w", "outside"}
