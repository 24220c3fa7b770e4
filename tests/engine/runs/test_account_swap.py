"""A run goes on long after it was agreed to: whatever its connections are by then, it writes to no other account."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import ConfirmationNeeded
from engine.base.statuses import AccountMode
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.plugins.trigger import Start
from tests.conftest import StandIns
from tests.engine.conftest import OWNER, write_workflow
from tests.patience import PATIENCE_SECONDS, until

REPOSITORY = Path(__file__).resolve().parents[3]
ANN = Principal("ann", "owner")
"""Agrees to nothing."""
INPUTS = {"type": "object", "properties": {"id": {"type": "string", "default": "one"}}}
ISSUE = {
    "id": "issue",
    "uses": "github.create_issue",
    "with": {"repository": "acme/app", "title": "{{ inputs.id }}", "body": "Text"},
}
ASK = {"id": "ask", "uses": "flow.approve", "with": {"message": "Go on?"}}


@dataclass
class World:
    """A workspace whose GitHub account becomes another one while runs are open."""

    root: Path
    first: StandIns
    second: StandIns
    opened: list[Orchestra] = field(default_factory=list)

    def open(self, *, serve: bool = False) -> Orchestra:
        """Be the next process that works on the workspace."""
        self.close()
        self.opened.append(Orchestra.open(self.root, serve=serve))
        if serve:
            self.opened[-1].connections.set_mode(OWNER, "github", AccountMode.MINE)
        return self.opened[-1]

    def close(self) -> None:
        """End the process that works on it."""
        while self.opened:
            self.opened.pop().close()

    def be(self, account: StandIns) -> None:
        """Write into config.yaml whose account it is."""
        lines = ["connections:", "  github:", "    service: github", "    token: env:TOKEN_GITHUB"]
        (self.root / "config.yaml").write_text("\n".join([*lines, f"    base_url: {account['github'].base_url}\n"]))

    def written(self, account: StandIns) -> int:
        """How many issues the runs made there."""
        return sum(one["title"] in ("one", "two") for one in account.show("github")["issues"])


def login(account: StandIns) -> str:
    """Return whose account it is."""
    account["github"]
    return f"demo-{account.stores['github'].generation}"


@pytest.fixture
def world(own_accounts: Path, standins: StandIns, tmp_path: Path) -> Iterator[World]:
    """The workspace, on its first account."""
    second = StandIns(tmp_path / "second")
    while login(second) == login(standins):
        second.reset("github")
    made = World(own_accounts, standins, second)
    made.be(standins)
    yield made
    made.close()
    second.stop()


Opened = Callable[[World], str]
"""Leaves a run that was agreed to, and has not written yet; gives its id."""


def _parked(*steps: Mapping[str, Any]) -> Opened:
    def parked(world: World) -> str:
        write_workflow(world.root, "work", list(steps), inputs=INPUTS)
        orchestra = world.open()
        run_id = orchestra.runs.start(OWNER, "work", {})
        orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
        assert orchestra.runs.get(OWNER, run_id)["status"] == "waiting"
        return run_id

    return parked


def _calling(world: World) -> str:
    write_workflow(world.root, "inner", [ASK, ISSUE], inputs=INPUTS)
    call = {"id": "call", "uses": "workflow.run", "with": {"workflow": "inner", "inputs": {"id": "one"}}}
    return _parked(call)(world)


_KILLED = """
import sys
from pathlib import Path
from engine.orchestra import Orchestra
from engine.people.access import Principal
orchestra = Orchestra.open(Path(sys.argv[1]))
run_id = orchestra.runs.start(Principal("tester", "owner", confirmed=True), "work", {})
orchestra.runs.wait(Principal("tester", "owner"), run_id, 60) if sys.argv[2] == "parked" else None
print(run_id, flush=True)
sys.stdin.read()
"""


def _killed(*steps: Mapping[str, Any], how: str) -> Opened:
    def killed(world: World) -> str:
        write_workflow(world.root, "work", list(steps), inputs=INPUTS)
        command = [sys.executable, "-c", _KILLED, str(world.root), how]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY, start_new_session=True
        )
        with process:
            assert process.stdout is not None
            run_id = process.stdout.readline().strip()
            process.kill()
        return run_id

    return killed


_SHORT = {"id": "short", "uses": "flow.wait", "with": {"seconds": 1.5}}
OPENED: dict[str, Opened] = {
    "waits for an answer": _parked(ASK, ISSUE),
    "calls a run that waits for an answer": _calling,
    "killed at work": _killed(_SHORT, ISSUE, how="at work"),
    "killed while it waits": _killed({"id": "long", "uses": "flow.wait", "with": {"seconds": 4}}, ISSUE, how="parked"),
}


def _went_on(world: World, run_id: str) -> Any:
    """Let another process go on with a run: it answers for it, or takes it over."""
    orchestra = world.open()
    questions = orchestra.approvals.list(ANN)
    for question in questions:
        orchestra.approvals.approve(ANN, question.id)
    if not questions:
        assert run_id in orchestra.runs.resume_all(ANN)
    ended = ("succeeded", "failed")
    until(lambda: orchestra.runs.wait(ANN, run_id, 1)["status"] in ended, "the run has ended")
    return orchestra.runs.get(ANN, run_id)


@pytest.mark.parametrize("opened", OPENED.values(), ids=OPENED)
def test_a_run_that_goes_on_writes_to_no_other_account(world: World, opened: Opened) -> None:
    run_id = opened(world)
    world.close()
    world.be(world.second)
    run = _went_on(world, run_id)
    assert (run["status"], world.written(world.first), world.written(world.second)) == ("failed", 0, 0)
    assert login(world.first) in run["error"]["message"], "the account that was agreed to"
    assert login(world.second) in run["error"]["message"], "the account that it is now"

    [orchestra] = world.opened
    with pytest.raises(ConfirmationNeeded) as refused:
        orchestra.runs.resume(ANN, run_id)
    assert world.written(world.second) == 0
    orchestra.runs.resume(ANN.agreeing(refused.value.needs_confirmation), run_id)
    assert orchestra.runs.wait(ANN, run_id, PATIENCE_SECONDS)["status"] == "succeeded"
    assert (world.written(world.first), world.written(world.second)) == (0, 1)


def test_set_back_to_the_account_that_was_agreed_to_it_goes_on_without_a_question(world: World) -> None:
    run_id = _parked(ASK, ISSUE)(world)
    world.close()
    world.be(world.second)
    assert _went_on(world, run_id)["status"] == "failed"
    world.be(world.first)
    orchestra = world.open()
    orchestra.runs.resume(ANN, run_id)
    assert orchestra.runs.wait(ANN, run_id, PATIENCE_SECONDS)["status"] == "succeeded"
    assert (world.written(world.first), world.written(world.second)) == (1, 0)


def test_a_server_that_takes_runs_over_writes_to_no_other_account(world: World) -> None:
    run_id = OPENED["killed at work"](world)
    world.be(world.second)
    server = world.open(serve=True)
    until(lambda: server.runs.get(ANN, run_id)["status"] == "failed", "the run has ended")
    assert (world.written(world.first), world.written(world.second)) == (0, 0)


def test_the_server_notices_a_change_of_the_file_while_it_works(world: World) -> None:
    """One process all along: its own memory of the account must not let a run through."""
    write_workflow(world.root, "work", [ASK, ISSUE], inputs=INPUTS)
    server = world.open(serve=True)
    run_id = server.runs.start(OWNER, "work", {})
    until(lambda: server.approvals.count_open(ANN) == 1, "it asks")
    world.be(world.second)
    server.approvals.approve(ANN, server.approvals.list(ANN)[0].id)
    until(lambda: server.runs.get(ANN, run_id)["status"] == "failed", "the run has ended")
    assert (world.written(world.first), world.written(world.second)) == (0, 0)


def test_runs_of_a_trigger_that_stand_in_line_write_to_no_other_account(world: World) -> None:
    (world.root / "drop").mkdir()
    trigger = {
        "id": "drop",
        "uses": "folder.new_file",
        "with": {"path": "drop", "still_seconds": 0},
        "inputs": {"id": "{{ item.name }}"},
    }
    write_workflow(world.root, "work", [{**_SHORT, "with": {"seconds": 1.0}}, ISSUE], inputs=INPUTS, triggers=[trigger])
    orchestra = world.open()
    orchestra.triggers.turn_on(OWNER, "work", "drop", Start())
    for name in ("one", "two"):
        (world.root / "drop" / name).write_text("x")
    [polled] = orchestra.triggers.poll(ANN, "work")
    world.be(world.second)
    assert len(polled.started) == 2
    runs = [orchestra.runs.wait(ANN, run_id, PATIENCE_SECONDS) for run_id in polled.started]
    assert [run["status"] for run in runs] == ["failed", "failed"]
    assert (world.written(world.first), world.written(world.second)) == (0, 0)


@pytest.mark.parametrize("swapped", [False, True], ids=["same account", "other account"])
def test_a_read_is_sent_to_no_other_account_either(world: World, swapped: bool) -> None:
    read = {"id": "read", "uses": "github.list_issues", "with": {"repository": "acme/app"}}
    run_id = _parked(ASK, read)(world)
    world.close()
    if swapped:
        world.be(world.second)
    before = world.second.requests("github").get("GET /repos/acme/app/issues", 0)
    assert _went_on(world, run_id)["status"] == ("failed" if swapped else "succeeded")
    assert world.second.requests("github").get("GET /repos/acme/app/issues", 0) == before


def test_the_second_account_may_be_used_once_its_workflow_has_agreed_to_it(world: World) -> None:
    run_id = _parked(ASK, ISSUE)(world)
    world.close()
    world.be(world.second)
    orchestra = world.open()
    other = orchestra.runs.start(OWNER, "work", {"id": "two"})
    orchestra.runs.wait(ANN, other, PATIENCE_SECONDS)
    orchestra.approvals.reject(ANN, next(one.id for one in orchestra.approvals.list(ANN) if one.run_id == other))
    assert _went_on(world, run_id)["status"] == "succeeded"
    assert (world.written(world.first), world.written(world.second)) == (0, 1)


@pytest.mark.parametrize("goes_on", ["resumed", "run again"])
def test_a_run_on_the_demo_stays_there_when_its_corrected_file_names_an_account(world: World, goes_on: str) -> None:
    """It had no account before; the workspace's own are in use, and somebody has agreed to them."""
    world.be(world.first)
    fail = {"id": "fail", "uses": "flow.fail", "with": {"message": "No."}}
    write_workflow(world.root, "work", [fail], inputs=INPUTS)
    world.opened.append(Orchestra.open(world.root, demo=True))
    run_id = world.opened[-1].runs.start(OWNER, "work", {})
    assert world.opened[-1].runs.wait(OWNER, run_id, PATIENCE_SECONDS)["demo"]
    write_workflow(world.root, "work", [ISSUE], inputs=INPUTS)
    orchestra = world.open(serve=True)
    if goes_on == "resumed":
        orchestra.runs.resume(OWNER, run_id, newest=True)
    else:
        run_id = orchestra.runs.rerun(OWNER, run_id)
    run = orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert (run["status"], run["demo"], run["accounts"]["github"]["mode"]) == ("succeeded", True, "demo")
    assert world.written(world.first) == 0
