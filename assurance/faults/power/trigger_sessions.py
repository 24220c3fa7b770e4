"""Sessions of triggers: turned on and off, looks that start runs, things that could not become one."""

from __future__ import annotations

import json
import os

from assurance.faults.power.scene import OWNER, WORKFLOW, Scene, Session, lister
from engine.plugins.trigger import Start

SESSIONS: dict[str, Session] = {}
_session = lister(SESSIONS)
_TRIGGER = "line"


def _watched(scene: Scene, *kinds: str, overlap: int = 0) -> None:
    """Make a workspace whose workflow is started by the lines of a file."""
    scene.make()
    fields = {"path": "feed.jsonl", "overlap": overlap}
    trigger = {"id": _TRIGGER, "uses": "feed.line", "with": fields, "inputs": {"lane": "{{ item.id }}"}}
    lane = {"type": "string", "maxLength": 3}
    inputs = {"type": "object", "properties": {"lane": lane, "text": {"type": "string", "default": ""}}}
    scene.workflow(scene.chain(*kinds), triggers=[trigger], inputs=inputs)
    (scene.root / "feed.jsonl").touch()
    scene.open()


def _feed(scene: Scene, *ids: str) -> None:
    """Add lines as another program would, which syncs what it writes."""
    with (scene.root / "feed.jsonl").open("a") as file:
        file.writelines(json.dumps({"id": one}) + "\n" for one in ids)
        file.flush()
        os.fsync(file.fileno())


def _on(scene: Scene) -> None:
    scene.orchestra.triggers.turn_on(OWNER, WORKFLOW, _TRIGGER, Start())
    scene.orchestra.triggers.poll(OWNER, WORKFLOW)


def _looked(scene: Scene, *ids: str) -> None:
    """Look; promise the runs, and that nothing of it starts another one."""
    [result] = scene.orchestra.triggers.poll(OWNER, WORKFLOW)
    assert len(result.started) == len(ids), result
    for run_id in result.started:
        scene.accepted(run_id)
    scene.holds("things", "things", ids=sorted(_all_ids(scene)))


def _all_ids(scene: Scene) -> set[str]:
    lines = (scene.root / "feed.jsonl").read_text().splitlines()
    return {json.loads(line)["id"] for line in lines}


def _ended(scene: Scene) -> None:
    for row in scene.orchestra.runs.list(OWNER, limit=200).rows:
        scene.orchestra.runs.wait(OWNER, row.run_id, 30)


@_session
def trigger_is_turned_on_and_off(scene: Scene) -> None:
    _watched(scene, "set")
    scene.begin()
    _on(scene)
    scene.holds("on", "is on", workflow=WORKFLOW, trigger=_TRIGGER, is_on=True)
    scene.void("on")
    scene.orchestra.triggers.turn_off(OWNER, WORKFLOW, _TRIGGER)
    scene.holds("on", "is on", workflow=WORKFLOW, trigger=_TRIGGER, is_on=False)
    scene.close()


@_session
def looks_start_runs(scene: Scene) -> None:
    _watched(scene, "add", "get")
    _on(scene)
    _feed(scene, "a", "b", "c")
    scene.begin()
    scene.holds("things", "things", ids=["a", "b", "c"])
    _looked(scene, "a", "b", "c")
    _ended(scene)
    _feed(scene, "d", "e")
    _looked(scene, "d", "e")
    _ended(scene)
    scene.close()


@_session
def looks_see_things_again(scene: Scene) -> None:
    _watched(scene, "add", overlap=3)
    _on(scene)
    _feed(scene, "a", "b")
    scene.begin()
    _looked(scene, "a", "b")
    _looked(scene)
    _feed(scene, "c")
    _looked(scene, "c")
    _ended(scene)
    scene.close()


@_session
def a_server_looks(scene: Scene) -> None:
    _watched(scene, "add")
    _on(scene)
    scene.close()
    _feed(scene, "a", "b")
    scene.begin()
    scene.holds("things", "things", ids=["a", "b"])
    scene.open(serve=True)
    _looked(scene, "a", "b") if not scene.orchestra.runs.list(OWNER).rows else None
    _ended(scene)
    scene.close()


@_session
def a_thing_that_cannot_become_a_run_is_dismissed(scene: Scene) -> None:
    _watched(scene, "set")
    _on(scene)
    _feed(scene, "too long", "b")
    scene.begin()
    [result] = scene.orchestra.triggers.poll(OWNER, WORKFLOW)
    scene.answers("triggers.dead")
    for run_id in result.started:
        scene.accepted(run_id)
    _ended(scene)
    scene.unsure("triggers.dead")
    [dead] = scene.orchestra.triggers.dead(OWNER)
    scene.orchestra.triggers.dismiss(OWNER, WORKFLOW, _TRIGGER, dead.item)
    scene.answers("triggers.dead")
    scene.close()
