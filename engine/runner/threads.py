"""Worker threads of the engine's own: blocking SDK calls run here, bounded in number for each connection."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any

_IDLE_SECONDS = 30.0
_Task = tuple[Callable[[], Any], "asyncio.Future[Any]"]


class Workers:
    """Up to `size` daemon threads, started when needed and ended when idle; work beyond that waits in order."""

    def __init__(self, name: str, size: int) -> None:
        self._name, self._size = name, size
        self._queue: queue.SimpleQueue[_Task] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._idle = 0
        self._waiting = 0

    def run(self, work: Callable[[], Any]) -> asyncio.Future[Any]:
        """Run `work` in a thread; the future belongs to the running loop.

        Cancelling the future before a thread has taken the work withdraws it. Later it does not stop the thread:
        whoever must know how it ended keeps the future shielded.
        """
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        with self._lock:
            self._waiting += 1
            if self._waiting > self._idle and self._threads < self._size:
                self._threads += 1
                threading.Thread(target=self._loop, name=f"{self._name}-{self._threads}", daemon=True).start()
        self._queue.put((work, future))
        return future

    def _loop(self) -> None:
        while (task := self._next()) is not None:
            work, future = task
            if not future.cancelled():
                _settle(future, *_outcome(work))
            del task, work, future  # an idle thread keeps no answer alive

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
