"""What the socket of a run sends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

from anyio import to_thread

from api.sockets.hub import Hub, Subject
from api.sockets.serving import Message
from engine.base.statuses import ENDED_RUNS
from engine.orchestra import ENGINE, Orchestra
from engine.people.access import Principal
from engine.record.states.run_state import RunState, changes


class RunNews:
    """The state of a run, then what changes, then that it has ended."""

    def __init__(self, subject: Subject[RunState]) -> None:
        self._subject = subject
        self._told: RunState | None = None
        self._number = 0
        self.is_over = False

    @property
    def subjects(self) -> Sequence[Subject[RunState]]:
        """The run."""
        return [self._subject]

    async def messages(self) -> Sequence[Message]:
        """Return what leads from the state that was sent last to the newest one."""
        state, number = self._subject.state, self._subject.number
        if state is None or state is self._told:
            return []
        found: list[Message] = []
        if self._told is None:
            found.append({"type": "snapshot", "run": state})
        else:
            change = changes(self._told, state)
            found.append({"type": "changed", "change": change, "skipped": number - self._number - 1})
        self._told, self._number = state, number
        if state["status"] in ENDED_RUNS:
            found.append({"type": "end", "status": state["status"]})
            self.is_over = True
        return found


@asynccontextmanager
async def run_news(run_id: str, hub: Hub, orchestra: Orchestra, principal: Principal) -> AsyncIterator[RunNews]:
    """Watch a run. Raises what `runs.get` raises."""
    await to_thread.run_sync(partial(orchestra.runs.state, principal, run_id))
    async with hub.watching(("run", run_id), partial(orchestra.runs.state, ENGINE, run_id)) as subject:
        if subject.error is not None:
            raise subject.error
        yield RunNews(subject)
