"""Undo a write in its service: alone at its target, with retries, and recorded in the ledger before returning."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from msgspec.structs import replace

from clients.errors import ServiceError
from engine.base.clock import timestamp
from engine.plugins.step import CannotUndo, Written
from engine.runner.effects.claim import WriteClaims
from engine.runner.effects.job import Job
from engine.runner.effects.retry import RetryAttempts, started
from engine.store.ledger import Effects, undo_marker


class Undoing:
    """Undoes writes; runs on the engine's loop, with the blocking part in the account's threads."""

    def __init__(self, writes: WriteClaims, effects: Effects, clock: Callable[[], datetime]) -> None:
        self._writes, self._effects, self._clock = writes, effects, clock

    async def undo(self, job: Job, written: Written) -> None:
        """Undo what `job.write` wrote. Safe to repeat after an interruption.

        Raises CannotUndo, ServiceError, WritesHeld, JournalBroken.
        """
        write = job.write
        assert write is not None
        self._writes.require_not_held()
        async with self._writes.alone(job):
            await self._until_done(job, written)
            await self._effects.undone(write.identity, write.generation, timestamp(self._clock()))

    async def _until_done(self, job: Job, written: Written) -> None:
        attempts = RetryAttempts(job, self._clock)
        while True:
            try:
                await self._once(job, attempts, attempts.begin(), written)
            except ServiceError as error:
                attempts.failed(error)
                if not attempts.may_follow(error):
                    raise
                failed = error
            else:
                return
            await attempts.pause(failed)

    async def _once(self, job: Job, attempts: RetryAttempts, number: int, written: Written) -> None:
        assert job.write is not None
        note = undo_marker(job.write.identity, job.write.generation)

        def work() -> None:
            _require_same_account(job)
            call = attempts.call(number, written.done_at)
            job.step_type.undo(replace(call, marker=note), written)

        await started(job, work)


def _require_same_account(job: Job) -> None:
    """Check that the connection still belongs to the account that was written to. Raises CannotUndo, ServiceError."""
    assert job.write is not None
    assert job.account is not None
    whose = job.account.identity()
    if whose != job.write.account:
        name = job.account.connection
        raise CannotUndo(f"It was made on {job.write.account}, and the connection {name!r} is {whose} now.")
