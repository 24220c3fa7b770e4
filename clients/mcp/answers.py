"""What a server has answered, as it was: the SDK refuses a whole list or answer for one part that is odd."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from msgspec import Struct

from clients.errors import BadAnswer
from clients.mcp.service import MCP

if TYPE_CHECKING:
    from mcp.shared.message import SessionMessage

_Streams = tuple[Any, Any]
"""What messages are read from, and written to: the SDK has no public names for them."""
_LIST, _CALL = "tools/list", "tools/call"
_SHOWN = 200
_NAMED_MOST = 20


class ToolResult(Struct, frozen=True):
    """The result of a tool."""

    text: str
    data: Any
    """Its structured content, or None."""
    left_out: Sequence[str]
    """The parts that are not in `text`, such as a picture: a sentence for each."""
    is_error: bool = False


class SaidAnswers:
    """The answers of one conversation, where one question is asked at a time."""

    def __init__(self) -> None:
        self._asked: dict[Any, str] = {}
        self.latest: Mapping[str, Any] = {}
        """The latest list of tools, or answer of a tool."""
        self.passed_on: frozenset[str] = frozenset()
        """The names of the tools in that list that were passed on to the SDK."""

    @asynccontextmanager
    async def around(self, transport: AbstractAsyncContextManager[_Streams]) -> AsyncIterator[_Streams]:
        """Yield the streams of a transport; lists and answers arrive there without their odd parts."""
        async with transport as (reading, writing):
            yield _Reading(reading, self), _Writing(writing, self)

    def sent(self, message: SessionMessage) -> None:
        """Note which question has which id."""
        from mcp.types import JSONRPCRequest

        if isinstance(message.message, JSONRPCRequest):
            self._asked[message.message.id] = message.message.method

    def received(self, message: SessionMessage | Exception) -> None:
        """Keep the answer to a question, and take out of the message what the SDK need not see."""
        from mcp.types import JSONRPCResponse

        if isinstance(message, Exception) or not isinstance(message.message, JSONRPCResponse):
            return
        method, result = self._asked.pop(message.message.id, ""), message.message.result
        # From the protocol's version 2026-07-28 on, an answer may also say that there is no result yet.
        if method not in {_LIST, _CALL} or result.get("resultType", "complete") != "complete":
            return
        self.latest = result
        if method == _CALL:
            message.message.result = {**_without(result, "structuredContent"), "content": [], "isError": False}
            return
        good = list(_good(result))
        self.passed_on = frozenset(str(one["name"]) for one in good)
        message.message.result = {**_without(result, "nextCursor"), "tools": good}

    def offered(self) -> Sequence[Any]:
        """Return the tools of the latest list. Raises BadAnswer."""
        found = self.latest.get("tools")
        if not isinstance(found, list):
            raise BadAnswer(f"{MCP.error_name} gave no list of tools.", service=MCP.name)
        return found

    def next_page(self) -> str | None:
        """Return the cursor of the next page; some servers give an empty one at the end."""
        cursor = self.latest.get("nextCursor")
        return cursor if isinstance(cursor, str) and cursor else None

    def result(self) -> ToolResult:
        """Return the content of a tool's latest answer. Raises BadAnswer."""
        data = self.latest.get("structuredContent")
        parts = self.latest.get("content", None if data is None else [])
        if not isinstance(parts, list):
            raise BadAnswer(f"{MCP.error_name} gave an answer without a list of contents.", service=MCP.name)
        texts, left_out = list[str](), list[str]()
        for one in parts:
            text = _text_of(one)
            (left_out if text is None else texts).append(_named(one) if text is None else text)
        if len(left_out) > _NAMED_MOST:
            left_out[_NAMED_MOST:] = [f"{len(left_out) - _NAMED_MOST:,} more parts that are not text."]
        return ToolResult("\n".join(texts), data, left_out, is_error=bool(self.latest.get("isError")))


class _Stream:
    """A stream of messages that `answers` hears."""

    def __init__(self, stream: Any, answers: SaidAnswers) -> None:
        self._stream, self._answers = stream, answers

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        ended: bool | None = await self._stream.__aexit__(kind, error, trace)
        return ended


class _Reading(_Stream):
    """A stream of messages from the server."""

    async def receive(self) -> SessionMessage | Exception:
        message: SessionMessage | Exception = await self._stream.receive()
        self._answers.received(message)
        return message

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        message: SessionMessage | Exception = await self._stream.__anext__()
        self._answers.received(message)
        return message


class _Writing(_Stream):
    """A stream of messages to the server."""

    async def send(self, item: SessionMessage, /) -> None:
        self._answers.sent(item)
        await self._stream.send(item)


def _good(page: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the tools of a page that the SDK can read, in every version of the protocol that the page may be of."""
    from mcp.types.version import KNOWN_PROTOCOL_VERSIONS

    bare = _without(page, "nextCursor")
    versions = [one for one in KNOWN_PROTOCOL_VERSIONS if _fits({**bare, "tools": []}, one)]
    tools = page.get("tools")
    for tool in tools if isinstance(tools, list) else []:
        if all(_fits({**bare, "tools": [tool]}, one) for one in versions):
            yield tool


def _fits(page: Mapping[str, Any], version: str) -> bool:
    from mcp.types.methods import validate_server_result

    try:
        validate_server_result(_LIST, version, page)
    except (ValueError, KeyError, RecursionError):
        return False
    return True


def _without(result: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in result.items() if key != name}


def _text_of(part: Any) -> str | None:
    """Return the text of a part, or of the resource that is embedded in it; None if it has none."""
    inner = part.get("resource") if _kind(part) == "resource" else part if _kind(part) == "text" else None
    text = inner.get("text") if isinstance(inner, Mapping) else None
    return text if isinstance(text, str) else None


def _kind(part: Any) -> str:
    return str(part.get("type", "")) if isinstance(part, Mapping) else ""


def _named(part: Any) -> str:
    """Return a sentence that names a part without text."""
    kind = _kind(part)
    about = part.get("resource") if kind == "resource" else part
    about = about if isinstance(about, Mapping) else {}
    what = {
        "image": "A picture",
        "audio": "A recording",
        "resource": "A file",
        "resource_link": "A link to a file that was not read",
    }.get(kind, f"A part of the type {kind[:_SHOWN]!r}" if kind else "A part without a type")
    facts = [about.get("mimeType"), _size(about.get("data", about.get("blob")))]
    shown = ", ".join(str(one)[:_SHOWN] for one in facts if one)
    names = ": ".join(str(one)[:_SHOWN] for one in (about.get("title") or about.get("name"), about.get("uri")) if one)
    return f"{what}{f' ({shown})' if shown else ''}{f': {names}' if names else ''}."


def _size(base64: object) -> str:
    """Return the size of a content that is given in base64, four letters for three bytes."""
    return f"{len(base64.rstrip('=')) * 3 // 4:,} bytes" if isinstance(base64, str) else ""
