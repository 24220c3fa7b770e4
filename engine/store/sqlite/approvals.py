"""Questions to people in `state.db`."""

from __future__ import annotations

from sqlalchemy import func, select

from engine.base.statuses import RunStatus
from engine.store.approvals import ApprovalRecord
from engine.store.sqlite.file.database import Database
from engine.store.sqlite.file.tables import approvals, runs
from engine.store.sqlite.journal import SqliteJournal


class SqliteApprovals:
    """Reads and answers rows of `approvals`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, state: str | None, limit: int) -> list[ApprovalRecord]:
        """Return questions in one state (None: any), newest first."""
        statement = approvals.select().order_by(approvals.c.asked_at.desc(), approvals.c.id).limit(limit)
        if state is not None:
            statement = statement.where(approvals.c.state == state)
        with self._database.reading() as connection:
            return [ApprovalRecord(*row) for row in connection.execute(statement)]

    def count_open(self) -> int:
        """Return how many questions are open."""
        statement = select(func.count()).select_from(approvals).where(approvals.c.state == "open")
        with self._database.reading() as connection:
            return int(connection.execute(statement).scalar_one())

    def get(self, question: str) -> ApprovalRecord | None:
        """Return one question, if known."""
        with self._database.reading() as connection:
            row = connection.execute(approvals.select().where(approvals.c.id == question)).one_or_none()
        return None if row is None else ApprovalRecord(*row)

    def answer(self, answered: ApprovalRecord) -> bool:
        """Store an answer and wake the run that waits for it; return False if the question is not open any more."""
        told = {name: getattr(answered, name) for name in ("state", "answered_at", "answered_by", "comment")}
        still_open = (approvals.c.id == answered.id) & (approvals.c.state == "open")
        with self._database.writing() as connection:
            is_first = connection.execute(approvals.update().where(still_open).values(**told)).rowcount == 1
            if is_first:  # if the run is suspended, the process that owns it wakes it
                waiting = (runs.c.run_id == answered.run_id) & (runs.c.status == RunStatus.WAITING)
                connection.execute(runs.update().where(waiting).values(due_at=answered.answered_at))
        return is_first


_INSERT = (
    "INSERT INTO approvals (id, run_id, path, workflow, message, details, asked_at, state, answered_at, answered_by,"
    " comment) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_ANSWERED = (
    "SELECT id, run_id, path, workflow, message, details, asked_at, state, answered_at, answered_by, comment"
    " FROM approvals WHERE id = ? AND state != 'open'"
)
_WITHDRAW = "UPDATE approvals SET state = 'withdrawn', answered_at = ? WHERE id = ? AND state = 'open'"


class SqliteQuestions:
    """Asks and withdraws questions in the transactions of a journal."""

    def __init__(self, journal: SqliteJournal) -> None:
        self._journal = journal

    def ask(self, question: ApprovalRecord) -> None:
        """Ask a question."""
        self._journal.change(lambda cursor: cursor.execute(_INSERT, question))

    def is_known(self, question: str) -> bool:
        """Return whether the question is known."""
        return bool(self._journal.read("SELECT 1 FROM approvals WHERE id = ?", (question,)))

    def answered(self, question: str) -> ApprovalRecord | None:
        """Return the question if it is not open any more."""
        rows = self._journal.read(_ANSWERED, (question,))
        return ApprovalRecord(*rows[0]) if rows else None

    def withdraw(self, question: str, at: str) -> None:
        """Withdraw a question, if it is open."""
        self._journal.change(lambda cursor: cursor.execute(_WITHDRAW, (at, question)))
