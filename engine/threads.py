"""Worker threads of the engine's own: blocking SDK calls run here, bounded in number for each connection."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any

_IDLE_SECONDS = 30.0


class Workers:
    """Up to `size` daemon threads, started when needed and ended when idle; work beyond that waits in order."""

    def __init__(self, name: str, size: int) -> None:
        self._name, self._size = name, size
        self._queue: queue.SimpleQueue[tuple[Callable[[], Any], asyncio.Future[Any]]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._idle = 0

    def run(self, work: Callable[[], Any]) -> asyncio.Future[Any]:
        """Run `work` in a thread; the future belongs to the running loop.

        Cancelling the future does not stop the thread: whoever must know how it ended keeps the future shielded.
        """
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._queue.put((work, future))
        with self._lock:
            if self._idle < self._queue.qsize() and self._threads < self._size:
                self._threads += 1
                threading.Thread(target=self._loop, name=f"{self._name}-{self._threads}", daemon=True).start()
        return future

    def _loop(self) -> None:
        while True:
            with self._lock:
                self._idle += 1
            try:
                work, future = self._queue.get(timeout=_IDLE_SECONDS)
            except queue.Empty:
                if self._leave():
                    return
                continue
            finally:
                with self._lock:
                    self._idle -= 1
            _settle(future, *_outcome(work))

    def _leave(self) -> bool:
        """End this thread unless work came in at the last moment."""
        with self._lock:
            if not self._queue.empty():
                return False
            self._threads -= 1
            return True


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
