"""The `tries` area: ask a model with a prompt or a draft of it, outside any run."""

from __future__ import annotations

import builtins
import concurrent.futures
import logging
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from clients.errors import ServiceError
from engine.base.clock import Clock, moment_of, timestamp
from engine.base.errors import BudgetExceeded, InUse, OrchestraError
from engine.base.names import checked_name
from engine.base.statuses import AccountMode, RunStatus
from engine.connections.accounts import Account
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.prompts.cases import suggested
from engine.record.failure import failure
from engine.runner.effects.live import StepAnswers
from engine.runs.model_calls import ModelCalls
from engine.runs.prompt_tries.columns import in_column
from engine.runs.prompt_tries.questions import TryQuestion, judged, model_to_ask, prompt_used
from engine.runs.prompt_tries.recorded import RecordedCall, RecordedValues
from engine.runs.prompt_tries.records import RealModel, Try
from engine.runs.prompt_tries.store import TryStore
from engine.runs.prompt_tries.try_requests import TryRequest, TryRequests
from engine.runs.starting.consent import Consents
from engine.store.journal import JournalBroken

if TYPE_CHECKING:
    from engine.prompts.talk import ModelAnswer
    from engine.runner.worker.worker import Worker

_log = logging.getLogger(__name__)
_MOST_AT_ONCE = 8
_CLOSE_SECONDS = 5.0
_BUDGET_REMEDY = "An owner can raise it in config.yaml (`budgets`); or try again when its period begins anew."


class _Open(Struct):
    """A try that this process asks."""

    record: Try
    answered: concurrent.futures.Future[ModelAnswer] | None = None
    over: threading.Event = field(default_factory=threading.Event)
    is_cancelled: bool = False


class Tries:
    """Prompts that are sent to models outside of workflows."""

    def __init__(
        self,
        worker: Worker,
        try_requests: TryRequests,
        consents: Consents,
        calls: ModelCalls,
        records: TryStore[Try],
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._worker, self._try_requests, self._consents = worker, try_requests, consents
        self._calls, self._records, self._audit, self._clock = calls, records, audit, clock
        self._open: dict[str, _Open] = {}
        self._lock = threading.Lock()
        self._is_closing = False

    def start(self, p: Principal, name: str, wanted: TryRequest) -> Try:
        """Ask the model, and return the try as it begins; `wait` returns its answer.

        Raises UnknownName, InvalidFile, InvalidInput, ExpressionError, ConfirmationNeeded, InUse, StorageError; what
        goes wrong later is in the try.
        """
        return self.start_all(p, name, [wanted])[0]

    @operation("prompts.try", "run", "try prompts", "Try prompts")
    def start_all(self, p: Principal, name: str, try_requests: Sequence[TryRequest]) -> builtins.list[Try]:
        """Ask several questions at once, or none: each is checked before the first is asked. Raises as `start`."""
        found = [self._resolved(p, name, one) for one in try_requests]
        mine = [account.connection for _, account in found if account.mode == AccountMode.MINE]
        self._consents.require_models(p, name, mine)
        opened = self._opened([record for record, _ in found])
        begun = [record.copy() for record, _ in found]  # the threads below go on changing the records
        try:
            for record, _ in found:
                self._records.put(record)
            for record, _ in found:
                self._audit.record(p, "prompts.try", name, _audited(record))
        except OrchestraError:
            self._forget(begun)
            raise
        for one, (_, account) in zip(opened, found, strict=True):
            work = threading.Thread(target=self._work, args=(one, account), name=f"try {one.record['id']}", daemon=True)
            work.start()
        return begun

    @operation("prompts.wait_try", "view", "see prompts", "Wait for a try of a prompt")
    def wait(self, p: Principal, name: str, try_id: str, seconds: float | None = None) -> Try:
        """Wait for the answer to a try of this process, or until the time is over; return the try."""
        one = self._open.get(try_id)
        if one is not None:
            one.over.wait(seconds)
        return self.get(p, name, try_id)

    @operation("prompts.cancel_try", "run", "stop tries", "Stop a try of a prompt")
    def cancel(self, p: Principal, name: str, try_id: str) -> Try:
        """Stop waiting for an answer; the model may still charge it. Raises UnknownName, InUse."""
        one = self._open.get(try_id)  # first: it is open until its end is kept
        record = self.get(p, name, try_id)
        if one is None:
            if record["status"] == RunStatus.RUNNING:
                raise InUse(f"Another process waits for the try {try_id}.", remedy="Stop it there, with Ctrl-C.")
            return record
        one.is_cancelled = True
        if one.answered is not None:
            one.answered.cancel()
        one.over.wait(_CLOSE_SECONDS)
        return self.get(p, name, try_id)

    @operation("prompts.get_try", "view", "see prompts", "Read a try of a prompt")
    def get(self, p: Principal, name: str, try_id: str) -> Try:
        """Return a try. Raises UnknownName, InvalidInput."""
        is_open = try_id in self._open  # first: it is open until its end is stored
        return self._true(self._records.get(name, try_id), is_open=is_open)

    @operation("prompts.tries", "view", "see prompts", "List the tries of a prompt")
    def list(self, p: Principal, name: str) -> builtins.list[Try]:
        """Return the last 20 tries of a prompt, newest first. Raises InvalidInput."""
        now_open = {*self._open}
        return [self._true(one, is_open=one["id"] in now_open) for one in self._records.of(name)]

    @operation("prompts.calls", "view", "see runs", "List the calls of a prompt in runs")
    def calls(self, p: Principal, name: str) -> builtins.list[RecordedCall]:
        """Return the last 25 steps of runs that asked a model with the prompt. Raises InvalidInput."""
        return self._try_requests.recorded.of(p, checked_name("prompt", name))

    @operation("prompts.call_values", "view", "see runs", "Read the values of a call in a run")
    def values(self, p: Principal, name: str, run_id: str, step: str) -> RecordedValues:
        """Return what such a step was called with. Raises UnknownName, InvalidInput, InvalidFile."""
        return self._try_requests.recorded.values(p, checked_name("prompt", name), run_id, step)

    def case_of(self, p: Principal, name: str, try_id: str, title: str = "") -> dict[str, Any]:
        """Return a case with the values and the answer of a try, to be saved. Raises UnknownName, InvalidInput."""
        one = self.get(p, name, try_id)
        value = one["answer"]["value"] if one["answer"] is not None else None
        return suggested(title or f"Try {try_id}", one["variables"], value, one["output_schema"])

    def case_of_step(self, p: Principal, name: str, run_id: str, step: str, title: str = "") -> dict[str, Any]:
        """Return a case with the values and the output of a step of a run, to be saved. Raises as `values`."""
        found = self.values(p, name, run_id, step)
        return suggested(title or found.title, found.variables, found.output, found.checked_by)

    @operation("prompts.live_try", "view", "see prompts", "Read what the model is writing to a try")
    def live(self, p: Principal, try_id: str) -> str:
        """Return the text that the model has written so far; empty if that is not known."""
        return "" if self._worker.live is None else self._worker.live.of(try_id).get("", "")

    @operation("prompts.models", "view", "see connections", "List the connections of models")
    def connections(self, p: Principal) -> builtins.list[str]:
        """Return the connections of models."""
        return self._try_requests.connections()

    @operation("prompts.try_needs", "run", "try prompts", "See what a try needs consent for")
    def needs_confirmation(self, p: Principal, name: str, connection: str) -> RealModel | None:
        """Return the real account that somebody has to agree to first. Raises as `start`, and ServiceError."""
        account = self._try_requests.account(connection)
        if account.mode != AccountMode.MINE:
            return None
        missing = self._consents.missing_model(name, account.connection)
        if missing is None:
            return None
        return RealModel(missing.name, account.owner()[1], model_to_ask({}, "", account))

    def close(self) -> None:
        """Stop waiting for answers; those tries are interrupted."""
        self._is_closing = True
        for one in [*self._open.values()]:
            if one.answered is not None:
                one.answered.cancel()
        for one in [*self._open.values()]:
            one.over.wait(_CLOSE_SECONDS)

    def _true(self, record: Try, *, is_open: bool) -> Try:
        """Return a record with its true status: the end of one that this process asked may not have been stored."""
        is_over = record["status"] == RunStatus.RUNNING and record["owner"] == self._records.owner and not is_open
        return {**record, "status": RunStatus.INTERRUPTED} if is_over else record

    # --- the work on a try

    def _resolved(self, p: Principal, name: str, wanted: TryRequest) -> tuple[Try, Account]:
        with in_column(wanted.column):
            return self._try_requests.resolved(p, name, wanted)

    def _opened(self, records: Sequence[Try]) -> builtins.list[_Open]:
        opened = [_Open(record) for record in records]
        with self._lock:
            if len(self._open) + len(opened) > _MOST_AT_ONCE:
                remedy = "Wait for an answer, or stop one of them."
                raise InUse(f"At most {_MOST_AT_ONCE} tries can wait for their answers at once.", remedy=remedy)
            self._open.update({one.record["id"]: one for one in opened})
        return opened

    def _forget(self, records: Sequence[Try]) -> None:
        for record in records:
            self._open.pop(record["id"], None)
            with suppress(OrchestraError):
                self._records.remove(record)

    def _work(self, one: _Open, account: Account) -> None:
        """Ask, wait and record, in a thread of the try's own."""
        record = one.record
        messages = [{"role": each["role"], "content": each["content"]} for each in record["messages"]]
        question = TryQuestion(
            record["id"],
            account,
            record["model"],
            record["parameters"],
            messages,
            record["output_schema"],
            prompt=prompt_used(record["prompt"], record["version"]),
        )
        try:
            self._asked(one, question)
        except concurrent.futures.CancelledError:
            record["status"] = RunStatus.CANCELLED if one.is_cancelled else RunStatus.INTERRUPTED
        except Exception as error:  # noqa: BLE001 - whatever it is, the person learns of it
            if not isinstance(error, OrchestraError | ServiceError):
                _log.exception("try %s broke down", record["id"])
            self._failed(record, error)
        finally:
            self._ended(one, question)

    def _asked(self, one: _Open, question: TryQuestion) -> None:
        record, account = one.record, question.account
        with suppress(ServiceError):  # asking the model will show what is wrong
            record["account"] = account.owner()[1]
        live = self._worker.live
        watch = None if live is None else StepAnswers(live, record["id"], "")
        one.answered = self._calls.make(question.call(watch))
        if one.is_cancelled or self._is_closing:  # before there was a future to cancel
            one.answered.cancel()
        answer = one.answered.result()
        record["status"], record["model"] = RunStatus.SUCCEEDED, answer["model"]
        record["answer"] = judged(answer, record["output_schema"])

    def _failed(self, record: Try, error: Exception) -> None:
        shown = error.error if isinstance(error, JournalBroken) else error
        told = failure(shown)
        if isinstance(shown, BudgetExceeded):
            told = {**told, "remedy": _BUDGET_REMEDY}
        record["status"], record["error"] = RunStatus.FAILED, told

    def _ended(self, one: _Open, question: TryQuestion) -> None:
        record, now = one.record, self._clock()
        record["ended_at"] = timestamp(now)
        record["seconds"] = round((now - moment_of(record["started_at"])).total_seconds(), 3)
        record["usage"], record["notes"] = question.used, [*question.notes]
        try:
            self._records.put(record)
        except OrchestraError as error:
            _log.error("the answer to try %s is lost: %s", record["id"], error)
        finally:
            self._open.pop(record["id"], None)
            one.over.set()


def _audited(record: Try) -> dict[str, Any]:
    """Return what the audit trail says about a try."""
    told: dict[str, Any] = {member: record.get(member) for member in ("version", "connection", "model", "demo")}
    column = record["column"]
    return told if column is None else {**told, "comparison": column["comparison"]}
