"""A wrong answer is corrected on every face alike: the same undone, the same done again, the same case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import httpx
import pytest

from engine.people.access import Principal
from tests.faces.conftest import Faces, Outcome
from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.slow

OWNER = Principal("owner", "owner", confirmed=True)
NAME = "inbox-triage"
Make = Callable[[], Faces]


def sorted_mails(faces: Faces) -> tuple[str, str]:
    """Run over three mails; return the run, and the path of the first answer that says bug."""
    run_id = faces.orchestra.runs.start(OWNER, NAME, {"limit": 3})
    run = faces.orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert run["status"] == "succeeded", run["error"]
    return run_id, next(
        str(one["path"]) for one in run["steps"] if one["id"] == "classify" and one["output"]["kind"] == "bug"
    )


def world(faces: Faces) -> Mapping[str, Any]:
    """Count what a person would see in the services."""
    held = {}
    for service in ("github", "notion"):
        address = f"{faces.orchestra.demo.endpoints()[service]['base_url']}/_demo/show"
        held[service] = httpx.get(address, trust_env=False, timeout=PATIENCE_SECONDS).raise_for_status().json()
    is_open = [one["state"] == "open" for one in held["github"]["issues"]]
    return {"open": sum(is_open), "closed": len(is_open) - sum(is_open), "pages": len(held["notion"]["pages"])}


def by_command(faces: Faces, run_id: str, path: str) -> Outcome:
    return faces.command(["runs", "correct", run_id, path, "--set", "kind=task", "--yes", "--demo"])


def by_request(faces: Faces, run_id: str, path: str) -> Outcome:
    return faces.request("POST", f"/api/runs/{run_id}/correct", {"step": path, "set": {"kind": "task"}})


def on_page(faces: Faces, run_id: str, path: str) -> Outcome:
    def press(go: Any) -> Any:
        at = go("run", id=run_id, open=path.rpartition(".")[0], step=path)
        at.button_group(key=f"right-kind-{run_id}-{path}").set_value("task").run()
        return at.button(key=f"correct-{run_id}-{path}").click().run()

    return faces.page(press)


def test_each_face_corrects_the_same(make_faces: Make) -> None:
    told = []
    for act in (by_command, by_request, on_page):
        faces = make_faces()
        run_id, path = sorted_mails(faces)
        before, trail = world(faces), len(faces.trail())
        assert act(faces, run_id, path).error == ""
        newest = faces.orchestra.runs.list(OWNER).rows[0].run_id
        new = faces.orchestra.runs.wait(OWNER, newest, PATIENCE_SECONDS)
        after = world(faces)
        assert {name: after[name] - before[name] for name in after} == {"open": -1, "closed": 1, "pages": 1}
        old = faces.orchestra.runs.get(OWNER, run_id)
        corrected = next(one["corrected"] for one in old["steps"] if "corrected" in one)
        assert corrected["run_id"] == newest
        assert new["options"]["corrects"]["run"] == run_id
        done = {one["path"]: (one["status"], one["effect"] and one["effect"]["reused"]) for one in new["steps"]}
        told.append((done, corrected["values"], sorted(faces.trail()[trail:])))
    assert told[0] == told[1] == told[2]


def test_each_face_shows_first_and_refuses_what_is_no_choice(make_faces: Make) -> None:
    faces = make_faces()
    run_id, path = sorted_mails(faces)
    before, files, trail = world(faces), faces.state()["files"], faces.trail()
    shown = faces.command(["runs", "correct", run_id, path, "--set", "kind=task", "--demo"]).value
    asked = {"step": path, "set": {"kind": "task"}}
    assert faces.request("POST", f"/api/runs/{run_id}/correct/preview", asked).value == shown
    assert [one["verdict"] for one in shown["again"]] == ["runs", "does not run", "does not run", "kept"]

    def choose(go: Any) -> Any:
        at = go("run", id=run_id, open=path.rpartition(".")[0], step=path)
        return at.button_group(key=f"right-kind-{run_id}-{path}").set_value("task").run()

    at = faces.page(choose).value
    texts = "\n".join(str(one.value) for one in at.markdown)
    assert "closes the issue" in texts
    assert "**Write a task** is done" in texts
    refused = [
        faces.command(["runs", "correct", run_id, path, "--set", "kind=tasks", "--demo"]),
        faces.request("POST", f"/api/runs/{run_id}/correct/preview", {"step": path, "set": {"kind": "tasks"}}),
        faces.request("POST", f"/api/runs/{run_id}/correct", {"step": path, "set": {"kind": "tasks"}}),
    ]
    assert {one.error for one in refused} == {"InvalidInput"}
    assert len({one.message for one in refused}) == 1
    assert faces.request("POST", f"/api/runs/{run_id}/correct", asked, "viewer").error == "NotAllowed"
    viewed = faces.page(lambda go: go("run", id=run_id, open=path.rpartition(".")[0], step=path), "viewer").value
    assert [one.key for one in viewed.button_group if str(one.key).startswith("right-")] == []
    assert (world(faces), faces.state()["files"], faces.trail()) == (before, files, trail)


def _opened(go: Any, run_id: str, path: str) -> Any:
    return go("run", id=run_id, open=path.rpartition(".")[0], step=path)


def test_a_correction_is_taken_back_by_one_button_and_the_first_run_leads_to_the_last(make_faces: Make) -> None:
    faces = make_faces()
    run_id, path = sorted_mails(faces)
    before = world(faces)
    assert on_page(faces, run_id, path).error == ""
    second = faces.orchestra.runs.list(OWNER).rows[0].run_id
    faces.orchestra.runs.wait(OWNER, second, PATIENCE_SECONDS)

    def take_back(go: Any) -> Any:
        at = _opened(go, second, path)
        at = at.button(key=f"take-back-{second}-{path}").click().run()
        assert at.button_group(key=f"right-kind-{second}-{path}").value == "bug"
        return at.button(key=f"correct-{second}-{path}").click().run()

    assert faces.page(take_back).error == ""
    third = faces.orchestra.runs.list(OWNER).rows[0].run_id
    assert third != second
    faces.orchestra.runs.wait(OWNER, third, PATIENCE_SECONDS)
    after = world(faces)
    assert {name: after[name] - before[name] for name in after} == {"open": 0, "closed": 1, "pages": 0}, "a new issue"
    for shown in (run_id, second, third):
        at = faces.page(partial(_opened, run_id=shown, path=path)).value
        links = [str(one.proto.label).replace("\\", "") for one in at.get("page_link")]
        assert links.count(f"Corrected again: see run {third}") == (2 if shown == run_id else 0)
        assert f"take-back-{shown}-{path}" not in [one.key for one in at.button], "nothing is left to take back"
