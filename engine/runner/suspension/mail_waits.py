"""A run's waits for mail: recorded in its own transactions; whoever notices mail in between leaves a hint."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from clients.mail.answering import MailConversation
from engine.base.clock import moment_of, timestamp
from engine.plugins.step import WaitForMail
from engine.record.types.step import AwaitedMail, Wait
from engine.store.mail_waits import OwnMailWaits

LOOK_SECONDS = 1.0
"""How often a wait looks while other steps of the run are at work; a suspended run is woken."""


class MailWait:
    """A wait for mail in a conversation; once it is over, the step looks whether what it waits for is there."""

    people_wait = timedelta()

    def __init__(self, written: Wait, hints: Callable[[], int | None], clock: Callable[[], datetime]) -> None:
        awaits = written["awaits"]
        self.due_at: datetime | None = moment_of(awaits["until"])
        self._seen, self._hints, self._clock = awaits["hints"], hints, clock

    def is_over(self) -> bool:
        """Return whether mail was noticed since, the time is over, or the wait was lost with the state file."""
        assert self.due_at is not None
        return self._clock() >= self.due_at or self._hints() != self._seen

    def may_park(self) -> bool:
        """Return whether the run may be suspended meanwhile."""
        return True

    async def changed(self) -> None:
        """Return soon: a hint shows in the state alone."""
        await asyncio.sleep(LOOK_SECONDS)

    def output(self) -> Any:
        """Return None: the call is still to be made."""
        return None

    async def given_up(self, how: str) -> None:
        """Do nothing: the end of the step forgets its wait."""


class RunMailWaits:
    """Begins, restores and ends the waits for mail of one run; on the engine's loop."""

    def __init__(self, waits: OwnMailWaits, run_id: str, clock: Callable[[], datetime]) -> None:
        self._waits, self._run_id, self._clock = waits, run_id, clock

    def hints(self, path: str) -> int:
        """Return how many hints there are for a step: to be asked before it looks."""
        return self._waits.hints(self._run_id, path) or 0

    def begun(self, wanted: WaitForMail, path: str, connection: str, mode: str, hints: int) -> Wait:
        """Wait in the transaction of this turn's events; return what the run must record in the same turn.

        `hints`: what `hints` returned before the step looked.
        """
        about = wanted.conversation
        self._waits.begin(self._run_id, path, connection, mode, about.names, timestamp(self._clock()))
        awaits: AwaitedMail = {
            "names": list(about.names),
            "mail": about.mail,
            "since": about.since,
            "people": list(wanted.people),
            "until": timestamp(wanted.due_at),
            "hints": hints,
        }
        return {"due_at": awaits["until"], "awaits": awaits}

    def of(self, written: Wait, path: str) -> MailWait:
        """Return the wait for a record."""
        return MailWait(written, lambda: self._waits.hints(self._run_id, path), self._clock)

    def end(self, path: str) -> None:
        """Forget the waits of a step that waits no longer."""
        self._waits.end(self._run_id, path)


def mail_wait_of(written: Wait | None) -> WaitForMail | None:
    """Return what a step has waited for, from its record; None if that was not mail."""
    if written is None or "awaits" not in written:
        return None
    awaits = written["awaits"]
    about = MailConversation(tuple(awaits["names"]), awaits["mail"], awaits["since"])
    return WaitForMail(about, moment_of(awaits["until"]), tuple(awaits["people"]))
