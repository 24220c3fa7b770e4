"""The port of questions that runs ask people, and of the answers."""

from __future__ import annotations

from typing import NamedTuple, Protocol


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
    """`open`, `approved`, `rejected` or `withdrawn`."""
    answered_at: str | None = None
    answered_by: str | None = None
    comment: str = ""


class Approvals(Protocol):
    """Keeps questions; any thread. Runs ask and withdraw them through the journal of their process."""

    def list(self, state: str | None, limit: int) -> list[ApprovalRecord]:
        """Return questions in one state (None: any), newest first."""

    def count_open(self) -> int:
        """Return how many questions are open."""

    def get(self, question: str) -> ApprovalRecord | None:
        """Return one question, if known."""

    def answer(self, answered: ApprovalRecord) -> bool:
        """Store an answer and wake the run that waits for it; return False if the question is not open any more."""


class Questions(Protocol):
    """What a run records of its questions, in the transaction of its events; on the engine's loop."""

    def ask(self, question: ApprovalRecord) -> None:
        """Ask a question."""

    def is_known(self, question: str) -> bool:
        """Return whether the question is known; False if the state was lost and rebuilt from the logs."""

    def answered(self, question: str) -> ApprovalRecord | None:
        """Return the question if it is not open any more."""

    def withdraw(self, question: str, at: str) -> None:
        """Withdraw a question, if it is open: no step waits for the answer any longer."""
