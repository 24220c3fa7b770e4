"""The plan of a shipped workflow is the same whoever asks for it: at the command line, over REST, on the page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import httpx
import pytest
from streamlit.testing.v1 import AppTest

from engine.people.access import Principal
from engine.workflows.samples import NAMES, sample_names
from tests.faces.conftest import Faces, Open
from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.slow

OWNER = Principal("owner", "owner")
SERVICES = ("gmail", "github", "notion")
GALLERY = tuple(name for name in sample_names() if name not in NAMES)


def held(faces: Faces) -> dict[str, Any]:
    """What the services hold."""
    found = {}
    for service in SERVICES:
        address = f"{faces.orchestra.demo.endpoints()[service]['base_url']}/_demo/show"
        found[service] = httpx.get(address, trust_env=False, timeout=PATIENCE_SECONDS).raise_for_status().json()
    return found


def planned(faces: Faces, workflow: str) -> list[Any]:
    """Plan a workflow on each face; return the plans, each as its face tells it."""
    command = faces.command(["run", workflow, "--plan", "--demo"])
    asked = {"workflow": workflow, "plan": True, "wait_seconds": 60}
    request = faces.request("POST", "/workflows/execute", asked)
    assert (command.error, request.error) == ("", ""), (command, request)
    faces.page(lambda go: go("workflow", name=workflow).button(key=f"plan-{workflow}").click().run())
    told = {command.value["plan_id"], request.value["plan_id"]}
    [page] = [
        one["plan_id"] for one in faces.orchestra.plans.list(OWNER, limit=3)["plans"] if one["plan_id"] not in told
    ]
    faces.orchestra.runs.wait(OWNER, page, PATIENCE_SECONDS)
    return [command.value, request.value, faces.request("GET", f"/api/plans/{page}").value]


def _of_any_plan(plan: dict[str, Any], member: str) -> Any:
    """Return a member of a plan, without its own id, since a write may name its run, and without the minute."""
    text = json.dumps(plan[member]).replace(plan["plan_id"], "PLAN")
    return json.loads(re.sub(r"\d\d:\d\d UTC", "TIME", text))


def _open_plan(plan_id: str, go: Open) -> AppTest:
    return go("plan", id=plan_id)


@pytest.mark.parametrize("workflows", [NAMES, pytest.param(GALLERY, marks=pytest.mark.chaos)], ids=["new", "gallery"])
def test_every_face_plans_the_same_writes_and_shows_the_same_plan(
    make_faces: Callable[[], Faces], workflows: Sequence[str]
) -> None:
    faces = make_faces()
    before, count = held(faces), 0
    for workflow in workflows:
        if workflow in GALLERY:
            faces.orchestra.workflows.create_from_sample(OWNER, workflow, workflow)
        plans = planned(faces, workflow)
        assert {one["state"] for one in plans} == {"open"}, workflow
        for member in ("writes", "kept", "may_happen", "notes", "usage", "inputs"):
            first, *others = (_of_any_plan(one, member) for one in plans)
            assert others == [first, first], (workflow, member)
        count += len(plans[0]["writes"])
        for plan in plans:
            shown = faces.command(["plans", "show", plan["plan_id"], "--demo"]).value
            assert shown == plan == faces.request("GET", f"/api/plans/{plan['plan_id']}").value
        at = faces.page(partial(_open_plan, plans[0]["plan_id"])).value
        texts = "\n".join(
            f"{one.value}\n{one.proto.help}".replace("\\", "").replace(":color[]", "")
            for one in (*at.caption, *at.markdown)
        )
        assert f"hash {plans[0]['hash'][:12]}" in texts
        assert texts.count("A person approves this first.") == sum(one["approval"] for one in plans[0]["writes"])
        assert [one["path"] for one in plans[0]["writes"] if f"{one['path']} · {one['uses']}" not in texts] == []
    assert count > 10
    assert held(faces) == before
