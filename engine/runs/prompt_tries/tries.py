"""The `tries` area: ask a model with a prompt or a draft of it, outside any run."""

from __future__ import annotations

import builtins
import logging
from collections.abc import Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from clients.errors import ServiceError
from engine.base.clock import Clock, moment_of, timestamp
from engine.base.errors import BudgetExceeded, InUse, OrchestraError
from engine.base.names import checked_name
from engine.base.statuses import AccountMode, RunStatus
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.prompts.cases import suggested
from engine.record.failure import failure
from engine.record.types.step import Failure
from engine.runner.effects.live import StepAnswers
from engine.runs.prompt_tries.asking import Asker
from engine.runs.prompt_tries.columns import in_column
from engine.runs.prompt_tries.questions import (
    TryQuestion,
    is_asked_again,
    judged,
    model_to_ask,
    sureness_in,
    with_sureness,
)
from engine.runs.prompt_tries.recorded import RecordedCall, RecordedValues
from engine.runs.prompt_tries.records import RealModel, Try, TryAnswer
from engine.runs.prompt_tries.store import TryStore, Work
from engine.runs.prompt_tries.try_requests import TryRequest, TryRequests
from engine.runs.starting.consent import Consents
from engine.store.journal import JournalBroken

if TYPE_CHECKING:
    from engine.runner.worker.worker import Worker

_log = logging.getLogger(__name__)
_MOST_AT_ONCE = 8
_BUDGET_REMEDY = "An owner can raise it in config.yaml (`budgets`); or try again when its period begins anew."


class Tries:
    """Prompts that are sent to models outside of workflows."""

    def __init__(
        self,
        worker: Worker,
        try_requests: TryRequests,
        consents: Consents,
        asker: Asker,
        records: TryStore[Try],
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._worker, self._try_requests, self._consents = worker, try_requests, consents
        self._asker, self._records, self._audit, self._clock = asker, records, audit, clock

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
        mine = [one.account.connection for _, one in found if one.account.mode == AccountMode.MINE]
        self._consents.require_models(p, name, mine)
        works = [Work(record, partial(self._asker.stop, question)) for record, question in found]
        with self._records.begun(works, partial(_require_room, len(works))):
            for record, _ in found:
                self._audit.record(p, "prompts.try", name, _audited(record))
        for work, (record, question) in zip(works, found, strict=True):
            Thread(target=self._work, args=(work, question), name=f"try {record['id']}", daemon=True).start()
        return [record for record, _ in found]

    @operation("prompts.wait_try", "view", "see prompts", "Wait for a try of a prompt")
    def wait(self, p: Principal, name: str, try_id: str, seconds: float | None = None) -> Try:
        """Wait for the answer to a try of this process, or until the time is over; return the try."""
        return self._records.wait(name, try_id, seconds)

    @operation("prompts.cancel_try", "run", "stop tries", "Stop a try of a prompt")
    def cancel(self, p: Principal, name: str, try_id: str) -> Try:
        """Stop waiting for an answer; the model may still charge it. Raises UnknownName, InUse."""
        return self._records.stop(name, try_id)

    @operation("prompts.get_try", "view", "see prompts", "Read a try of a prompt")
    def get(self, p: Principal, name: str, try_id: str) -> Try:
        """Return a try. Raises UnknownName, InvalidInput."""
        return self._records.get(name, try_id)

    @operation("prompts.tries", "view", "see prompts", "List the tries of a prompt")
    def list(self, p: Principal, name: str) -> builtins.list[Try]:
        """Return the last 20 tries of a prompt, newest first. Raises InvalidInput."""
        return [*self._records.of(name)]

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
        self._asker.close()
        self._records.close()

    def _resolved(self, p: Principal, name: str, wanted: TryRequest) -> tuple[Try, TryQuestion]:
        place = wanted.column
        with in_column(0 if place is None else place["number"], wanted.title):
            return self._try_requests.resolved(p, name, wanted)

    def _work(self, work: Work[Try], question: TryQuestion) -> None:
        """Ask, wait and record, in a thread of the try's own."""
        ended: dict[str, Any] = {}
        try:
            with suppress(ServiceError):  # asking the model will show what is wrong
                ended["account"] = question.account.owner()[1]
            live = self._worker.live
            found = self._asker.ask(question, None if live is None else StepAnswers(live, question.id, ""))
            ended["model"] = found["model"]
            answer = judged(found, question.output_schema, question.checks, question.usage.output_tokens)
            ended["answer"] = answer  # it stays if the second question fails
            ended["answer"] = self._sure(question, answer)
            ended["status"] = RunStatus.SUCCEEDED
        except CancelledError:
            ended["status"] = RunStatus.CANCELLED if question.stopped.is_set() else RunStatus.INTERRUPTED
        except Exception as error:  # noqa: BLE001 - whatever it is, the person learns of it
            if not isinstance(error, OrchestraError | ServiceError):
                _log.exception("try %s broke down", question.id)
            ended["status"], ended["error"] = RunStatus.FAILED, _told(error)
        finally:
            now, began = self._clock(), moment_of(work.record["started_at"])
            seconds = round((now - began).total_seconds(), 3)
            unsure = (ended.get("answer") or {}).get("unsure")
            notes = [*question.notes, *([unsure] if unsure else [])]
            ended.update(ended_at=timestamp(now), seconds=seconds, usage=question.used, notes=notes)
            record: Any = {**work.record, **ended}
            work.record = record
            self._records.end(work)

    def _sure(self, question: TryQuestion, found: TryAnswer) -> TryAnswer:
        """Return an answer after the second question, if the prompt wants one."""
        schema, checks, sureness = question.output_schema, question.checks, {}
        if is_asked_again(found, schema, checks):
            sureness = sureness_in(self._asker.ask(replace(question, answered=found["value"]))["text"])
        return with_sureness(found, schema, checks, sureness)


def _require_room(more: int, at_work: Sequence[Try]) -> None:
    if len(at_work) + more > _MOST_AT_ONCE:
        remedy = "Wait for an answer, or stop one of them."
        raise InUse(f"At most {_MOST_AT_ONCE} tries can wait for their answers at once.", remedy=remedy)


def _told(error: Exception) -> Failure:
    """Return why a try failed, as its record says it."""
    shown = error.error if isinstance(error, JournalBroken) else error
    told = failure(shown)
    return {**told, "remedy": _BUDGET_REMEDY} if isinstance(shown, BudgetExceeded) else told


def _audited(record: Try) -> dict[str, Any]:
    """Return what the audit trail says about a try."""
    told: dict[str, Any] = {member: record.get(member) for member in ("version", "connection", "model", "demo")}
    column = record["column"]
    return told if column is None else {**told, "comparison": column["comparison"]}
