"""Takes a write back in its service: alone at its target, with retries, and the ledger told before it returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from clients.errors import ServiceError
from engine.runner.attempts import Attempts, Job, started
from engine.runner.ledger import undo_marker, undone
from engine.runner.writes import Writes
from engine.step import CannotUndo, Written
from engine.store.journal import Journal


class Undoing:
    """Undoes writes; on the engine's loop, with the blocking part in the account's threads."""

    def __init__(self, writes: Writes, journal: Journal, clock: Callable[[], datetime]) -> None:
        self._writes, self._journal, self._clock = writes, journal, clock

    async def undo(self, job: Job, written: Written) -> None:
        """Undo what `job.write` wrote. That it was begun and broken off before does no harm: it goes on.

        Raises CannotUndo, ServiceError, JournalBroken.
        """
        write = job.write
        assert write is not None
        async with self._writes.alone(job):
            await self._until_done(job, written)
            now = self._clock()
            await self._journal.change(lambda cursor: undone(cursor, write.identity, write.generation, now))

    async def _until_done(self, job: Job, written: Written) -> None:
        attempts = Attempts(job, self._clock)
        while True:
            try:
                await self._once(job, attempts.begin(), written)
            except ServiceError as error:
                attempts.failed(error)
                if not attempts.may_follow(error):
                    raise
                failed = error
            else:
                return
            await attempts.pause(failed)

    async def _once(self, job: Job, number: int, written: Written) -> None:
        assert job.write is not None
        now, note = self._clock(), undo_marker(job.write.identity, job.write.generation)

        def work() -> None:
            _require_same_account(job)
            call = job.call(number, now, written.done_at)
            job.step_type.undo(replace(call, marker=note), written)

        await started(job, work)


def _require_same_account(job: Job) -> None:
    """Make sure that the connection still is the account that was written to. Raises CannotUndo, ServiceError."""
    assert job.write is not None
    assert job.account is not None
    whose = job.account.identity()
    if whose != job.write.account:
        name = job.account.connection
        raise CannotUndo(f"It was made on {job.write.account}, and the connection {name!r} is {whose} now.")
