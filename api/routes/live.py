"""`GET /api/runs/{run_id}/live`: what models are writing for a run, while they write it (server-sent events)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
from anyio import to_thread
from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from api.base.authentication import identify
from api.base.errors import Unauthorized
from api.base.routing import Acting, Door, SignedInRoute
from engine.base.errors import NotAllowed, TooManyTries
from engine.base.statuses import ACTIVE_RUNS
from engine.people.access import Principal
from engine.record.types.run import Run

if TYPE_CHECKING:
    from engine.orchestra import Orchestra

router = APIRouter(prefix="/api/runs", tags=["Runs"], route_class=SignedInRoute)

_LOOK_SECONDS = 0.1
_STATUS_EVERY = 10  # looks: the texts are in memory, while status and sign-in are read from the state
_LIVES_SECONDS = 3600.0


@router.get(
    "/{run_id}/live",
    summary="Stream what models write",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/event-stream": {}}, "description": "Server-sent events, until the run ends or waits"}
    },
)
async def watch_run(run_id: str, request: Request, orchestra: Door, principal: Acting) -> StreamingResponse:
    """Stream `text` {path, text}: the next text; `again` {path}: it starts over; `recorded` {path}: it is in the run.

    The last event is `end` {run_id, status}, when the run has ended or waits. Text from before the call comes first.
    If it ends without `end`, the caller is no longer signed in.
    """
    run = await to_thread.run_sync(orchestra.runs.get, principal, run_id)
    caller = partial(identify, request, orchestra.users)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # nginx collects an answer otherwise
    return StreamingResponse(_events(orchestra, caller, run), media_type="text/event-stream", headers=headers)


async def _events(orchestra: Orchestra, caller: Callable[[], Awaitable[Principal]], run: Run) -> AsyncIterator[str]:
    """Yield the events; `caller` returns who watches, as long as they are signed in."""
    try:
        async for event in _of_run(orchestra, caller, run):
            yield event
    except (Unauthorized, NotAllowed, TooManyTries):
        return


async def _of_run(orchestra: Orchestra, caller: Callable[[], Awaitable[Principal]], run: Run) -> AsyncIterator[str]:
    principal = await caller()
    run_id, status, seen = str(run["run_id"]), str(run["status"]), dict[str, str]()
    ends_at, looks = anyio.current_time() + _LIVES_SECONDS, 0
    while status in ACTIVE_RUNS and anyio.current_time() < ends_at:
        now = orchestra.runs.live(principal, run_id)
        for event in changes(seen, now):
            yield event
        seen = now
        await anyio.sleep(_LOOK_SECONDS)
        looks += 1
        if looks % _STATUS_EVERY == 0:
            principal = await caller()
            run = await to_thread.run_sync(partial(orchestra.runs.get, principal, run_id))
            status = str(run["status"])
    for event in changes(seen, orchestra.runs.live(principal, run_id)):
        yield event
    yield _event("end", {"run_id": run_id, "status": status})


def changes(seen: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return the events that lead from what was sent to the current texts."""
    found: list[str] = []
    for path, text in now.items():
        before = seen.get(path, "")
        if not text.startswith(before):
            found.append(_event("again", {"path": path}))
            before = ""
        if text != before:
            found.append(_event("text", {"path": path, "text": text[len(before) :]}))
    return found + [_event("recorded", {"path": path}) for path in seen if path not in now]


def _event(name: str, data: Mapping[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
