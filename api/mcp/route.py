"""`POST /mcp`: workflows as tools of other programs (docs/mcp.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from api.base.documents import Refusal
from api.base.hosts import is_same_origin
from api.base.routing import Acting, Door, SignedInRoute
from engine.base.errors import NotAllowed
from engine.people.access import Principal, require

if TYPE_CHECKING:
    from engine.orchestra import Orchestra

router = APIRouter(tags=["MCP"], route_class=SignedInRoute)


class McpResponse(Response):
    """The answer of the MCP server to the body of a request."""

    def __init__(self, orchestra: Orchestra, principal: Principal, body: bytes) -> None:
        super().__init__()
        self._orchestra, self._principal, self._unread = orchestra, principal, [body]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        from api.mcp.server import answer  # takes a second: whoever needs no MCP does not wait for it

        # The SDK reads the request itself, and its body has already been read.
        async def again() -> Message:
            return {"type": "http.request", "body": self._unread.pop()} if self._unread else await receive()

        await answer(self._orchestra, self._principal, scope, again, send)


@router.post(
    "/mcp",
    summary="Call workflows as tools, by MCP",
    response_model=None,
    responses={
        200: {"description": "The JSON-RPC answer"},
        403: {"model": Refusal, "description": "Sent by a page of another address"},
    },
)
async def post_mcp(request: Request, orchestra: Door, principal: Acting) -> McpResponse:
    """Answer one message of the streamable HTTP transport of the Model Context Protocol.

    The tools are the workflows with `"expose": true`; calls act with the role of the caller.
    """
    require(principal, "view", "see workflows")
    if "origin" in request.headers and not is_same_origin(request.headers):
        raise NotAllowed(
            "A page of another address may not send this.",
            remedy="Programs send no Origin. Behind a proxy, set `server.public_url` in config.yaml.",
        )
    return McpResponse(orchestra, principal, await request.body())
