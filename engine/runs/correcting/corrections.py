"""The `corrections` area: what a person does when a model sorted something wrongly.

A correction undoes what followed from the answer, starts a run that goes on from the right answer, and saves a case of
the prompt. Each part can be repeated, so an interrupted correction is completed by asking for it again: the case is
found by its variables, an undo continues, one request key starts one run, and that run is resumed if its process died.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from engine.base.clock import Clock, timestamp
from engine.base.errors import InUse, InvalidInput
from engine.base.json_text import JsonObject, is_same
from engine.base.statuses import RunStatus
from engine.base.step_path import StepPath
from engine.base.step_tree import FAILURE_PREFIX
from engine.base.threads import shared_property
from engine.compiler.definition.plan import Plan
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.record.options import corrected_options
from engine.record.parts.answer_effects import depending_on
from engine.record.parts.redoing import is_beside
from engine.record.run_log import RunLogs
from engine.record.summary import sentence
from engine.record.types.kind import kind_of, options_of
from engine.record.types.run import CorrectedAnswer, Run, RunOptions
from engine.record.types.step import StepRecord
from engine.record.values import Values
from engine.runner.effects.fault_points import reached
from engine.runs.correcting.again import Again, again
from engine.runs.correcting.choices import Choice, choices, corrected, node_to_correct, step_to_correct
from engine.runs.correcting.lesson import Lessons, SavedCase
from engine.runs.correcting.nothing_done_again import NothingDoneAgain
from engine.runs.runs import Runs
from engine.runs.starting.current_plans import CurrentPlans
from engine.runs.starting.rerun import again as same_again
from engine.runs.starting.rerun import kept_modes, source
from engine.runs.starting.run_request import RunRequest, retry_if_renamed
from engine.runs.undo.undo import Undo, alone
from engine.runs.undo.undo_report import NotUndone, UndoReport
from engine.store.acceptances import IdempotentRequest

if TYPE_CHECKING:
    from engine.runner.worker.worker import Worker
    from engine.runs.starting.acceptor import Acceptor

_STAYS = "It is not part of the item, and stays as it is."


@dataclass(frozen=True)
class CorrectionPreview:
    """What a correction would do; nothing has happened yet."""

    run_id: str
    step: str
    choices: list[Choice]
    """The fields that can be corrected."""
    values: JsonObject
    """The right values that were asked for; empty if none were yet."""
    corrected_by: str | None
    """The run that goes on from the right answer, if there is one."""
    undo: UndoReport
    """`undone`: what would be tried to undo; `cannot`: what stays, and why."""
    stays: list[NotUndone]
    """Writes behind the loop that depend on all its items: they are neither undone nor done again."""
    again: list[Again]
    """The steps behind the answer; empty without values."""
    case: SavedCase
    """The case of the prompt that would be saved."""


@dataclass(frozen=True)
class Correction:
    """What a correction has done."""

    run_id: str
    """The run that goes on from the right answer."""
    corrects: str
    """The run whose answer was wrong."""
    step: str
    values: JsonObject
    undo: UndoReport
    case: SavedCase


class _Wrong(Struct, frozen=True):
    """A wrong answer, and where it stands."""

    run: Run
    step: StepRecord
    plan: Plan
    modes: Any
    output: Any
    choices: list[Choice]
    caused: frozenset[str] = field(default_factory=frozenset)
    """The steps of the workflow that depend on the answer."""
    known: frozenset[str] = field(default_factory=frozenset)
    """All steps of the workflow."""

    @property
    def path(self) -> StepPath:
        return StepPath.parse(self.step["path"])

    @property
    def item(self) -> StepPath | None:
        """The outermost item around the step; it is done again."""
        return next(self.path.items(), None)

    def is_caused(self, text: str) -> bool:
        """Return whether a step of the run depends on the answer; a step that the workflow no longer has may."""
        path = StepPath.parse(text)
        name = path.in_workflow
        return (name in self.caused or name not in self.known) and text != self.step["path"]

    def is_undone(self, text: str) -> bool:
        """Return whether the write of a step of the run is undone: it depends on the answer, in the same item."""
        path = StepPath.parse(text)
        if text.startswith(FAILURE_PREFIX) or (self.item is not None and not path.is_inside(self.item)):
            return False
        return self.is_caused(text) and not is_beside(path, self.path)

    def is_left(self, text: str) -> bool:
        """Return whether a step of the run depends on the answer and is behind the item that is done again."""
        return self.is_caused(text) and not self.is_undone(text) and not is_beside(StepPath.parse(text), self.path)


class Corrections:
    """Right answers in place of a model's wrong ones; every change writes an audit line."""

    def __init__(
        self,
        worker: Worker,
        logs: RunLogs,
        audit: Audit,
        clock: Clock,
        runs: Runs,
        plans: CurrentPlans,
        acceptor: Acceptor,
        lessons: Lessons,
    ) -> None:
        self._worker, self._logs, self._audit, self._clock = worker, logs, audit, clock
        self._runs, self._plans, self._acceptor, self._lessons = runs, plans, acceptor, lessons

    @shared_property
    def _undo(self) -> Undo:
        return Undo(self._worker, self._logs, self._clock)

    @operation("runs.preview_correction", "run", "correct answers", "See what a correction would do")
    def preview(self, p: Principal, run_id: str, step: str, values: JsonObject | None = None) -> CorrectionPreview:
        """Return what a correction would do, without calling a service. Without values, the choices.

        Raises UnknownName, InvalidInput, InvalidFile.
        """
        wrong, asked = self._wrong(p, run_id, step), values or {}
        answer = corrected(wrong.step, wrong.choices, wrong.output, asked) if asked else None
        left = self._undo.preview(run_id, steps=wrong.is_left)
        return CorrectionPreview(
            run_id=run_id,
            step=step,
            choices=wrong.choices,
            values=asked,
            corrected_by=self._earlier(run_id, step),
            undo=self._undo.preview(run_id, steps=wrong.is_undone),
            stays=[NotUndone(**_place(one), reason=_STAYS) for one in [*left.undone, *left.cannot]],
            again=self._again(wrong, answer) if answer is not None else [],
            case=self._lessons.preview(p, wrong.run, wrong.step),
        )

    @operation("runs.correct", "run", "correct answers", "Correct an answer of a model")
    def correct(self, p: Principal, run_id: str, step: str, values: JsonObject, *, leave: bool = False) -> Correction:
        """Undo what the wrong answer caused, do the item again, and save the case; return once the run is accepted.

        `values`: the right ones by field. `leave`: go on although a write could not be undone now. May be repeated at
        any time: what is done already is not done again. Raises UnknownName, InvalidInput, InvalidFile,
        ConfirmationNeeded, InUse (also if a write could not be undone), StorageError, ServiceError.
        """
        wrong = self._wrong(p, run_id, step)
        answer = corrected(wrong.step, wrong.choices, wrong.output, values)
        known = self._earlier(run_id, step)
        if known is not None:
            self._require_same(known, run_id, step, values)
            if self._runs.get(p, known)["status"] == RunStatus.INTERRUPTED:  # its process is dead
                self._runs.resume(p, known)
        report, new = UndoReport([], [], [], []), known
        if new is None:
            corrects: CorrectedAnswer = {"run": run_id, "step": step, "values": values, "by": p.id}
            new = retry_if_renamed(lambda: self._begun(p, wrong, corrects, answer, report, leave=leave))
        reached("after redo")
        self._mark(run_id, step, new)
        case = self._lessons.saved(p, wrong.run, wrong.step, values, is_repeated=known is not None)
        return Correction(new, run_id, step, values, report, case)

    def _begun(
        self, p: Principal, wrong: _Wrong, corrects: CorrectedAnswer, answer: Any, report: UndoReport, *, leave: bool
    ) -> str:
        """Check the new run, undo, then start it. What was undone is added to the report."""
        run_id, step = corrects["run"], corrects["step"]
        plan = self._plans.of_run(wrong.run, wrong.modes)
        wanted = self._run_request(wrong, plan, corrects, answer)
        entry = self._acceptor.prepare(p, plan, wanted, "runs.correct", _request(run_id, step))
        self._audit.record(p, "runs.undo", wrong.run["workflow"], {"run_id": run_id, "corrected": step})
        done = self._undo.undo(run_id, p.id, steps=wrong.is_undone)
        # After a rename in between this runs again: what was undone adds up, the rest is as the last time.
        report.undone.extend(done.undone)
        report.refused[:], report.cannot[:], report.left[:] = done.refused, done.cannot, done.left
        if done.refused and not leave:
            raise NothingDoneAgain(report)
        if undone := self._undone(p, wrong):
            told: CorrectedAnswer = {**corrects, "undone": undone}
            options: RunOptions = {**entry.acceptance["options"], "corrects": told}
            entry.acceptance = {**entry.acceptance, "options": options}
        reached("before redo")
        return self._acceptor.begin(entry)

    def _undone(self, p: Principal, wrong: _Wrong) -> list[str]:
        """Return how the writes of the wrong answer were undone, now or in an earlier attempt."""
        run = self._runs.get(p, wrong.run["run_id"])
        effects = [one["effect"] for one in run["steps"] if one["effect"] and wrong.is_undone(one["path"])]
        return [effect["undone"]["note"] for effect in effects if effect.get("undone")]

    def _run_request(self, wrong: _Wrong, plan: Plan, corrects: CorrectedAnswer, answer: Any) -> RunRequest:
        options = corrected_options(plan, corrects, answer)
        plain: Any = {**wrong.run, "options": {}}
        return same_again(plain, plan, Values(self._logs.blobs, corrects["run"]), {}, options, wrong.modes)

    def _wrong(self, p: Principal, run_id: str, path: str) -> _Wrong:
        run = source(self._runs.get(p, run_id))
        if kind_of(options_of(run)).is_test:
            raise InvalidInput(
                f"Run {run_id} is a test run, where some outputs were given.",
                remedy="Correct an answer of a run that really ran.",
            )
        step, modes = step_to_correct(run, path), kept_modes(run, self._acceptor.services(), self._acceptor.mode)
        plan = self._plans.of_run(run, modes)
        name = StepPath.parse(path).in_workflow
        node = node_to_correct(run, step, plan, name)
        output = Values(self._logs.blobs, run_id).loaded(step["output"])
        nodes = frozenset(one.path for one in plan.nodes())
        return _Wrong(run, step, plan, modes, output, choices(node, output), depending_on(plan, name), nodes)

    def _again(self, wrong: _Wrong, answer: Any) -> list[Again]:
        run, values = wrong.run, Values(self._logs.blobs, wrong.run["run_id"])
        outputs = {one["path"]: values.loaded(one["output"]) for one in run["steps"] if one["status"] == "succeeded"}
        made = frozenset(one["path"] for one in run["steps"] if one["effect"] and not wrong.is_undone(one["path"]))
        known = {"inputs": values.loaded(run["inputs"]), "run": {"id": run["run_id"], "started_at": run["started_at"]}}
        names = {**wrong.plan.root_names, **known}
        return again(wrong.plan, wrong.path, names, answer, outputs, made)

    def _earlier(self, run_id: str, step: str) -> str | None:
        return self._acceptor.earlier(_request(run_id, step))

    def _corrects(self, run_id: str) -> CorrectedAnswer | None:
        row, _ = self._worker.rows.with_events(run_id)
        if row is not None and row.acceptance is not None:
            run = json.loads(row.acceptance)
        else:
            run = self._logs.read(run_id) or {}
        return options_of(run).get("corrects")

    def _require_same(self, known: str, run_id: str, step: str, values: JsonObject) -> None:
        """Raise InUse if an answer was corrected to something else before."""
        corrects = self._corrects(known)
        if corrects is not None and not is_same(corrects["values"], values):
            raise InUse(
                f"{step} of run {run_id} was corrected before: see run {known}.",
                remedy=f"Correct it there: `orchestra runs show {known}`.",
            )

    def _mark(self, run_id: str, step: str, new: str) -> None:
        """Record in the log of the old run which run goes on from the right answer. Raises InUse, StorageError."""
        corrects = self._corrects(new)
        if corrects is None:
            return
        with alone(self._worker.folder):
            logs = self._logs.written_by(self._worker.owner)
            run = logs.read(run_id)
            found = next((one for one in run["steps"] if one["path"] == step), None) if run is not None else None
            if run is None or found is None or "corrected" in found:
                return
            at = timestamp(self._clock())
            found["corrected"] = {"run_id": new, "at": at, "by": corrects["by"], "values": corrects["values"]}
            run["sentence"] = sentence(run)
            logs.write(run)
            self._worker.retell(run_id, run["sentence"])


def _request(run_id: str, step: str) -> IdempotentRequest:
    """Return the request that corrects an answer: it starts one run, however often it is made."""
    return IdempotentRequest.of(f"correct:{run_id}:{step}", run_id, {"step": step})


def _place(line: Any) -> dict[str, Any]:
    return {name: getattr(line, name) for name in ("run_id", "path", "key", "uses", "title", "url")}
