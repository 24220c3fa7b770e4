"""A budget that is used up while a program is built: the run waits, also over a restart, and loses nothing."""

from __future__ import annotations

from typing import Any

import pytest

from engine.projects.projects import Projects
from engine.sandbox.walls import walls
from tests.engine.budgets.conftest import Desk, desk
from tests.engine.conftest import OWNER
from tests.patience import until

__all__ = ["desk"]

pytestmark = [pytest.mark.slow, pytest.mark.skipif(walls() is None, reason="bubblewrap does not work here")]
CALLS = 4
"""The plan, and three turns."""


def settings(calls: int) -> dict[str, Any]:
    return {"budgets": {"month": {"calls": calls}}, "approvals": {"default": "never"}}


def test_a_raised_budget_lets_the_builder_go_on_after_a_restart(desk: Desk) -> None:
    desk.config(**settings(CALLS))
    (desk.root / "agents").mkdir()
    desk.orchestra.workflows.create_from_sample(OWNER, "build-software", "build-software")
    run_id = desk.orchestra.runs.start(OWNER, "build-software", {})
    desk.wait(run_id)
    [question] = desk.orchestra.approvals.list(OWNER)
    desk.orchestra.approvals.approve(OWNER, question.id)
    until(lambda: desk.orchestra.budgets.overview(OWNER).paused_runs)
    assert desk.asked == CALLS
    assert [one.message for one in made(desk)] == ["Begin"], "main has nothing yet"

    desk.opened.pop().close()
    desk.config(**settings(100))
    desk.open(serve=True).budgets.resume(OWNER)
    run = desk.wait(run_id)
    assert (run["status"], run["outputs"]["is_finished"]) == ("succeeded", True)
    assert [one.message for one in made(desk)] == ["Edit words.py", "Write words.py", "Acceptance tests", "Begin"]
    assert desk.asked == 1 + run["outputs"]["turns"], "no answer was paid twice"


def made(desk: Desk) -> list[Any]:
    return Projects.in_folder(desk.root / "projects").log("word-counter", 20)
