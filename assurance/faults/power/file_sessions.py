"""Sessions of files that people edit: workflows, prompts, drawings, settings, the trash; and of a new workspace."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from typing import Any

from assurance.faults.power.scene import OWNER, WORKFLOW, Scene, Session, lister
from engine.workflows.new_workspace import init

SESSIONS: dict[str, Session] = {}
_session = lister(SESSIONS)
_STEPS = [{"id": "a", "uses": "flow.set", "with": {"values": {"n": 1}}}]
_PROMPT = {
    "schema_version": 1,
    "title": "Greet",
    "variables": {"name": {"type": "string"}},
    "messages": [{"role": "user", "content": "Hello {{ name }}"}],
}


def _kept(scene: Scene, name: str = WORKFLOW) -> None:
    """Promise a workflow as it is now, with all its saved versions."""
    scene.answers("workflows.get", name)
    scene.answers("versions.list", name)


def _unsure(scene: Scene, name: str = WORKFLOW) -> None:
    scene.unsure("workflows.get", name)
    scene.unsure("versions.list", name)


def _saved(scene: Scene, title: str, name: str = WORKFLOW) -> None:
    """Save a text and promise it."""
    text = scene.text(_STEPS, name, title=title) if name else ""
    known = scene.orchestra.workflows.get(OWNER, name).etag if name in _names(scene) else None
    _unsure(scene, name)
    scene.orchestra.workflows.save(OWNER, name, text, known)
    _kept(scene, name)


def _names(scene: Scene) -> list[str]:
    return [one.name for one in scene.orchestra.workflows.list(OWNER)]


def _in_workspace(change: Callable[[Scene], None]) -> Session:
    """Open a workspace with a workflow that was saved before, and change something of it."""

    def play(scene: Scene) -> None:
        scene.make()
        scene.open()
        _saved(scene, "first")
        scene.begin()
        change(scene)
        scene.close()

    return play


@_session
def workflow_is_saved_for_the_first_time(scene: Scene) -> None:
    scene.make()
    scene.open()
    shutil.rmtree(scene.root / "workflows")
    scene.begin()
    _saved(scene, "first")
    scene.close()


def _saves(scene: Scene) -> None:
    for title in ("second", "third", "fourth"):
        _saved(scene, title)


def _many_saves(scene: Scene) -> None:
    for number in range(23):
        _saved(scene, f"text {number}")


def _save_after_an_editor(scene: Scene) -> None:
    scene.unsure("workflows.get", WORKFLOW)
    scene.unsure("versions.list", WORKFLOW)
    scene.workflow(_STEPS, title="by hand")
    scene.begin()  # what other programs write, they must sync themselves
    _saved(scene, "second")


def _restore(scene: Scene) -> None:
    _saved(scene, "second")
    area, versions = scene.orchestra.workflows, scene.orchestra.versions
    oldest = versions.list(OWNER, WORKFLOW)[-1]
    _unsure(scene)
    versions.restore(OWNER, WORKFLOW, oldest.id, area.get(OWNER, WORKFLOW).etag)
    _kept(scene)


def _move_steps(scene: Scene) -> None:
    for place in (0, 100):
        scene.unsure("workflows.positions", WORKFLOW)
        scene.orchestra.workflows.move_steps(OWNER, WORKFLOW, {"a": [place, 0]})
        scene.answers("workflows.positions", WORKFLOW)


def _duplicate(scene: Scene) -> None:
    scene.orchestra.workflows.move_steps(OWNER, WORKFLOW, {"a": [1, 0]})
    scene.orchestra.workflows.duplicate(OWNER, WORKFLOW, "copy")
    _kept(scene, "copy")
    scene.answers("workflows.positions", "copy")


def _delete(scene: Scene) -> None:
    scene.orchestra.workflows.move_steps(OWNER, WORKFLOW, {"a": [1, 0]})
    text = (scene.root / "workflows" / f"{WORKFLOW}.json").read_text()
    _unsure(scene)
    scene.holds("text", "somewhere", text=text)
    scene.orchestra.workflows.delete(OWNER, WORKFLOW)
    scene.holds("gone", "gone", path=f"workflows/{WORKFLOW}.json")


def _create_from_sample(scene: Scene) -> None:
    scene.orchestra.workflows.create_from_sample(OWNER, "inbox-triage", "mails")
    _kept(scene, "mails")
    scene.answers("workflows.positions", "mails")
    for path in sorted((scene.root / "prompts").rglob("*.json")):
        scene.has_file(str(path.relative_to(scene.root)))


def _keep_drafts(scene: Scene) -> None:
    for text in ("one", "two", "three"):
        scene.unsure("drafts.get", "workflow", WORKFLOW)
        scene.orchestra.drafts.keep(OWNER, "workflow", WORKFLOW, text)
        scene.answers("drafts.get", "workflow", WORKFLOW)


_CHANGES: dict[str, Callable[[Scene], None]] = {
    "workflow-is-saved": _saves,
    "workflow-is-saved-many-times": _many_saves,
    "workflow-is-saved-after-another-editor": _save_after_an_editor,
    "workflow-gets-an-earlier-text": _restore,
    "workflow-is-drawn": _move_steps,
    "workflow-is-duplicated": _duplicate,
    "workflow-is-deleted": _delete,
    "workflow-is-made-from-a-sample": _create_from_sample,
    "drafts-are-kept": _keep_drafts,
}
SESSIONS.update({name: _in_workspace(change) for name, change in _CHANGES.items()})


_CALL = [{"id": "call", "uses": "workflow.run", "with": {"workflow": WORKFLOW, "inputs": {"lane": "a"}}}]


def _renamed(rename: Callable[[Scene], Any], steps: tuple[str, str], name: str) -> Session:
    """A run has written once for all time; then its workflow or step gets another name, and a run follows."""

    def play(scene: Scene) -> None:
        scene.make()
        scene.open()
        step = scene.step("add", "a", once="for ever")
        scene.orchestra.workflows.save(OWNER, WORKFLOW, scene.text([{**step, "id": steps[0]}]), None)
        scene.orchestra.workflows.move_steps(OWNER, WORKFLOW, {steps[0]: [1, 0]})
        scene.orchestra.runs.wait(OWNER, scene.orchestra.runs.start(OWNER, WORKFLOW, {"lane": "a"}), 30)
        scene.orchestra.workflows.save(OWNER, "caller", scene.text(_CALL, "caller"), None)
        kept = len(scene.orchestra.versions.list(OWNER, WORKFLOW))
        scene.begin()
        if name != WORKFLOW:
            scene.holds("whole", "renamed whole", old=WORKFLOW, new=name, caller="caller", versions=kept)
        scene.holds("once", "written once", workflows=[WORKFLOW, "other"], path=f"/{scene.name}/a/a")
        rename(scene)
        _kept(scene, name)
        scene.answers("workflows.positions", name)
        scene.close()

    return play


SESSIONS["workflow-is-renamed"] = _renamed(
    lambda scene: scene.orchestra.workflows.rename(OWNER, WORKFLOW, "other"), ("a", "a"), "other"
)
SESSIONS["step-is-renamed"] = _renamed(
    lambda scene: scene.orchestra.workflows.rename_step(OWNER, WORKFLOW, "a", "b"), ("a", "b"), WORKFLOW
)


@_session
def prompt_is_saved(scene: Scene) -> None:
    scene.make()
    scene.open()
    scene.begin()
    prompts, etag = scene.orchestra.prompts, None
    for title in ("one", "two"):
        scene.unsure("prompts.get", "greet")
        etag = prompts.save(OWNER, "greet", json.dumps({**_PROMPT, "title": title}), etag).etag
        scene.answers("prompts.get", "greet")
    scene.close()


@_session
def prompt_gets_versions_and_labels(scene: Scene) -> None:
    scene.make()
    scene.open()
    scene.begin()
    prompts, etag = scene.orchestra.prompts, None
    for number, label in enumerate(("production", "next"), 1):
        scene.unsure("prompts.get", "greet")
        prompts.save_version(OWNER, "greet", json.dumps({**_PROMPT, "title": label}), etag, label)
        scene.answers("prompts.get", "greet")
        scene.has_file(f"prompts/greet.versions/{number}.json")
        etag = prompts.get(OWNER, "greet").etag
    scene.unsure("prompts.get", "greet")
    prompts.set_label(OWNER, "greet", "production", 2)
    scene.answers("prompts.get", "greet")
    scene.close()


@_session
def workspace_is_made(scene: Scene) -> None:
    scene.begin()
    init(scene.root)
    for path in sorted(scene.root.rglob("*")):
        if path.is_file() and ".orchestra" not in path.parts:
            scene.has_file(str(path.relative_to(scene.root)))
    scene.open()
    scene.answers("workflows.get", "inbox-triage")
    scene.answers("prompts.list")
    scene.close()
