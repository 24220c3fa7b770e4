"""Wait for a run or a try on behalf of a caller, without holding up the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

import anyio
from anyio import to_thread
from anyio.lowlevel import RunVar
from fastapi import Request
from fastapi.responses import JSONResponse

from api.base.documents import DocumentResponse as Answer
from engine.base.statuses import ACTIVE_RUNS

Document = TypeVar("Document", bound=Mapping[str, Any])
LONGEST_WAIT_SECONDS = 600
_WAITING_CALLERS = 32  # at once; they have threads of their own, so that they delay nothing else
_SLICE_SECONDS = 2.0  # of one wait: the thread of a caller who has gone is soon free
_PAUSE_SECONDS = 0.2
_limiter: RunVar[anyio.CapacityLimiter] = RunVar("waiting callers of the API")


class AwaitingCaller(Protocol):
    """Whoever waits, such as a `Request`."""

    async def is_disconnected(self) -> bool:
        """Return whether they have left."""


async def awaited(request: AwaitingCaller, wait: Callable[[float], Document], seconds: float) -> Document | None:
    """Return the document once its `status` is no longer active, or as it is after `seconds`; None if that is 0."""
    document: Document | None = None
    end = anyio.current_time() + seconds
    while (left := end - anyio.current_time()) > 0 and (document is None or document["status"] in ACTIVE_RUNS):
        found: Document = await to_thread.run_sync(wait, min(left, _SLICE_SECONDS), limiter=_waits())
        document = found
        if await request.is_disconnected():
            break
        if found["status"] in ACTIVE_RUNS:  # perhaps in another process: then `wait` has returned at once
            await anyio.sleep(_PAUSE_SECONDS)
    return document


async def answered_or_accepted(
    request: Request, wait: Callable[[float], Document], found: Document, seconds: float, place: str
) -> JSONResponse:
    """Return 200 with the document once its `status` is no longer active, or 202 with its address after `seconds`."""
    found = await awaited(request, wait, seconds) or found
    if found["status"] in ACTIVE_RUNS:
        return JSONResponse(found, 202, headers={"Location": place})
    return Answer(found)


def _waits() -> anyio.CapacityLimiter:
    """Return the limit on threads that wait for runs; each event loop has one."""
    try:
        return _limiter.get()
    except LookupError:
        limiter = anyio.CapacityLimiter(_WAITING_CALLERS)
        _limiter.set(limiter)
        return limiter
