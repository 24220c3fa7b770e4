"""Calls of models outside any run: by the same client, attempts, meter and budgets as a step."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from engine.base.clock import Clock, timestamp
from engine.base.errors import BudgetExceeded, OrchestraError
from engine.base.statuses import AccountMode
from engine.budgets.limits import MoneySettings
from engine.budgets.meter import RunMeter
from engine.budgets.use import Use
from engine.compiler.definition.plan import Retry
from engine.connections.accounts import Account
from engine.plugins.step import StepType, Usage
from engine.record.run_files import RunFiles, RunFolder
from engine.record.run_log import RunLogs
from engine.runner.effects.job import Job
from engine.runner.effects.live import StepAnswers
from engine.runner.effects.reading import AccountReads
from engine.store.state import Records

if TYPE_CHECKING:
    from engine.runner.worker.worker import Worker

LAB = "(tries and tests)"
"""In reports of usage, in place of a workflow."""


class ModelCall(Struct, frozen=True):
    """A call of a step type that no workflow can use."""

    id: str
    """Its own, as a run has one."""
    step_type: StepType
    fields: Any
    account: Account
    use: Use
    """What its usage counts for."""
    timeout_seconds: float
    usage: Usage = field(default_factory=Usage)
    """What was used so far."""
    notes: list[str] = field(default_factory=list)
    """Such as: a budget is used up, and only warns."""
    retry: Retry | None = None
    """None: as its service says."""
    watch: StepAnswers | None = None
    """Gets the answer while it is written."""


class ModelCalls:
    """Makes calls on the engine's loop; any thread."""

    def __init__(self, worker: Worker, logs: RunLogs, settings: Callable[[], MoneySettings], clock: Clock) -> None:
        self._worker, self._logs, self._settings, self._clock = worker, logs, settings, clock

    def make(self, call: ModelCall) -> Future[Any]:
        """Return the output to come. It raises ServiceError, BudgetExceeded, PriceUnknown, JournalBroken."""
        return self._worker.ask(lambda records: self._made(records, call))

    async def _made(self, records: Records, call: ModelCall) -> Any:
        account = call.account
        meter = RunMeter(lambda: (), self._settings, records.spending, self._clock, call.id).of_call(
            account.connection,
            str(getattr(account.client, "base_url", "")),
            call.timeout_seconds,
            is_demo=account.mode == AccountMode.DEMO,
            use=call.use,
        )
        meter.usage, meter.notes = call.usage, call.notes
        job = Job(
            step_type=call.step_type,
            make_fields=lambda: call.fields,
            repeat=None,
            retry=call.retry,
            timeout_seconds=call.timeout_seconds,
            account=account,
            prompts={},
            render=lambda _prompt, _variables: [],
            on_attempt=lambda _attempt: None,
            files=RunFiles(RunFolder(self._logs.blobs, call.id)),
            meter=meter,
            watch=call.watch,
        )
        try:
            done = await AccountReads(self._clock).make(job)
        except BudgetExceeded:
            meter.is_closed = True  # first: the thread of a call that was given up may still ask it
            with suppress(OrchestraError):  # nothing of it waits for the budget
                await asyncio.to_thread(self._worker.state.spent.resume, [call.id], timestamp(self._clock()))
            raise
        finally:
            meter.is_closed = True
            if call.watch is not None:
                call.watch.close()
        call.notes.extend(one for one in done.remarks.notes if one not in call.notes)
        return done.output
