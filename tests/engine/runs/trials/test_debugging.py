"""Debug runs on the stand-ins: where they pause, what they show, how they go on, and what is refused."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from engine.base.errors import InUse, InvalidInput, NotAllowed, OrchestraError
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.runs.trials.debug_view import DebugView
from tests.engine.conftest import OWNER, set_step, write_workflow
from tests.patience import PATIENCE_SECONDS
from tests.workspaces import init

ISSUE = {"uses": "github.create_issue", "connection": "github", "approve": "never"}


def loop(**more: Any) -> dict[str, Any]:
    """A loop that opens an issue for each name; its title begins with the workflow's."""
    issue = {"id": "issue", "with": {"repository": "acme/app", "title": "{{ inputs.mark }} {{ name }}"}, **ISSUE}
    note = set_step("note", {"number": "{{ steps.issue.output.number }}"})
    around = {"id": "each", "as": "name", "key": "{{ name }}", "item_title": "Name {{ name }}", **more}
    return {"foreach": "{{ steps.names.output.values }}", **around, "steps": [issue, note]}


STEPS: list[dict[str, Any]] = [
    set_step("names", {"values": ["ant", "bee", "cat"]}),
    loop(),
    set_step("after", {"count": "{{ size(steps.each.output) }}"}),
]


@pytest.fixture(scope="module")
def orchestra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orchestra]:
    """A workspace with the sample connections; without `--demo`, so that real accounts are what a plain run uses."""
    root = tmp_path_factory.mktemp("debugging") / "workspace"
    init(root)
    config = root / "config.yaml"
    config.write_text(config.read_text().replace("connections:\n", "connections:\n  web:\n    service: http\n", 1))
    opened = Orchestra.open(root)
    yield opened
    opened.close()


@dataclass
class Desk:
    """A workflow of its own for each test, and a person who debugs it."""

    orchestra: Orchestra
    name: str

    def write(self, steps: Sequence[Mapping[str, Any]]) -> None:
        """Give the workflow these steps."""
        mark = {"type": "string", "default": self.name}
        inputs = {"type": "object", "properties": {"mark": mark}}
        write_workflow(self.orchestra.workspace.root, self.name, steps, inputs=inputs)

    def debug(self, *breakpoints: str) -> DebugView:
        """Start a debug run and wait until it pauses."""
        return self.wait(self.orchestra.debugging.start(OWNER, self.name, {}, breakpoints=breakpoints))

    def step(self, view: DebugView, which: str = "") -> DebugView:
        """Go to the next step."""
        return self.wait(self.orchestra.debugging.step(OWNER, view.run_id, which).run_id)

    def go_on(self, view: DebugView, past: Any = "", which: str = "") -> DebugView:
        """Go to the next breakpoint."""
        return self.wait(self.orchestra.debugging.go_on(OWNER, view.run_id, past, which).run_id)

    def wait(self, run_id: str) -> DebugView:
        """Wait until the run pauses, waits or has ended."""
        return self.orchestra.debugging.wait(OWNER, run_id, PATIENCE_SECONDS)

    def titles(self) -> list[str]:
        """The names for which runs have opened an issue on the stand-in."""
        issues = [one["title"].split() for one in self.orchestra.demo.show(OWNER)["github"]["issues"]]
        return sorted(title[1] for title in issues if title[0] == self.name)


@pytest.fixture
def desk(orchestra: Orchestra, request: pytest.FixtureRequest) -> Desk:
    """A workflow with a loop."""
    made = Desk(orchestra, f"work_{zlib.crc32(request.node.name.encode())}")
    made.write(STEPS)
    return made


def paused(view: DebugView) -> list[tuple[str, str]]:
    """The paused calls: (path, why)."""
    return [(one.path, one.why) for one in view.paused]


def test_a_breakpoint_in_a_loop_pauses_each_item_with_its_arguments(desk: Desk) -> None:
    view = desk.debug("issue")
    [one] = view.paused
    assert (one.path, one.step, one.why, one.item, one.loop) == (
        "each[0].issue",
        "each.issue",
        "breakpoint",
        "Name ant",
        "each",
    )
    assert one.arguments == {"repository": "acme/app", "title": f"{desk.name} ant"}
    assert view.last is not None
    assert (view.last.path, view.last.output) == ("names", {"values": ["ant", "bee", "cat"]})
    assert desk.titles() == []
    run = desk.orchestra.runs.get(OWNER, view.run_id)
    said = "Paused before Create an issue, Name ant, until somebody continues this debug run."
    assert (run["status"], run["sentence"]) == ("waiting", said)
    view = desk.step(view)
    assert (paused(view), desk.titles()) == ([("each[0].note", "step")], ["ant"])
    assert view.last is not None
    assert (view.last.path, view.last.output["title"]) == ("each[0].issue", f"{desk.name} ant")
    view = desk.go_on(view)
    assert (paused(view), desk.titles()) == ([("each[1].issue", "breakpoint")], ["ant"])
    view = desk.go_on(view)
    assert paused(view) == [("each[2].issue", "breakpoint")]
    view = desk.go_on(view)
    assert (view.status, paused(view), desk.titles()) == ("succeeded", [], ["ant", "bee", "cat"])
    steps = desk.orchestra.runs.get(OWNER, view.run_id)["steps"]
    assert not any("paused" in one for one in steps)


@pytest.mark.parametrize(
    ("past", "breakpoints", "left"), [("loop", ("each.issue", "after"), 2), ("breakpoint", ("after",), 1)]
)
def test_a_run_goes_on_past_a_loop_or_without_a_breakpoint(
    desk: Desk, past: str, breakpoints: tuple[str, ...], left: int
) -> None:
    view = desk.go_on(desk.debug("after", "each.issue"), past)
    assert (paused(view), tuple(view.breakpoints)) == ([("after", "breakpoint")], breakpoints)
    assert len(view.breakpoints) == left
    assert desk.go_on(view).status == "succeeded"


def test_without_breakpoints_it_pauses_at_the_first_step_and_new_ones_count(desk: Desk) -> None:
    view = desk.debug()
    assert paused(view) == [("names", "step")]
    view = desk.orchestra.debugging.set_breakpoints(OWNER, view.run_id, ["each[1].note"])
    assert paused(view) == [("names", "step")]
    view = desk.go_on(view)
    assert paused(view) == [("each[1].note", "breakpoint")]
    desk.orchestra.runs.cancel(OWNER, view.run_id)
    view = desk.orchestra.debugging.wait(OWNER, view.run_id, PATIENCE_SECONDS)
    assert (view.status, paused(view)) == ("cancelled", [])
    with pytest.raises(InUse, match="has ended"):
        desk.orchestra.debugging.step(OWNER, view.run_id)


def test_steps_at_the_same_time_pause_together_and_a_step_moves_the_chosen_one(desk: Desk) -> None:
    both = [{**set_step(name, {"name": name}), "needs": []} for name in ("left", "right")]
    group = {"id": "both", "steps": both}
    items = loop(foreach="{{ ['ant', 'bee'] }}", parallel=2)
    desk.write([{**group, "needs": []}, {**items, "needs": []}])
    view = desk.debug("left", "right", "issue")
    assert sorted(one.path for one in view.paused) == ["both.left", "both.right", "each[0].issue", "each[1].issue"]
    with pytest.raises(InvalidInput, match="4 steps are paused"):
        desk.orchestra.debugging.step(OWNER, view.run_id)
    with pytest.raises(InvalidInput, match=r"'both\.lift' is not paused") as refused:
        desk.orchestra.debugging.step(OWNER, view.run_id, "both.lift")
    assert "both.left" in str(refused.value.remedy)
    view = desk.step(view, "each[1].issue")
    assert sorted(one.path for one in view.paused) == ["both.left", "both.right", "each[0].issue", "each[1].note"]
    view = desk.step(view, "both.right")
    assert sorted(one.path for one in view.paused) == ["both.left", "each[0].issue", "each[1].note"]
    assert desk.titles() == ["bee"]
    assert desk.go_on(view).status == "succeeded"
    assert desk.titles() == ["ant", "bee"]


def test_it_runs_the_draft_on_the_stand_ins_and_no_time_limit_ends_it(desk: Desk) -> None:
    text = desk.orchestra.workflows.get(OWNER, desk.name).text
    draft = json.loads(text)
    draft["steps"] = [set_step("drafted"), *draft["steps"]]
    draft["timeout_seconds"] = 1
    desk.orchestra.drafts.keep(OWNER, "workflow", desk.name, json.dumps(draft))
    view = desk.debug("drafted")
    assert view.is_draft
    run = desk.orchestra.runs.get(OWNER, view.run_id)
    assert run["demo"]
    assert {one["mode"] for one in run["accounts"].values()} == {"demo"}
    time.sleep(1.1)  # the time limit is over when the run goes on
    assert desk.go_on(view).status == "succeeded"
    operator = Principal("olga", "operator")
    run_id = desk.orchestra.debugging.start(operator, desk.name, {}, breakpoints=["names"])
    assert not desk.orchestra.debugging.wait(operator, run_id, PATIENCE_SECONDS).is_draft
    desk.orchestra.runs.cancel(operator, run_id)


def test_a_question_of_the_run_is_asked_after_its_pause(desk: Desk) -> None:
    fields = {"repository": "acme/app", "title": f"{desk.name} ant"}
    step_asks = {"id": "issue", **ISSUE, "approve": "always", "with": fields}
    desk.write([step_asks])
    view = desk.debug("issue")
    assert (paused(view), desk.orchestra.approvals.list(OWNER)) == ([("issue", "breakpoint")], [])
    view = desk.go_on(view)
    [asked] = desk.orchestra.approvals.list(OWNER)
    assert (paused(view), desk.titles()) == ([], [])
    desk.orchestra.approvals.approve(OWNER, asked.id)
    assert desk.orchestra.runs.wait(OWNER, view.run_id, PATIENCE_SECONDS)["status"] == "succeeded"
    assert desk.titles() == ["ant"]


def refusal(desk: Desk, *breakpoints: str) -> OrchestraError:
    """Why a debug run is not started."""
    with pytest.raises(OrchestraError) as refused:
        desk.orchestra.debugging.start(OWNER, desk.name, {}, breakpoints=breakpoints)
    return refused.value


def test_unknown_steps_services_without_a_stand_in_and_viewers_are_refused(desk: Desk) -> None:
    unknown = refusal(desk, "isue")
    assert (unknown.message, unknown.remedy) == ("There is no step 'isue'.", "Did you mean 'issue'?")
    request = {"uses": "http.request", "connection": "web", "with": {"method": "GET", "url": "https://example.org"}}
    desk.write([{"id": "look", **request}])
    assert refusal(desk).message == "A debug run uses only stand-ins, and there is none for 'web' (http)."
    with pytest.raises(NotAllowed):
        desk.orchestra.debugging.start(Principal("vera", "viewer"), desk.name, {})
    assert desk.orchestra.runs.list(OWNER, workflow=desk.name).rows == []


def test_only_debug_runs_have_breakpoints(desk: Desk) -> None:
    desk.write([{"id": "nap", "uses": "flow.wait", "with": {"seconds": 3600}}])
    run_id = desk.orchestra.runs.start(OWNER, desk.name, {})
    with pytest.raises(InvalidInput, match="is not a debug run") as refused:
        desk.orchestra.debugging.set_breakpoints(OWNER, run_id, ["nap"])
    assert f"orchestra runs debug {desk.name}" in str(refused.value.remedy)
    with pytest.raises(InvalidInput):
        desk.orchestra.debugging.step(OWNER, run_id)
    desk.orchestra.runs.cancel(OWNER, run_id)
