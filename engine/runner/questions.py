"""The questions of one run to people: asked in the run's own transaction, answered by anybody's."""

from __future__ import annotations

import secrets
from base64 import b32encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.expressions.expressions import compact_json
from engine.names import timestamp
from engine.store.journal import Journal

_INSERT = (
    "INSERT INTO approvals (id, run_id, path, workflow, message, details, asked_at, state, comment)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, 'open', '')"
)
_ANSWERED = "SELECT state, answered_by, answered_at, comment FROM approvals WHERE id = ? AND state != 'open'"


@dataclass(frozen=True)
class Answer:
    """What a person said; `at` is RFC 3339 text in UTC."""

    approved: bool
    by: str
    at: str
    comment: str


class Questions:
    """Asks for one run, on the engine's loop."""

    def __init__(self, journal: Journal, run_id: str, workflow: str, clock: Callable[[], datetime]) -> None:
        self._journal, self._run_id, self._workflow, self._clock = journal, run_id, workflow, clock

    def ask(self, path: str, message: str, details: Any) -> str:
        """Ask, in the transaction of the events of this turn; return the id of the question."""
        question = b32encode(secrets.token_bytes(5)).decode("ascii").lower()
        values = (question, self._run_id, path, self._workflow, message, compact_json(details), self._now())
        self._journal.change(lambda cursor: cursor.execute(_INSERT, values))
        return question

    def is_known(self, question: str) -> bool:
        """Tell whether it was asked; not so where the state was lost and made anew from the logs."""
        return bool(self._journal.read("SELECT 1 FROM approvals WHERE id = ?", (question,)))

    def answer(self, question: str) -> Answer | None:
        """Return the answer, None while there is none."""
        rows = self._journal.read(_ANSWERED, (question,))
        if not rows:
            return None
        state, by, at, comment = rows[0]
        return Answer(state == "approved", by or "Nobody", at or self._now(), comment)

    def withdraw(self, question: str) -> None:
        """Take the question back: nobody waits for the answer any more."""
        statement = "UPDATE approvals SET state = 'withdrawn', answered_at = ? WHERE id = ? AND state = 'open'"
        self._journal.change(lambda cursor: cursor.execute(statement, (self._now(), question)))

    def _now(self) -> str:
        return timestamp(self._clock())
