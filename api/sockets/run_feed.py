"""The messages of a run's socket: the state of the run, its changes and its end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from anyio import to_thread

from api.sockets.hub import Hub, Subject
from api.sockets.serving import Message
from engine.base.statuses import ENDED_RUNS
from engine.people.access import ENGINE, Principal
from engine.record.states.run_state import RunState, changes

if TYPE_CHECKING:
    from engine.orchestra import Orchestra


class RunFeed:
    """Sends the state of a run, then each change, then its end."""

    def __init__(self, subject: Subject[RunState]) -> None:
        self._subject = subject
        self._sent: RunState | None = None
        self._number = 0
        self.is_over = False

    @property
    def subjects(self) -> Sequence[Subject[RunState]]:
        """The run."""
        return [self._subject]

    async def messages(self) -> Sequence[Message]:
        """Return the messages that bring the client up to date."""
        state, number = self._subject.state, self._subject.number
        if state is None or state is self._sent:
            return []
        found: list[Message] = []
        if self._sent is None:
            found.append({"type": "snapshot", "run": state})
        else:
            change = changes(self._sent, state)
            found.append({"type": "changed", "change": change, "skipped": number - self._number - 1})
        self._sent, self._number = state, number
        if state["status"] in ENDED_RUNS:
            found.append({"type": "end", "status": state["status"]})
            self.is_over = True
        return found


@asynccontextmanager
async def run_feed(run_id: str, hub: Hub, orchestra: Orchestra, principal: Principal) -> AsyncIterator[RunFeed]:
    """Watch a run. Raises the errors of `runs.get`."""
    await to_thread.run_sync(partial(orchestra.runs.state, principal, run_id))
    async with hub.watching(("run", run_id), partial(orchestra.runs.state, ENGINE, run_id)) as subject:
        if subject.error is not None:
            raise subject.error
        yield RunFeed(subject)
