"""A write, once: claimed in the ledger before it is sent, its receipt after; in doubt it is looked for first."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any
from weakref import WeakValueDictionary

from clients.errors import OutcomeUnknown, ServiceError
from engine.runner.attempts import Attempts, Done, Job
from engine.runner.ledger import Entry, Ledger, Write
from engine.runner.senders import Sender
from engine.runner.sending import Sending, effect
from engine.step import Receipt, Repeat, Written

_log = logging.getLogger(__name__)
_CLAIM_POLL_SECONDS = 0.25
_FIRST_LOOK_SECONDS = 0.5
_LONGEST_LOOK_SECONDS = 30.0


class Writes:
    """Makes writes; one at a time for each identity, and one at a time for each target.

    `sender_of` tells whether the process behind an open intent may still send it; `arguments_of` gives the arguments
    of the write that a run (id, path) made, as its log tells them.
    """

    def __init__(
        self,
        ledger: Ledger,
        clock: Callable[[], datetime],
        sender_of: Callable[[Entry], Sender],
        arguments_of: Callable[[str, str], Mapping[str, Any]],
    ) -> None:
        self._ledger, self._clock = ledger, clock
        self._sender_of, self._arguments_of = sender_of, arguments_of
        self._sending = Sending(ledger, clock)
        self._locks: WeakValueDictionary[tuple[str, ...], asyncio.Lock] = WeakValueDictionary()

    async def make(self, job: Job) -> Done:
        """Write, or return what an earlier write with this identity gave. Raises ServiceError, JournalBroken."""
        assert job.write is not None
        looks = _Looks()
        while True:
            async with self.alone(job):
                known = await self._claimed(job.write)
                job.write = replace(job.write, generation=known.generation)
                if known.state != "intent" or await self._is_free(job, known):
                    done = await self._done(job, known)
                    if done is not None:
                        return done
            found = await self._waited(job, known, looks)  # without the locks: other writes go on
            if found is not None:
                return found

    @asynccontextmanager
    async def alone(self, job: Job) -> AsyncIterator[None]:
        """Let no other work of this process touch the same write, or its target, meanwhile."""
        assert job.write is not None
        assert job.account is not None
        target = (job.account.connection, job.step_type.target(job.fields))
        async with self._lock("identity", job.write.identity), self._lock("target", *target):
            yield

    def _lock(self, *name: str) -> asyncio.Lock:
        return self._locks.setdefault(name, asyncio.Lock())

    async def _claimed(self, write: Write) -> Entry:
        """Claim a write; a run that is stopped in this very moment leaves no claim for what it has not sent."""
        claiming = asyncio.ensure_future(self._ledger.claim(write))
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            known = await claiming
            if known.state == "new":
                self._ledger.forget(replace(write, generation=known.generation))
            raise

    # --- an intent of somebody else

    async def _is_free(self, job: Job, known: Entry) -> bool:
        """Make an open intent ours, unless its sender may still send it and twice is not the same as once."""
        assert job.write is not None
        sender = self._sender_of(known)
        if known.is_made and job.receipts != "update":  # an update was broken off: the receipt holds
            return sender != "at work"
        is_same = job.repeat is Repeat.SAFE or (known.is_made and known.run_id == job.write.run_id)
        if sender == "through" or (sender == "silent" and is_same):
            return bool(await self._ledger.take_over(job.write, known))
        return False

    async def _waited(self, job: Job, known: Entry, looks: _Looks) -> Done | None:
        """Wait a moment for the sender of an open write; where that one is silent, look whether it has arrived.

        It is never sent here: a process that is only stopped may wake up and send it. Raises OutcomeUnknown for what
        cannot be looked for.
        """
        assert job.write is not None
        if known.state == "intent" and not known.is_made and self._sender_of(known) == "silent":
            if job.repeat is not Repeat.FINDABLE:
                job.may_be_out = True
                await self._ledger.question(job.write)
                raise _unknown(job)
            if looks.is_due():
                found = await self._looked_for(job, known, looks)
                if found is not None:
                    return found
        await asyncio.sleep(_CLAIM_POLL_SECONDS)
        return None

    async def _looked_for(self, job: Job, known: Entry, looks: _Looks) -> Done | None:
        looks.begin(f"{job.step_type.title} of run {known.run_id}: process {known.owner} is silent and may still do it")
        job.may_be_out = True
        found = await self._looked_up(job, Attempts(job, self._clock), known)
        job.may_be_out = False
        return None if found is None else self._sending.found(job, found)

    async def _looked_up(self, job: Job, attempts: Attempts, known: Entry) -> Any:
        """Look for a write; where the service cannot tell either, a person is asked. Raises OutcomeUnknown."""
        assert job.write is not None
        try:
            return await self._sending.looked_up(job, attempts, known.intended_at)
        except OutcomeUnknown as error:
            await self._ledger.question(job.write)
            raise _unknown(job, error) from error

    # --- a write of ours

    async def _done(self, job: Job, known: Entry) -> Done | None:
        """Return what the write gave, made now or before; None where somebody else is changing it just now."""
        assert job.write is not None
        if known.is_made:
            return await self._kept(job, known)
        try:
            return await self._made(job, known)
        except asyncio.CancelledError:
            if not job.may_be_out:
                self._ledger.forget(job.write)
            raise

    async def _made(self, job: Job, known: Entry) -> Done:
        assert job.write is not None
        attempts = Attempts(job, self._clock)
        if known.state == "new":
            return await self._send(job, attempts, known.intended_at)
        job.may_be_out = True
        if job.repeat is Repeat.FINDABLE:
            found = await self._looked_up(job, attempts, known)
            if found is not None:
                return self._sending.found(job, found)
            job.may_be_out = False
        elif job.repeat is not Repeat.SAFE:
            await self._ledger.question(job.write)
            raise _unknown(job)
        await self._ledger.sending(job.write)
        return await self._send(job, attempts, known.intended_at)

    async def _send(self, job: Job, attempts: Attempts, intended_at: datetime) -> Done:
        assert job.write is not None
        write = job.write
        try:
            return await self._sending.until_done(job, attempts, intended_at, job.step_type.call)
        except ServiceError as error:
            if error.outcome == "not_done":
                await self._ledger.forget(write)
            elif job.repeat is Repeat.UNFINDABLE or isinstance(error, OutcomeUnknown):
                await self._ledger.question(write)
                raise _unknown(job, error) from error
            raise
        except Exception:
            if job.repeat is Repeat.UNFINDABLE:
                await self._ledger.question(write)
            raise

    # --- a write that was made before

    async def _kept(self, job: Job, known: Entry) -> Done | None:
        """Reuse the receipt; where the run says so, what was made is brought to these arguments first."""
        assert job.write is not None
        is_same = known.arguments_hash == job.write.arguments_hash
        if not is_same and job.receipts == "update" and job.step_type.updates:
            return await self._updated(job, known)
        if known.state == "intent":  # an update of it was broken off
            await self._ledger.end_update(job.write, known, known.arguments_hash)
        told = effect(job.write, known.receipt, reused=True)
        if not is_same:
            told["note"] = "cannot be updated" if job.receipts == "update" else "kept, arguments differ"
        return Done(known.output, told)

    async def _updated(self, job: Job, known: Entry) -> Done | None:
        """Change what was made to these arguments: twice is the same as once, so that a crash needs no look-up."""
        assert job.write is not None
        earlier = await asyncio.to_thread(self._arguments_of, known.run_id, known.path)
        if known.state == "done" and not await self._ledger.begin_update(job.write, known):
            return None
        written = Written(
            arguments=earlier,
            output=known.output,
            receipt=Receipt(**known.receipt) if known.receipt else job.step_type.receipt(known.output),
            marker=job.write.marker,
            done_at=known.done_at or known.intended_at,
        )
        updating = replace(job, repeat=Repeat.SAFE)
        try:
            done = await self._sending.until_done(
                updating,
                Attempts(updating, self._clock),
                known.intended_at,
                lambda call: job.step_type.update(call, written),
            )
        except BaseException:
            job.may_be_out = updating.may_be_out
            # Nobody waits for this: a run that ends here commits it with its own end.
            self._ledger.end_update(job.write, known, "" if job.may_be_out else known.arguments_hash)
            raise
        assert done.effect is not None
        return Done(done.output, {**done.effect, "updated": True})


class _Looks:
    """When to look again for a write of a silent process: ever more rarely."""

    def __init__(self) -> None:
        self._due_at, self._pause = time.monotonic(), _FIRST_LOOK_SECONDS

    def is_due(self) -> bool:
        """Tell whether it is time to look."""
        return time.monotonic() >= self._due_at

    def begin(self, why: str) -> None:
        """Count a look; the first is worth a line in the log."""
        if self._pause == _FIRST_LOOK_SECONDS:
            _log.warning("%s; it is looked for until it is found or that process has ended", why)
        self._due_at = time.monotonic() + self._pause
        self._pause = min(self._pause * 2, _LONGEST_LOOK_SECONDS)


def _unknown(job: Job, cause: ServiceError | None = None) -> OutcomeUnknown:
    assert job.write is not None
    because = f" ({cause.message})" if cause else ""
    return OutcomeUnknown(
        f"{job.step_type.title}: it was sent, and nobody can tell whether it arrived{because}.",
        service=job.account.service if job.account else "",
        remedy=(
            "Look at the service yourself, then say so: "
            f"`orchestra runs resume {job.write.run_id} --as-done` or `--redo`."
        ),
    )
