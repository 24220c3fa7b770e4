"""One request to the model: by the same client, meter and budgets as a step of a workflow."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from engine.base.clock import Clock
from engine.base.names import new_run_id
from engine.base.statuses import AccountMode
from engine.budgets.limits import MoneySettings
from engine.budgets.meter import RunMeter
from engine.compiler.definition.plan import Retry
from engine.connections.accounts import Account
from engine.copilot.talking.question import ModelQuestion
from engine.plugins.step import Call, Effect, Fields, StepType
from engine.prompts.talk import note
from engine.record.run_files import RunFiles, RunFolder
from engine.record.run_log import RunLogs
from engine.runner.effects.reading import AccountReads
from engine.runs.trying.asking import job_of
from engine.store.state import Records

if TYPE_CHECKING:
    from engine.runner.worker.worker import Worker

COPILOT = "(co-pilot)"
"""Stands where the name of a workflow would in reports of usage."""
_ONCE = Retry(attempts=1, backoff_seconds=0.0)
"""A second attempt would say the first words again; a person can ask again."""


class _Asking(StepType):
    """Not registered: no workflow can use it."""

    name = "copilot.ask"
    title = "Ask the co-pilot's model"
    effect = Effect.READS
    fields = Fields

    def call(self, call: Call) -> Any:
        """Return the answer of the client as it is."""
        asked: ModelQuestion = call.fields
        found = call.client.chat(asked.messages, model=asked.model, tools=asked.tools, on_text=asked.on_text)
        note(call, str(found["model"]), found["usage"])
        return found


class CopilotModel:
    """Asks models on the engine's loop; any thread."""

    def __init__(self, worker: Worker, logs: RunLogs, settings: Callable[[], MoneySettings], clock: Clock) -> None:
        self._worker, self._logs, self._settings, self._clock = worker, logs, settings, clock

    def ask(self, account: Account, question: ModelQuestion) -> concurrent.futures.Future[dict[str, Any]]:
        """Send a question; the future has {text, tool_calls, finish_reason, model, usage}.

        It raises ServiceError, BudgetExceeded, PriceUnknown, JournalBroken, and what `on_text` raises.
        """
        return self._worker.ask(lambda records: self._asked(account, question, records))

    async def _asked(self, account: Account, question: ModelQuestion, records: Records) -> dict[str, Any]:
        id_ = new_run_id(self._clock())
        meter = RunMeter(lambda: (), self._settings, records.spending, self._clock, id_).of_call(
            account.connection,
            str(getattr(account.client, "base_url", "")),
            question.seconds,
            is_demo=account.mode == AccountMode.DEMO,
            use={"workflow": COPILOT, "step": COPILOT},
        )
        meter.usage = question.usage
        files = RunFiles(RunFolder(self._logs.blobs, id_))
        job = job_of(_Asking(), question, account, files, meter)
        try:
            done = await AccountReads(self._clock).make(job._replace(retry=_ONCE, timeout_seconds=question.seconds))
        finally:
            meter.is_closed = True
        answer: dict[str, Any] = done.output
        return answer
