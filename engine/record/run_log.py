"""The log of each run, the blob `<yyyy-mm-dd>/<run_id>.json`, and what else is stored beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from engine.base.errors import InvalidFile
from engine.base.json_text import JsonObject, indented, indented_inside, value_of
from engine.base.names import RUN_ID, run_day
from engine.documents.json_file import decoded as decoded_text
from engine.documents.json_file import parse
from engine.record.document import document
from engine.record.events import decoded
from engine.record.types.run import Run
from engine.record.types.run_form import is_run
from engine.record.values import Values
from engine.store.blobs.blobs import Blobs
from engine.store.owners import Owner
from engine.store.renames import StepRename
from engine.store.runs import RunStore

_HALF_PAIR = re.compile(rb"\\u[dD][89a-fA-F]")
"""An escape that may be half of a surrogate pair; none of our own logs has one."""
_DAY = re.compile(r"\d{4}-\d\d-\d\d/\Z")
_PROBE = ".probe"
"""Hidden; one that a crash has left is replaced, and then removed, by the next check."""
_PROBE_BYTES = 64 * 1024
"""About the size of the log of a run with some steps: a disk with less space counts as full."""
_RENAMES = "renamed.jsonl"
_LOG_REMEDY = "Take it from a backup, or move it away."
_RENAMES_REMEDY = (
    "Take it from a backup, or delete it; without it, receipts in older logs go by the former ids of their steps."
)

_AT_ONCE: Mapping[str, str] = {}


class RecordedRenames:
    """The renames of steps, oldest first: receipts in logs have the ids of their time."""

    def __init__(self, lines: Iterable[Mapping[str, str]]) -> None:
        self._lines = list(lines)

    def applied(self, identity: str, at: str, since: Mapping[str, str] = _AT_ONCE) -> str:
        """Return today's identity of a write made at that time.

        `since`: when the ids were right, by workflow id, if not at that time.
        """
        for line in self._lines:
            if line["at"] >= since.get(line["workflow"], at):
                identity = StepRename(line["workflow"], line["new"], line["step"]).applied(identity)
        return identity

    def since(self, workflow_id: str, at: str) -> list[tuple[str, str]]:
        """Return the renames of a workflow's steps since a time: (old id, new id), oldest first."""
        return [
            (line["step"], line["new"]) for line in self._lines if line["workflow"] == workflow_id and line["at"] >= at
        ]


class RunLogs:
    """The logs of a workspace."""

    def __init__(self, blobs: Blobs, put_by: Blobs | None = None) -> None:
        self.blobs, self._put_by = blobs, put_by or blobs
        self._definition: tuple[Any, str] | None = None

    def written_by(self, owner: Owner) -> RunLogs:
        """Return these logs, which a process writes until another one takes over its runs."""
        return RunLogs(self.blobs, self.blobs.put_by(owner.id, owner.admit))

    def require_writable(self) -> None:
        """Store about as much as the log of a run takes, and remove it. Raises StorageError, Fenced."""
        self._put_by.put(_PROBE, bytes(_PROBE_BYTES))
        self.blobs.remove([_PROBE])

    def where(self, run_id: str) -> str:
        """Return where a person finds the log of a run."""
        return self.blobs.where(_log_name(run_id))

    def version(self, run_id: str) -> Hashable | None:
        """Return a value that changes whenever the log of a run does; None if a change would not show."""
        return self.blobs.version(_log_name(run_id))

    def exists(self, run_id: str) -> bool:
        """Return whether a run has a log."""
        return self.blobs.exists(_log_name(run_id))

    def write(self, run: Run) -> None:
        """Write the document of a run and return once it is durable. Raises StorageError, Fenced."""
        self._put_by.put(_log_name(run["run_id"]), self._text(run))

    def write_all(self, runs: Iterable[Run], count: int) -> dict[str, Exception]:
        """Write the documents of about `count` runs; return {run id: error} for those that are not durable.

        Raises StorageError, and Fenced if another process has taken over.
        """
        errors: dict[str, Exception] = {}

        def texts() -> Iterator[tuple[str, bytes]]:
            for run in runs:
                try:
                    text = self._text(run)
                except Exception as error:  # noqa: BLE001 - whatever is wrong with one, write the others
                    errors[run["run_id"]] = error
                else:
                    yield _log_name(run["run_id"]), text

        refused = self._put_by.put_all(texts(), count)
        return errors | {_run_id(name): error for name, error in refused.items()}

    def _text(self, run: Run) -> bytes:
        """Return the text of a document; runs of one plan share the text of their definition."""
        definition = run["definition"]
        known = self._definition
        if known is None or known[0] is not definition:
            known = self._definition = (definition, indented_inside(definition))
        return indented(run, {"definition": known[1]}).encode()

    def read(self, run_id: str) -> Run | None:
        """Return the document of a run, or None if there is no file. Raises InvalidFile."""
        data = self.blobs.get(_log_name(run_id))
        if data is None:
            return None
        try:
            document = value_of(data)
        except (ValueError, RecursionError):
            raise self._broken(run_id, data) from None
        if not isinstance(document, dict) or document.get("run_id") != run_id:
            raise InvalidFile(f"{self.where(run_id)} is not the log of run {run_id}.", remedy="Move the file away.")
        faults: list[str] = []
        if not is_run(document, faults):
            raise InvalidFile(
                f"{self.where(run_id)} does not have the form of the log of a run: {faults[0]}.", remedy=_LOG_REMEDY
            )
        if _HALF_PAIR.search(data) and not _is_text(document):
            raise InvalidFile(
                f"{self.where(run_id)} has half of a surrogate pair, which is not a character.", remedy=_LOG_REMEDY
            )
        return document

    def _broken(self, run_id: str, data: bytes) -> InvalidFile:
        """Return the error for a log that is not JSON, with the place where it is broken."""
        where = self.where(run_id)
        try:
            parse(decoded_text(data, where), where)
        except InvalidFile as error:
            return InvalidFile(error.message, error.problems, remedy=_LOG_REMEDY)
        return InvalidFile(f"{where} cannot be read.", remedy=_LOG_REMEDY)

    def keep_renames(self, renames: Iterable[StepRename], at: str) -> None:
        """Record new ids of steps, in order. Raises StorageError, InvalidFile."""
        before, lines = self._renames_text(), "".join(f"{json.dumps({'at': at, **asdict(one)})}\n" for one in renames)
        if not before.endswith(lines):  # else the process ended right after this
            self.blobs.put(_RENAMES, (before + lines).encode())

    def renames(self) -> RecordedRenames:
        """Return every recorded rename. Raises InvalidFile."""
        where = self.blobs.where(_RENAMES)
        lines = self._renames_text().splitlines()
        return RecordedRenames([_rename_line(where, number, line) for number, line in enumerate(lines, 1)])

    def _renames_text(self) -> str:
        try:
            return decoded_text(self.blobs.get(_RENAMES) or b"", self.blobs.where(_RENAMES))
        except InvalidFile as error:
            raise InvalidFile(error.message, error.problems, remedy=_RENAMES_REMEDY) from error

    def run_ids(self, since_day: str = "") -> Iterator[str]:
        """Yield the id of every run with a log, oldest first; `since_day` (`2026-11-20`): only from that day on."""
        for day in filter(_DAY.match, self.blobs.names()):
            if day < since_day:
                continue
            for name in self.blobs.names(day):
                if name.endswith(".json") and RUN_ID.match(_run_id(name)):
                    yield _run_id(name)

    def blob_names(self) -> Iterator[str]:
        """Yield the name of every log, of every large value, and of the list of renames if there is one."""
        for day in filter(_DAY.match, self.blobs.names()):
            for name in self.blobs.names(day):
                yield from self.blobs.names(name) if name.endswith("/") else (name,)
        if self.blobs.exists(_RENAMES):
            yield _RENAMES

    def size_bytes(self, run_ids: Iterable[str]) -> int:
        """Return the size of the logs of these runs, and of their large values."""
        return self.blobs.size_bytes(*(name for run_id in run_ids for name in _blobs_of(run_id)))

    def remove(self, run_ids: Iterable[str]) -> None:
        """Remove the logs of runs, and their large values. Raises StorageError."""
        self.blobs.remove(name for run_id in run_ids for name in _blobs_of(run_id))


def _log_name(run_id: str) -> str:
    return f"{run_day(run_id)}/{run_id}.json"


def _run_id(log_name: str) -> str:
    return log_name.rpartition("/")[2].removesuffix(".json")


def _blobs_of(run_id: str) -> tuple[str, str]:
    return _log_name(run_id), f"{run_day(run_id)}/{run_id}.files/"


def told_arguments(rows: RunStore, logs: RunLogs, run_id: str, path: str) -> JsonObject:
    """Return the arguments of a step, including values in files; {} if its run is no longer known.

    Raises InvalidFile if its log, or the file of a value, cannot be read.
    """
    row, events = rows.with_events(run_id)
    accepted = None if row is None else row.acceptance
    run = logs.read(run_id) if accepted is None else document(value_of(accepted), map(decoded, events))
    steps = [step for step in run["steps"] if step["path"] == path] if run is not None else []
    arguments: JsonObject = Values(logs.blobs, run_id).loaded((steps[-1]["arguments"] if steps else None) or {})
    return arguments


def _rename_line(where: str, number: int, line: str) -> Mapping[str, str]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not all(
        isinstance(found.get(key), str) for key in ("at", "workflow", "new", "step")
    ):
        raise InvalidFile(f"{where}:{number}:1: This line is not a rename record.", remedy=_RENAMES_REMEDY)
    return found


def _is_text(document: Any) -> bool:
    """Return whether a document can be written in UTF-8, as files and databases have it."""
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
