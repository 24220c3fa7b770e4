"""Worker threads for blocking SDK calls, limited in number per connection.

A thread cannot be stopped. When a run times out or is cancelled, its call may block for minutes; that must not reduce
the threads available to other runs. So a cancelled call is abandoned: its thread is replaced by another one, and ends
when the call returns. The number of abandoned calls is limited, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import queue
import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

from msgspec import Struct, field

from engine.base.statuses import Priority

_TURN_SECONDS = 0.001
"""With Python's 5 ms, what goes between threads and the disk ten times would wait 50 ms beside a compilation."""
_IDLE_SECONDS = 30.0  # a thread without work for this long ends
_MOST_GIVEN_UP = 4
"""Abandoned calls allowed per thread."""

Made = TypeVar("Made")


class shared_property(Generic[Made]):  # noqa: N801 - named like functools.cached_property
    """A `functools.cached_property` that is made once, even if several threads ask for it at the same time.

    From Python 3.12 on, `cached_property` takes no lock: two threads would each make one, such as two stores of what is
    being tried, and only one would be kept.
    """

    def __init__(self, make: Callable[[Any], Made]) -> None:
        self._make, self._making = make, threading.RLock()
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, holder: None, owner: type) -> shared_property[Made]: ...

    @overload
    def __get__(self, holder: object, owner: type) -> Made: ...

    def __get__(self, holder: object | None, owner: type) -> shared_property[Made] | Made:
        if holder is None:
            return self
        values = vars(holder)
        with self._making:
            if self._name not in values:
                values[self._name] = self._make(holder)
            made: Made = values[self._name]
            return made


def take_short_turns() -> None:
    """Limit how long a thread of this process that computes keeps the interpreter from the others."""
    sys.setswitchinterval(_TURN_SECONDS)


class _Task(Struct, eq=False):
    """A unit of work, and the future for its result."""

    work: Callable[[], Any]
    future: asyncio.Future[Any]
    is_taken: bool = False
    is_given_up: bool = False
    """The work was abandoned: its thread has been replaced, and ends with it."""
    abandoned: threading.Event = field(default_factory=threading.Event)


_abandoned: contextvars.ContextVar[threading.Event | None] = contextvars.ContextVar("abandoned", default=None)


def abandoned() -> threading.Event | None:
    """Return the event that is set once nobody waits for the work of this thread; None outside such work."""
    return _abandoned.get()


class _Line:
    """Tasks that wait, the most urgent first, then in order; every tenth turn goes to a less urgent one."""

    def __init__(self) -> None:
        self._tasks: dict[Priority, deque[_Task]] = {priority: deque() for priority in Priority}
        self._turns = 0
        self._lock = threading.Lock()
        self._entries: queue.SimpleQueue[None] = queue.SimpleQueue()
        """One for each task: who takes one may take a task."""

    def put(self, task: _Task, priority: Priority) -> None:
        """Add a task."""
        self._tasks[priority].append(task)
        self._entries.put(None)

    def get(self, seconds: float) -> _Task:
        """Wait for a task and take it. Raises queue.Empty if none comes in time."""
        self._entries.get(timeout=seconds)
        with self._lock:
            self._turns += 1
            owed = Priority.of_turn(self._turns)
            if owed is not None and self._tasks[owed]:
                return self._tasks[owed].popleft()
            return next(tasks for tasks in self._tasks.values() if tasks).popleft()


class WorkerThreads:
    """Up to `size` daemon threads, started on demand and ended when idle; further work waits in a line."""

    def __init__(self, name: str, size: int) -> None:
        self._name, self._size = name, size
        self._queue = _Line()
        self._lock = threading.Lock()
        self._threads = 0
        self._idle = 0
        self._waiting = 0
        self._given_up = 0

    def run(self, work: Callable[[], Any], priority: Priority = Priority.NORMAL) -> asyncio.Future[Any]:
        """Run `work` in a thread; the future belongs to the running loop.

        Cancelling the future before a thread has started withdraws the work. Later it does not stop the thread, but
        another one replaces it, so that abandoned work delays nobody. Callers that must know how the work ended shield
        the future. Raises RuntimeError if there is no thread, and none can be started.
        """
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        task = _Task(work, future)
        future.add_done_callback(lambda _: self._replace(task) if future.cancelled() else None)
        with self._lock:
            self._waiting += 1
            try:
                self._start_if_needed()
            except RuntimeError:
                self._waiting -= 1
                raise
        self._queue.put(task, priority)
        return future

    def _start_if_needed(self) -> None:
        """Start a thread if work is waiting and the limit allows it; call with the lock held.

        Raises RuntimeError if the system starts none, and there is no other to do the work.
        """
        if self._waiting > self._idle and self._threads < self._size:
            self._threads += 1
            try:
                threading.Thread(target=self._loop, name=f"{self._name}-{self._threads}", daemon=True).start()
            except RuntimeError:
                self._threads -= 1
                if self._threads == 0:
                    raise

    def _replace(self, task: _Task) -> None:
        """Start another thread in place of one whose work was abandoned."""
        task.abandoned.set()
        with self._lock:
            if task.is_taken and self._given_up < _MOST_GIVEN_UP * self._size:
                task.is_given_up = True
                self._given_up += 1
                self._threads -= 1
                with contextlib.suppress(RuntimeError):  # tried again with the next work
                    self._start_if_needed()

    def _loop(self) -> None:
        while (task := self._next()) is not None:
            if not task.future.cancelled():
                _abandoned.set(task.abandoned)
                _settle(task.future, *_outcome(task.work))
            if self._has_ended(task):
                return
            del task  # an idle thread must not keep a result alive

    def _has_ended(self, task: _Task) -> bool:
        """Return whether this thread was replaced while it was working."""
        with self._lock:
            task.is_taken = False
            self._given_up -= task.is_given_up
            return task.is_given_up

    def _next(self) -> _Task | None:
        """Return the next work, or None if none has come for a while, so that this thread should end."""
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
            return self._queue.get(_IDLE_SECONDS)
        except queue.Empty:
            return None


_ENDING = (SystemExit, KeyboardInterrupt, GeneratorExit, StopIteration)
"""They would end the loop that awaits the work, with all other work, or never arrive there; plugins may raise them."""


def _outcome(work: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    try:
        return work(), None
    except _ENDING as error:
        made = RuntimeError(f"{type(error).__name__}: {error or 'no message'}")
        made.__cause__ = error
        return None, made
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

    with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits
        future.get_loop().call_soon_threadsafe(put)
