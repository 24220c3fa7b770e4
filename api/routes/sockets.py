"""`/api/ws`: sockets that follow a run, and the draft of a workflow ([live](docs/live.md))."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, WebSocket

from api.sockets.draft_news import draft_news
from api.sockets.run_news import run_news
from api.sockets.serving import serve

router = APIRouter(prefix="/api/ws")


@router.websocket("/runs/{run_id}")
async def follow_run(websocket: WebSocket, run_id: str) -> None:
    """Send the state of a run, then what changes, until it ends."""
    await serve(websocket, partial(run_news, run_id))


@router.websocket("/workflows/{name}")
async def follow_workflow(websocket: WebSocket, name: str) -> None:
    """Send what changes in the caller's draft of a workflow, in its file and in its problems.

    `?rev=` is the etag of the text that the client has: the first message then has the splices since.
    """
    await serve(websocket, partial(draft_news, name, websocket.query_params.get("rev", "")[:64]))
