"""The first run goes the same way on every face: choose, skip, plan and apply, on the demo."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from engine.people.access import Principal
from tests.faces.conftest import Faces, Open
from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.slow

OWNER = Principal("owner", "owner")
CHOICES = [("mailbox", "demo"), ("model", "openai"), ("tasks", "github")]


def by_command(faces: Faces) -> None:
    for step, choice in CHOICES:
        assert faces.command(["start", step, choice, "--demo"]).error == ""
    assert faces.command(["start", "plan", "--demo"]).error == ""
    assert faces.command(["start", "apply", "--demo"]).error == ""


def by_request(faces: Faces) -> None:
    for step, choice in CHOICES:
        assert faces.request("PUT", f"/api/first-run/steps/{step}", {"choice": choice}).error == ""
    assert faces.request("POST", "/api/first-run/plan", {"wait_seconds": 60}).error == ""
    assert faces.request("POST", "/api/first-run/apply", {"wait_seconds": 60}).error == ""


def by_page(faces: Faces) -> None:
    def press(go: Open) -> AppTest:
        at = go("first-run")
        for step, choice in CHOICES:
            at.radio(key=f"first-run-choice-{step}").set_value(choice).run()
            at = at.button(key=f"first-run-use-{step}").click().run()
        assert "App crashes" in "\n".join(str(one.value) for one in (*at.markdown, *at.text, *at.code))
        return at.button(key="first-run-plan").click().run()

    assert faces.page(press).message == ""
    plan = faces.orchestra.first_run.state(OWNER)["plan"]
    assert plan is not None
    faces.orchestra.runs.wait(OWNER, plan["plan_id"], PATIENCE_SECONDS)
    assert faces.page(lambda go: go("first-run").button(key="first-run-apply").click().run()).message == ""


def outcome(faces: Faces) -> Mapping[str, Any]:
    """What is left of it: the states of the steps, the workflow, and what the run did."""
    state = faces.orchestra.first_run.state(OWNER)
    assert state["plan"] is not None
    run_id = state["plan"]["applied_run_id"]
    assert run_id is not None
    run = faces.orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    steps = [(one["id"], one["state"], one["choice"], one["sentence"]) for one in state["steps"]]
    text = (faces.orchestra.workspace.root / "workflows" / f"{state['workflow']}.json").read_text()
    return {"steps": steps, "text": text, "status": run["status"], "said": run["sentence"]}


def test_the_first_run_is_the_same_on_every_face(make_faces: Callable[[], Faces]) -> None:
    found = []
    for walk in (by_command, by_request, by_page):
        faces = make_faces()
        walk(faces)
        found.append(outcome(faces))
        assert found[-1]["said"] == "10 mails: 9 tasks, 1 left as it was."
    assert found[0] == found[1] == found[2]
    assert {state for _, state, _, _ in found[0]["steps"]} == {"done"}
    skipped = (
        faces.command(["start", "skip", "mail", "--demo"]),
        faces.request("POST", "/api/first-run/steps/mail/skip"),
    )
    assert skipped[0] == skipped[1]
    assert skipped[0].error == "UnknownName"
