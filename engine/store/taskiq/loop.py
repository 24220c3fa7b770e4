"""An event loop in a thread that nothing can hold up at the end of the process."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any


class _Loop(asyncio.SelectorEventLoop):
    """Looks up names in threads of its own: at its end, a process waits for an executor's threads, however long."""

    async def getaddrinfo(self, host: Any, port: Any, **how: Any) -> Any:
        """Do as `socket.getaddrinfo`."""
        found: asyncio.Future[Any] = self.create_future()

        def tell(tell_it: Callable[[Any], None], what: Any) -> None:
            if not found.done():
                tell_it(what)

        def look() -> None:
            with suppress(RuntimeError):  # the loop has ended meanwhile
                try:
                    addresses = socket.getaddrinfo(host, port, **how)
                except OSError as error:
                    self.call_soon_threadsafe(tell, found.set_exception, error)
                else:
                    self.call_soon_threadsafe(tell, found.set_result, addresses)

        threading.Thread(target=look, name="names", daemon=True).start()
        return await found


class LoopThread:
    """Runs coroutines in a daemon thread, which begins with the first of them."""

    def __init__(self, name: str) -> None:
        self._loop = _Loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._lock = threading.Lock()
        self._is_closed = False
        self._own: set[asyncio.Task[Any]] = set()

    def run(self, work: Coroutine[Any, Any, None]) -> bool:
        """Begin a coroutine; return whether it could be. Never raises."""
        with self._lock, suppress(RuntimeError):  # no thread can be started, or the loop is closed
            if not self._is_closed:
                if not self._thread.is_alive():
                    self._thread.start()
                asyncio.run_coroutine_threadsafe(self._owned(work), self._loop)
                return True
        work.close()
        return False

    def call(self, what: Callable[[], object]) -> None:
        """Call a function on the loop, soon; nothing happens once it is closed. Never raises."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(what)

    def close(self, seconds: float) -> None:
        """Cancel all that runs, wait for it, at most `seconds`, and end."""
        with self._lock:
            was_closed, self._is_closed = self._is_closed, True
        if was_closed:
            return
        if self._thread.is_alive():
            ending = asyncio.run_coroutine_threadsafe(self._end(seconds), self._loop)
            with suppress(TimeoutError):
                ending.result(seconds + 1)
            self.call(self._loop.stop)
            self._thread.join(1)
        if not self._loop.is_running():
            self._loop.close()

    async def _owned(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._own.add(task)
        await work

    async def _end(self, seconds: float) -> None:
        """Cancel what was begun here, so that it can disconnect, and then whatever a client has left behind."""
        await _cancelled(self._own, seconds / 2)
        # Again, in case a client has taken the first cancellation for the end of its own work.
        await _cancelled({one for one in self._own if not one.done()}, seconds / 2)
        current = asyncio.current_task()
        await _cancelled({one for one in asyncio.all_tasks() if one is not current}, 1)


async def _cancelled(tasks: set[asyncio.Task[Any]], seconds: float) -> None:
    for one in tasks:
        one.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=seconds)
