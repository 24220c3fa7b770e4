"""An engine that can be crashed inside the test process: its loop stands still, and another takes over."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import engine.steps
from engine.orchestra import Orchestra
from engine.plugins import registry
from engine.runner.effects import fault_points
from engine.store.sql.journal import SqlJournal
from engine.store.sql.workers.owners import SqlOwner

_PATIENCE_SECONDS = 60.0


class CrashingEngine:
    """An opened workspace. After `crash` nothing of it goes on, and nothing it had not stored is stored."""

    def __init__(self, root: Path) -> None:
        self.orchestra = Orchestra.open(root)
        self.has_crashed = threading.Event()
        self._over = threading.Event()

    def crash(self) -> None:
        """Stop the engine's loop as soon as it comes by; `has_crashed` tells when."""
        self.orchestra._families.work.worker._loop.call_soon_threadsafe(self._stop)

    def crash_here(self) -> None:
        """Stop the engine's loop in the middle of one of its tasks."""
        self._stand_still()
        self.orchestra._families.work.worker._loop.call_soon(self._end_thread)
        raise asyncio.CancelledError

    def _stop(self) -> None:
        self._stand_still()
        self._end_thread()

    def _stand_still(self) -> None:
        self.has_crashed.set()
        self._over.wait(_PATIENCE_SECONDS)

    def _end_thread(self) -> None:
        raise SystemExit

    def is_idle(self) -> bool:
        """Tell whether no worker thread is in a call (a process that dies takes them with it)."""
        accounts = [known[1] for known in self.orchestra._families.opened.accounts._opened.values()]
        return all(one.workers._waiting == 0 and one.workers._threads == one.workers._idle for one in accounts)

    def bury(self) -> None:
        """Free the lock and close all that a dead process would no longer hold."""
        worker = self.orchestra._families.work.worker
        owner = worker.owner
        assert isinstance(owner, SqlOwner)
        owner._lock.close()
        assert isinstance(worker._journal, SqlJournal)
        worker._journal._connection.close()
        self.orchestra._families.opened.accounts.close()
        self.orchestra._families.opened.database.close()

    def end(self) -> None:
        """Close an engine that lives; let the thread of a crashed one end."""
        if not self.has_crashed.is_set():
            self.orchestra.close()
            return
        self._over.set()
        worker = self.orchestra._families.work.worker
        worker._thread.join(_PATIENCE_SECONDS)
        worker._loop.run_until_complete(_break_off())  # all that it could write to is closed
        worker._loop.close()


async def _break_off() -> None:
    """End every task of a dead engine, so that none is left over."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def crash_at_point(engine_: CrashingEngine, number: int) -> Iterator[None]:
    """Crash the engine at the n-th fault point that a run comes to (from 1), whichever that is."""
    count = 0

    def hook(_point: Any) -> None:
        nonlocal count
        count += 1
        if count == number:
            engine_.crash_here()

    fault_points.hook = hook
    try:
        yield
    finally:
        fault_points.hook = None


@contextmanager
def more_step_types() -> Iterator[None]:
    """Let the registry find the step types of these tests beside the engine's own."""
    folder = str(Path(__file__).parent / "step_types")
    engine.steps.__path__.append(folder)
    _forget()
    try:
        yield
    finally:
        engine.steps.__path__.remove(folder)
        _forget()


def _forget() -> None:
    registry.STEPS.forget()
