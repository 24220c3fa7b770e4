"""Conversations with servers that are programs: started in the sandbox, with messages on their stdin and stdout."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

import anyio
from anyio import to_thread

from clients.client import Program, RunningProgram
from clients.errors import BadAnswer, LimitExceeded, ServiceError, Timeout, Unavailable
from clients.mcp.answers import SaidAnswers
from clients.mcp.service import MCP, McpSettings, is_call
from clients.reads_only import refused

if TYPE_CHECKING:
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
    from mcp.client.client import Client as Session
    from mcp.shared.message import SessionMessage

    _Streams = tuple[MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]]

T = TypeVar("T")
_LIMITS = {"answer": "output_kb", "memory": "memory_mb", "processes": "processes", "files": "disk_mb"}
"""The setting behind each limit that ends a program."""
_SHOWN = 80


def program_of(settings: McpSettings) -> Program:
    """Return the program of a connection with a command."""
    return Program(
        command=(settings.command, *settings.args),
        environment={name: value.get_secret_value() for name, value in settings.env.items()},
        folders=tuple(settings.folders),
        hosts=tuple(settings.network),
        private_hosts=tuple(settings.allow_hosts),
        **settings.limits.model_dump(),
    )


def cause_of(error: BaseException) -> BaseException:
    """Return the first error in a group of groups, such as the SDK raises."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def asked(
    start: Callable[[], AbstractContextManager[RunningProgram]],
    ask: Callable[[Session, SaidAnswers], Awaitable[T]],
    may_send: Callable[[bytes], bool],
) -> T:
    """Start a server, ask it, end it; return what `ask` returned. Blocking. Raises ServiceError.

    `may_send` tells whether a message may leave now.
    """
    from mcp.client.client import Client as Session

    with start() as program:
        lines, answers = _Lines(program, may_send), SaidAnswers()

        async def talk() -> T:
            async with Session(answers.around(lines.streams())) as session:
                return await ask(session, answers)

        try:
            return anyio.run(talk)
        except Exception as error:
            raise lines.explained(error) from error


class _Lines:
    """The messages of one conversation, each a line."""

    def __init__(self, program: RunningProgram, may_send: Callable[[bytes], bool]) -> None:
        self._program, self._may_send = program, may_send
        self._is_over = self._has_called = False
        self._no_messages: list[str] = []

    @asynccontextmanager
    async def streams(self) -> AsyncIterator[_Streams]:
        """Yield the streams that the session reads and writes."""
        # No buffer: a message is taken from the program only when the session wants it.
        given, reading = anyio.create_memory_object_stream["SessionMessage | Exception"](0)
        writing, taken = anyio.create_memory_object_stream["SessionMessage"](0)

        async def listen() -> None:
            async with given:
                # Abandoned: a read from a silent program cannot be cancelled, but ends with the program.
                while line := await to_thread.run_sync(self._program.line, abandon_on_cancel=True):
                    if (message := self._read(line)) is not None:
                        await given.send(message)
                self._is_over = True

        async def speak() -> None:
            async with taken:
                async for message in taken:
                    text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
                    await to_thread.run_sync(self._send, text.encode() + b"\n", abandon_on_cancel=True)

        async with anyio.create_task_group() as group:
            group.start_soon(listen)
            group.start_soon(speak)
            yield reading, writing
            group.cancel_scope.cancel()

    def _read(self, line: bytes) -> SessionMessage | None:
        """Return the message of a line; None for what a library has printed there by mistake."""
        from mcp.shared.message import SessionMessage
        from mcp.types import jsonrpc_message_adapter

        try:
            return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
        except ValueError:
            self._no_messages.append(line.decode("utf-8", "replace").strip()[:_SHOWN])
            return None

    def _send(self, line: bytes) -> None:
        if not self._may_send(line):
            raise refused("A call of a tool")
        self._has_called = self._has_called or is_call(line)
        self._program.write(line)

    def explained(self, error: Exception) -> ServiceError:
        """Return the error of a conversation: what the SDK raises is often a group, and does not know the program."""
        cause = cause_of(error)
        found = cause if isinstance(cause, ServiceError) else self._of_program(cause)
        if not self._has_called:
            found.outcome = "not_done"
        return found

    def _of_program(self, cause: BaseException) -> ServiceError:
        reason, complaint = self._program.reason, self._program.complaint
        said = f" It said: {complaint}" if complaint else ""
        if self._no_messages:
            printed = json.dumps(self._no_messages[0], ensure_ascii=False)
            said += f" It printed what is not a message, such as {printed}."
        if reason == "time":
            remedy = "Raise `limits.seconds` of the connection, or look why it hangs."
            return Timeout(f"{MCP.title} did not answer in time.{said}", service=MCP.name, remedy=remedy)
        if reason == "cancelled":
            return Timeout("The call was cancelled.", service=MCP.name)
        if reason:
            what = f"{MCP.title} took more than `limits.{_LIMITS[reason]}` allows.{said}"
            remedy = f"Raise `limits.{_LIMITS[reason]}` of the connection, or let it do less."
            return LimitExceeded(what, service=MCP.name, remedy=remedy, outcome="unknown")
        if self._is_over or isinstance(cause, OSError):
            remedy = "Run its command yourself, and look at what it prints."
            return Unavailable(f"{MCP.title} ended before it answered.{said}", service=MCP.name, remedy=remedy)
        what = f"{MCP.error_name} gave an answer that cannot be used: {str(cause)[:300]}{said}"
        return BadAnswer(what, service=MCP.name)
