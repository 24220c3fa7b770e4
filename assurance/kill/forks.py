"""A warm process that has the engine imported and forks one child per job, so that a kill costs no cold start.

`python -m assurance.kill.forks SOCKET`: each connection sends one line of JSON (a Job) and hears of its child in lines;
the first is the child's process id. It ends, and its children with it, when its standard input closes.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import socket
import sys
import threading
import traceback
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import engine.triggers
from assurance.kill.wrong import WRONG
from engine.base.errors import InUse, PlanDrift
from engine.base.services import client_class
from engine.base.statuses import AccountMode
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.plugins.registry import step_types
from engine.plugins.trigger import Start
from engine.runner.effects import fault_points

OWNER = Principal("tester", "owner", confirmed=True)
MORE_TRIGGER_TYPES = Path(__file__).parents[2] / "tests" / "engine" / "triggering" / "trigger_types"
LAG_SECONDS = 0.2
"""In place of the seconds for which the real services may hide a fresh write: the stand-ins hide nothing."""


_IMPORTED_LATER = (
    "cel_expr_python.cel",
    "cel_expr_python.ext",
    "clients.dropbox",
    "clients.google_drive",
    "clients.mcp",
    "clients.onedrive",
    "dotenv",
    "duckdb",
    "github",
    "google_auth_httplib2",
    "googleapiclient.discovery",
    "jsonschema",
    "notion_client",
    "openai.resources",
    "openai.types.chat",
    "pydantic.type_adapter",
    "pymysql",
    "sqlglot",
    "yaml",
)
"""What the engine imports only when it needs it: a child finds it there."""


class Child:
    """What a job does in its forked process; every method says lines to the one who ordered it."""

    def __init__(self, job: dict[str, Any], connection: socket.socket) -> None:
        self._job, self._connection = job, connection
        self._orchestra: Orchestra | None = None
        """None while it is being opened; what it adopts and watches is at work already."""

    def work(self) -> None:
        """Do the job."""
        for name in self._job.get("wrong", []):
            WRONG[name]()
        if "signal_at" in self._job:
            fault_points.hook = self._signalled(*self._job["signal_at"])
        getattr(self, self._job["do"])()

    def run(self) -> None:
        """Start runs and see them to their end: "go", then their ids, then each one's status."""
        orchestra = self._opened()
        self._say("go")
        runs = orchestra.runs
        run_ids = [runs.start(OWNER, self._job["workflow"], inputs) for inputs in self._job["inputs"]]
        self._say(" ".join(run_ids))
        self._end(orchestra, run_ids)

    def apply(self) -> None:
        """Plan a run unless there is a plan, and apply that: the plan's id, then that of the run, then its status.

        What counts moments and points counts from the application on.
        """
        hook, fault_points.hook = fault_points.hook, None
        orchestra = self._opened()
        plan_id = self._job.get("plan") or orchestra.plans.make(OWNER, self._job["workflow"], self._job["inputs"])
        orchestra.runs.wait(OWNER, plan_id, 120)
        fault_points.hook = hook
        self._say(plan_id)
        try:
            run_id = orchestra.plans.apply(OWNER, plan_id)
        except PlanDrift:
            run_id = str(orchestra.plans.show(OWNER, plan_id)["applied_run_id"])
        self._say(run_id)
        self._end(orchestra, [run_id])

    def resume(self) -> None:
        """Go on with one run, as a person who may have answered a question."""
        orchestra = self._opened()
        answer = self._job.get("answer")
        orchestra.runs.resume(OWNER, self._job["run_id"], as_done=answer == "as_done", redo=answer == "redo")
        self._say("resumed")
        self._end(orchestra, [self._job["run_id"]])

    def resume_all(self) -> None:
        """Go on with every run that nobody works on, and with those that a person resumes."""
        self._see_to_their_end(self._opened(), [])

    def go_on(self) -> None:
        """Begin runs, and go on as `resume_all` does, once they are all accepted."""
        orchestra = self._opened()
        begun = [orchestra.runs.start(OWNER, self._job["workflow"], inputs) for inputs in self._job["inputs"]]
        self._see_to_their_end(orchestra, begun)

    def serve(self) -> None:
        """Be the workspace's server until the other side hangs up."""
        orchestra = self._opened(serve=True)
        self._say("ready")
        self._connection.recv(1)
        orchestra.close()

    def watch(self) -> None:
        """Be the workspace's server, on the owner's accounts, with a trigger on, until the other side hangs up."""
        orchestra = self._opened(serve=True)
        for service in ("gmail", "github", "notion"):
            orchestra.connections.set_mode(OWNER, service, AccountMode.MINE)
        workflow, trigger = self._job["workflow"], self._job["trigger"]
        if not orchestra.triggers.status(OWNER, workflow, trigger).is_on:
            orchestra.triggers.turn_on(OWNER, workflow, trigger, Start())
        self._say("ready")
        self._connection.recv(1)
        orchestra.close()

    def hold(self) -> None:
        """Be the workspace's server, on the owner's mailbox, and start runs; until the other side hangs up."""
        orchestra = self._opened(serve=True)
        orchestra.connections.set_mode(OWNER, "gmail", AccountMode.MINE)
        for inputs in self._job["inputs"]:
            orchestra.runs.start(OWNER, self._job["workflow"], inputs)
        self._say("ready")
        self._connection.recv(1)
        orchestra.close()

    def stop(self) -> None:
        """Reject questions one after the other: "stopped", or "late", and the id of each."""
        orchestra = self._opened()
        for question in self._job["questions"]:
            try:
                orchestra.approvals.reject(OWNER, question)
            except InUse:
                self._say(f"late {question}")
            else:
                self._say(f"stopped {question}")
        orchestra.close()

    def promote(self) -> None:
        """Promote a workflow from dev to prod, and die at the n-th file that takes its place; else "done"."""
        orchestra = self._opened()
        _die_at_file(self._job["nth"])
        orchestra.environments.promote(OWNER, self._job["workflow"], "dev", "prod")
        self._say("done")

    def merge(self) -> None:
        """Merge a branch, and die at the n-th file that takes its place; else "done"."""
        orchestra = self._opened()
        _die_at_file(self._job["nth"])
        orchestra.branches.merge(OWNER, self._job["workflow"], self._job["branch"], keep=True)
        self._say("done")

    def poll(self) -> None:
        """Look once at every trigger that is on, and see the runs to their end: "go", then each one's status."""
        orchestra = self._opened()
        self._say("go")
        results = orchestra.triggers.poll(OWNER)
        started = [run_id for one in results for run_id in (*one.resumed, *one.started)]
        self._end(orchestra, started)

    def _opened(self, *, serve: bool = False) -> Orchestra:
        opened = self._orchestra = Orchestra.open(Path(self._job["root"]), serve=serve)
        return opened

    def _see_to_their_end(self, orchestra: Orchestra, run_ids: list[str]) -> None:
        run_ids += [orchestra.runs.resume(OWNER, run_id) for run_id in self._job.get("by_a_person", [])]
        run_ids += orchestra.runs.resume_all(OWNER)
        self._say(" ".join(run_ids) or "none")
        self._end(orchestra, run_ids)

    def _signalled(self, point: str, time_of_it: int, name: str) -> Any:
        """Return a hook that sends this process a signal when it comes to a point for the n-th time."""
        times = 0

        def hook(reached: str) -> None:
            nonlocal times
            times += reached == point
            if times == time_of_it and reached == point:
                # Not amid a heartbeat: a process that stands still in a transaction keeps everybody from writing.
                database = self._orchestra and self._orchestra._families.opened.database
                with getattr(database, "write_lock", nullcontext()):
                    # To this very thread, which then does nothing more; of the process another one might take it later.
                    signal.pthread_kill(threading.get_ident(), signal.Signals[name])

        return hook

    def _end(self, orchestra: Orchestra, run_ids: list[str]) -> None:
        try:
            for run_id in run_ids:
                self._say(orchestra.runs.wait(OWNER, run_id, 120)["status"])
        except Exception as error:  # noqa: BLE001 - said to the one who ordered it
            self._say(f"{type(error).__name__}: {error}")
        orchestra.close()

    def _say(self, line: str) -> None:
        self._connection.sendall(f"{line}\n".encode())


def _die_at_file(nth: int) -> None:
    """Let this process kill itself when the n-th file from now on is about to take its place."""
    left = nth

    def count(event: str, _arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if event == "os.rename":
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


def main() -> None:
    """Fork a child for every connection."""
    engine.triggers.__path__.append(str(MORE_TRIGGER_TYPES))
    for name in _IMPORTED_LATER:
        importlib.import_module(name)
    for service in ("gmail", "github", "notion", "http"):
        client_class(service)
    for step_type in step_types().values():
        if step_type.lag_seconds:
            type(step_type).lag_seconds = LAG_SECONDS
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1])
    listener.listen(16)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    children: list[int] = []
    while True:
        ready, _, _ = select.select([listener, sys.stdin], [], [])
        if sys.stdin in ready:
            break
        connection, _ = listener.accept()
        job = json.loads(connection.makefile().readline())
        pid = os.fork()
        if pid == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setpgid(0, 0)
            _child(job, connection)
        connection.close()
        children.append(pid)


def _child(job: dict[str, Any], connection: socket.socket) -> None:
    code = 1
    try:
        connection.sendall(f"{os.getpid()}\n".encode())
        Child(job, connection).work()
        code = 0
    except Exception as error:  # noqa: BLE001 - said to the one who ordered it
        connection.sendall(f"{type(error).__name__}: {error}\n".encode())
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
