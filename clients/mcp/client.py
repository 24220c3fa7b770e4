"""The client of an MCP server: it calls only tools that a person has accepted, as they were then."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import anyio
import httpx

from clients.check_line import CheckLine, failed
from clients.client import Client, Opening
from clients.error_mapping import of_broken_connection, of_status, words_in
from clients.errors import BadAnswer, InvalidRequest, OutcomeUnknown, ServiceError
from clients.mcp.answers import SaidAnswers, ToolResult
from clients.mcp.service import MCP, McpSettings, OfferedTool, calling_to_read, may_leave, named
from clients.mcp.stdio import asked, cause_of, program_of

if TYPE_CHECKING:
    from mcp.client.client import Client as Session

T = TypeVar("T")
DEMO = "demo"
"""The server in the pins of the stand-in's tools, as its address differs from machine to machine."""
_PAGES_MOST, _TOOLS_MOST = 20, 1_000
_NO_HEADERS = "Its `x-mcp-header` is not as the protocol says."
_MOVED = "Redirects are not followed: set the connection's base_url to the address where the server is."
_ACCEPT = "An owner looks at it and accepts it: `orchestra connections tools CONNECTION`."


class McpClient(Client):
    """One MCP server."""

    service = MCP
    http: httpx.Client

    def __init__(self, settings: McpSettings, opening: Opening) -> None:
        self._settings = settings
        self._is_demo, self._start = opening.is_demo, partial(opening.start, program_of(settings))
        self.server = DEMO if opening.is_demo else settings.server
        """The server, as pins of its tools name it."""
        self.http = opening.http(MCP, settings.base_url)

    @classmethod
    def open(cls, settings: McpSettings, opening: Opening) -> McpClient:
        """Return a client for these settings."""
        return cls(settings, opening)

    def account(self) -> str:
        """Return the host of the server, or the name of its program."""
        it = self._settings
        return Path(it.command).name if it.command else urlsplit(it.base_url).netloc or "none"

    def check(self) -> list[CheckLine]:
        """List the tools."""
        try:
            count = len(self.tools())
        except ServiceError as error:
            return [failed(self.service, "reachable", error)]
        return [
            CheckLine(
                "reachable", ok=True, text=f"It offers {count} tools. Steps call those that an owner has accepted."
            )
        ]

    def tools(self) -> list[OfferedTool]:
        """Return the tools that the server offers. Raises ServiceError."""
        return self._asked(self._offered)

    def call(self, name: str, pin: str, arguments: Mapping[str, Any], *, reads: bool) -> ToolResult:
        """Call a tool if it still has the hash `pin`. `reads`: a person has said that it only reads.

        Raises InvalidRequest for a tool that has changed, is gone, or is there twice: then it was not called. Raises
        OutcomeUnknown if a tool that writes reports an error, ServiceError.
        """
        is_sent = False

        async def ask(session: Session, answers: SaidAnswers) -> ToolResult:
            nonlocal is_sent
            same = [one for one in await self._offered(session, answers) if one.name == name]
            if len(same) != 1 or same[0].hash != pin:
                what = "has changed since a person accepted it" if same else "is no longer offered by the server"
                raise InvalidRequest(f"The tool {name!r} {what}. It was not called.", service=MCP.name, remedy=_ACCEPT)
            is_sent = True
            await _called(session, name, arguments)
            return answers.result()

        try:
            with calling_to_read(name) if reads else nullcontext():
                result = self._asked(ask)
        except ServiceError as error:
            if not is_sent:
                error.outcome = "not_done"
            raise
        if result.is_error:
            kind = InvalidRequest if reads else OutcomeUnknown
            said = _words(result)
            raise kind(f"The tool {name!r} reports an error{f': {said}' if said else '.'}", service=MCP.name)
        return result

    async def _offered(self, session: Session, answers: SaidAnswers) -> list[OfferedTool]:
        found, cursor = list[OfferedTool](), None
        for _ in range(_PAGES_MOST):
            # Not from the SDK's cache: a pin is compared with the tool as it is now.
            page = await session.list_tools(cursor=cursor, cache_mode="bypass")
            # The protocol forbids calling a tool whose `x-mcp-header` is not valid: the SDK takes it out.
            unheard = answers.passed_on - {one.name for one in page.tools}
            found += [
                OfferedTool(self.server, told, _NO_HEADERS if named(told) in unheard else "")
                for told in map(_told, answers.offered())
            ]
            if len(found) > _TOOLS_MOST:
                raise BadAnswer(f"{MCP.title} offers more than {_TOOLS_MOST:,} tools.", service=MCP.name)
            cursor = answers.next_page()
            if cursor is None:
                return found
        raise BadAnswer(f"{MCP.title} offers more than {_PAGES_MOST} pages of tools.", service=MCP.name)

    def _asked(self, ask: Callable[[Session, SaidAnswers], Awaitable[T]]) -> T:
        import httpx2
        from mcp.client.client import Client as Session
        from mcp.client.streamable_http import streamable_http_client

        from clients.mcp.bridge import Bridge

        if self._settings.command:
            return self._asked_program(ask)
        if not self._settings.base_url:
            raise InvalidRequest(
                "The connection has no base_url.", service=MCP.name, remedy="Set its base_url, or its command."
            )
        bridge = Bridge(self.http, self._settings.token.get_secret_value())
        answers = SaidAnswers()

        async def talk() -> T:
            url = self._settings.base_url
            async with (
                # No limits of its own: `bridge` sends through our client, which has them.
                httpx2.AsyncClient(transport=bridge, trust_env=False, timeout=None) as http,
                Session(
                    answers.around(streamable_http_client(url, http_client=http, terminate_on_close=False))
                ) as session,
            ):
                return await ask(session, answers)

        try:
            return anyio.run(talk)
        except Exception as error:
            raise _explained(error, bridge.failure) from error

    def _asked_program(self, ask: Callable[[Session, SaidAnswers], Awaitable[T]]) -> T:
        if self._is_demo:
            remedy = "Switch the service to Mine on the page Connections."
            raise InvalidRequest("The demo starts no programs of connections.", service=MCP.name, remedy=remedy)
        return asked(self._start, ask, may_leave)


async def _called(session: Session, name: str, arguments: Mapping[str, Any]) -> None:
    """Call a tool. The SDK's own method would check the result with patterns of the server, which may never end."""
    from mcp import types

    asked = types.CallToolRequest(params=types.CallToolRequestParams(name=name, arguments=dict(arguments)))
    await session.session.send_request(asked, types.CallToolResult)


def _told(tool: object) -> dict[str, Any]:
    """Return a server's description of a tool without the parts that nobody reads; accepts anything.

    It is written as the SDK writes it where that can, so that a hash stays the same for what people have accepted.
    """
    from mcp import types

    if not isinstance(tool, Mapping):
        return {"not a tool": tool}
    try:
        said = types.Tool.model_validate(tool).model_dump(mode="json", by_alias=True)
    except ValueError:
        said = dict(tool)
    return {key: value for key, value in said.items() if key not in {"_meta", "icons"} and value is not None}


def _words(result: ToolResult) -> str:
    """Return the beginning of what the answer of a tool says."""
    data = "" if result.data is None else json.dumps(result.data, ensure_ascii=False)
    return (result.text or data)[:500]


def _explained(error: Exception, failure: Exception | httpx.Response | None) -> ServiceError:
    """Return the error of a conversation: what the SDK raises is often a group, and hides why the server refused."""
    cause = cause_of(error)
    if isinstance(cause, ServiceError):
        return cause
    if isinstance(failure, httpx.Response):
        found = of_status(MCP, failure.status_code, dict(failure.headers), words_in(failure.content))
        found.remedy = _MOVED if failure.has_redirect_location else found.remedy
        return found
    if failure is not None:
        return of_broken_connection(MCP, failure)
    said = str(cause)[:500].rstrip(".")
    if code := getattr(getattr(cause, "error", None), "code", 0):
        return BadAnswer(f"{MCP.error_name} answered with error {code}: {said}.", service=MCP.name)
    return BadAnswer(f"{MCP.error_name} gave an answer that cannot be used: {said}.", service=MCP.name)
