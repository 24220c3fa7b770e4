"""The process that takes the messages of a broker: what happens between a message and its acknowledgement."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from clients.errors import ServiceError
from engine.base.errors import Fenced, OrchestraError, TooManyRuns
from engine.ingress.bodies import Bodies
from engine.ingress.brokers.broker import Broker, BrokerLost, BrokerMessage, Receiver, Unsendable, cancelled
from engine.ingress.orders import OrderRefused, Outcome
from engine.ingress.outbox import Outbox, Status
from engine.runner.effects.fault_points import reached

if TYPE_CHECKING:
    from engine.ingress.topic_consumer import TopicConsumer

Result = TypeVar("Result")

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 1.0  # how often it asks whether it must stop, and whether statuses are due
_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 5.0


class Consumer(Struct, frozen=True):
    """Takes messages until it is stopped."""

    broker: Broker
    topic: TopicConsumer
    outbox: Outbox
    bodies: Bodies
    is_taken_over: threading.Event
    """Set once another process has taken over the runs of this one."""
    leads: Callable[[], bool]
    """Whether this one of several consumers tells the broker how runs go; blocks for a moment."""

    async def run(self, stop: asyncio.Event, begun: Callable[[], None]) -> None:
        """Take messages until `stop` is set; call `begun` once it is connected.

        Raises Fenced if another process has taken over, BrokerLost if the broker's client cannot go on, and what that
        client raises if its server does not answer to begin with.
        """
        async with self.broker.opened():
            begun()
            await asyncio.to_thread(self.outbox.begin)
            telling = asyncio.create_task(self._tell())
            try:
                async with self.broker.receiving(Receiver(self.take, self.room)):
                    while not stop.is_set():
                        if self.is_taken_over.is_set():
                            raise Fenced
                        if reason := self.broker.lost():
                            raise BrokerLost(reason)
                        with suppress(TimeoutError):
                            await asyncio.wait_for(stop.wait(), _LOOK_SECONDS)
            finally:
                await cancelled(telling)

    async def take(self, messages: Sequence[BrokerMessage]) -> None:
        """Return once the runs of these messages are on disk, and the broker has the others as dead letters."""
        await self.room()
        outcomes = await _until_done(lambda: asyncio.to_thread(self.topic.take, messages))
        unanswered = list(zip(messages, outcomes, strict=True))
        await _until_done(lambda: self._answer(unanswered))
        reached("before acknowledgement")

    async def room(self) -> None:
        """Return once more runs may wait."""
        while True:
            try:
                await asyncio.to_thread(self.topic.require_room)
            except TooManyRuns as full:
                await asyncio.sleep(min(full.retry_after_seconds, _LONGEST_PAUSE_SECONDS))
            except OrchestraError as error:
                _log.error("%s %s", error, error.remedy)
                await asyncio.sleep(_LONGEST_PAUSE_SECONDS)
            else:
                return

    async def _answer(self, unanswered: list[tuple[BrokerMessage, Outcome]]) -> None:
        """Tell the broker what became of messages; only those that it has not been told about remain in the list."""
        told = await asyncio.gather(*(self._answer_to(*one) for one in unanswered), return_exceptions=True)
        errors = [error for error in told if error is not None]
        unanswered[:] = [one for one, error in zip(unanswered, told, strict=True) if error is not None]
        for error in errors:  # a client that closes cancels what waits for it, and not us
            raise error if isinstance(error, Exception) else ConnectionError("The client has given up.")

    async def _answer_to(self, message: BrokerMessage, outcome: Outcome) -> None:
        if isinstance(outcome, OrderRefused):
            await self._bury(message, outcome)
        else:
            await self.broker.send_status(outcome.run_id, Status.queued(outcome).body())

    async def _bury(self, message: BrokerMessage, refused: OrderRefused) -> None:
        """Send a dead letter; if its broker does not take it, one without the body, which stays here."""
        try:
            await self.broker.send_dead(message, refused.header())
            return
        except Unsendable as error:
            reason = str(error)
        body = await asyncio.to_thread(self.bodies.keep, message.body)
        origin = message.place or message.sent_id or self.topic.topic
        _log.error("A message (%s) is no dead letter as it is: %s Its body is in %s.", origin, reason, body.file)
        letter, header = replace(message, body=b""), refused.header(body, origin)
        try:
            await _until_done(lambda: self.broker.send_dead(letter, header))
        except Unsendable as error:
            _log.error("There is no dead letter of it, only that file: %s %s", error, header)

    async def _tell(self) -> None:
        """Send the statuses of runs whenever some are due."""
        while True:
            await _until_done(self._tell_once)
            await asyncio.sleep(_LOOK_SECONDS)

    async def _tell_once(self) -> None:
        if not await asyncio.to_thread(self.leads):
            return
        due = await asyncio.to_thread(self.outbox.due)
        for one in due.statuses:
            await self.broker.send_status(one.run_id, one.body())
        await asyncio.to_thread(self.outbox.sent, due)


async def _until_done(work: Callable[[], Awaitable[Result]]) -> Result:
    """Return the result of `work`; whatever fails is tried again, with longer pauses, until this is cancelled.

    Raises Unsendable.
    """
    pause_seconds = _FIRST_PAUSE_SECONDS
    while True:
        try:
            return await work()
        except Unsendable:
            raise
        except (OrchestraError, ServiceError) as error:
            _log.error("%s %s", error, error.remedy)
        except Exception:  # noqa: BLE001 - a broker that does not answer, or a mistake: nothing is acknowledged
            _log.exception("messages wait")
        await asyncio.sleep(pause_seconds)
        pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)
