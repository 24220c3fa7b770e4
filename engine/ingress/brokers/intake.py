"""Join messages that a broker delivers one by one, so that all that arrive meanwhile share the next transaction."""

from __future__ import annotations

import asyncio

from engine.ingress.brokers.broker import BATCH, BrokerMessage, Receiver, cancelled


class Intake:
    """Used on one loop."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._waiting: list[tuple[BrokerMessage, asyncio.Future[None]]] = []
        self._work: asyncio.Task[None] | None = None

    async def take(self, message: BrokerMessage) -> None:
        """Return once the message may be acknowledged."""
        taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((message, taken))
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._drain())
        await taken

    async def close(self) -> None:
        """Take no more; those who still wait are cancelled, so that nothing of theirs is acknowledged."""
        if self._work is not None:
            await cancelled(self._work)
        for _, taken in self._waiting:
            taken.cancel()

    async def _drain(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            try:
                await self._receiver.take([message for message, _ in batch])
            except BaseException:
                for _, taken in batch:
                    taken.cancel()
                raise
            for _, taken in batch:
                if not taken.done():
                    taken.set_result(None)
