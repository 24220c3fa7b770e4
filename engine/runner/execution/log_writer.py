"""Write run logs in separate threads, in groups that share one sync to disk."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from msgspec import Struct

from engine.base.errors import StorageError
from engine.base.threads import WorkerThreads
from engine.record.run_log import RunLogs
from engine.record.types.run import Run

_log = logging.getLogger(__name__)
_THREADS = 2
"""One thread prepares documents and files while the other waits for the disk."""
_MOST = 128
"""Logs per group, which is the number of documents in memory at once."""
_SOON_SECONDS = 0.5
"""Most runs that call no service have ended by then."""


class _Job(Struct, frozen=True):
    made: Callable[[], Run]
    done: asyncio.Future[Run]


class LogWriter:
    """Lives on the engine's loop; the logs of one run are written in the order of the requests."""

    def __init__(self, logs: RunLogs) -> None:
        self._logs = logs
        self._free = _THREADS
        """How many groups may be written now."""
        self._workers = WorkerThreads("logs", _THREADS)
        self._waiting: list[_Job] = []
        self._soon: dict[str, tuple[float, Callable[[], asyncio.Future[Run]]]] = {}
        """When each is due, by the clock of the loop, and what writes it; the first is due first."""
        self._is_soon = False
        self._latest: dict[str, asyncio.Future[Run]] = {}

    def write(self, run_id: str, made: Callable[[], Run]) -> asyncio.Future[Run]:
        """Write the document returned by `made` (called in a thread); the future holds it once the log is on disk.

        The future raises StorageError, and what `made` raises.
        """
        self._soon.pop(run_id, None)  # it is older than this one
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

    def write_soon(self, run_id: str, write: Callable[[], asyncio.Future[Run]]) -> None:
        """Call `write` in half a second, unless a log of the run is requested before; nobody waits for it.

        Logs are written one after the other: if hundreds of runs have started, most end before their turn.
        """
        loop = asyncio.get_running_loop()
        due_at, _ = self._soon.get(run_id, (loop.time() + _SOON_SECONDS, None))  # asked again, it keeps its turn
        self._soon[run_id] = (due_at, write)
        if not self._is_soon:
            self._is_soon = True
            loop.call_later(_SOON_SECONDS, self._write_next)

    def read(self, run_id: str) -> asyncio.Future[Run | None]:
        """Read the log of a run in one of the threads."""
        return self._workers.run(lambda: self._logs.read(run_id))

    async def finished(self) -> None:
        """Wait until every requested log is on disk."""
        for run_id in list(self._soon):
            self._begin(run_id)
        while self._latest:
            await asyncio.wait(list(self._latest.values()))

    def _write_next(self, _before: object = None) -> None:
        if not self._soon:
            self._is_soon = False
            return
        loop = asyncio.get_running_loop()
        run_id, (due_at, _) = next(iter(self._soon.items()))
        if due_at > loop.time():
            loop.call_at(due_at, self._write_next)
            return
        if (done := self._begin(run_id)) is not None:
            done.add_done_callback(self._write_next)
        else:
            loop.call_soon(self._write_next)

    def _begin(self, run_id: str) -> asyncio.Future[Run] | None:
        """Write a log that is due soon; return None if that fails, so that the logs of other runs follow."""
        _, write = self._soon.pop(run_id)
        try:
            return write()
        except StorageError:  # tried again, and reported, when the run ends
            return None
        except Exception:  # noqa: BLE001 - a bug met by one run must not stop the logs of the others
            _log.exception("the first log of run %s cannot be written", run_id)
            return None

    def _forget(self, run_id: str, done: asyncio.Future[Run]) -> None:
        if not done.cancelled():
            done.exception()  # retrieved, so that asyncio does not warn: a log not written now is written at the end
        if self._latest.get(run_id) is done:
            del self._latest[run_id]

    def _take(self, job: _Job) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._send)
        self._waiting.append(job)

    def _send(self) -> None:
        """Write the waiting logs, as far as threads are free; the rest joins the next group."""
        while self._waiting and self._free:
            jobs, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            self._free -= 1
            self._workers.run(partial(_written, jobs, self._logs)).add_done_callback(partial(self._end, jobs))

    def _end(self, jobs: Sequence[_Job], done: asyncio.Future[list[Run | Exception]]) -> None:
        self._free += 1
        _settle(jobs, done)
        self._send()


def _written(jobs: Sequence[_Job], logs: RunLogs) -> list[Run | Exception]:
    """Write logs, in a thread; return for each its document, or the error that kept it from the disk."""
    found: list[Run | Exception] = []
    errors = logs.write_all(_made(jobs, found), len(jobs))
    return [one if isinstance(one, Exception) else errors.get(one["run_id"], one) for one in found]


def _made(jobs: Sequence[_Job], found: list[Run | Exception]) -> Iterator[Run]:
    """Make each document just before it is written: while this thread makes one, others wait for the disk."""
    for job in jobs:
        try:
            document = job.made()
        except Exception as error:  # noqa: BLE001 - raised again where the run waits for its log
            found.append(error)
        else:
            found.append(document)
            yield document


def _settle(jobs: Sequence[_Job], done: asyncio.Future[list[Run | Exception]]) -> None:
    error = done.exception()
    for number, job in enumerate(jobs):
        one = error or done.result()[number]
        if job.done.done():
            continue
        if isinstance(one, BaseException):
            job.done.set_exception(one)
        else:
            job.done.set_result(one)
