"""Approvals (`flow.approve`): the questions that runs ask people, and the answers."""

from __future__ import annotations

import builtins
import json
from dataclasses import dataclass
from typing import Any, Literal

from engine.base.clock import Clock
from engine.base.errors import InUse, UnknownName
from engine.base.names import timestamp
from engine.people.access import Principal, require
from engine.people.audit import Audit
from engine.runner.worker.worker import Host
from engine.store.approvals import ApprovalRecord
from engine.store.approvals import Approvals as ApprovalStore

State = Literal["open", "approved", "rejected", "withdrawn"]
"""Of a question; `withdrawn`: its run does not wait for an answer any more."""


@dataclass(frozen=True)
class Approval:
    """A question of a run; times are RFC 3339 text in UTC."""

    id: str
    run_id: str
    path: str
    workflow: str
    message: str
    details: Any
    asked_at: str
    state: State
    answered_at: str | None
    answered_by: str | None
    comment: str


class ApprovalReader:
    """Reads approvals; every method checks the permission of `p`."""

    def __init__(self, approvals: ApprovalStore) -> None:
        self._approvals = approvals

    def list(self, p: Principal, state: str | None = "open", limit: int = 200) -> builtins.list[Approval]:
        """Return approvals in one state (None: any), newest first."""
        require(p, "view", "see approvals")
        return [_approval(one) for one in self._approvals.list(state, limit)]

    def count_open(self, p: Principal) -> int:
        """Return how many approvals are open."""
        require(p, "view", "see approvals")
        return self._approvals.count_open()

    def get(self, p: Principal, question: str) -> Approval:
        """Return one approval. Raises UnknownName."""
        require(p, "view", "see approvals")
        return _approval(self._found(question))

    def _found(self, question: str) -> ApprovalRecord:
        found = self._approvals.get(question)
        if found is None:
            raise UnknownName("approval", question, remedy="`orchestra approvals list` shows the open ones.")
        return found


class Approvals(ApprovalReader):
    """The `approvals` facet: every method checks the permission of `p`; every answer writes an audit line."""

    def __init__(self, approvals: ApprovalStore, host: Host, audit: Audit, clock: Clock) -> None:
        super().__init__(approvals)
        self._host, self._audit, self._clock = host, audit, clock

    def approve(self, p: Principal, question: str, comment: str = "") -> Approval:
        """Approve; the run continues. Raises UnknownName, InUse if the question is already answered or withdrawn."""
        return self._answer(p, question, "approved", comment)

    def reject(self, p: Principal, question: str, comment: str = "") -> Approval:
        """Reject; the step fails. Raises UnknownName, InUse if the question is already answered or withdrawn."""
        return self._answer(p, question, "rejected", comment)

    def _answer(self, p: Principal, question: str, state: str, comment: str) -> Approval:
        require(p, "run", "answer approvals")
        known = self._found(question)
        told = known._replace(state=state, answered_at=timestamp(self._clock()), answered_by=p.id, comment=comment)
        is_first = self._approvals.answer(told)
        answered = self.get(p, question)
        if not is_first:
            raise InUse(_too_late(answered), remedy="`orchestra approvals list` shows the open ones.")
        self._audit.record(p, f"approvals.{state}", question, {"run_id": known.run_id, "step": known.path})
        if self._host.owner.take(known.run_id):
            self._host.go_on(known.run_id, p.id)
        return answered


def _too_late(approval: Approval) -> str:
    if approval.state == "withdrawn":
        return f"The question {approval.id} was withdrawn: its run does not wait for it any more."
    return f"The question {approval.id} was {approval.state} by {approval.answered_by} at {approval.answered_at}."


def _approval(record: ApprovalRecord) -> Approval:
    return Approval(**{**record._asdict(), "details": json.loads(record.details)})
