"""One workspace, its scripted service and its judge: starts, cancels, crashes and resumes runs, and judges each."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from assurance.semantics.documents import LISTS, Case
from assurance.semantics.engines import CrashingEngine, crash_at_point
from assurance.semantics.model import Cut, Judge
from assurance.semantics.service import ScriptedService
from engine.base.errors import InUse, InvalidInput
from engine.people.access import Principal
from engine.record.types.run import Run
from tests.patience import PATIENCE_SECONDS, until

OWNER = Principal("tester", "owner", confirmed=True)


@dataclass(frozen=True)
class Disturbance:
    """What happens to an attempt at a request of it or at a fault point (counted from 1); nothing if it ends before."""

    what: Literal["nothing", "cancel", "crash at a request", "crash at a point"] = "nothing"
    number: int = 1


class World:
    """All that one random workflow goes through."""

    def __init__(self, root: Path, service: ScriptedService, case: Case) -> None:
        self.root, self.service, self.case = root, service, case
        service.script = case.script
        for name in ("workflows", "prompts", "logs"):
            (root / name).mkdir(parents=True)
        config = f"connections:\n  web:\n    service: http\n    allow_hosts: ['127.0.0.1:{service.port}']\n"
        config += "approvals:\n  default: never\n"
        (root / "config.yaml").write_text(config)
        (root / "workflows" / "work.json").write_text(json.dumps(case.document()))
        self.judge = Judge(case.document(), case.script)
        self.runs = 0
        self.run: Run | None = None
        self.engine = CrashingEngine(root)
        self.dead: list[CrashingEngine] = []

    def start(self, disturbance: Disturbance) -> None:
        """Start a new run and see it through."""
        self.runs += 1
        inputs = {"base": f"http://127.0.0.1:{self.service.port}/r{self.runs}", "yes": True, "no": False, **LISTS}
        self.run = None
        self._attempt(lambda: self.engine.orchestra.runs.start(OWNER, "work", inputs), disturbance)

    def resume(self, disturbance: Disturbance) -> None:
        """Go on with the run and see it through."""
        assert self.run is not None
        run_id = self.run["run_id"]
        self._attempt(lambda: self.engine.orchestra.runs.resume(OWNER, run_id), disturbance)

    def answer(self, *, is_done: bool) -> None:
        """Say of the writes of unknown outcome that they are done, or to be done again; and see the run through."""
        assert self.run is not None
        run_id = self.run["run_id"]
        is_certain = self.judge.answered(run_id, is_done=is_done)

        def resume() -> str:
            try:
                return self.engine.orchestra.runs.resume(OWNER, run_id, as_done=is_done, redo=not is_done)
            except InvalidInput:
                assert not is_certain, "there was a write of unknown outcome, and nobody could answer for it"
                return self.engine.orchestra.runs.resume(OWNER, run_id)

        self._attempt(resume, Disturbance())

    def close(self) -> None:
        """End every engine."""
        for one in [self.engine, *self.dead]:
            one.end()

    def _attempt(self, begin: Callable[[], str], disturbance: Disturbance) -> None:
        since, before = len(self.service.requests), self.run
        self.service.on_request = self._watch(since, disturbance)
        with self._armed(disturbance):
            run_id = begin()
            self._wait(run_id, disturbance)
        until(lambda: self.service.is_quiet() and self.engine.is_idle())
        cut: Cut = ""
        if self.engine.has_crashed.is_set():
            self._take_over()
            cut = "crashed"
        run = self.run = self.engine.orchestra.runs.get(OWNER, run_id)
        cut = "cancelled" if run["status"] == "cancelled" else cut
        made: Mapping[str, int] = dict(self.service.made)
        try:
            self.judge.judge(run, before, self.service.by_path(since), made, cut)
            self.judge.check_effects(made)
        except AssertionError as error:
            error.add_note(self._told(before, since, disturbance))
            raise

    def _told(self, before: Mapping[str, Any] | None, since: int, disturbance: Disturbance) -> str:
        """Tell all that is needed to understand a failure."""
        assert self.run is not None
        parts = [json.dumps(self.case.steps, indent=1), f"{self.case.faults}", f"{disturbance}"]
        for document in filter(None, (before, self.run)):
            parts.append(f"{document['status']}: {document['error']}")
            parts += [f"  {step['path']}: {step['status']} {step['error'] or ''}" for step in document["steps"]]
        parts += [f"  {request}" for request in self.service.requests[since:]]
        return "\n".join(parts)

    def _armed(self, disturbance: Disturbance) -> AbstractContextManager[None]:
        if disturbance.what == "crash at a point":
            return crash_at_point(self.engine, disturbance.number)
        return nullcontext()

    def _watch(self, since: int, disturbance: Disturbance) -> Callable[[int], None]:
        self.reached = threading.Event()

        def watch(number: int) -> None:
            if number != since + disturbance.number:
                return
            if disturbance.what == "crash at a request":
                self.engine.crash()
                self.engine.has_crashed.wait(PATIENCE_SECONDS)
            self.reached.set()

        return watch

    def _wait(self, run_id: str, disturbance: Disturbance) -> None:
        """Wait until the attempt is over; nobody waits for an answer of an engine that may stand still."""
        worker = self.engine.orchestra._families.work.worker
        ended = asyncio.run_coroutine_threadsafe(worker._idle(run_id, 60), worker._loop)
        until(lambda: self.engine.has_crashed.is_set() or self.reached.is_set() or ended.done())
        if disturbance.what == "cancel" and self.reached.is_set():
            self._cancel(run_id)
        until(lambda: self.engine.has_crashed.is_set() or ended.done())

    def _cancel(self, run_id: str) -> None:
        try:
            self.engine.orchestra.runs.cancel(OWNER, run_id)
        except InUse as error:
            assert "cannot be cancelled" in error.message  # noqa: PT017 - it may end before it hears of it

    def _take_over(self) -> None:
        """Let another engine find what the dead one has left."""
        self.engine.bury()
        self.dead.append(self.engine)
        self.engine = CrashingEngine(self.root)
