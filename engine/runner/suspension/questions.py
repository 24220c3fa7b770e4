"""A run's questions to people: asked in the run's own transaction, answered in any other."""

from __future__ import annotations

import asyncio
import json
import secrets
from base64 import b32encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Literal, cast

from msgspec import Struct

from engine.base.clock import timestamp
from engine.base.errors import ApprovalExpired, Rejected
from engine.base.json_text import JsonObject
from engine.compiler.definition.approval_rules import StepApproval
from engine.expressions.json_values import compact_json
from engine.plugins.step import Preview
from engine.record.types.approval import AskedCall, Terms
from engine.record.types.step import Wait
from engine.store.approvals import UNANSWERED, ApprovalRecord, Questions

_SENTENCE_ENDS = (".", "!", "?", "…", "。")


class QuestionOutcome(Struct, frozen=True):
    """What became of a question; `at` is RFC 3339 text in UTC."""

    state: Literal["approved", "rejected", "expired", "withdrawn"]
    by: str
    at: str
    comment: str
    edited: JsonObject | None = None
    """The arguments of the call as the person changed them; None if they are approved as they are."""
    goes_on: bool = False
    """Whether the run goes on without the step if the question has expired."""
    seen: Preview | None = None
    """What the person saw of the object of the call."""
    kept: JsonObject | None = None
    """The arguments that the person saw, if somebody had edited them before; None if the call still has them."""
    given: JsonObject | None = None
    """The amounts that the person gave, by name; None if the question has none."""
    may_refuse: bool = False
    """Whether a rejection is an answer, and no failure of the step."""
    is_scheduled: bool = False
    """Whether it was about a mail that goes out at its time unless somebody stops it."""
    approved_before: str = ""
    """Of such a mail: the id of the question with which its call was approved before; empty if it asked nobody."""

    @property
    def is_released(self) -> bool:
        """Whether a mail was held, and may go out now: nobody has stopped it in time."""
        return self.is_scheduled and self.state in ("approved", "expired")

    @property
    def arguments(self) -> JsonObject | None:
        """The arguments with which the call was approved; None: as they are."""
        return self.kept if self.edited is None else self.edited

    def require_approved(self) -> None:
        """Raise Rejected or ApprovalExpired unless it was approved."""
        if self.is_released:
            return
        if self.state == "expired":
            raise ApprovalExpired("Nobody answered the question of this step in time.", goes_on=self.goes_on)
        if self.state != "approved":
            because = f": {self.comment}" if self.comment else ""
            stop = "" if because.endswith(_SENTENCE_ENDS) else "."
            if self.is_scheduled:
                raise Rejected(f"The mail was stopped by {self.by}{because}{stop}", by=self.by, is_stopped=True)
            raise Rejected(f"Rejected by {self.by}{because}{stop}", by=self.by)


class RunQuestions:
    """Asks questions for one run, on the engine's loop; `changed_by`: who let it continue with another definition."""

    def __init__(
        self,
        questions: Questions,
        run_id: str,
        workflow: str,
        started_by: str,
        changed_by: Sequence[str],
        clock: Callable[[], datetime],
    ) -> None:
        self._questions, self._run_id, self._workflow, self._clock = questions, run_id, workflow, clock
        self._started_by, self._changed_by = started_by, changed_by

    def ask(
        self,
        path: str,
        message: str,
        details: Any,
        rule: StepApproval,
        call: AskedCall | None = None,
        call_hash: str = "",
        *,
        give: Mapping[str, float] | None = None,
        may_refuse: bool = False,
    ) -> Wait:
        """Ask in the transaction of this turn's events; return what the run must record in the same turn.

        `call`, `call_hash`: the call that is to be approved, if the question is about one. `give`, `may_refuse`: as in
        `AskPerson`.
        """
        terms = self._terms(rule)
        if give:
            terms = {**terms, "give": give}
        if may_refuse:
            terms = {**terms, "may_refuse": True}
        expires_at = _expiry(self._clock(), rule.expires_after)
        asked = self._new(path, message, terms, call, call_hash, expires_at)._replace(details=compact_json(details))
        self._questions.ask(asked)
        wait: Wait = {"approval": asked.id, "due_at": asked.expires_at}
        return wait if call is None else {**wait, "call_hash": call_hash}

    def hold(
        self,
        path: str,
        message: str,
        rule: StepApproval,
        call: AskedCall,
        call_hash: str,
        due_at: datetime,
        approved_before: str,
    ) -> Wait:
        """Hold a mail until a time, in the transaction of this turn's events; return what the run must record.

        It is a question that approves itself: until then, whoever may run the workflow can reject it, and whoever may
        approve the call by its rule can approve it.
        """
        terms: Terms = {**self._terms(rule), "on_expiry": "send", "approved_before": approved_before}
        held = self._new(path, message, terms, call, call_hash, timestamp(due_at))._replace(state="scheduled")
        self._questions.ask(held)
        return {"approval": held.id, "due_at": held.expires_at, "call_hash": call_hash, "scheduled": True}

    def _terms(self, rule: StepApproval) -> Terms:
        terms: Terms = {"by": rule.by, "started_by": self._started_by, "on_expiry": rule.on_expiry}
        return {**terms, "changed_by": self._changed_by} if self._changed_by else terms

    def _new(
        self, path: str, message: str, terms: Terms, call: AskedCall | None, call_hash: str, expires_at: str | None
    ) -> ApprovalRecord:
        return ApprovalRecord(
            id=b32encode(secrets.token_bytes(5)).decode("ascii").lower(),  # eight letters: people type them in commands
            run_id=self._run_id,
            path=path,
            workflow=self._workflow,
            message=message,
            details="null",
            asked_at=timestamp(self._clock()),
            state="open",
            call="" if call is None else compact_json(asdict(call)),
            call_hash=call_hash,
            terms=compact_json(terms),
            expires_at=expires_at,
        )

    def is_known(self, question: str) -> bool:
        """Return whether the question is known; False if the state was lost and rebuilt from the logs."""
        return self._questions.get(question) is not None

    def answer(self, question: str) -> QuestionOutcome | None:
        """Return what became of a question, or None if it is open."""
        found = self._questions.get(question)
        return None if found is None or found.state in UNANSWERED else self._answer(found)

    def last(self, path: str, call_hash: str) -> tuple[str, QuestionOutcome] | None:
        """Return (question, answer) of the last question of this run about exactly this call, if it has ended."""
        found = self._questions.last(self._run_id, path, call_hash)
        return None if found is None else (found.id, self._answer(found))

    def approval(self, path: str, call_hash: str) -> tuple[str, QuestionOutcome] | None:
        """Return (question, answer) of the approval that this run has for exactly this call of a step, if any.

        Of a mail that was held since and not stopped, it is the approval before that, or else that of who released it.
        """
        found = self.last(path, call_hash)
        if found is not None and found[1].is_released and found[1].approved_before:
            before = self._questions.get(found[1].approved_before)
            found = None if before is None else (before.id, self._answer(before))
        return found if found is not None and found[1].state == "approved" else None

    def hash_of(self, question: str) -> str:
        """Return the hash of the call that a known question is about."""
        found = self._questions.get(question)
        assert found is not None
        return found.call_hash

    def _answer(self, found: ApprovalRecord) -> QuestionOutcome:
        at = found.answered_at or timestamp(self._clock())
        edited = json.loads(found.edited) if found.edited else None
        terms: Mapping[str, Any] = json.loads(found.terms) if found.terms else {}
        give = terms.get("give")
        call = AskedCall.parse(found.call) if found.call else None
        return QuestionOutcome(
            cast("Any", found.state),
            found.answered_by or "Nobody",
            at,
            found.comment,
            edited,
            terms.get("on_expiry") == "continue",
            seen=None if call is None else call.preview,
            kept=call.arguments if call is not None and call.is_edited else None,
            given=None if give is None else {**give, **(edited or {})},
            may_refuse=terms.get("may_refuse", False),
            is_scheduled=terms.get("on_expiry") == "send",
            approved_before=terms.get("approved_before", ""),
        )

    def expire(self, question: str) -> asyncio.Future[bool]:
        """Let the question expire, if it is open; the future is done once that is on disk."""
        return self._questions.expire(question, timestamp(self._clock()))

    def withdraw(self, question: str) -> None:
        """Withdraw the question: no step waits for the answer any longer."""
        self._questions.withdraw(question, timestamp(self._clock()))


def _expiry(now: datetime, seconds: float | None) -> str | None:
    return None if seconds is None else timestamp(now + timedelta(seconds=seconds))
