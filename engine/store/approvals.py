"""The port of questions that runs ask people, and of the answers."""

from __future__ import annotations

import asyncio
from typing import NamedTuple, Protocol

from engine.base.names import NOTHING_HIDDEN, HiddenNames

UNANSWERED = ("open", "scheduled")
"""The states of a question that somebody can still answer. `scheduled`: nobody has to: it approves itself when due."""


class ApprovalRecord(NamedTuple):
    """A question as stored; times are RFC 3339 texts in UTC, `details` is JSON."""

    id: str
    run_id: str
    path: str
    workflow: str
    message: str
    details: str
    asked_at: str
    state: str
    """`open`, `scheduled`, `approved`, `rejected`, `expired` or `withdrawn`."""
    answered_at: str | None = None
    answered_by: str | None = None
    comment: str = ""
    call: str = ""
    """The call to be approved, as JSON (engine/record/types/approval.py); empty for a plain question."""
    call_hash: str = ""
    """Identifies the call: an approval is only good for this one."""
    terms: str = ""
    """Who may answer, as JSON; empty: everybody who may start runs."""
    expires_at: str | None = None
    edited: str = ""
    """The arguments as a person changed them, as JSON; empty if they are approved as they are."""
    notified_at: str | None = None
    """When people were notified; None: not yet."""


class ApprovalStore(Protocol):
    """Keeps questions; any thread. Runs ask and withdraw them through the journal of their process."""

    def found(self, state: str | None, limit: int, without: HiddenNames = NOTHING_HIDDEN) -> list[ApprovalRecord]:
        """Return questions in one state (None: any), newest first, `without` the questions of some workflows."""

    def count_open(self, without: HiddenNames = NOTHING_HIDDEN) -> int:
        """Return how many questions are open."""

    def open_like(self, *patterns: str, without: HiddenNames = NOTHING_HIDDEN) -> list[str]:
        """Return the ids of open questions with a text that matches one of these patterns (of SQL's LIKE)."""

    def get(self, question: str) -> ApprovalRecord | None:
        """Return one question, if known."""

    def answer(self, answered: ApprovalRecord) -> bool:
        """Store an answer and wake the run that waits for it; False if it is answered, or has expired."""

    def unnotified(self, limit: int) -> list[ApprovalRecord]:
        """Return open questions about which nobody was notified, oldest first."""

    def notified(self, question: str, at: str) -> None:
        """Record that people were notified about a question."""


class Questions(Protocol):
    """What a run records of its questions, in the transaction of its events; on the engine's loop."""

    def ask(self, question: ApprovalRecord) -> None:
        """Ask a question."""

    def get(self, question: str) -> ApprovalRecord | None:
        """Return a question; None if the state was lost and rebuilt from the logs."""

    def last(self, run_id: str, path: str, call_hash: str) -> ApprovalRecord | None:
        """Return the question about exactly this call of a step that ended last, if any."""

    def expire(self, question: str, at: str) -> asyncio.Future[bool]:
        """Let a question expire, if it is unanswered; return whether it was."""

    def withdraw(self, question: str, at: str) -> None:
        """Withdraw a question, if it is unanswered: no step waits for the answer any longer."""
