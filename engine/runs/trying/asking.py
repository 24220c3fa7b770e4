"""Ask a model once with the messages of a prompt: by the same client, attempts, meter and budgets as a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from engine.base.json_text import JsonObject, JsonSchema
from engine.base.statuses import AccountMode
from engine.budgets.limits import MoneySettings
from engine.budgets.meter import CallMeter, RunMeter
from engine.connections.accounts import Account
from engine.plugins.step import Call, Effect, Fields, StepType, Usage
from engine.prompts.model_answers import read_fitting
from engine.prompts.talk import ModelAnswer, ModelTalk, early_end
from engine.record.run_files import RunFiles, RunFolder
from engine.record.run_log import RunLogs
from engine.record.types.step import UsageRecord
from engine.runner.effects.job import Job
from engine.runner.effects.live import StepAnswers
from engine.runner.effects.reading import AccountReads
from engine.runs.trying.records import TryAnswer
from engine.store.state import Records

if TYPE_CHECKING:
    from engine.runner.worker.worker import Worker


class TryQuestion(Struct, frozen=True):
    """What a model is asked."""

    id: str
    account: Account
    model: str
    """Empty: the connection's own model."""
    parameters: JsonObject
    messages: Sequence[Mapping[str, str]]
    output_schema: JsonSchema | None
    usage: Usage = field(default_factory=Usage)
    """What was used so far."""
    notes: list[str] = field(default_factory=list)
    prompt: str = ""
    """What its usage counts for (`prompt_used`)."""

    @property
    def used(self) -> UsageRecord:
        """What was used so far, as records have it."""
        return {
            "input_tokens": self.usage.input_tokens,
            "output_tokens": self.usage.output_tokens,
            "cost_usd": self.usage.cost_usd,
        }


LAB = "(tries and tests)"
"""In reports of usage, in place of a workflow."""


class _Asking(StepType):
    """Not registered: no workflow can use it."""

    name = "llm.try"
    title = "Try a prompt"
    effect = Effect.READS
    timeout_seconds = 300.0
    fields = Fields

    def call(self, call: Call) -> Any:
        """Return the model's answer as it is: unlike a step, a try does not ask again for one that does not fit."""
        asked: TryQuestion = call.fields
        messages: Any = asked.messages
        talk = ModelTalk(call, messages, asked.model, asked.parameters)
        return talk.json(asked.output_schema) if asked.output_schema else talk.answer()


class ModelQuestions:
    """Asks models; any thread."""

    def __init__(
        self, worker: Worker, logs: RunLogs, settings: Callable[[], MoneySettings], clock: Callable[[], datetime]
    ) -> None:
        self._worker, self._logs, self._settings, self._clock = worker, logs, settings, clock

    def ask(self, question: TryQuestion, watch: StepAnswers | None = None) -> Future[ModelAnswer]:
        """Ask on the engine's loop. The answer raises ServiceError, BudgetExceeded, PriceUnknown, JournalBroken."""
        return self._worker.ask(lambda records: self._asked(records, question, watch))

    async def _asked(self, records: Records, question: TryQuestion, watch: StepAnswers | None) -> ModelAnswer:
        account, files = question.account, RunFiles(RunFolder(self._logs.blobs, question.id))
        run_meter = RunMeter(lambda: (), self._settings, records.spending, self._clock, question.id)
        meter = run_meter.of_call(
            account.connection,
            str(getattr(account.client, "base_url", "")),
            _Asking.timeout_seconds,
            is_demo=account.mode == AccountMode.DEMO,
            use={"workflow": LAB, "step": LAB, "prompt": question.prompt},
        )
        meter.usage, meter.notes = question.usage, question.notes
        job = job_of(_Asking(), question, account, files, meter)._replace(watch=watch)
        try:
            done = await AccountReads(self._clock).make(job)
        finally:
            meter.is_closed = True
            if watch is not None:
                watch.close()
        question.notes.extend(one for one in done.remarks.notes if one not in question.notes)
        answer: ModelAnswer = done.output
        return answer


def job_of(step_type: StepType, fields: Any, account: Account, files: RunFiles, meter: CallMeter) -> Job:
    """Return the one call of a step type that no workflow can use."""
    return Job(
        step_type=step_type,
        make_fields=lambda: fields,
        repeat=None,
        retry=None,
        timeout_seconds=step_type.timeout_seconds,
        account=account,
        prompts={},
        render=lambda _prompt, _variables: [],
        on_attempt=lambda _attempt: None,
        files=files,
        meter=meter,
    )


def judged(answer: ModelAnswer, schema: JsonSchema | None) -> TryAnswer:
    """Return an answer with all that keeps a step from using it."""
    early = early_end(answer)
    problems = [f"{early.message} {early.remedy}"] if early is not None else []
    value = None
    if schema:
        value, wrong = read_fitting(answer["text"], schema)
        if early is None or value is not None:
            problems += [f"{one[:1].upper()}{one[1:]}" for one in wrong]
    return {
        "text": answer["text"],
        "value": value,
        "finish_reason": answer["finish_reason"],
        "problems": problems,
    }


def model_of(document: JsonObject, model: str, account: Account) -> str:
    """Return the model to ask: the wished one, else the prompt's, else the connection's."""
    own = str(getattr(account.client, "model", ""))
    return model or str(document.get("model") or "") or own


def prompt_used(name: str, version: int | None) -> str:
    """Return the name under which the usage of a prompt is counted."""
    return f"{name} (no version)" if version is None else f"{name}@{version}"
