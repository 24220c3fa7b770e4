"""The messages of a command's socket: the command, what it writes, and how it ends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

from anyio import to_thread

from api.sockets.hub import Hub, Subject
from api.sockets.serving import Message
from engine.people.access import ENGINE, Principal

if TYPE_CHECKING:
    from engine.orchestra import Orchestra
    from engine.runs.projects.commands import CommandState

_LOOK_SECONDS = 0.05
"""How often the state is looked at, which is in the memory of this process."""
_MOST_CHARACTERS = 64 * 1024
"""Of one message. A client that is further behind gets the last of what was written."""


class CommandFeed:
    """Sends a command, then what it writes, then its end."""

    def __init__(self, subject: Subject[CommandState], orchestra: Orchestra) -> None:
        self._subject, self._runs = subject, orchestra.project_runs
        self._sent: int | None = None
        self.is_over = False

    @property
    def subjects(self) -> Sequence[Subject[CommandState]]:
        """The command."""
        return [self._subject]

    async def messages(self) -> Sequence[Message]:
        """Return the messages that bring the client up to date."""
        now = self._subject.state
        if now is None:
            return []
        found: list[Message] = []
        if self._sent is None:
            self._sent = 0
            found.append({"type": "snapshot", "run": asdict(now.run)})
        if now.length > self._sent:
            parts, skipped, self._sent = self._runs.since(
                ENGINE, now.run.project, now.run.id, self._sent, _MOST_CHARACTERS
            )
            found.append({"type": "output", "parts": [asdict(one) for one in parts], "skipped": skipped})
        if now.run.state != "running":
            found.append({"type": "end", "run": asdict(now.run)})
            self.is_over = True
        return found


@asynccontextmanager
async def command_feed(
    name: str, run_id: str, hub: Hub, orchestra: Orchestra, principal: Principal
) -> AsyncIterator[CommandFeed]:
    """Watch a command. Raises the errors of `project_runs.get`."""
    await to_thread.run_sync(partial(orchestra.project_runs.state, principal, name, run_id))
    load = partial(orchestra.project_runs.state, ENGINE, name, run_id)
    async with hub.watching(
        ("command", run_id), load, at_least_seconds=_LOOK_SECONDS, at_most_seconds=_LOOK_SECONDS
    ) as subject:
        if subject.error is not None:
            raise subject.error
        yield CommandFeed(subject, orchestra)
