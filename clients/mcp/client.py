"""The client of an MCP server: it calls only tools that a person has accepted, as they were then."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import anyio
import httpx

from clients.client import CheckLine, Client, Opening
from clients.error_mapping import of_broken_connection, of_status
from clients.errors import BadAnswer, InvalidRequest, OutcomeUnknown, ServiceError
from clients.mcp.service import MCP, AcceptedTool, McpSettings, method_of
from clients.reads import SERVER, Read

if TYPE_CHECKING:
    from mcp.client.client import Client as Session
    from mcp.types import CallToolResult, Tool

T = TypeVar("T")
_PAGES_MOST = 20
_ACCEPT = "An owner looks at it and accepts it: `orchestra connections tools CONNECTION`."


@dataclass(frozen=True)
class OfferedTool:
    """A tool as the server offers it now; whatever it says is a claim of the server."""

    name: str
    description: str
    arguments: Mapping[str, Any]
    """JSON Schemas by name."""
    version: str
    """`sha256:` of the server, its name, description, schemas and annotations."""


class McpClient(Client):
    """One MCP server."""

    service = MCP
    http: httpx.Client

    def __init__(self, settings: McpSettings, opening: Opening) -> None:
        self._settings = settings
        kinds = (*MCP.reads, Read("POST", "/**", SERVER, body=self._calls_a_read, body_is="a call of a read"))
        self.http = opening.http(replace(MCP, reads=kinds), settings.base_url)

    @classmethod
    def open(cls, settings: McpSettings, opening: Opening) -> McpClient:
        """Return a client for these settings."""
        return cls(settings, opening)

    def account(self) -> str:
        """Return the host of the server."""
        return urlsplit(self._settings.base_url).netloc or "none"

    def check(self) -> list[CheckLine]:
        """List the tools, and look which of them are accepted."""
        try:
            offered = self.tools()
        except ServiceError as error:
            return [("reachable", False, f"{error.message} {error.remedy}".strip())]
        ready = [one.name for one in offered if self._state(one) == "accepted"]
        return [("reachable", True, f"It offers {len(offered)} tools; {len(ready)} of them are accepted.")]

    def tools(self) -> list[OfferedTool]:
        """Return what the server offers. Raises ServiceError."""
        return self._asked(self._offered)

    def states(self) -> list[tuple[OfferedTool, str]]:
        """Return each tool with `accepted`, `new` or `changed`. Raises ServiceError."""
        return [(one, self._state(one)) for one in self.tools()]

    def call(self, name: str, arguments: Mapping[str, Any], content: Mapping[str, Any], *, reads: bool) -> Any:
        """Call an accepted tool; return {text, data}. `content`: arguments that may hold text from outside.

        Raises InvalidRequest for a tool that is not accepted, not accepted as a read, changed, or gone, and for content
        where the person allowed none: then it was not called. Raises OutcomeUnknown if the tool reports an error.
        """
        self._require(name, arguments, content, reads=reads)

        async def ask(session: Session) -> CallToolResult:
            same = [one for one in await self._offered(session) if one.name == name]
            if len(same) != 1 or self._state(same[0]) != "accepted":
                what = "has changed since a person accepted it" if same else "is not offered by the server any more"
                raise InvalidRequest(f"The tool {name!r} {what}. It was not called.", service=MCP.name, remedy=_ACCEPT)
            return await session.call_tool(name, {**arguments, **content})

        result = self._asked(ask)
        text = "\n".join(one.text for one in result.content if one.type == "text")
        if result.is_error:
            kind = InvalidRequest if reads else OutcomeUnknown
            raise kind(f"The tool {name!r} reports an error: {text[:500]}", service=MCP.name)
        return {"text": text, "data": result.structured_content}

    def _require(self, name: str, arguments: Mapping[str, Any], content: Mapping[str, Any], *, reads: bool) -> None:
        accepted = self._settings.tools.get(name)
        wrong = ""
        if accepted is None:
            wrong = f"Nobody has accepted the tool {name!r}"
        elif reads and accepted.effect != "reads":
            wrong = f"Nobody has said that the tool {name!r} only reads"
        elif refused := sorted(set(content) - set(accepted.content)):
            wrong = f"Nobody has said that {', '.join(refused)} of the tool {name!r} may hold text from outside"
        elif twice := sorted(set(content) & set(arguments)):
            wrong = f"{', '.join(twice)} of the tool {name!r} is in `arguments` and in `content`"
        if wrong:
            raise InvalidRequest(f"{wrong}. It was not called.", service=MCP.name, remedy=_ACCEPT)

    def _state(self, tool: OfferedTool) -> str:
        accepted: AcceptedTool | None = self._settings.tools.get(tool.name)
        if accepted is None:
            return "new"
        return "accepted" if accepted.version == tool.version else "changed"

    def _calls_a_read(self, body: bytes) -> bool:
        if method_of(body) != "tools/call":
            return False
        accepted = self._settings.tools.get(json.loads(body).get("params", {}).get("name", ""))
        return accepted is not None and accepted.effect == "reads"

    async def _offered(self, session: Session) -> list[OfferedTool]:
        found, cursor = list[OfferedTool](), None
        for _ in range(_PAGES_MOST):
            page = await session.list_tools(cursor=cursor, cache_mode="bypass")
            found += [self._read(one) for one in page.tools]
            cursor = page.next_cursor
            if cursor is None:
                return found
        raise BadAnswer(f"{MCP.title} offers more than {_PAGES_MOST} pages of tools.", service=MCP.name)

    def _read(self, tool: Tool) -> OfferedTool:
        told = tool.model_dump(mode="json", by_alias=True, exclude={"meta", "icons"})
        text = json.dumps([self._settings.base_url, told], sort_keys=True, separators=(",", ":"))
        arguments = tool.input_schema.get("properties")
        version = f"sha256:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"
        return OfferedTool(tool.name, tool.description or "", arguments if isinstance(arguments, dict) else {}, version)

    def _asked(self, ask: Callable[[Session], Awaitable[T]]) -> T:
        import httpx2
        from mcp.client.client import Client as Session
        from mcp.client.streamable_http import streamable_http_client

        from clients.mcp.bridge import Bridge

        if not self._settings.base_url:
            raise InvalidRequest("The connection has no base_url.", service=MCP.name, remedy="Set its base_url.")
        bridge = Bridge(self.http, self._settings.token.get_secret_value())

        async def talk() -> T:
            url = self._settings.base_url
            async with (
                httpx2.AsyncClient(transport=bridge, trust_env=False, timeout=None) as http,
                Session(streamable_http_client(url, http_client=http, terminate_on_close=False)) as session,
            ):
                return await ask(session)

        try:
            return anyio.run(talk)
        except Exception as error:
            raise _explained(error, bridge.failure) from error


def _explained(error: Exception, failure: Exception | httpx.Response | None) -> ServiceError:
    """Return the error of a conversation: what the SDK raises is often a group, and hides why the server refused."""
    cause: BaseException = error
    while isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[0]
    if isinstance(cause, ServiceError):
        return cause
    if isinstance(failure, httpx.Response):
        return of_status(MCP, failure.status_code, dict(failure.headers), failure.text[:500])
    if failure is not None:
        return of_broken_connection(MCP, failure)
    return BadAnswer(f"{MCP.error_name} gave an answer that cannot be used: {str(cause)[:300]}", service=MCP.name)
