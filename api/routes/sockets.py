"""`/api/ws`: WebSockets that follow a run, the draft of a workflow, or a command in a project (docs/live.md)."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, WebSocket

from api.sockets.command_feed import command_feed
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


@router.websocket("/projects/{name}/runs/{id}")
async def follow_command(websocket: WebSocket, name: str, id: str) -> None:  # noqa: A002 - as in the address
    """Send what a command in a project writes, until it ends."""
    await serve(websocket, partial(command_feed, name, id))
