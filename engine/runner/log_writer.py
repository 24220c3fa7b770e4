"""Writes the logs of runs in threads of its own: all that end in one turn of the loop share the sync of the folder."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from engine.errors import StorageError
from engine.runner.threads import Workers
from engine.runs.run_log import RunLogs

_THREADS = 4
"""A thread that waits for the disk needs no processor; the syncs of several share the file system's own journal."""
_FEWEST = 4
"""Logs that one thread writes before it is worth to wake another."""
_SOON_SECONDS = 0.5
"""Most runs that call no service have ended by then."""

Document = dict[str, Any]


@dataclass(frozen=True)
class _Job:
    made: Callable[[], Document]
    done: asyncio.Future[Document]


class LogWriter:
    """Lives on the engine's loop; the logs of one run are written in the order in which they were asked for."""

    def __init__(self, logs: RunLogs) -> None:
        self._logs = logs
        self._apart = [logs.apart(str(number)) for number in range(_THREADS)]
        self._workers = Workers("logs", _THREADS)
        self._waiting: list[_Job] = []
        self._soon: dict[str, Callable[[], asyncio.Future[Document]]] = {}
        self._is_soon = False
        self._latest: dict[str, asyncio.Future[Document]] = {}

    def write(self, run_id: str, made: Callable[[], Document]) -> asyncio.Future[Document]:
        """Write the document that `made` gives (called in a thread); the future has it once the log is on disk.

        The future raises StorageError, and what `made` raises.
        """
        self._soon.pop(run_id, None)  # older than this one
        loop = asyncio.get_running_loop()
        job = _Job(made, loop.create_future())
        before = self._latest.get(run_id)
        self._latest[run_id] = job.done
        job.done.add_done_callback(lambda done: self._forget(run_id, done))
        if before is None:
            self._take(job)
        else:
            before.add_done_callback(lambda _: self._take(job))
        return job.done

    def write_soon(self, run_id: str, write: Callable[[], asyncio.Future[Document]]) -> None:
        """Call `write` in a moment, unless a log of the run is asked for until then; nobody waits for it.

        One after the other: where hundreds of runs have begun, most have ended before it is their turn.
        """
        self._soon[run_id] = write
        if not self._is_soon:
            self._is_soon = True
            asyncio.get_running_loop().call_later(_SOON_SECONDS, self._write_next)

    def read(self, run_id: str) -> asyncio.Future[Document | None]:
        """Read the log of a run in one of the threads."""
        return self._workers.run(lambda: self._logs.read(run_id))

    async def finished(self) -> None:
        """Wait until every log that was asked for is on disk."""
        for run_id in list(self._soon):
            self._soon.pop(run_id)()
        while self._latest:
            await asyncio.wait(list(self._latest.values()))

    def _write_next(self, _before: object = None) -> None:
        if not self._soon:
            self._is_soon = False
            return
        try:
            self._soon.pop(next(iter(self._soon)))().add_done_callback(self._write_next)
        except StorageError:  # it is tried again when the run ends, and told there
            asyncio.get_running_loop().call_soon(self._write_next)

    def _forget(self, run_id: str, done: asyncio.Future[Document]) -> None:
        if not done.cancelled():
            done.exception()  # heard, also where nobody waits: a log that is not written now is written at the end
        if self._latest.get(run_id) is done:
            del self._latest[run_id]

    def _take(self, job: _Job) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._send)
        self._waiting.append(job)

    def _send(self) -> None:
        jobs, self._waiting = self._waiting, []
        size = max(_FEWEST, -(-len(jobs) // _THREADS))
        for number, first in enumerate(range(0, len(jobs), size)):
            part = jobs[first : first + size]
            written = partial(_written, part, self._apart[number])
            self._workers.run(written).add_done_callback(partial(_settle, part))


def _written(jobs: Sequence[_Job], logs: RunLogs) -> list[Document | Exception]:
    """Write logs, in a thread; return the document of each, or why it is not on disk."""
    found: list[Document | Exception] = []
    errors = logs.write_all(_made(jobs, found))
    return [one if isinstance(one, Exception) else errors.get(one["run_id"], one) for one in found]


def _made(jobs: Sequence[_Job], found: list[Document | Exception]) -> Iterator[Document]:
    """Make each document when its turn to be written comes: while this thread makes one, others wait for the disk."""
    for job in jobs:
        try:
            document = job.made()
        except Exception as error:  # noqa: BLE001 - it is raised again where the run waits for its log
            found.append(error)
        else:
            found.append(document)
            yield document


def _settle(jobs: Sequence[_Job], done: asyncio.Future[list[Document | Exception]]) -> None:
    error = done.exception()
    for number, job in enumerate(jobs):
        one = error or done.result()[number]
        if job.done.done():
            continue
        if isinstance(one, BaseException):
            job.done.set_exception(one)
        else:
            job.done.set_result(one)
