"""The outer layer of each stand-in: counts requests, simulates latency, and injects faults."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo.faults import FaultSwitch, InjectedFault

CONTROL_PREFIX = "/_demo/"
PIECE_SHARE = 0.2
"""The pause before a piece of a stream, as a share of the latency: at 20 to 150 ms, about 60 words a second."""


@dataclass(frozen=True)
class Latency:
    """Latency of an answer in milliseconds: a random time between both ends."""

    lowest_ms: float = 0
    highest_ms: float = 0

    @classmethod
    def parse(cls, text: str) -> Latency:
        """Parse "50:400" or "0"; raises ValueError."""
        lowest, _, highest = text.partition(":")
        latency = cls(float(lowest), float(highest or lowest))
        if not 0 <= latency.lowest_ms <= latency.highest_ms <= 60_000:
            raise ValueError(f"a latency is LOWEST:HIGHEST in milliseconds, not {text!r}")
        return latency

    def seconds(self) -> float:
        """Return the latency of the next answer."""
        return random.uniform(self.lowest_ms, self.highest_ms) / 1000  # noqa: S311 - not a secret


@dataclass
class HeldResponse:
    """A whole HTTP answer, held back until it may be sent."""

    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""

    async def take(self, message: Message) -> None:
        """Collect an application's messages; an ASGI `send`."""
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message.get("headers", []))
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")


class Wire:
    """ASGI middleware around one service.

    A request takes effect as soon as it has arrived; the latency comes before the answer, so that a
    client that dies while waiting has nearly always caused the effect, as with a real service.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        switch: FaultSwitch,
        latency: Latency,
        failure: Callable[[int, str], bytes],
        counts: Counter[str],
    ) -> None:
        self.app = app
        self.switch = switch
        self.latency = latency
        self.failure = failure
        self.counts = counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = scope.get("path", "")
        if scope["type"] != "http" or path.startswith(CONTROL_PREFIX):
            await self.app(scope, receive, send)
            return
        self.counts[f"{scope['method']} {path}"] += 1
        query = scope["query_string"].decode("latin-1")
        fault = self.switch.take(scope["method"], f"{path}?{query}" if query else path)
        # Before any fault: a client that is still sending would see a broken connection instead of the answer.
        body = await _read_whole(receive)
        if fault is None:
            await self.app(scope, _replay(body, receive), self._late(send))
        else:
            await self._play(fault, scope, body, receive, send)

    def _late(self, send: Send) -> Send:
        """Return a `send` that waits before the answer starts, and briefly before each chunk of a stream."""

        async def late(message: Message) -> None:
            if message["type"] == "http.response.start":
                await asyncio.sleep(self.latency.seconds())
            elif message.get("more_body"):
                await asyncio.sleep(self.latency.seconds() * PIECE_SHARE)
            await send(message)

        return late

    async def _play(self, fault: InjectedFault, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        if fault.when == "before_effect" and not await _patient(fault.delay_seconds, receive):
            return
        answer = HeldResponse()
        if fault.when == "after_effect" or not fault.replaces_answer:
            await self.app(scope, _replay(body, receive), answer.take)
        if fault.when == "after_effect" and not await _patient(fault.delay_seconds, receive):
            return
        if fault.cut:
            await _cut(scope, receive)
            return
        if fault.replaces_answer:
            answer = self._broken(fault)
        await _deliver(answer, fault.drip, receive, send)

    def _broken(self, fault: InjectedFault) -> HeldResponse:
        """Return the answer that a fault sends instead of the service's own."""
        status = fault.status or 200
        body = self.failure(status, f"Fault set by the demo: {status}") if fault.body is None else fault.body.encode()
        headers = {"content-type": "application/json" if fault.body is None else "text/plain"}
        if fault.retry_after is not None:
            headers["retry-after"] = f"{fault.retry_after:g}"
        headers.update({name.lower(): text for name, text in fault.headers.items()})
        return HeldResponse(status, [(name.encode(), text.encode()) for name, text in headers.items()], body)


async def _read_whole(receive: Receive) -> bytes:
    """Read the request's body now; only the disconnect is left to receive."""
    first = await receive()
    body: bytes = first.get("body", b"")
    more: bool = first.get("more_body", False)
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that repeats the body already read, then passes on what follows."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


async def _patient(seconds: float, receive: Receive) -> bool:
    """Wait; return False if the client disconnects meanwhile."""
    if seconds <= 0:
        return True
    try:
        async with asyncio.timeout(seconds):
            await _gone(receive)
    except TimeoutError:
        return True
    return False


async def _gone(receive: Receive) -> None:
    """Return when the client disconnects."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _cut(scope: Scope, receive: Receive) -> None:
    """Close the connection without an answer (server.py stores the transport in the state)."""
    transport: Any = scope["state"]["transport"]
    transport.close()
    await _gone(receive)


async def _deliver(answer: HeldResponse, drip: float | None, receive: Receive, send: Send) -> None:
    """Send the answer, at once or byte by byte."""
    # The stated length belongs to the body that a fault may have replaced.
    headers = [each for each in answer.headers if each[0] != b"content-length"]
    headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if drip is not None:
        for byte in answer.body:
            await send({"type": "http.response.body", "body": bytes([byte]), "more_body": True})
            if not await _patient(drip, receive):
                return
        answer = HeldResponse()
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})
