"""A turn as server-sent events, for whoever watches."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, is_dataclass
from typing import Any

import anyio
from fastapi.responses import StreamingResponse

from api.base.documents import Refusal
from engine.copilot.talking.records import Turn
from engine.copilot.talking.working import TurnFeed

BUSY: dict[int | str, dict[str, Any]] = {409: {"model": Refusal, "description": "An answer is being written"}}
STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": "Server-sent events, until the answer is whole"}
}
_LOOK_SECONDS = 0.02
_KEEP_ALIVE_LOOKS = 500
"""A comment every ten seconds keeps a proxy from closing the stream of a model that thinks for long."""


async def streamed(start: Callable[[], tuple[Turn, TurnFeed]]) -> StreamingResponse:
    """Begin a turn in a thread, and return it as events until it is over."""
    turn, feed = await anyio.to_thread.run_sync(start)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # nginx collects an answer otherwise
    return StreamingResponse(_events(turn, feed), media_type="text/event-stream", headers=headers)


async def _events(turn: Turn, feed: TurnFeed) -> AsyncIterator[str]:
    yield _event("turn", {"id": turn.id, "source": turn.source})
    told, looks = 0, 0
    while True:
        is_over = feed.is_over
        for name, data in feed.events[told:]:
            told += 1
            yield _event(name, asdict(data) if is_dataclass(data) and not isinstance(data, type) else data)
        if is_over:
            return
        looks += 1
        if looks % _KEEP_ALIVE_LOOKS == 0:
            yield ": waiting\n\n"
        await anyio.sleep(_LOOK_SECONDS)


def _event(name: str, data: Any) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
