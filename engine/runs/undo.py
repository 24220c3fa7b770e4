"""Undo: what a run has written is taken back in the services, as far as nobody changed it since."""

from __future__ import annotations

import fcntl
import logging
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from clients.errors import ServiceError
from engine.compiler.shapes import first_fault
from engine.connections.accounts import Account, Mode
from engine.errors import InUse, OrchestraError, StorageError
from engine.names import timestamp
from engine.prompts.prompt import messages as render_prompt
from engine.registry import step_type
from engine.runner.attempts import Job, fields_of
from engine.runner.host import Host
from engine.runner.ledger import Write
from engine.runner.values import Values
from engine.runs.run_log import RunLogs
from engine.runs.undo_book import UndoBook
from engine.runs.undo_list import RunWrite, UndoList
from engine.runs.undo_report import NotUndone, Undone, UndoReport
from engine.step import CannotUndo, Effect, StepType, Written
from engine.store.database import Database, storage_errors
from engine.store.owners import Fenced

_log = logging.getLogger(__name__)


class Undo:
    """Takes back the writes of runs, the last one first; one undo at a time in a workspace."""

    def __init__(self, host: Host, logs: RunLogs, clock: Callable[[], datetime]) -> None:
        self._host, self._clock = host, clock
        self._logs = logs.written_through(host.owner.writing)

    def preview(self, run_id: str, item: str | None = None) -> UndoReport:
        """Tell what an undo would do, without asking any service: `undone` is what it would try.

        Raises UnknownName, InUse, InvalidFile.
        """
        report = UndoReport()
        for write in self._found(run_id, item):
            self._sorted(write, report, lambda write, kind: report.undone.append(Undone.of(write, kind)))
        return report

    def undo(self, run_id: str, by: str, item: str | None = None) -> UndoReport:
        """Take back what a run has written. Broken off, it may be called again, and goes on.

        Raises UnknownName, InUse, InvalidFile, StorageError.
        """
        report = UndoReport()
        with _alone(self._host.database):
            book = UndoBook(self._logs, self._host, lambda: timestamp(self._clock()), by)
            try:
                self._take_all_back(self._ended(self._found(run_id, item)), report, book)
            finally:
                book.close()
        return report

    def _take_all_back(self, writes: list[RunWrite], report: UndoReport, book: UndoBook) -> None:
        taken_back: set[str] = set()
        kept: list[RunWrite] = []

        def take_back(write: RunWrite, kind: StepType) -> None:
            try:
                self._take_back(write, kind, report, book, taken_back)
            except CannotUndo as error:
                own = next((one for one in kept if one.is_done_to(write)), None)
                (report.cannot if own else report.refused).append(NotUndone.of(write, _changed_by(own, error)))

        for write in writes:
            known = len(report.cannot)
            self._sorted(write, report, take_back)
            if write.is_undone:
                taken_back |= write.markers
            elif len(report.cannot) > known:
                kept.append(write)

    def _found(self, run_id: str, item: str | None) -> list[RunWrite]:
        return UndoList(self._host.database, self._host.rows, self._logs).of(run_id, item)

    def _ended(self, writes: list[RunWrite]) -> list[RunWrite]:
        """Make sure that nobody works on these runs any more. Raises InUse."""
        for run_id in {write.run_id for write in writes}:
            self._require_ended(run_id)
        return writes

    def _require_ended(self, run_id: str) -> None:
        row = self._host.rows.get(run_id)
        if row is not None and row.ended_at is None:
            raise InUse(f"Run {run_id} has not ended.", remedy=f"`orchestra runs cancel {run_id}` ends it.")

    def _sorted(self, write: RunWrite, report: UndoReport, take_back: Callable[[RunWrite, StepType], None]) -> None:
        """Put a write where it belongs, as far as that can be told without its service; else take it back."""
        if write.is_undone:
            report.left.append(NotUndone.of(write, f"It was undone before ({write.effect['undone']['at']})."))
        elif not write.is_of_this_run:
            report.left.append(NotUndone.of(write, f"It was made by {write.maker}, and was only found there."))
        elif write.is_open:
            report.cannot.append(NotUndone.of(write, "Nobody knows whether it was done: look at the service."))
        else:
            try:
                kind = step_type(write.uses)
                why = kind.why_kept(self._written(write))
            except (OrchestraError, KeyError, TypeError, AttributeError) as error:
                report.cannot.append(NotUndone.of(write, f"Its log does not tell enough of it: {error}"))
                return
            if why:
                report.cannot.append(NotUndone.of(write, why))
            else:
                take_back(write, kind)

    def _take_back(
        self, write: RunWrite, kind: StepType, report: UndoReport, book: UndoBook, taken_back: AbstractSet[str]
    ) -> None:
        """Raises CannotUndo where it was changed since; what else is in the way is reported."""
        try:
            self._require_ended(write.run_id)  # somebody may have resumed it meanwhile
            if not write.is_undone_in_ledger:  # else only the log lacks it: the process died in between
                self._host.undo(self._job(write, kind), self._written(write, taken_back))
        except (StorageError, Fenced):  # of our own state: nothing more can be written down
            raise
        except CannotUndo:
            raise
        except (OrchestraError, ServiceError, ValidationError) as error:
            report.refused.append(NotUndone.of(write, _reason(error)))
        except Exception as error:  # noqa: BLE001 - the others are still to be undone
            _log.exception("undo of %s of run %s broke down", write.path, write.run_id)
            report.refused.append(
                NotUndone.of(write, f"It broke down ({type(error).__name__}); the log of this process tells more.")
            )
        else:
            report.undone.append(Undone.of(write, kind))
            book.note(write, kind.undoes)

    def _written(self, write: RunWrite, taken_back: AbstractSet[str] = frozenset()) -> Written:
        values = Values(self._logs.folder, write.run_id)
        return write.written(values.loaded(write.step["arguments"] or {}), values.loaded(write.output), taken_back)

    def _job(self, write: RunWrite, kind: StepType) -> Job:
        values = Values(self._logs.folder, write.run_id)
        arguments = values.loaded(write.step["arguments"] or {})
        return Job(
            step_type=kind,
            make_fields=fields_of(kind, arguments),
            effect=Effect.WRITES,
            repeat=kind.repeat,
            retry=None,
            timeout_seconds=kind.timeout_seconds,
            account=self._account(write, kind),
            prompts={},
            render=render_prompt,
            on_attempt=lambda attempt: None,
            files=values.files,
            write=Write(
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
        """Open the account that the run worked on."""
        name = write.step["connection"]
        mode: Mode = write.run["accounts"].get(name, {}).get("mode") or ("demo" if write.run["demo"] else "mine")
        return self._host.accounts.open(name, kind.service, mode)


def was_undone(run: Mapping[str, Any]) -> bool:
    """Tell whether anything that a run wrote was taken back."""
    return any((step["effect"] or {}).get("undone") for step in run["steps"])


@contextmanager
def not_undoing(database: Database) -> Iterator[None]:
    """Let no undo begin meanwhile: it would write logs as they were before. Raises InUse while one is at work."""
    with _locked(database, fcntl.LOCK_SH):
        yield


@contextmanager
def _alone(database: Database) -> Iterator[None]:
    """Keep other undos of this workspace out, also those of other processes. Raises InUse."""
    with _locked(database, fcntl.LOCK_EX):
        yield


@contextmanager
def _locked(database: Database, how: int) -> Iterator[None]:
    path = database.path.parent / "undo.lock"
    with storage_errors(path), path.open("a", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, how | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InUse("An undo is at work in this workspace.", remedy="Wait for it, then try again.") from error
        yield


def _changed_by(own: RunWrite | None, error: CannotUndo) -> str:
    """Say what was changed, and by which step where that was one of the run itself."""
    if own is None:
        return str(error)
    return f"{error} The run did more to it in {own.path} ({own.uses}), which cannot be taken back."


def _reason(error: OrchestraError | ServiceError | ValidationError) -> str:
    if isinstance(error, OrchestraError | ServiceError):
        return f"{error.message} {error.remedy}".strip()
    return first_fault(error)[0].message
