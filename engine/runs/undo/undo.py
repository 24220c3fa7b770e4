"""Undo the writes of a run in the services, unless somebody has changed them since.

Writes are undone in reverse order, since later ones may depend on earlier ones. A write whose result somebody has
changed in the meantime stays: an undo must not destroy a person's work. Each undo is recorded first in the ledger, so
that a rerun makes the write again, and then in the log of the run. After a crash the undo is simply called again: it
completes the log and continues with the remaining writes.
"""

from __future__ import annotations

import fcntl
import logging
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace
from pydantic import ValidationError

from clients.errors import ServiceError
from engine.base.clock import timestamp
from engine.base.errors import Fenced, InUse, OrchestraError, StorageError
from engine.base.statuses import AccountMode
from engine.connections.accounts import Account
from engine.documents.shapes import first_fault
from engine.files.atomic import open_private, storage_errors
from engine.plugins.registry import step_type
from engine.plugins.step import CannotUndo, StepType, Written
from engine.prompts.prompt import messages as render_prompt
from engine.record.run_log import RunLogs
from engine.record.types.run import Run
from engine.record.types.step import undo_of
from engine.record.values import Values
from engine.runner.effects.job import Job, fields_of
from engine.runs.undo.undo_list import RunWrite, Steps, UndoList
from engine.runs.undo.undo_log import UndoLog
from engine.runs.undo.undo_report import NotUndone, Undone, UndoReport
from engine.store.ledger import IntendedWrite

if TYPE_CHECKING:
    from engine.runner.worker.worker import Worker

_log = logging.getLogger(__name__)


class UndoableWrite(Struct, frozen=True):
    """A write, with later writes of the same run that only changed its result, the last one first."""

    write: RunWrite
    later: tuple[RunWrite, ...] = ()


class Undo:
    """Undoes the writes of runs, the last one first; one undo at a time in a workspace."""

    def __init__(self, worker: Worker, logs: RunLogs, clock: Callable[[], datetime]) -> None:
        self._worker, self._clock = worker, clock
        self._logs = logs.written_by(worker.owner)

    def preview(self, run_id: str, item: str | None = None, steps: Steps | None = None) -> UndoReport:
        """Return what an undo would do, without calling a service: `undone` is what it would try.

        `steps`: only writes of these steps of the run. Raises UnknownName, InUse, InvalidFile.
        """
        report = UndoReport([], [], [], [])
        for made in self._grouped(self._list().of(run_id, item, steps)):
            known = len(report.undone)
            self._sorted(made, report, lambda made, kind: report.undone.append(Undone.of(made.write, kind)))
            if len(report.undone) > known:
                report.undone.extend(Undone.with_it(one, made.write) for one in made.later)
        return report

    def undo(self, run_id: str, by: str, item: str | None = None, steps: Steps | None = None) -> UndoReport:
        """Undo the writes of a run. If interrupted, it can be called again, and continues.

        `steps`: only writes of these steps of the run. Raises UnknownName, InUse, InvalidFile, StorageError.
        """
        report = UndoReport([], [], [], [])
        with alone(self._worker.folder):
            undo_log = UndoLog(self._logs, self._worker, lambda: timestamp(self._clock()), by)
            try:
                self._undo_all(self._grouped(self._ended(self._list().of(run_id, item, steps))), report, undo_log)
            finally:
                undo_log.close()
        return report

    def _undo_all(self, things: list[UndoableWrite], report: UndoReport, undo_log: UndoLog) -> None:
        undone_markers: set[str] = set()
        kept: list[RunWrite] = []

        def undo_one(made: UndoableWrite, kind: StepType) -> None:
            try:
                self._undo_one(made, kind, report, undo_log, undone_markers)
            except CannotUndo as error:
                own = next((one for one in kept if one.is_done_to(made.write)), None)
                (report.cannot if own else report.refused).append(NotUndone.of(made.write, _changed_by(own, error)))

        for made in things:
            known = len(report.cannot)
            self._sorted(made, report, undo_one)
            if made.write.is_undone:
                undone_markers |= made.write.markers
                self._take_along(made, report, undo_log)
            else:
                report.cannot.extend(NotUndone.of(one, self._why_kept(one)) for one in made.later)
                kept += [made.write] if len(report.cannot) > known else []

    def _take_along(self, made: UndoableWrite, report: UndoReport, undo_log: UndoLog) -> None:
        """Mark writes that changed the undone one as undone as well; the ledger first, then the log."""
        for one in made.later:
            if not one.is_undone:
                self._worker.forget(one.ledger_identity, one.generation)
                line = Undone.with_it(one, made.write)
                report.undone.append(line)
                undo_log.note(one, line.note)

    def _list(self) -> UndoList:
        return UndoList(self._worker.state.receipts, self._worker.rows, self._logs)

    def _grouped(self, writes: list[RunWrite]) -> list[UndoableWrite]:
        """Group writes with the earlier write whose whole result they changed: they are undone together."""
        later: dict[int, list[RunWrite]] = {}
        for one in writes:
            makers = [maker for maker in writes if one.restates(maker) and not self._why_kept(maker)]
            if makers and self._why_kept(one):
                later.setdefault(id(makers[-1]), []).append(one)
        gone_along = {id(one) for group in later.values() for one in group}
        return [UndoableWrite(one, tuple(later.get(id(one), ()))) for one in writes if id(one) not in gone_along]

    def _why_kept(self, write: RunWrite) -> str:
        """Return why a write cannot be undone, whatever its service says; empty if it can."""
        try:
            return step_type(write.uses).why_kept(self._written(write))
        except (OrchestraError, KeyError, TypeError, AttributeError) as error:
            return f"Its log does not tell enough of it: {error}"

    def _ended(self, writes: list[RunWrite]) -> list[RunWrite]:
        """Check that no process works on these runs. Raises InUse."""
        for run_id in {write.run_id for write in writes}:
            self._require_ended(run_id)
        return writes

    def _require_ended(self, run_id: str) -> None:
        row = self._worker.rows.get(run_id)
        if row is not None and row.ended_at is None:
            raise InUse(f"Run {run_id} has not ended.", remedy=f"`orchestra runs cancel {run_id}` ends it.")

    def _sorted(
        self, made: UndoableWrite, report: UndoReport, undo_one: Callable[[UndoableWrite, StepType], None]
    ) -> None:
        """Add a write to the report if its place is known without its service; otherwise call `undo_one`."""
        write = made.write
        if undone := undo_of(write.step):
            report.left.append(NotUndone.of(write, f"It was undone before ({undone['at']})."))
        elif not write.is_of_this_run:
            report.left.append(NotUndone.of(write, f"It was made by {write.maker}, and was only found there."))
        elif write.is_open:
            report.cannot.append(NotUndone.of(write, "Nobody knows whether it was done: look at the service."))
        elif why := self._why_kept(write):
            report.cannot.append(NotUndone.of(write, why))
        else:
            undo_one(made, step_type(write.uses))

    def _undo_one(
        self,
        made: UndoableWrite,
        kind: StepType,
        report: UndoReport,
        undo_log: UndoLog,
        undone_markers: AbstractSet[str],
    ) -> None:
        """Undo a write. Raises CannotUndo if it was changed since; other obstacles are reported."""
        write = made.write
        try:
            self._require_ended(write.run_id)  # somebody may have resumed it in the meantime
            if not write.is_undone_in_ledger:  # otherwise only the log lacks it: the process died in between
                last = made.later[0] if made.later else self._list().updated(write) or write
                told = replace(self._written(last, undone_markers), marker=write.marker, receipt=write.its_receipt)
                self._worker.undo(self._job(write, last, kind), told)
        except (StorageError, Fenced):  # of our own state: nothing more can be recorded
            raise
        except CannotUndo:
            raise
        except (OrchestraError, ServiceError, ValidationError) as error:
            report.refused.append(NotUndone.of(write, _reason(error)))
        except Exception as error:  # noqa: BLE001 - the other writes must still be undone
            _log.exception("undo of %s of run %s broke down", write.path, write.run_id)
            report.refused.append(
                NotUndone.of(write, f"It broke down ({type(error).__name__}); the log of this process tells more.")
            )
        else:
            report.undone.append(Undone.of(write, kind))
            undo_log.note(write, kind.undoes)

    def _written(self, write: RunWrite, undone_markers: AbstractSet[str] = frozenset()) -> Written:
        values = Values(self._logs.blobs, write.run_id)
        return write.written(values.loaded(write.step["arguments"] or {}), values.loaded(write.output), undone_markers)

    def _job(self, write: RunWrite, last: RunWrite, kind: StepType) -> Job:
        """Return the call that undoes a write, with the fields of the last write, which describe the current state."""
        values = Values(self._logs.blobs, last.run_id)
        arguments = values.loaded(last.step["arguments"] or {})
        return Job(
            step_type=kind,
            make_fields=fields_of(kind, arguments),
            repeat=kind.repeat,
            retry=None,
            timeout_seconds=kind.timeout_seconds,
            account=self._account(write, kind),
            prompts={},
            render=render_prompt,
            on_attempt=lambda attempt: None,
            files=values.files,
            write=IntendedWrite(
                identity=write.ledger_identity,
                account=write.account,
                run_id=write.run_id,
                path=write.path,
                uses=write.uses,
                arguments_hash="",
                generation=write.generation,
            ),
        )

    def _account(self, write: RunWrite, kind: StepType) -> Account:
        """Open the account that the run used."""
        name = write.step["connection"]
        default = AccountMode.DEMO if write.run["demo"] else AccountMode.MINE
        known = write.run["accounts"].get(name) if name else None
        return self._worker.accounts.open(name, kind.service, known["mode"] if known else default)


def was_undone(run: Run) -> bool:
    """Return whether any write of a run was undone."""
    return any(map(undo_of, run["steps"]))


@contextmanager
def not_undoing(folder: Path) -> Iterator[None]:
    """Block undos meanwhile: they would write outdated logs. Raises InUse while one is running."""
    with _locked(folder, fcntl.LOCK_SH):
        yield


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Block other undos of this workspace, in other processes as well. Raises InUse."""
    with _locked(folder, fcntl.LOCK_EX):
        yield


@contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    path = folder / "undo.lock"
    with storage_errors(path):
        opened = open_private(path, "a")
    with opened as lock:
        try:
            fcntl.flock(lock, how | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InUse("An undo is at work in this workspace.", remedy="Wait for it, then try again.") from error
        yield


def _changed_by(own: RunWrite | None, error: CannotUndo) -> str:
    """Return why a write cannot be undone and, if the run itself changed its result, which step did."""
    if own is None:
        return str(error)
    return f"{error} The run did more to it in {own.path} ({own.uses}), which cannot be undone."


def _reason(error: OrchestraError | ServiceError | ValidationError) -> str:
    if isinstance(error, OrchestraError | ServiceError):
        return f"{error.message} {error.remedy}".strip()
    return first_fault(error)[0].message
