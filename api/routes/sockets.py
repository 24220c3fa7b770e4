"""`/api/ws`: WebSockets that follow a run or the draft of a workflow (docs/live.md)."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, WebSocket

from api.sockets.draft_feed import draft_feed
from api.sockets.run_feed import run_feed
from api.sockets.serving import serve

router = APIRouter(prefix="/api/ws")


@router.websocket("/runs/{run_id}")
async def follow_run(websocket: WebSocket, run_id: str) -> None:
    """Send the state of a run, then its changes until it ends."""
    await serve(websocket, partial(run_feed, run_id))


@router.websocket("/workflows/{name}")
async def follow_workflow(websocket: WebSocket, name: str) -> None:
    """Send the state of the caller's draft of a workflow, then the changes of the draft, its file and its problems.

    `?rev=` is the etag of the text that the client has; the first message then has the splices since that text.
    """
    await serve(websocket, partial(draft_feed, name, websocket.query_params.get("rev", "")[:64]))
