"""Kills one process after another in the middle of a small job that writes to four services.

The server of the workspace, which lives on, takes each run over; a question that only a person can answer is answered
by looking at the service, as a person would. All jobs share one workspace, and some run side by side. Triggers in the
state file keep every event for the judge (judge.py): a run's own are dropped at its end.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from assurance.kill.counting import Counting, counting
from assurance.kill.fork_server import fork_server
from assurance.kill.harness import Setting
from assurance.kill.job import WORKFLOW, workflow

_PATIENCE_SECONDS = 90.0


@dataclass
class Killed:
    """One kill: of job `n`, at a moment or a named point."""

    n: int
    how: str
    run_id: str = ""
    at: float = 0.0
    was_over: bool = False
    asked: int = 0
    """How often a person was asked about a write of it."""
    failed_with: list[str] = field(default_factory=list)
    """What the run said each time before."""
    adopted_seconds: float | None = None
    is_application: bool = False
    """Whether the run applies a plan, whose answers it uses."""


@dataclass
class Job:
    """A child of the fork server, and what it says."""

    connection: socket.socket
    lines: TextIO = field(init=False)
    pid: int = field(init=False)

    def __post_init__(self) -> None:
        self.lines = self.connection.makefile()
        self.pid = int(self.lines.readline())

    def said(self) -> str:
        """Return the next line; empty once it has ended."""
        with suppress(ConnectionError):
            return self.lines.readline().strip()
        return ""

    def signal(self, number: signal.Signals) -> float:
        """Send it a signal; return when."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)
        return time.time()

    def end(self) -> None:
        """Kill it, unless it has ended: then its number may be another process's by now."""
        if not self.lines.closed:
            self.connection.settimeout(0.05)
            with suppress(OSError):  # also where it has kept somebody waiting too long already
                while self.said():
                    pass
                self.close()
                return
            self.signal(signal.SIGKILL)
            self.close()

    def close(self) -> None:
        """Hang up."""
        self.lines.close()
        self.connection.close()


class Storm:
    """A workspace, its services and the fork server."""

    def __init__(self, place: Setting, web: Counting, settings: str) -> None:
        self.place, self.web = place, web
        self._configure(settings)
        messages = [message["id"] for message in self.place.shown()["gmail"]["messages"]]
        self.write(WORKFLOW, workflow(web, messages))
        self._forks, self._jobs = fork_server(), list[Job]()

    def _configure(self, settings: str) -> None:
        """Take the stand-ins for the accounts: in a demo nothing else could be reached."""
        lines, variables = [settings, self.place.rows.settings, "connections:"], []
        for service in ("gmail", "github", "notion"):
            endpoint, name = self.place.endpoints[service], f"{service.upper()}_TOKEN"
            variables.append(f"{name}={endpoint['token']}")
            values = f"service: {service}, token: 'env:{name}', base_url: '{endpoint['base_url']}'"
            lines.append(f"  {service}: {{{values}}}")
        lines.append(f"  web: {{service: http, allow_hosts: ['127.0.0.1:{self.web.port}']}}")
        lines.append("approvals: {default: never}")
        (self.place.root / "config.yaml").write_text("\n".join(lines) + "\n")
        (self.place.root / ".env").write_text("\n".join(variables) + "\n")

    def write(self, name: str, document: dict[str, Any]) -> None:
        """Put a workflow into the workspace."""
        (self.place.root / "workflows" / f"{name}.json").write_text(json.dumps(document, indent=2))

    def close(self) -> None:
        """End every child, what is stopped included."""
        for job in self._jobs:
            job.end()

    def fork(self, do: str, **job: Any) -> Job:
        """Let a child do a job (forks.py)."""
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(_PATIENCE_SECONDS)
        self._forks.wait_until_ready()
        connection.connect(str(self._forks.socket))
        connection.sendall((json.dumps({"do": do, "root": str(self.place.root), **job}) + "\n").encode())
        self._jobs.append(Job(connection))
        return self._jobs[-1]

    def start(self, n: int, **more: Any) -> tuple[Job, str]:
        """Start job `n` in a process of its own; return it and the run's id, once that is accepted."""
        job = self.fork("run", workflow=WORKFLOW, inputs=[{"n": n}], **more)
        assert job.said() == "go"
        return job, job.said() or self._accepted(n)  # killed before it could say it

    def _accepted(self, n: int) -> str:
        ((run_id,),) = self.query("SELECT run_id FROM kept_runs WHERE n = ?", n)
        return str(run_id)

    @contextmanager
    def served(self, **job: Any) -> Iterator[Job]:
        """Let a server live beside the jobs: it takes over what is killed."""
        server = self.fork("serve", **job)
        assert server.said() == "ready"
        self.place.rows.keep("kept", "events", run_id="NEW.run_id", number="NEW.number", event="NEW.event")
        self.place.rows.keep("kept_runs", "runs", run_id="NEW.run_id", n="/inputs/n")
        try:
            yield server
        finally:
            server.close()

    # --- one kill

    def seconds_of_a_job(self, n: int) -> float:
        """Let a job run undisturbed; return how long it takes from its acceptance."""
        job, _ = self.start(n)
        begun = time.monotonic()
        assert job.said() == "succeeded"
        job.close()
        return time.monotonic() - begun

    def kill_after(self, n: int, seconds: float, **more: Any) -> Killed:
        """Kill a job some time after it was accepted."""
        job, run_id = self.start(n, **more)
        time.sleep(seconds)
        at = job.signal(signal.SIGKILL)
        return self._recovered(Killed(n, f"after {seconds * 1000:.0f} ms", run_id, at), job, more)

    def kill_at(self, n: int, point: str, time_of_it: int, **more: Any) -> Killed:
        """Let a job kill itself when it comes to a named point for the n-th time."""
        job, run_id = self.start(n, signal_at=(point, time_of_it, "SIGKILL"), **more)
        while job.said():
            pass
        return self._recovered(Killed(n, f"{point} {time_of_it}", run_id, time.time()), job, more)

    def kill_application(self, n: int, how: str, seconds: float | None = None, **more: Any) -> Killed:
        """Plan a job and kill its application: after some seconds, else where `signal_at` says.

        If that was before the run was accepted, the plan is applied once more.
        """
        job = self.fork("apply", workflow=WORKFLOW, inputs={"n": n}, **more)
        plan_id = job.said()
        if seconds is not None:
            time.sleep(seconds)
            job.signal(signal.SIGKILL)
        while job.said():
            pass
        at = time.time()
        again = self.fork("apply", plan=plan_id)
        assert again.said() == plan_id
        killed = Killed(n, how, again.said(), at, is_application=True)
        self._wait_for(again)
        return self._recovered(killed, job, {})

    def _recovered(self, killed: Killed, job: Job, more: dict[str, Any]) -> Killed:
        """Let the server go on with the run, and a person answer for it, until it has ended well."""
        job.close()
        killed.was_over = self.query("SELECT ended_at FROM runs WHERE run_id = ?", killed.run_id) != [(None,)]
        while self.ended(killed.run_id) == "failed" and killed.asked < 3:
            killed.asked += 1
            killed.failed_with.append(self.log(killed.run_id)["sentence"])
            is_there = self.web.seen[f"POST /post?n={killed.n}"] > 0
            self.resume(killed.run_id, answer="as_done" if is_there else "redo", **more)
        resumed = [event["at"] for event in self.eras(killed.run_id)[0] if event["type"] == "run_resumed"]
        if resumed and not killed.was_over:
            killed.adopted_seconds = datetime.fromisoformat(resumed[0]).timestamp() - killed.at
        return killed

    def resume(self, run_id: str, **more: Any) -> None:
        """Go on with a run in a process of its own, to its end."""
        self._wait_for(self.fork("resume", run_id=run_id, **more))

    def resume_all(self, **more: Any) -> None:
        """Go on with every run that nobody works on, to its end."""
        self._wait_for(self.fork("resume_all", **more))

    def _wait_for(self, job: Job) -> None:
        while job.said():
            pass
        job.close()

    def ended(self, run_id: str) -> str:
        """Wait for the end of a run; return its status, or "lost"."""
        ends_at = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < ends_at:
            ((status, ended_at),) = self.query("SELECT status, ended_at FROM runs WHERE run_id = ?", run_id)
            if ended_at is not None:
                return str(status)
            time.sleep(0.02)
        return "lost"

    # --- what is known afterwards

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask the state."""
        return self.place.rows.query(statement, *values)

    def eras(self, run_id: str) -> list[list[dict[str, Any]]]:
        """Every event of a run, those before the kill included; a run that has ended and goes on begins a new era.

        In that it tells once more what it has done before.
        """
        eras: list[list[dict[str, Any]]] = []
        for number, text in self.query("SELECT number, event FROM kept WHERE run_id = ? ORDER BY place", run_id):
            if number == 1:
                eras.append([])
            eras[-1].append(json.loads(text))
        return eras or [[]]

    def log(self, run_id: str) -> dict[str, Any]:
        """The log of a run."""
        (path,) = self.place.root.glob(f"logs/*/{run_id}.json")
        document: dict[str, Any] = json.loads(path.read_text())
        return document


@contextmanager
def storm(root: Path, *, settings: str = "") -> Iterator[Storm]:
    """Make a storm and clear it away; `settings` are lines of config.yaml."""
    fork_server()  # it gets ready beside the stand-ins
    with counting() as web, closing(Setting(root, latency="0")) as place, closing(Storm(place, web, settings)) as made:
        yield made


def summary(kills: Sequence[Killed]) -> str:
    """Return the figures of many kills in a line."""
    adopted = sorted(one.adopted_seconds for one in kills if one.adopted_seconds is not None)
    too_late = sum(one.was_over for one in kills)
    figures = f"{len(kills) - too_late} kills (and {too_late} after the end)"
    if not adopted:
        return figures
    return (
        f"{figures}; {sum(one.asked for one in kills)} questions; adopted after {statistics.median(adopted):.2f} s"
        f" (median), {adopted[-1]:.2f} s (most)"
    )
