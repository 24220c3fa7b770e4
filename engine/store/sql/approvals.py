"""Questions to people in `state.db`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sqlalchemy import ColumnElement, false, func, or_, select, true

from engine.base.names import NOTHING_HIDDEN, HiddenNames
from engine.base.statuses import RunStatus
from engine.store.approvals import UNANSWERED, ApprovalRecord
from engine.store.sql.base.database import StateDatabase
from engine.store.sql.base.hidden_runs import is_none_of
from engine.store.sql.base.tables import approvals, runs
from engine.store.sql.journal import SqlJournal

_COLUMNS = [approvals.c[name] for name in ApprovalRecord._fields]


class SqlApprovals:
    """Reads and answers rows of `approvals`."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def found(self, state: str | None, limit: int, without: HiddenNames = NOTHING_HIDDEN) -> list[ApprovalRecord]:
        """Return questions in one state (None: any), newest first, `without` the questions of some workflows.

        Mails that are `scheduled` come in the order in which they go out.
        """
        shown = select(*_COLUMNS).where(_is_shown(without))
        first = approvals.c.expires_at if state == "scheduled" else approvals.c.asked_at.desc()
        statement = shown.order_by(first, approvals.c.id).limit(limit)
        if state is not None:
            statement = statement.where(approvals.c.state == state)
        with self._database.reading() as connection:
            return [ApprovalRecord(*row) for row in connection.execute(statement)]

    def count_open(self, without: HiddenNames = NOTHING_HIDDEN) -> int:
        """Return how many questions are open."""
        is_open = (approvals.c.state == "open") & _is_shown(without)
        statement = select(func.count()).select_from(approvals).where(is_open)
        with self._database.reading() as connection:
            return int(connection.execute(statement).scalar_one())

    def open_like(self, *patterns: str, without: HiddenNames = NOTHING_HIDDEN) -> list[str]:
        """Return the ids of open questions with a text that matches one of these patterns (of SQL's LIKE)."""
        statement = select(approvals.c.id).where(approvals.c.state == "open", _matches(patterns), _is_shown(without))
        with self._database.reading() as connection:
            return [str(one) for one in connection.execute(statement).scalars()]

    def get(self, question: str) -> ApprovalRecord | None:
        """Return one question, if known."""
        with self._database.reading() as connection:
            row = connection.execute(select(*_COLUMNS).where(approvals.c.id == question)).one_or_none()
        return None if row is None else ApprovalRecord(*row)

    def answer(self, answered: ApprovalRecord) -> bool:
        """Store an answer and wake the run that waits for it; False if it is answered, or has expired."""
        told = {name: getattr(answered, name) for name in ("state", "answered_at", "answered_by", "comment", "edited")}
        in_time = approvals.c.expires_at.is_(None) | (approvals.c.expires_at > answered.answered_at)
        still_open = (approvals.c.id == answered.id) & approvals.c.state.in_(UNANSWERED) & in_time
        with self._database.writing() as connection:
            is_first = connection.execute(approvals.update().where(still_open).values(**told)).rowcount == 1
            if is_first:  # if the run is suspended, the process that owns it wakes it
                waiting = (runs.c.run_id == answered.run_id) & (runs.c.status == RunStatus.WAITING)
                connection.execute(runs.update().where(waiting).values(due_at=answered.answered_at))
        return is_first

    def unnotified(self, limit: int) -> list[ApprovalRecord]:
        """Return open questions about which nobody was notified, oldest first."""
        unknown = (approvals.c.state == "open") & approvals.c.notified_at.is_(None)
        statement = select(*_COLUMNS).where(unknown).order_by(approvals.c.asked_at, approvals.c.id).limit(limit)
        with self._database.reading() as connection:
            return [ApprovalRecord(*row) for row in connection.execute(statement)]

    def notified(self, question: str, at: str) -> None:
        """Record that people were notified about a question."""
        with self._database.writing() as connection:
            connection.execute(approvals.update().where(approvals.c.id == question).values(notified_at=at))


def _is_shown(without: HiddenNames) -> ColumnElement[bool]:
    """Return the condition that a question belongs to none of these workflows; once its run is gone, by their names."""
    if not without.ids:
        return true()
    is_orphan = approvals.c.run_id.not_in(select(runs.c.run_id))
    of_branch = [approvals.c.workflow.startswith(f"{one}@", autoescape=True) for one in without.names]
    is_named = or_(approvals.c.workflow.in_(without.names), *of_branch)
    return is_none_of(approvals.c.run_id, without.ids) & ~(is_orphan & is_named)


def _matches(patterns: Sequence[str]) -> ColumnElement[bool]:
    texts = [func.coalesce(column, "") for column in _COLUMNS]
    # without patterns, no question matches
    return or_(false(), *(text.like(pattern) for text in texts for pattern in patterns))


_NAMES = ", ".join(ApprovalRecord._fields)
_INSERT = f"INSERT INTO approvals ({_NAMES}) VALUES ({', '.join('?' * len(ApprovalRecord._fields))})"  # noqa: S608
_ONE = f"SELECT {_NAMES} FROM approvals WHERE id = ?"  # noqa: S608
_LAST = (
    f"SELECT {_NAMES} FROM approvals WHERE run_id = ? AND path = ? AND call_hash = ?"  # noqa: S608
    " AND state NOT IN ('open', 'scheduled')"
    " ORDER BY answered_at DESC, state = 'approved' DESC LIMIT 1"
)
_END = "UPDATE approvals SET state = ?, answered_at = ? WHERE id = ? AND state IN ('open', 'scheduled')"


class SqlQuestions:
    """Asks and withdraws questions in the transactions of a journal."""

    def __init__(self, journal: SqlJournal) -> None:
        self._journal = journal

    def ask(self, question: ApprovalRecord) -> None:
        """Ask a question."""
        self._journal.change(lambda cursor: cursor.execute(_INSERT, question))

    def get(self, question: str) -> ApprovalRecord | None:
        """Return a question; None if the state was lost and rebuilt from the logs."""
        return self._found(_ONE, question)

    def last(self, run_id: str, path: str, call_hash: str) -> ApprovalRecord | None:
        """Return the question about exactly this call of a step that ended last, if any."""
        return self._found(_LAST, run_id, path, call_hash)

    def _found(self, statement: str, *values: str) -> ApprovalRecord | None:
        rows = self._journal.read(statement, values)
        return ApprovalRecord(*rows[0]) if rows else None

    def expire(self, question: str, at: str) -> asyncio.Future[bool]:
        """Let a question expire, if it is unanswered; return whether it was."""
        return self._journal.change(lambda cursor: cursor.execute(_END, ("expired", at, question)).rowcount == 1)

    def withdraw(self, question: str, at: str) -> None:
        """Withdraw a question, if it is unanswered."""
        self._journal.change(lambda cursor: cursor.execute(_END, ("withdrawn", at, question)))
