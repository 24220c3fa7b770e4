"""Turns at a file that this process may open to read or to write, but not in both ways at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition

from clients.deadline import seconds_left
from clients.errors import Timeout, Unavailable
from clients.sql.database import TRANSIENT_SECONDS
from clients.sql.service import NAME


class FileGate:
    """A file's turns in this process: many readers at once, or one writer."""

    def __init__(self) -> None:
        self._changed, self._readers, self._is_written = Condition(), 0, False

    @contextmanager
    def reading(self, shown: str) -> Iterator[None]:
        """Wait for the writer, and keep others away. Raises Unavailable."""
        self._wait(lambda: not self._is_written, shown)
        self._readers += 1
        self._changed.release()
        try:
            yield
        finally:
            with self._changed:
                self._readers -= 1
                self._changed.notify_all()

    @contextmanager
    def writing(self, shown: str) -> Iterator[None]:
        """Wait for everybody else. Raises Unavailable."""
        self._wait(lambda: not self._is_written and not self._readers, shown)
        self._is_written = True
        self._changed.release()
        try:
            yield
        finally:
            with self._changed:
                self._is_written = False
                self._changed.notify_all()

    def _wait(self, is_free: Callable[[], bool], shown: str) -> None:
        """Return with the condition's lock held."""
        self._changed.acquire()
        if not self._changed.wait_for(is_free, seconds_left(TRANSIENT_SECONDS, TimeoutError)):
            self._changed.release()
            raise in_use(shown, "another step of this program works on it")


def stopped(message: str) -> Timeout:
    """Return the error for a statement that takes longer than the step may: the next attempt would, too."""
    error = Timeout(
        message,
        service=NAME,
        remedy="Make the statement faster (a condition, an index, a limit), or raise the step's `timeout_seconds`.",
        outcome="not_done",
    )
    error.retryable = False
    return error


def in_use(shown: str, said: str) -> Unavailable:
    """Return the error for a file that somebody else keeps."""
    return Unavailable(
        f"{shown} is in use: {said}.",
        service=NAME,
        remedy="DuckDB lets one program write a file, or several read it: close it in the other one.",
        outcome="not_done",
    )
