"""What runs ask people (`flow.approve`): the open questions, and their answers."""

from __future__ import annotations

import builtins
import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from engine.clock import Clock
from engine.errors import InUse, UnknownName
from engine.names import timestamp
from engine.people.access import Principal, require
from engine.people.audit import Audit
from engine.runner.host import Host
from engine.store.database import Database
from engine.store.tables import approvals, runs

STATES = ("open", "approved", "rejected", "withdrawn")


@dataclass(frozen=True)
class Approval:
    """A question of a run; times are RFC 3339 text in UTC, `state` is one of STATES."""

    id: str
    run_id: str
    path: str
    workflow: str
    message: str
    details: Any
    asked_at: str
    state: str
    answered_at: str | None
    answered_by: str | None
    comment: str


class ApprovalReader:
    """Tells the questions; every method checks the right of `p`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, p: Principal, state: str | None = "open", limit: int = 200) -> builtins.list[Approval]:
        """Return questions in one state (None: in any), the newest first."""
        require(p, "view", "see approvals")
        statement = approvals.select().order_by(approvals.c.asked_at.desc(), approvals.c.id).limit(limit)
        if state is not None:
            statement = statement.where(approvals.c.state == state)
        with self._database.reading() as connection:
            return [_approval(row) for row in connection.execute(statement)]

    def count_open(self, p: Principal) -> int:
        """Return how many questions wait for an answer."""
        require(p, "view", "see approvals")
        statement = select(func.count()).select_from(approvals).where(approvals.c.state == "open")
        with self._database.reading() as connection:
            return int(connection.execute(statement).scalar_one())

    def get(self, p: Principal, question: str) -> Approval:
        """Return one question. Raises UnknownName."""
        require(p, "view", "see approvals")
        with self._database.reading() as connection:
            row = connection.execute(approvals.select().where(approvals.c.id == question)).one_or_none()
        if row is None:
            raise UnknownName("approval", question, remedy="`orchestra approvals list` shows the open ones.")
        return _approval(row)


class Approvals(ApprovalReader):
    """The `approvals` facet: every method checks the right of `p`; every answer writes an audit line."""

    def __init__(self, database: Database, host: Host, audit: Audit, clock: Clock) -> None:
        super().__init__(database)
        self._host, self._audit, self._clock = host, audit, clock

    def approve(self, p: Principal, question: str, comment: str = "") -> Approval:
        """Say yes; the run goes on. Raises UnknownName, InUse where it was answered or withdrawn before."""
        return self._answer(p, question, "approved", comment)

    def reject(self, p: Principal, question: str, comment: str = "") -> Approval:
        """Say no; the step fails. Raises UnknownName, InUse where it was answered or withdrawn before."""
        return self._answer(p, question, "rejected", comment)

    def _answer(self, p: Principal, question: str, state: str, comment: str) -> Approval:
        require(p, "run", "answer approvals")
        known = self.get(p, question)
        now = timestamp(self._clock())
        values = {"state": state, "answered_at": now, "answered_by": p.id, "comment": comment}
        still_open = (approvals.c.id == question) & (approvals.c.state == "open")
        with self._database.writing() as connection:
            is_first = connection.execute(approvals.update().where(still_open).values(**values)).rowcount == 1
            if is_first:  # whoever owns the run, if it is put away, wakes it
                waiting = (runs.c.run_id == known.run_id) & (runs.c.status == "waiting")
                connection.execute(runs.update().where(waiting).values(due_at=now))
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


def _approval(row: Any) -> Approval:
    told = {name: getattr(row, name) for name in Approval.__dataclass_fields__}
    return Approval(**{**told, "details": json.loads(row.details)})
