"""What the calls of one run share: its facts, its records, and the means to make calls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from msgspec import Struct, field

from engine.base.clock import timestamp
from engine.base.json_text import JsonObject
from engine.base.services import is_in_workspace
from engine.base.statuses import AccountMode, Priority
from engine.budgets.meter import RunMeter
from engine.compiler.definition.approval_rules import Rules
from engine.compiler.definition.plan import Plan
from engine.connections.accounts import Account, Accounts
from engine.connections.consents import ConsentedAccounts
from engine.observing.observer import Observer
from engine.observing.traces import Tracer
from engine.record.events import AccountNamed, AttemptFailed
from engine.record.failure import failure
from engine.record.types.run import OutsideInput, RunOptions
from engine.record.types.step import StepRecord
from engine.runner.effects.job import Attempt, Guard, Job
from engine.runner.effects.live import Live
from engine.runner.effects.reading import AccountReads
from engine.runner.execution.earlier_answers import EarlierAnswers
from engine.runner.execution.recording import Recording
from engine.runner.suspension.mail_waits import mail_wait_of
from engine.runner.suspension.waits import RunWaits, Waiting
from engine.store.debugging import DebugState
from engine.store.ledger import Receipts

if TYPE_CHECKING:
    from engine.prompts.prompt import CaseExample
    from engine.prompts.right_answers import RightAnswers
    from engine.record.plans.applied_run import AppliedRun
    from engine.runner.effects.claim import WriteClaims
    from engine.runner.execution.step_call import StepCall

Result = TypeVar("Result")
CasesOf: TypeAlias = "Callable[[], RightAnswers] | None"
"""Returns what people have said in the cases of prompts; None if nothing knows them."""

Wait = Callable[[Waiting, datetime | None, datetime | None], Awaitable[None]]
"""Waits until the pause ends or the first time is reached; a suspended run wakes at the second time."""


class RunFacts(Struct, frozen=True):
    """The facts that do not change during a run."""

    run_id: str
    origin_run_id: str
    workflow: str
    workflow_id: str
    modes: Mapping[str, AccountMode]
    """For each connection (and each service without one): the mode the run was accepted for."""
    prompts: JsonObject
    agreed: ConsentedAccounts
    """The real accounts that the run may touch."""
    default_mode: AccountMode = AccountMode.MINE
    is_demo: bool = False
    """Whether it runs on demo accounts alone; then so are the parts of the workspace that it uses."""
    caller: Sequence[Any] | None = None
    """The `workflow.run` step that started the run: [workflow id, step path, scope …]; None if no step started it."""
    options: RunOptions = field(default_factory=RunOptions)
    """How it differs from a plain run (docs/files.md: Run): `receipts`, `replay`, `only`, `pins`."""
    renamed: Callable[[str], str] | None = None
    """Returns the current identity of a write, if names may have changed since the run was accepted."""
    outside_inputs: Sequence[OutsideInput] = ()
    """Of a run that another one, a trigger or a message has started: which of its inputs are text from outside."""
    priority: Priority = Priority.NORMAL
    """Of its calls, while more wait than a connection takes at once."""
    item: Sequence[str] | None = None
    """What a trigger started the run for, as in identities of writes: (trigger, source, account, item)."""

    @property
    def is_by_hand(self) -> bool:
        """Whether a person started the run, so that its inputs are not text from outside."""
        return self.item is None and self.caller is None and not self.outside_inputs

    def mode(self, connection: str | None, service: str | None) -> AccountMode:
        """Return the mode of a connection, or of a service without one."""
        if is_in_workspace(service, connection):
            return AccountMode.DEMO if self.is_demo else AccountMode.MINE
        return self.modes.get(connection or f"no:{service}", self.default_mode)


class RunContext(Struct, frozen=True):
    """Given to each link of the chain around the run's calls. Used on the engine's loop."""

    facts: RunFacts
    plan: Plan
    called_plan: Callable[[str], Plan]
    """Returns the plan of a workflow that it calls. Raises InvalidFile."""
    recording: Recording
    accounts: Accounts
    writes: WriteClaims
    reads: AccountReads
    receipts: Receipts
    run_waits: RunWaits
    wait: Wait
    clock: Callable[[], datetime]
    meter: RunMeter
    """Permits and counts requests to models."""
    live: Live | None = None
    """Where people watch a model's answer arrive; None if nobody can watch."""
    cases_of_prompts: CasesOf = None
    earlier: EarlierAnswers | None = None
    """The run whose answers this one reuses."""
    played: Mapping[str, StepRecord] = field(default_factory=dict)
    """Of a replay: the steps of the run in its file, by run path."""
    outdated_steps: frozenset[str] = frozenset()
    """The steps whose outputs it takes from a run with another definition of them."""
    applied: AppliedRun | None = None
    """The plan that it may not depart from."""
    guard: Guard = nullcontext
    """What everything that may reach a service is done in."""
    debug_state: Callable[[], DebugState] | None = None
    """Returns how far a debug run may go now; None for other runs."""
    observer: Observer = field(default_factory=Observer)
    """Hears of calls and failed attempts."""
    tracer: Tracer | None = None
    """None unless traces are on."""
    named_accounts: set[str] = field(default_factory=set)
    """The connections whose account this process has recorded."""

    def approval_rules(self) -> Rules:
        """Return the rules of config.yaml about approvals as they are now. Raises InvalidFile."""
        return self.accounts.config().config.approvals.rules

    def job(self, call: StepCall) -> Job:
        """Return a call as its attempts need it."""
        assert call.make_fields is not None
        assert call.arguments is not None
        return Job(
            step_type=call.action.step_type,
            make_fields=call.make_fields,
            repeat=call.repeat,
            retry=call.action.retry,
            timeout_seconds=call.node.timeout_seconds or call.action.step_type.timeout_seconds,
            account=call.account,
            prompts=self.facts.prompts,
            render=partial(_messages, examples=call.examples),
            on_attempt=partial(self.attempt_failed, call),
            files=self.recording.values.files,
            write=call.write,
            arguments=call.arguments,
            receipts=self.facts.options.get("receipts", "reuse"),
            failed_before=call.failed_before,
            watch=call.watch,
            guard=self.guard,
            other_model=call.other_model,
            has_next_model=call.has_next_model,
            embedder=call.embedder,
            meter=call.meter,
            priority=self.facts.priority,
            waited=mail_wait_of(self.recording.waiting(call.path)),
            approval_wait=self.recording.approval_wait,
        )

    def guarded(self, work: Callable[[], Result]) -> Awaitable[Result]:
        """Do blocking work in a thread, and in the guard."""

        def inside() -> Result:
            with self.guard():
                return work()

        return asyncio.to_thread(inside)

    def attempt_failed(self, call: StepCall, attempt: Attempt) -> None:
        """Record a failed attempt."""
        self.observer.attempt_failed(call.action.uses)
        self.recording.emit(
            AttemptFailed,
            path=call.path,
            started_at=timestamp(attempt.started_at),
            ended_at=timestamp(attempt.ended_at),
            error=failure(attempt.error, step=call.path, workflow=call.workflow),
        )

    def name_account(self, account: Account) -> None:
        """Record the account's name as soon as it is known."""
        if account.label and account.connection not in self.named_accounts:
            self.named_accounts.add(account.connection)
            self.recording.emit(AccountNamed, connection=account.connection, account=account.label)


def _messages(document: Any, variables: JsonObject, examples: Sequence[CaseExample]) -> list[dict[str, str]]:
    """Return the messages of a prompt; imported late, as most runs use no prompt."""
    from engine.prompts.prompt import messages

    return messages(document, variables, examples)
