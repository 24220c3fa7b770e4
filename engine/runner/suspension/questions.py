"""A run's questions to people: asked in the run's own transaction, answered in any other."""

from __future__ import annotations

import secrets
from base64 import b32encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.base.names import timestamp
from engine.expressions.json_values import compact_json
from engine.store.approvals import ApprovalRecord, Questions


@dataclass(frozen=True)
class Answer:
    """A person's answer; `at` is RFC 3339 text in UTC."""

    approved: bool
    by: str
    at: str
    comment: str


class RunQuestions:
    """Asks questions for one run, on the engine's loop."""

    def __init__(self, questions: Questions, run_id: str, workflow: str, clock: Callable[[], datetime]) -> None:
        self._questions, self._run_id, self._workflow, self._clock = questions, run_id, workflow, clock

    def ask(self, path: str, message: str, details: Any) -> str:
        """Ask in the transaction of this turn's events; return the id of the question."""
        question = b32encode(secrets.token_bytes(5)).decode("ascii").lower()
        asked = (question, self._run_id, path, self._workflow, message, compact_json(details), self._now(), "open")
        self._questions.ask(ApprovalRecord(*asked))
        return question

    def is_known(self, question: str) -> bool:
        """Return whether the question is known; False if the state was lost and rebuilt from the logs."""
        return self._questions.is_known(question)

    def answer(self, question: str) -> Answer | None:
        """Return the answer, or None if there is no answer yet."""
        found = self._questions.answered(question)
        if found is None:
            return None
        at = found.answered_at or self._now()
        return Answer(found.state == "approved", found.answered_by or "Nobody", at, found.comment)

    def withdraw(self, question: str) -> None:
        """Withdraw the question: no step waits for the answer any longer."""
        self._questions.withdraw(question, self._now())

    def _now(self) -> str:
        return timestamp(self._clock())
