"""Approvals: the questions that runs ask people, and the answers."""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct, to_builtins

from engine.base.clock import Clock, timestamp
from engine.base.errors import InUse, InvalidFile, InvalidInput, NotAllowed, OrchestraError, UnknownName
from engine.base.json_text import JsonObject
from engine.base.problem import Problem
from engine.compiler.definition.approval_rules import APPROVERS, NOT_SELF
from engine.expressions.json_values import compact_json
from engine.people.access import NOTIFIER, Principal, may, require
from engine.people.answer_links import LINK_LIKE, has_link
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.record.storable import unstorable
from engine.record.types.approval import AskedCall, Terms
from engine.runs.answers import require_amounts, require_edit, require_finished, require_reason
from engine.runs.call_texts import edit_difference, gaps
from engine.runs.starting.unasked import why_not
from engine.store.approvals import ApprovalRecord, ApprovalStore

if TYPE_CHECKING:
    from engine.runner.worker.worker import Worker

_LINK = Principal("a link", "operator")
"""Who answers by a link."""
_NO_EDIT = "A mail that goes out by itself cannot be edited any more."
State = Literal["open", "scheduled", "approved", "rejected", "expired", "withdrawn"]
"""Of a question; `scheduled`: its mail goes out at `expires_at`, unless somebody rejects it; `withdrawn`: its run no
longer waits for an answer."""


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
    call: AskedCall | None = None
    """The call to be approved, exactly as it will be made; None for a question of `flow.approve`."""
    hash: str = ""
    """SHA-256 of the call: the approval is only good for this one."""
    by: Sequence[str] = ()
    """Who may answer: roles, users, `not_self`; empty: everybody who may start runs."""
    started_by: str = ""
    changed_by: Sequence[str] = ()
    """Who let the run continue with another definition; like who started it, `not_self` excludes them."""
    expires_at: str | None = None
    edited: JsonObject | None = None
    """The arguments as the person changed them; None if they were approved as they are."""
    difference: str = ""
    """What the edit has changed, as a unified diff of each field."""
    give: Mapping[str, float] | None = None
    """Amounts that the person may change with the answer, by name, as proposed; None if it is not about any.

    `edited` has those that the person has changed.
    """
    is_scheduled: bool = False
    """Whether it is, or was, about a mail that is held until `expires_at`: nobody need answer."""
    gaps: Sequence[str] = ()
    """The gaps that its texts still have, such as `[your answer]`; such a call is only approved `with_gaps`."""


class Decision(Struct, frozen=True):
    """An answer to one question.

    `arguments`: the call's arguments as edited, or the amounts that the person gives; None: as they are.
    """

    id: str
    approve: bool
    reason: str = ""
    arguments: JsonObject | None = None
    with_gaps: bool = False
    """Whether a call is approved although its texts have gaps, such as `[your answer]`."""


class Decided(Struct, frozen=True):
    """What became of a decision: the answered question, or why it was refused."""

    id: str
    approval: Approval | None
    error: OrchestraError | None = None


def _tells_a_link(approval: Approval) -> bool:
    """Return whether a question shows a link with which anybody can answer another question."""
    return approval.started_by == NOTIFIER.id or has_link(to_builtins(approval))


class Approvals:
    """The `approvals` area; every answer writes an audit line."""

    def __init__(
        self,
        approvals: ApprovalStore,
        worker: Worker,
        audit: Audit,
        clock: Clock,
        warnings: Callable[[], Sequence[Problem]] = tuple,
    ) -> None:
        """`warnings` returns what the rules of config.yaml may not have meant."""
        self._approvals, self._warnings = approvals, warnings
        self._tells: dict[str, bool] = {}
        """Whether a question shows a link, for the questions looked through last: their texts never change."""
        self._worker, self._audit, self._clock = worker, audit, clock

    @operation("approvals.list", "view", "see approvals", "List the approvals")
    def list(self, p: Principal, state: str | None = "open", limit: int = 200) -> builtins.list[Approval]:
        """Return approvals in one state (None: any), newest first; without those that `p` may not see.

        Mails that go out by themselves are `scheduled`, not `open`, and come in the order in which they go out.
        """
        asked = limit
        while True:
            found = [approval_of(one) for one in self._approvals.found(state, asked, p.hidden)]
            seen = [one for one in found if may(p, "run") or not _tells_a_link(one)]
            if len(seen) >= limit or len(found) < asked:
                return seen[:limit]
            asked *= 2  # hidden questions must not take places in the list

    @operation("approvals.count_open", "view", "see approvals", "Count the open approvals")
    def count_open(self, p: Principal) -> int:
        """Return how many approvals are open; without those that `p` may not see."""
        if may(p, "run"):
            return self._approvals.count_open(p.hidden)
        # Only these are read, and only once: most questions need not be parsed to be counted.
        doubtful = self._approvals.open_like(LINK_LIKE, f'%"{NOTIFIER.id}"%', without=p.hidden)
        known = self._tells
        self._tells = {one: known[one] if one in known else self._tells_a_link(one) for one in doubtful}
        return max(0, self._approvals.count_open(p.hidden) - sum(self._tells.values()))

    @operation("approvals.get", "view", "see approvals", "Read an approval")
    def get(self, p: Principal, question: str) -> Approval:
        """Return one approval. Raises UnknownName, NotAllowed (it has a link that answers another one)."""
        found = approval_of(self._found(question))
        if not may(p, "run") and _tells_a_link(found):
            require(p, "run", "see this question: there is a link in it with which anybody can answer another one")
        return found

    @operation("approvals.warnings", "view", "see approvals", "List the unknown names in the rules for approvals")
    def warnings(self, p: Principal) -> Sequence[Problem]:
        """Return the names in the rules of config.yaml that are neither a role nor a user.

        If config.yaml cannot be used, its problems are returned.
        """
        try:
            return self._warnings()
        except InvalidFile as error:
            return error.problems

    def may_reject(self, p: Principal, approval: Approval) -> bool:
        """Return whether `p` may reject this question: whoever may run the workflow can stop a mail that is held."""
        return may(p, "run") if approval.is_scheduled else self.may_answer(p, approval)

    def may_answer(self, p: Principal, approval: Approval) -> bool:
        """Return whether `p` may answer this question; user interfaces hide what would be refused."""
        return may(p, "run") and why_not(p, approval.by, (approval.started_by, *approval.changed_by)) is None

    def _tells_a_link(self, question: str) -> bool:
        found = self._approvals.get(question)
        return found is not None and _tells_a_link(approval_of(found))

    def _found(self, question: str) -> ApprovalRecord:
        found = None if any(unstorable(question)) else self._approvals.get(question)
        if found is None:
            raise UnknownName("approval", question, remedy="`orchestra approvals list` shows the open ones.")
        return found

    @operation("approvals.approve", "run", "answer approvals", "Approve a call")
    def approve(
        self,
        p: Principal,
        question: str,
        comment: str = "",
        arguments: JsonObject | None = None,
        *,
        with_gaps: bool = False,
    ) -> Approval:
        """Approve, with other arguments if some are given; the run continues.

        Raises UnknownName, NotAllowed, InvalidInput for arguments that do not fit, or for
        texts with gaps unless `with_gaps`, and InUse if the question is already
        answered, has expired or was withdrawn.
        """
        return self._answer(
            p, Decision(question, approve=True, reason=comment, arguments=arguments, with_gaps=with_gaps)
        )

    @operation("approvals.reject", "run", "answer approvals", "Reject a call")
    def reject(self, p: Principal, question: str, comment: str = "") -> Approval:
        """Reject; the step fails, and a scheduled mail never goes out. Raises as `approve`."""
        return self._answer(p, Decision(question, approve=False, reason=comment))

    @operation("approvals.decide", "run", "answer approvals", "Answer several approvals")
    def decide(self, p: Principal, decisions: Sequence[Decision]) -> builtins.list[Decided]:
        """Answer several questions, one after the other; one that is refused does not stop the others."""
        return [self._decided(p, one) for one in decisions]

    def of_link(self, question: str) -> Approval | None:
        """Return the question of a link, without a person; only for engine/runs/approval_links.py, which checks it."""
        found = self._approvals.get(question)
        return None if found is None else approval_of(found)

    def answer_link(self, approval: Approval, reason: str, *, approve: bool) -> Approval:
        """Answer for somebody who is known only by a link. Raises NotAllowed if the question names people, InUse."""
        if approval.by:
            raise NotAllowed(
                f"This question waits for {named(approval.by)}, and a link does not say who you are.",
                remedy="Sign in, and answer on the page Approvals.",
            )
        return self._answer(_LINK, Decision(approval.id, approve, reason))

    def _decided(self, p: Principal, decision: Decision) -> Decided:
        try:
            return Decided(decision.id, self._answer(p, decision))
        except (UnknownName, NotAllowed, InvalidInput, InUse) as error:
            return Decided(decision.id, None, error)

    def _answer(self, p: Principal, decision: Decision) -> Approval:
        known = self._found(decision.id)
        approval = approval_of(known)
        because = why_not(p, approval.by, (approval.started_by, *approval.changed_by))
        if because is not None and (decision.approve or not approval.is_scheduled):
            raise NotAllowed(because, remedy=f"It waits for {named(approval.by)}.")
        require_reason(decision.reason)
        edited = "" if decision.arguments is None else checked_edit(approval, decision.arguments)
        if edited and approval.is_scheduled:
            raise InvalidInput(_NO_EDIT, remedy="Stop it (`orchestra approvals reject`), or leave it as it is.")
        if decision.approve and not decision.with_gaps and approval.call is not None and approval.state == "open":
            require_finished(approval.call, decision.arguments or approval.call.arguments)
        told = known._replace(
            state="approved" if decision.approve else "rejected",
            answered_at=timestamp(self._clock()),
            answered_by=p.id,
            comment=decision.reason,
            edited=edited,
        )
        is_first = self._approvals.answer(told)
        answered = self.get(p, decision.id)
        if not is_first:
            raise InUse(_too_late(answered), remedy="`orchestra approvals list` shows the open ones.")
        details = {"run_id": known.run_id, "step": known.path, **({"edited": True} if edited else {})}
        self._audit.record(p, f"approvals.{told.state}", decision.id, details)
        if self._worker.owner.take(known.run_id):
            self._worker.go_on(known.run_id, p.id, answered=True)
        return answered


def named(by: Sequence[str]) -> str:
    """Return who may answer, in words: "an owner or 'ann', but not who started the run"."""
    words = [f"the role {one} or more" if one in APPROVERS else repr(one) for one in by if one != NOT_SELF]
    who = " or ".join(words) or "somebody who may start runs"
    return f"{who}, but not who started the run" if NOT_SELF in by else who


def checked_edit(approval: Approval, arguments: JsonObject) -> str:
    """Return edited arguments as stored; empty if nothing was changed. Raises InvalidInput."""
    if approval.give is not None:
        require_amounts(approval.give, arguments)
        return "" if all(approval.give[name] == one for name, one in arguments.items()) else compact_json(arguments)
    if approval.call is None:
        raise InvalidInput("This question is not about a call, so there is nothing to edit.")
    if arguments == approval.call.arguments:
        return ""
    require_edit(approval.call, arguments)
    return compact_json(arguments)


def _too_late(approval: Approval) -> str:
    if approval.state == "withdrawn":
        return f"The question {approval.id} was withdrawn: its run no longer waits for it."
    if approval.is_scheduled and approval.state in ("scheduled", "expired"):
        return f"It is too late: this mail was held until {approval.expires_at}."
    if approval.state in ("open", "expired"):
        return f"The question {approval.id} has expired, at {approval.expires_at}."
    return f"The question {approval.id} was {approval.state} by {approval.answered_by} at {approval.answered_at}."


def approval_of(record: ApprovalRecord) -> Approval:
    """Return a stored question."""
    terms: Terms | None = json.loads(record.terms) if record.terms else None
    call = AskedCall.parse(record.call) if record.call else None
    edited: JsonObject | None = json.loads(record.edited) if record.edited else None
    return Approval(
        id=record.id,
        run_id=record.run_id,
        path=record.path,
        workflow=record.workflow,
        message=record.message,
        details=json.loads(record.details),
        asked_at=record.asked_at,
        state=record.state,  # type: ignore[arg-type] # the store keeps what we gave it
        answered_at=record.answered_at,
        answered_by=record.answered_by,
        comment=record.comment,
        call=call,
        hash=record.call_hash,
        by=tuple(terms["by"]) if terms else (),
        started_by=terms["started_by"] if terms else "",
        changed_by=tuple(terms.get("changed_by", ())) if terms else (),
        expires_at=record.expires_at,
        edited=edited,
        give=terms.get("give") if terms else None,
        is_scheduled=bool(terms and terms["on_expiry"] == "send"),
        gaps=() if call is None else tuple(gaps(call, call.arguments if edited is None else edited)),
        difference="" if call is None or edited is None else edit_difference(call.arguments, edited),
    )
