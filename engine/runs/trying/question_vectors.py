"""The vector of a question that a person tries on a collection, outside any run: metered and budgeted like a try."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from engine.base.clock import timestamp
from engine.base.errors import BudgetExceeded
from engine.base.names import new_run_id
from engine.base.statuses import AccountMode
from engine.budgets.limits import MoneySettings
from engine.budgets.meter import RunMeter
from engine.budgets.use import Use
from engine.connections.accounts import Account
from engine.plugins.step import Call, Effect, Fields, StepType
from engine.record.run_files import RunFiles, RunFolder
from engine.record.run_log import RunLogs
from engine.runner.effects.reading import AccountReads
from engine.runs.trying.asking import LAB, job_of
from engine.store.state import Records

if TYPE_CHECKING:
    from engine.runner.worker.worker import Worker

_GRACE_SECONDS = 5.0


class _Embedding(StepType):
    """Not registered: no workflow can use it."""

    name = "collections.try"
    title = "Try a question"
    effect = Effect.READS
    timeout_seconds = 30.0
    fields = Fields

    def call(self, call: Call) -> Any:
        """Return the vector of the question."""
        return call.client.embed([call.fields])["vectors"][0]


class QuestionVectors:
    """Asks models for the vectors of questions; any thread."""

    def __init__(
        self, worker: Worker, logs: RunLogs, settings: Callable[[], MoneySettings], clock: Callable[[], datetime]
    ) -> None:
        self._worker, self._logs, self._settings, self._clock = worker, logs, settings, clock

    def of(self, account: Account, question: str) -> Sequence[float]:
        """Return the vector of a question. Raises ServiceError, BudgetExceeded, PriceUnknown."""
        id_ = new_run_id(self._clock())
        asked = self._worker.ask(lambda records: self._asked(records, id_, account, question))
        try:
            return asked.result(_Embedding.timeout_seconds + _GRACE_SECONDS)
        except BudgetExceeded:
            self._worker.state.spent.resume([id_], timestamp(self._clock()))  # nothing of it waits
            raise

    async def _asked(self, records: Records, id_: str, account: Account, question: str) -> Sequence[float]:
        step, is_demo = _Embedding(), account.mode == AccountMode.DEMO
        address = str(getattr(account.client, "base_url", ""))
        run_meter = RunMeter(lambda: (), self._settings, records.spending, self._clock, id_)
        use: Use = {"workflow": LAB, "step": LAB}
        meter = run_meter.of_call(account.connection, address, step.timeout_seconds, is_demo=is_demo, use=use)
        files = RunFiles(RunFolder(self._logs.blobs, id_))
        try:
            done = await AccountReads(self._clock).make(job_of(step, question, account, files, meter))
        finally:
            meter.is_closed = True
        vector: Sequence[float] = done.output
        return vector
