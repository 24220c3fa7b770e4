"""Make each write exactly once: claim it in the ledger, send it, record its receipt.

A crash between sending and recording leaves an open *intent*: the write may or may not have reached the service.
So a run sends only what it has claimed, and reuses a receipt. For an open intent it waits while the sender is at
work; then it looks the write up if the step type can find it, sends it again only if it is certainly absent or if
twice is the same as once, and otherwise asks a person (OutcomeUnknown).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import islice
from typing import Any
from weakref import WeakValueDictionary

from msgspec.structs import replace
from pydantic import ValidationError

from clients.errors import OutcomeUnknown, ServiceError
from engine.base.errors import OrchestraError
from engine.base.json_text import JsonObject
from engine.base.lazy_values import complete
from engine.plugins.step import Receipt, Repeat, Written
from engine.record.differences import differences, shown
from engine.record.types.step import CANNOT_BE_UPDATED, FieldDifference
from engine.runner.effects.delivery import Delivery, effect
from engine.runner.effects.job import Done, Job
from engine.runner.effects.ledger import Ledger
from engine.runner.effects.ownership import Sender
from engine.store.journal import JournalBroken
from engine.store.ledger import LedgerRow

_log = logging.getLogger(__name__)
_FORESEEN = (OrchestraError, ValidationError, JournalBroken)
"""Errors that say themselves what to do."""
_CLAIM_POLL_SECONDS = 0.25  # the sender may be another process: its receipt shows in the state alone
_MOST_DIFFERENCES = 20
# Each look is a request to the service, and a suspended process may stay silent for hours.
_FIRST_LOOK_SECONDS = 0.5
_LONGEST_LOOK_SECONDS = 30.0


class WriteClaims:
    """The writes of a process: one at a time per identity, and one at a time per target.

    `sender_of` says whether the process behind an open intent may still send it; `arguments_of` returns the arguments
    of the write that a run (id, path) made, as recorded in its log; `may_send` says, without asking anybody, whether
    this process can be certain that no other one has taken over its runs.
    """

    def __init__(
        self,
        ledger: Ledger,
        clock: Callable[[], datetime],
        sender_of: Callable[[LedgerRow], Sender],
        arguments_of: Callable[[str, str], JsonObject],
        may_send: Callable[[], bool] = lambda: True,
    ) -> None:
        self.ledger, self.clock = ledger, clock
        self.sender_of, self.arguments_of, self.may_send = sender_of, arguments_of, may_send
        # Weak, so that a lock goes with its last user: there is no end to identities.
        self._locks: WeakValueDictionary[tuple[str, ...], asyncio.Lock] = WeakValueDictionary()

    def write(self, job: Job) -> WriteOnce:
        """Return the write that a job asks for; `make` makes it."""
        return WriteOnce(self, job)

    def require_not_held(self) -> None:
        """Raise WritesHeld while nothing may be sent until a person allows it."""
        self.ledger.require_not_held()

    @asynccontextmanager
    async def alone(self, job: Job) -> AsyncIterator[None]:
        """Keep other work of this process away from the same write and its target."""
        assert job.write is not None
        assert job.account is not None
        target = (job.account.connection, job.step_type.target(job.fields))
        # Always in this order, so that two writes never wait for each other.
        async with self._lock("identity", job.write.identity), self._lock("target", *target):
            yield

    def _lock(self, *name: str) -> asyncio.Lock:
        return self._locks.setdefault(name, asyncio.Lock())


class WriteOnce:
    """A write that a run asks for. Once `make` has failed or was cancelled, the members say what is known of it."""

    def __init__(self, writes: WriteClaims, job: Job) -> None:
        assert job.write is not None
        self._writes, self._ledger = writes, writes.ledger
        self._job, self._write = job, job.write
        self._delivery: Delivery | None = None

    @property
    def may_be_out(self) -> bool:
        """Whether the service may have received the write."""
        return self._delivery is not None and self._delivery.may_be_out

    @property
    def settled(self) -> Done | None:
        """The result of a write that finished after `make` had been cancelled."""
        return None if self._delivery is None else self._delivery.settled

    async def make(self) -> Done:
        """Write, or return the result of an earlier write with this identity.

        Raises ServiceError, WritesHeld, JournalBroken.
        """
        looks = _Looks()
        while True:
            async with self._writes.alone(self._job):
                known = await self._claimed()
                self._write = replace(self._write, generation=known.generation)
                self._job = replace(self._job, write=self._write)
                if known.state == "damaged":
                    await self._ledger.question_damaged(self._write)
                    raise _damaged(self._job, known)
                self._delivery = delivery = self._deliver(self._job, known)
                if known.state != "intent" or await self._is_free(known):
                    done = await self._done(delivery, known)
                    if done is not None:
                        return done
            found = await self._waited(delivery, known, looks)  # without the locks, so that other writes go on
            if found is not None:
                return found

    def _deliver(self, job: Job, known: LedgerRow) -> Delivery:
        return Delivery(self._ledger, self._writes.clock, job, known.intended_at, self._writes.may_send)

    async def _claimed(self) -> LedgerRow:
        """Claim the write; if the run is stopped at this very moment, drop the claim of a write that was not sent."""
        claiming = asyncio.ensure_future(self._ledger.claim(self._write))
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            known = await claiming
            if known.state == "new":
                self._ledger.effects.forget(replace(self._write, generation=known.generation))
            raise

    # --- an open intent of another run or process

    async def _is_free(self, known: LedgerRow) -> bool:
        """Take over an open intent, unless its sender may still send it and twice is not the same as once."""
        sender = self._writes.sender_of(known)
        if known.is_made and self._job.receipts != "update":  # only an update was interrupted: the receipt is valid
            return sender != "at work"
        is_same = self._job.repeat is Repeat.SAFE or (known.is_made and known.run_id == self._write.run_id)
        if sender == "through" or (sender == "silent" and is_same):
            return await self._ledger.take_over(self._write, known)
        return False

    async def _waited(self, delivery: Delivery, known: LedgerRow, looks: _Looks) -> Done | None:
        """Wait a moment for the sender of an open write; if the sender is silent, check whether the write has arrived.

        Never sends: a process that is only suspended may wake up and send it. Raises OutcomeUnknown for writes that
        cannot be looked up.
        """
        if known.state == "intent" and not known.is_made and self._writes.sender_of(known) == "silent":
            if self._job.repeat is not Repeat.FINDABLE:
                delivery.may_be_out = True
                raise await self._questioned()
            if looks.is_due():
                looks.begin(
                    f"{self._job.step_type.title} of run {known.run_id}: process {known.owner} is silent and may still"
                    " do it"
                )
                found = await self._looked_up(delivery)
                if found is not None:
                    return delivery.found(found)
        await asyncio.sleep(_CLAIM_POLL_SECONDS)
        return None

    async def _looked_up(self, delivery: Delivery) -> Any:
        """Look up a write; if the service cannot tell either, ask a person and raise OutcomeUnknown."""
        delivery.may_be_out = True
        try:
            found = await delivery.looked_up()
        except OutcomeUnknown as error:
            raise await self._questioned(error.message) from error
        delivery.may_be_out = found is not None
        return found

    async def _questioned(self, cause: str = "") -> OutcomeUnknown:
        """Record that only a person can tell whether the write was made; return the error that says so."""
        await self._ledger.effects.question(self._write)
        return _unknown(self._job, cause)

    # --- a write of ours

    async def _done(self, delivery: Delivery, known: LedgerRow) -> Done | None:
        """Return the result of the write, made now or before; None while another run or process is changing it."""
        if known.is_made:
            return await self._kept(delivery, known)
        try:
            return await self._made(delivery, known)
        except asyncio.CancelledError:
            if not delivery.may_be_out:
                self._ledger.effects.forget(self._write)
            raise

    async def _made(self, delivery: Delivery, known: LedgerRow) -> Done:
        if known.state == "new":
            return await self._send(delivery)
        if self._job.repeat is Repeat.FINDABLE:
            found = await self._looked_up(delivery)
            if found is not None:
                return delivery.found(found)
        else:
            delivery.may_be_out = True
            if self._job.repeat is not Repeat.SAFE:
                raise await self._questioned()
        await self._ledger.sending(self._write)
        delivery.is_resent = True
        return await self._send(delivery)

    async def _send(self, delivery: Delivery) -> Done:
        try:
            return await delivery.until_done(self._job.step_type.call)
        except ServiceError as error:
            if error.outcome == "not_done":
                await self._ledger.effects.forget(self._write)
            elif self._job.repeat is Repeat.UNFINDABLE or isinstance(error, OutcomeUnknown):
                raise await self._questioned(error.message) from error
            raise
        except Exception as error:
            if self._job.repeat is not Repeat.UNFINDABLE:
                raise
            asked = await self._questioned(f"it broke down: {type(error).__name__}")
            if isinstance(error, _FORESEEN):
                raise
            _log.exception("%s of run %s broke down", self._job.step_type.name, self._write.run_id)
            raise asked from error

    # --- a write that was made before

    async def _kept(self, delivery: Delivery, known: LedgerRow) -> Done | None:
        """Reuse the receipt; if the run asks for updates, first change what was made to the new arguments."""
        is_same, kind = known.arguments_hash == self._write.arguments_hash, self._job.step_type
        if self._job.receipts == "update" and kind.updates and (kind.updates_always or not is_same):
            return await self._updated(delivery, known)
        if known.state == "intent":  # an update was interrupted
            await self._ledger.effects.end_update(self._write, known, known.arguments_hash)
        told = effect(self._write, known.receipt, reused=True)
        if not is_same:
            note = "kept, arguments differ" if kind.updates else CANNOT_BE_UPDATED
            told = {**told, "note": note, "differences": await asyncio.to_thread(self._differences, known)}
        return Done(known.output, told)

    def _differences(self, known: LedgerRow) -> list[FieldDifference]:
        """Return the changed fields; empty if the earlier run is no longer known.

        Only people read the result: a damaged old log must not invalidate the receipt.
        """
        try:
            earlier = self._writes.arguments_of(known.run_id, known.path)
            found = differences("", earlier, complete(self._job.arguments)) if earlier else ()
            told = islice(found, _MOST_DIFFERENCES)
            return [{"field": one.field, "old": shown(one.old), "new": shown(one.new)} for one in told]
        except (OrchestraError, OSError):
            return []

    async def _updated(self, delivery: Delivery, known: LedgerRow) -> Done | None:
        """Update what was made. An update twice is the same as once, so a crash needs no look-up."""
        self._ledger.require_not_held()
        earlier = await asyncio.to_thread(self._writes.arguments_of, known.run_id, known.path)
        if known.state == "done" and not await self._ledger.effects.begin_update(self._write, known):
            return None
        step_type = self._job.step_type
        written = Written(
            arguments=earlier,
            output=known.output,
            receipt=Receipt(**known.receipt) if known.receipt else step_type.receipt(known.output),
            marker=self._write.marker,
            done_at=known.done_at or known.intended_at,
        )
        updating = self._deliver(replace(self._job, repeat=Repeat.SAFE), known)
        try:
            done = await updating.until_done(lambda call: step_type.update(call, written))
        except BaseException:
            delivery.may_be_out = updating.may_be_out
            # Not awaited: a run that ends here commits it together with its own end. With no hash, the content counts
            # as unknown, and the next run updates it again.
            self._ledger.effects.end_update(self._write, known, "" if updating.may_be_out else known.arguments_hash)
            raise
        assert done.effect is not None
        return replace(done, effect={**done.effect, "updated": True})


class _Looks:
    """When to look again for a write of a silent process: less and less often."""

    def __init__(self) -> None:
        self._due_at, self._pause = time.monotonic(), _FIRST_LOOK_SECONDS

    def is_due(self) -> bool:
        """Return whether it is time to look."""
        return time.monotonic() >= self._due_at

    def begin(self, why: str) -> None:
        """Count a look; log the first one."""
        if self._pause == _FIRST_LOOK_SECONDS:
            _log.warning("%s; it is looked for until it is found or that process has ended", why)
        self._due_at = time.monotonic() + self._pause
        self._pause = min(self._pause * 2, _LONGEST_LOOK_SECONDS)


def _damaged(job: Job, known: LedgerRow) -> OutcomeUnknown:
    assert job.write is not None
    return OutcomeUnknown(
        f"{job.step_type.title}: it was made before, or was about to be (run {known.run_id}), and its receipt in the"
        " state file is damaged.",
        service=job.account.service if job.account else "",
        remedy=(
            "`orchestra reindex` reads it again from the log of that run; then "
            f"`orchestra runs resume {job.write.run_id}` goes on. Where the log is gone, look at the service yourself, "
            "and resume with `--as-done` or `--redo`."
        ),
    )


def _unknown(job: Job, cause: str = "") -> OutcomeUnknown:
    assert job.write is not None
    because = f" ({cause})" if cause else ""
    return OutcomeUnknown(
        f"{job.step_type.title}: it was sent, and nobody can tell whether it arrived{because}.",
        service=job.account.service if job.account else "",
        remedy=(
            "Look at the service yourself, then say so: "
            f"`orchestra runs resume {job.write.run_id} --as-done` or `--redo`."
        ),
    )
