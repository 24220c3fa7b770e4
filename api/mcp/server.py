"""The MCP server over the tools of a workspace: on standard input and output, and as the answer to a request."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import anyio
from anyio import to_thread
from mcp import types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.exceptions import MCPError
from mcp.shared.message import SessionMessage
from pydantic import ValidationError
from starlette.types import Receive, Scope, Send

from api.mcp.tools import KEY, WorkflowTools
from engine.base.errors import OrchestraError
from engine.people.access import Principal
from engine.people.answer_links import without_links, without_links_in

if TYPE_CHECKING:
    from engine.orchestra import Orchestra

_log = logging.getLogger(__name__)
_CHECKED_BEFORE = TransportSecuritySettings(enable_dns_rebinding_protection=False)
"""`HostCheck` and the route have checked Host and Origin, by the names in config.yaml."""
_INSTRUCTIONS = "Each tool runs a workflow of this AI-Orchestra workspace. Approvals are given by people, not by tools."


def server_of(tools: WorkflowTools) -> Server[Any]:
    """Return a server that offers these tools."""

    async def listed(_: ServerRequestContext[Any], __: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        with _faults_told():
            return types.ListToolsResult(tools=await to_thread.run_sync(tools.list))

    async def called(_: ServerRequestContext[Any], params: types.CallToolRequestParams) -> types.CallToolResult:
        with _faults_told():
            found = await tools.call(params.name, params.arguments or {}, (params.meta or {}).get(KEY))
            return await to_thread.run_sync(_answering_nothing, found)

    return Server("ai-orchestra", instructions=_INSTRUCTIONS, on_list_tools=listed, on_call_tool=called)


def _answering_nothing(found: types.CallToolResult) -> types.CallToolResult:
    """Return a result without links that answer a question: only people give approvals."""
    return types.CallToolResult.model_validate(without_links_in(found.model_dump(by_alias=True)))


@contextmanager
def _faults_told() -> Iterator[None]:
    """Log a fault of this program, and tell the caller only that there was one. Raises MCPError."""
    try:
        yield
    except MCPError:
        raise
    except OrchestraError as error:
        raise MCPError(types.INVALID_REQUEST, without_links(f"{error.message} {error.remedy}".strip())) from error
    except Exception as error:
        _log.exception("A message of MCP was not answered")
        raise MCPError(types.INTERNAL_ERROR, "Internal error. The log of AI-Orchestra has the details.") from error


async def serve_stdio(orchestra: Orchestra, principal: Principal) -> None:
    """Serve standard input and output until the input ends; meanwhile nothing else can write to standard output."""
    server = server_of(WorkflowTools(orchestra, principal))
    given, messages = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    async with stdio_server() as (reading, writing), anyio.create_task_group() as group:

        async def sort() -> None:
            async with given:
                async for one in reading:
                    await (writing.send(_not_read(one)) if isinstance(one, Exception) else given.send(one))

        group.start_soon(sort)
        await server.run(messages, writing, server.create_initialization_options())


def _not_read(error: Exception) -> SessionMessage:
    """Return the answer to a line that is not a message; the SDK gives none."""
    first = error.errors(include_url=False)[0]["type"] if isinstance(error, ValidationError) else ""
    what = (types.PARSE_ERROR, "Parse error: a line of JSON is needed.")
    if first != "json_invalid":
        what = (types.INVALID_REQUEST, "Invalid request: this is not a message of JSON-RPC 2.0.")
    code, message = what
    return SessionMessage(types.JSONRPCError(jsonrpc="2.0", id=None, error=types.ErrorData(code=code, message=message)))


async def answer(orchestra: Orchestra, principal: Principal, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request of the streamable HTTP transport; nothing is kept between two requests."""
    server = server_of(WorkflowTools(orchestra, principal))
    manager = StreamableHTTPSessionManager(
        server, stateless=True, json_response=True, security_settings=_CHECKED_BEFORE
    )
    async with manager.run():
        await manager.handle_request(scope, receive, send)
