"""Worker threads of the engine's own: blocking SDK calls run here, bounded in number for each connection."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_IDLE_SECONDS = 30.0
_MOST_GIVEN_UP = 4
"""For each thread, so many more may stand in calls that nobody waits for any more."""


@dataclass(slots=True, eq=False)
class _Task:
    """Work, and who waits for it."""

    work: Callable[[], Any]
    future: asyncio.Future[Any]
    is_taken: bool = False
    is_given_up: bool = False
    """Nobody waits for it any more: its thread has been replaced, and ends with it."""


class Workers:
    """Up to `size` daemon threads, started when needed and ended when idle; work beyond that waits in order."""

    def __init__(self, name: str, size: int) -> None:
        self._name, self._size = name, size
        self._queue: queue.SimpleQueue[_Task] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._idle = 0
        self._waiting = 0
        self._given_up = 0

    def run(self, work: Callable[[], Any]) -> asyncio.Future[Any]:
        """Run `work` in a thread; the future belongs to the running loop.

        Cancelling the future before a thread has taken the work withdraws it. Later it does not stop the thread, but
        another one takes its place: what is abandoned holds up nobody. Whoever must know how the work ended keeps the
        future shielded.
        """
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        task = _Task(work, future)
        future.add_done_callback(lambda _: self._replace(task) if future.cancelled() else None)
        with self._lock:
            self._waiting += 1
            self._start_if_needed()
        self._queue.put(task)
        return future

    def _start_if_needed(self) -> None:
        """Start a thread where work waits and there may be one more; with the lock held."""
        if self._waiting > self._idle and self._threads < self._size:
            self._threads += 1
            threading.Thread(target=self._loop, name=f"{self._name}-{self._threads}", daemon=True).start()

    def _replace(self, task: _Task) -> None:
        """Let another thread take the place of one that is at work for nobody."""
        with self._lock:
            if task.is_taken and self._given_up < _MOST_GIVEN_UP * self._size:
                task.is_given_up = True
                self._given_up += 1
                self._threads -= 1
                self._start_if_needed()

    def _loop(self) -> None:
        while (task := self._next()) is not None:
            if not task.future.cancelled():
                _settle(task.future, *_outcome(task.work))
            if self._has_ended(task):
                return
            del task  # an idle thread keeps no answer alive

    def _has_ended(self, task: _Task) -> bool:
        """Tell whether this thread has been replaced while it was at work."""
        with self._lock:
            task.is_taken = False
            self._given_up -= task.is_given_up
            return task.is_given_up

    def _next(self) -> _Task | None:
        """Return the next work, None where there was none for long and this thread shall end."""
        while True:
            with self._lock:
                self._idle += 1
            task = self._taken()
            with self._lock:
                self._idle -= 1
                if task is not None:
                    self._waiting -= 1
                    task.is_taken = True
                    return task
                if not self._waiting:
                    self._threads -= 1
                    return None

    def _taken(self) -> _Task | None:
        try:
            return self._queue.get(timeout=_IDLE_SECONDS)
        except queue.Empty:
            return None


def _outcome(work: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    try:
        return work(), None
    except BaseException as error:  # noqa: BLE001 - it is raised again where the result is awaited
        return None, error


def _settle(future: asyncio.Future[Any], value: Any, error: BaseException | None) -> None:
    def put() -> None:
        if future.done():
            return
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)

    with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
        future.get_loop().call_soon_threadsafe(put)
