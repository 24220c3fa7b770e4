"""Questions to people about the call of a step: what they are about, and that the step waits for the answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace as changed
from datetime import datetime
from typing import TYPE_CHECKING

from engine.compiler.definition.approval_rules import StepApproval
from engine.record.events import StepWaiting
from engine.record.run_files import without_owners
from engine.record.types.approval import AskedCall
from engine.record.types.step import Wait
from engine.runner.effects.fault_points import reached
from engine.runner.effects.previewing import ShownPreview
from engine.runner.execution.approval_rules import RunApprovalRules
from engine.runner.execution.step_call import Asks, StepCall

if TYPE_CHECKING:
    from engine.runner.execution.run_context import RunContext


class CallQuestions:
    """Asks about calls of one run, as each will be made after the answer."""

    def __init__(self, run: RunContext) -> None:
        self._run, self._recording, self._questions = run, run.recording, run.run_waits.questions
        self._rules = RunApprovalRules(run)

    async def account(self, call: StepCall) -> str:
        """Return the identity of the account; empty if the call uses none."""
        if call.write is not None:
            return call.write.account
        if call.account is None:
            return ""
        return call.account.known_identity or await self._run.reads.ask(self._run.job(call), call.account.identity)

    async def about(self, call: StepCall, account: str) -> AskedCall:
        """Return what a question about a call shows, without the object of the call.

        Raises ServiceError for a mail that would go out too late: nobody need be asked about it.
        """
        assert call.arguments is not None
        assert call.told_arguments is not None
        call.action.step_type.waits_until(call.arguments, self._run.clock())
        return AskedCall(
            uses=call.action.uses,
            title=call.action.step_type.title,
            connection=call.action.connection,
            account=account,
            account_name="" if call.account is None else call.account.label,
            mode="" if call.account is None else str(call.account.mode),
            identity="" if call.write is None else call.write.identity,
            arguments=call.told_arguments,
            outside=self._rules.outside(call),
            source=await self._rules.source(call),
            cost_usd=self._recording.usage()["cost_usd"],
            allow=call.action.allow,
            plan=self._plan(call),
            notes=call.notes,
        )

    async def ask(self, call: StepCall, about: AskedCall, hashed: str, rule: StepApproval, seen: ShownPreview) -> Asks:
        """Ask whether a call may be made."""
        message = _message(call)
        return await self._asked(
            call, about, seen, lambda asked: self._questions.ask(call.path, message, None, rule, asked, hashed)
        )

    async def hold(
        self, call: StepCall, about: AskedCall, hashed: str, due_at: datetime, approved: str, seen: ShownPreview
    ) -> Asks:
        """Hold a mail until a time; `approved`: the question with which its call was approved, or ""."""
        message, rule = _message(call), self._rules.rule(call)
        if not approved and not self._rules.needs_approval(call, rule):
            rule = StepApproval()  # nobody in particular has to approve it
        return await self._asked(
            call,
            about,
            seen,
            lambda held: self._questions.hold(call.path, message, rule, held, hashed, due_at, approved),
        )

    async def _asked(
        self, call: StepCall, about: AskedCall, seen: ShownPreview, ask: Callable[[AskedCall], Wait]
    ) -> Asks:
        """Ask, and record in the same turn that the step waits."""
        wait = ask(changed(about, preview=seen.preview, unreadable=seen.unreadable))
        self._recording.emit(StepWaiting, path=call.path, title=call.node.title, **wait, **call.details())
        await self._recording.committed()
        reached("after wait")
        return Asks(call)

    def _plan(self, call: StepCall) -> str:
        """Return the plan that has shown the call, if the run applies one."""
        applied = self._run.applied
        is_planned = applied is not None and applied.has_planned(call.path)
        return self._run.facts.options["apply"]["root"] if is_planned else ""


def _message(call: StepCall) -> str:
    kind, title = call.action.step_type, call.node.title
    return kind.title if title in ("", kind.title) else f"{title}: {kind.title}"


def call_hash(call: StepCall, account: str) -> str:
    """Return the SHA-256 of what an approval is about: identity, step type, account and arguments."""
    identity = "" if call.write is None else call.write.identity
    about = [identity, call.action.uses, account, call.told_arguments]
    text = json.dumps(about, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    # JSON may hold half a surrogate pair (RFC 8259, 8.2), which UTF-8 refuses.
    return hashlib.sha256(without_owners(text).encode("utf-8", "surrogatepass")).hexdigest()
