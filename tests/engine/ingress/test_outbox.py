"""The outbox: every end is told at least once, in order, and only those of the user whom messages act as."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.ingress.outbox import Outbox
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.engine.conftest import write_workflow
from tests.patience import PATIENCE_SECONDS, until

ROBOT, ANN = Principal("robot", "operator"), Principal("ann", "operator")


def outbox(orchestra: Orchestra) -> Outbox:
    """An outbox as a process opens it."""
    state = orchestra._families.opened.state
    return Outbox(state.runs, state.triggered_runs, state.settings, "robot")


def ended(orchestra: Orchestra, who: Principal, number: int) -> str:
    """Run to the end."""
    run_id = orchestra.runs.start(who, "work", {"number": number})
    orchestra.runs.wait(who, run_id, PATIENCE_SECONDS)
    return run_id


@pytest.fixture(autouse=True)
def waiting(root: Path) -> None:
    """A workflow whose runs wait."""
    write_workflow(root, "nap", [{"id": "nap", "uses": "flow.wait", "with": {"seconds": 3600}}])


def test_ends_are_told_again_until_they_are_sent_and_then_never(orchestra: Orchestra) -> None:
    ended(orchestra, ROBOT, 0)
    box = outbox(orchestra)
    box.begin()
    ours = [ended(orchestra, who, number) for number, who in enumerate((ROBOT, ANN, ROBOT))]
    expected = [(ours[0], "succeeded"), (ours[2], "succeeded")]
    for _ in range(2):  # as often as nothing is noted
        due = box.due()
        assert [(one.run_id, one.status) for one in due.statuses] == expected
    later = ended(orchestra, ROBOT, 3)
    box.sent(due)
    again = outbox(orchestra)  # another process
    again.begin()
    assert [one.run_id for one in again.due().statuses] == [later]
    again.sent(again.due())
    assert again.due().statuses == []


def test_a_run_that_waits_is_told_once_and_again_by_a_new_process(orchestra: Orchestra) -> None:
    box = outbox(orchestra)
    box.begin()
    run_id = orchestra.runs.start(ROBOT, "nap", {})
    until(lambda: [one.status for one in box.due().statuses] == ["waiting"])
    due = box.due()
    assert due.statuses[0].body() == f'{{"run_id":"{run_id}","workflow":"nap","status":"waiting"}}'.encode()
    box.sent(due)
    assert box.due().statuses == []
    assert [one.status for one in outbox(orchestra).due().statuses] == ["waiting"]
    orchestra.runs.cancel(ROBOT, run_id)
    until(lambda: [one.status for one in box.due().statuses] == ["cancelled"])
