"""Sessions of runs: accepted, at work, waiting, failing, resumed, run again, cancelled, taken back."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from assurance.faults.power.scene import OWNER, WORKFLOW, Scene, Session, lister

SESSIONS: dict[str, Session] = {}
_session = lister(SESSIONS)
_LARGE = "x" * 300_000
_SECONDS = 30.0

_CHAINS: dict[str, tuple[str, ...]] = {
    "reads": ("get", "get", "get", "get"),
    "writes-that-can-be-found": ("add", "add", "add", "add"),
    "writes-that-cannot-be-found": ("post", "get", "post", "get"),
    "reads-and-writes": ("get", "add", "set", "post", "get", "add"),
    "large-values": ("large", "get", "large", "add"),
    "many-large-values": ("large", "list", "get", "large", "list", "add"),
    "files": ("file", "get", "file", "add"),
    "no-service": ("set",) * 8,
    "long": ("get", "set") * 12,
}


def _run_of(kinds: tuple[str, ...]) -> Session:
    def play(scene: Scene) -> None:
        scene.make()
        scene.workflow(scene.chain(*kinds))
        scene.input_text = _LARGE if "large" in kinds else ""
        scene.begin()
        scene.open()
        scene.whole_run()
        scene.close()

    return play


SESSIONS.update({f"run-{name}": _run_of(kinds) for name, kinds in _CHAINS.items()})


def _opened(scene: Scene, steps: list[dict[str, Any]], **more: Any) -> None:
    """Open a workspace that was opened before, and begin."""
    scene.make()
    scene.workflow(steps, **more)
    scene.open()
    scene.begin()


@_session
def runs_one_after_the_other(scene: Scene) -> None:
    _opened(scene, scene.chain("get", "add"))
    for lane in "abc":
        scene.whole_run(lane)
    scene.close()


@_session
def runs_at_once(scene: Scene) -> None:
    _opened(scene, scene.chain("get", "add", "get"))
    run_ids = [scene.start(lane) for lane in "abcdefgh"]
    for run_id in run_ids:
        scene.ended(run_id)
    scene.close()


@_session
def runs_accepted_in_one_transaction(scene: Scene) -> None:
    _opened(scene, scene.chain("add", "set"))
    run_ids = scene.orchestra.runs.start_all(OWNER, WORKFLOW, [{"lane": lane} for lane in "abcdefgh"])
    for run_id in run_ids:
        scene.accepted(run_id)
    for run_id in run_ids:
        scene.ended(run_id)
    scene.close()


@_session
def logs_of_many_runs_in_one_group(scene: Scene) -> None:
    _opened(scene, scene.chain("set"))
    run_ids = scene.orchestra.runs.start_all(OWNER, WORKFLOW, [{"lane": "a"}] * 24)
    for run_id in run_ids:
        scene.ended(run_id)
    scene.close()


@_session
def run_of_a_server(scene: Scene) -> None:
    scene.make()
    scene.workflow(scene.chain("get", "add", "post", "get"))
    scene.begin()
    scene.open(serve=True)
    scene.whole_run()
    scene.close()


@_session
def run_with_a_request_key(scene: Scene) -> None:
    _opened(scene, scene.chain("add", "get"))
    run_id = scene.start(request_key="once")
    scene.holds("key", "same run", id=run_id, request_key="once")
    scene.ended(run_id)
    scene.close()


@_session
def steps_side_by_side(scene: Scene) -> None:
    _opened(scene, _beside(scene))
    scene.whole_run()
    scene.close()


def _beside(scene: Scene) -> list[dict[str, Any]]:
    """Steps that need nothing of each other; each asks in a lane of its own."""
    found = []
    for number, kind in enumerate(("get", "add", "post", "add")):
        step = scene.step(kind, "a")
        step["id"], step["with"]["url"] = f"s{number}", f"{scene.url}/side-{number}/a"
        found.append(step)
    return found


@_session
def loop_of_writes(scene: Scene) -> None:
    inner = scene.step("add", "x")
    inner["with"]["url"] = f"{scene.url}/item-{{{{ item }}}}/x"
    loop = {"id": "each", "foreach": "{{ ['1', '2', '3', '4', '5', '6'] }}", "key": "{{ item }}", "steps": [inner]}
    _opened(scene, [loop, scene.step("get", "b", needs=["each"])])
    scene.whole_run()
    scene.close()


@_session
def loop_of_keyed_writes_run_twice(scene: Scene) -> None:
    inner = scene.step("add", "x")
    inner["with"]["url"] = f"{scene.url}/item-{{{{ item }}}}/x"
    loop = {"id": "each", "foreach": "{{ ['1', '2', '3'] }}", "key": "{{ item }}", "steps": [inner]}
    _opened(scene, [loop])
    scene.whole_run()
    scene.whole_run()
    scene.close()


@_session
def called_workflow(scene: Scene) -> None:
    scene.make()
    scene.workflow(scene.chain("get", "add"), "called")
    call = {"id": "call", "uses": "workflow.run", "with": {"workflow": "called", "inputs": {"lane": "inner"}}}
    scene.workflow([call, scene.step("get", "b", needs=["call"])])
    scene.open()
    scene.begin()
    scene.whole_run()
    scene.close()


@_session
def run_that_waits(scene: Scene) -> None:
    wait = {"id": "b", "uses": "flow.wait", "with": {"seconds": 1}, "needs": ["a"]}
    _opened(scene, [scene.step("add", "a"), wait, scene.step("add", "c", needs=["b"])])
    scene.whole_run()
    scene.close()


def _answered(answer: Callable[[Scene, str], Any], ends: str) -> Session:
    def play(scene: Scene) -> None:
        ask = {"id": "b", "uses": "flow.approve", "with": {"message": "Send it?"}, "needs": ["a"]}
        _opened(scene, [scene.step("add", "a"), ask, scene.step("post", "c", needs=["b"])])
        run_id = scene.start(ends="waiting")
        _until(lambda: scene.orchestra.approvals.count_open(OWNER) == 1)
        [question] = scene.orchestra.approvals.list(OWNER)
        scene.answers("approvals.get", question.id)
        scene.unsure("approvals.get", question.id)
        scene.accepted(run_id, f"waiting|{ends}")
        answer(scene, question.id)
        scene.accepted(run_id, ends)
        scene.answers("approvals.get", question.id)
        scene.ended(run_id)
        scene.close()

    return play


SESSIONS["question-approved"] = _answered(lambda scene, one: scene.orchestra.approvals.approve(OWNER, one), "succeeded")
SESSIONS["question-rejected"] = _answered(lambda scene, one: scene.orchestra.approvals.reject(OWNER, one), "failed")


def _until(is_true: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + _SECONDS
    while not is_true():
        assert time.monotonic() < ends_at, "it did not happen"
        time.sleep(0.005)


@_session
def run_that_fails(scene: Scene) -> None:
    stop = {"id": "b", "uses": "flow.fail", "with": {"message": "no"}, "needs": ["a"]}
    after = {"steps": [scene.step("add", "y")]}
    _opened(scene, [scene.step("add", "a"), stop], on_failure=after)
    scene.whole_run(ends="failed")
    scene.close()


@_session
def run_that_fails_and_is_resumed(scene: Scene) -> None:
    read = {"method": "GET", "url": f"http://127.0.0.1:{scene.port}/find/{scene.name}"}
    stop = {"id": "b", "uses": "http.request", "connection": "web", "with": read, "needs": ["a"]}
    odd = {"id": "c", "uses": "flow.fail", "with": {"message": "no"}, "needs": ["b"]}
    _opened(scene, [scene.step("add", "a"), stop, odd])
    run_id = scene.start(ends="failed")
    scene.ended(run_id)
    scene.unsure("runs.get", run_id)
    scene.orchestra.runs.resume(OWNER, run_id)
    scene.ended(run_id)
    scene.close()


@_session
def run_that_is_run_again(scene: Scene) -> None:
    _opened(scene, scene.chain("get", "add", "set"))
    first = scene.whole_run()
    again = scene.orchestra.runs.rerun(OWNER, first, inputs={"lane": "b"})
    scene.accepted(again)
    scene.ended(again)
    scene.close()


@_session
def run_that_is_cancelled(scene: Scene) -> None:
    wait = {"id": "b", "uses": "flow.wait", "with": {"seconds": 3600}, "needs": ["a"]}
    _opened(scene, [scene.step("add", "a"), wait])
    run_id = scene.start(ends="waiting|running|cancelled")
    _until(lambda: scene.orchestra.runs.get(OWNER, run_id)["status"] == "waiting")
    scene.orchestra.runs.cancel(OWNER, run_id)
    scene.accepted(run_id, "cancelled")
    scene.ended(run_id)
    scene.close()


@_session
def run_that_is_left_and_taken_up(scene: Scene) -> None:
    wait = {"id": "b", "uses": "flow.wait", "with": {"seconds": 1}, "needs": ["a"]}
    _opened(scene, [scene.step("add", "a"), wait, scene.step("post", "c", needs=["b"])])
    run_id = scene.start()
    _until(lambda: "succeeded" in [step["status"] for step in scene.orchestra.runs.get(OWNER, run_id)["steps"]])
    scene.close()
    scene.open().runs.resume_all(OWNER)
    scene.ended(run_id)
    scene.close()


def _taken_back(kinds: tuple[str, ...]) -> Session:
    def play(scene: Scene) -> None:
        scene.make()
        scene.workflow(scene.chain(*kinds))
        scene.open()
        run_id = scene.orchestra.runs.start(OWNER, WORKFLOW, {"lane": "a"})
        scene.orchestra.runs.wait(OWNER, run_id, _SECONDS)
        scene.begin()
        scene.answers("runs.get", run_id)
        scene.unsure("runs.get", run_id)
        report = scene.orchestra.runs.undo(OWNER, run_id)
        assert len(report.undone) == kinds.count("lend"), report
        scene.answers("runs.get", run_id)
        scene.holds("undone", "undone", id=run_id)
        scene.close()

    return play


SESSIONS["undo-of-one-write"] = _taken_back(("lend", "get"))
SESSIONS["undo-of-four-writes"] = _taken_back(("lend", "lend", "get", "lend", "lend"))
