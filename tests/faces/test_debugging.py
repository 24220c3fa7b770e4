"""A debug run goes the same way on every face: where it pauses, what it shows, how it goes on, what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from cli import main
from engine.people.access import Principal
from tests.faces.conftest import Faces
from tests.patience import PATIENCE_SECONDS

OWNER = Principal("owner", "owner")
NAME = "small"


@pytest.fixture
def faces(make_faces: Callable[[], Faces]) -> Faces:
    return make_faces()


def settled(faces: Faces, run_id: str) -> Any:
    """Return the view of a run once it does not move any more."""
    faces.orchestra.debugging.wait(OWNER, run_id, PATIENCE_SECONDS)
    return faces.request("GET", f"/api/runs/{run_id}/debug").value


def seen(view: Any) -> Any:
    """Return a view without what differs from run to run."""
    paused = [{name: value for name, value in one.items() if name != "since"} for one in view["paused"]]
    last = view["last"] and {name: value for name, value in view["last"].items() if name != "ended_at"}
    names = ("status", "sentence", "is_draft", "breakpoints", "is_stepping")
    return [{name: view[name] for name in names}, paused, last]


def command(faces: Faces, *arguments: str) -> Any:
    """Run a command of runs and return what it prints; a paused run has an exit code of its own."""
    faces.capsys.readouterr()
    code = main(["runs", *arguments, "--json", "--workspace", str(faces.orchestra.workspace.root)])
    said = json.loads(faces.capsys.readouterr().out)
    assert code == {"waiting": 5, "succeeded": 0}[said["status"]] or arguments[0] == "breakpoints"
    return said


def by_command(faces: Faces) -> list[Any]:
    """Pause at a breakpoint, step, clear it, continue to the end; return what is seen each time."""
    started = command(faces, "debug", NAME, "--break", "one")
    run_id = started["run_id"]
    stepped = command(faces, "step", run_id)
    cleared = command(faces, "breakpoints", run_id, "--clear")
    return [*map(seen, (started, stepped, cleared)), seen(command(faces, "continue", run_id))]


def by_request(faces: Faces) -> list[Any]:
    """Do the same with requests."""
    run_id = faces.request("POST", f"/api/workflows/{NAME}/debug", {"breakpoints": ["one"]}).value["run_id"]
    found = [settled(faces, run_id)]
    faces.request("POST", f"/api/runs/{run_id}/debug/step")
    found.append(settled(faces, run_id))
    found.append(faces.request("PUT", f"/api/runs/{run_id}/debug/breakpoints", {"breakpoints": []}).value)
    faces.request("POST", f"/api/runs/{run_id}/debug/continue", {})
    return [*map(seen, found), seen(settled(faces, run_id))]


def on_page(faces: Faces) -> list[Any]:
    """Do the same with the buttons on the page of the run; the breakpoint is cleared on the canvas, by a request."""
    run_id = faces.request("POST", f"/api/workflows/{NAME}/debug", {"breakpoints": ["one"]}).value["run_id"]
    found = [settled(faces, run_id)]

    def pressed(key: str) -> Callable[[Any], Any]:
        return lambda go: go("run", id=run_id).button(key=key).click().run()

    faces.page(pressed("debug-step-one"))
    found.append(settled(faces, run_id))
    found.append(faces.request("PUT", f"/api/runs/{run_id}/debug/breakpoints", {"breakpoints": []}).value)
    faces.page(pressed("debug-continue"))
    return [*map(seen, found), seen(settled(faces, run_id))]


def test_each_face_goes_through_a_run_the_same_way(faces: Faces) -> None:
    asked = by_request(faces)
    assert asked == by_command(faces)
    assert asked == on_page(faces)
    [(_, [first], none), (_, [second], after), (cleared, _, _), (ended, left, last)] = asked
    assert (first["path"], first["arguments"], none) == ("one", {"values": {"x": 1}}, None)
    assert (second["path"], second["why"], after["output"]) == ("two", "step", {"x": 1})
    assert (cleared["breakpoints"], ended["status"], left, last["output"]) == ([], "succeeded", [], {"x": 2})


def test_each_face_refuses_the_same(faces: Faces) -> None:
    unknown = faces.request("POST", f"/api/workflows/{NAME}/debug", {"breakpoints": ["oen"]})
    assert (unknown.error, unknown.message) == ("InvalidInput", "There is no step 'oen'.")
    assert unknown == faces.command(["runs", "debug", NAME, "--break", "oen"])
    run_id = faces.orchestra.runs.start(OWNER, "nap", {})
    plain = faces.request("PUT", f"/api/runs/{run_id}/debug/breakpoints", {"breakpoints": ["nap"]})
    assert plain.message == f"Run {run_id} is not a debug run, so it does not pause at breakpoints."
    assert plain == faces.command(["runs", "breakpoints", run_id, "--break", "nap"])
    faces.orchestra.runs.cancel(OWNER, run_id)
    ended = faces.request("POST", f"/api/workflows/{NAME}/debug", {"breakpoints": ["two"]}).value["run_id"]
    settled(faces, ended)
    faces.request("POST", f"/api/runs/{ended}/cancel")
    settled(faces, ended)
    over = faces.request("POST", f"/api/runs/{ended}/debug/step")
    assert (over.error, over.message) == ("InUse", f"Run {ended} has ended (cancelled), so it does not go on.")
    assert over == faces.command(["runs", "step", ended])
