"""The log file of each run: `logs/<yyyy-mm-dd>/<run_id>.json`, written completely or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeGuard

from engine.base.errors import InvalidFile, StorageError
from engine.base.json_text import JsonObject, indented, indented_inside
from engine.base.names import RUN_ID, run_day
from engine.documents.json_file import read
from engine.files.atomic import PRIVATE_FILE, PRIVATE_FOLDER, Drafts, make_folder, storage_errors, write_whole
from engine.files.group_sync import GroupSync
from engine.record.document import document
from engine.record.events import decoded
from engine.record.types.run import Run
from engine.record.types.step import StepRecord
from engine.record.values import Values
from engine.store.renames import Rename
from engine.store.runs import Runs

_LARGEST_LOG_BYTES = 512 * 1024 * 1024
_PROBE_BYTES = 64 * 1024
"""About the size of the log of a run with some steps: a disk with less space counts as full."""
_RENAMES = "renamed.jsonl"
_RENAMES_REMEDY = (
    "Take it from a backup, or delete it; without it, receipts in older logs go by the former ids of their steps."
)


class Renames:
    """The renames of steps, oldest first: receipts in logs have the ids of their time."""

    def __init__(self, lines: Iterable[Mapping[str, str]]) -> None:
        self._lines = list(lines)

    def applied(self, identity: str, at: str) -> str:
        """Return today's identity of a write made at that time."""
        for line in self._lines:
            if line["at"] >= at:
                identity = Rename(line["workflow"], line["new"], line["step"]).applied(identity)
        return identity


class RunLogs:
    """The `logs/` folder of a workspace."""

    def __init__(self, folder: Path, through: Path | None = None, make_again: Callable[[], None] | None = None) -> None:
        self.folder = folder
        self._through, self._make_again = through, make_again
        self._definition: tuple[Any, str] | None = None

    def written_through(self, drafts: Path, make_again: Callable[[], None] | None = None) -> RunLogs:
        """Return these logs, each written in the folder `drafts` (on the same disk) first and then moved into place.

        Once another process has removed that folder, nothing can be moved into place any more. If the folder is
        missing, `make_again` creates it, or raises Fenced if another process has removed it.
        """
        return RunLogs(self.folder, drafts, make_again)

    def apart(self, name: str) -> RunLogs:
        """Return these logs, each written in a subfolder of that name first, below the common drafts folder.

        Threads that create files in the same folder block each other. Raises StorageError.
        """
        if self._through is None:
            return self
        with storage_errors(self._through):
            (self._through / name).mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        return self.written_through(self._through / name, self._make_again)

    def require_writable(self) -> None:
        """Write a small file to the logs folder and delete it; create the folder if it is missing.

        Raises StorageError, Fenced.
        """
        self._require_folder()
        probe = self.folder / f".probe-{os.getpid()}"
        write_whole(probe, bytes(_PROBE_BYTES), PRIVATE_FILE, self._through)
        with storage_errors(probe):
            probe.unlink()

    def _require_folder(self) -> None:
        """Create the drafts folder, or all of `logs/`, if it was deleted."""
        if self._through is None or self._make_again is None or self._through.is_dir():
            return
        self._make_again()
        make_folder(self._through, PRIVATE_FOLDER)

    def path(self, run_id: str) -> Path:
        """Return the path of a run's log."""
        return self.folder / run_day(run_id) / f"{run_id}.json"

    def write(self, run: Run) -> Path:
        """Write the document of a run and return once it is on disk. Raises StorageError."""
        self._require_folder()
        path = self._made_folder(run_day(run["run_id"])) / f"{run['run_id']}.json"
        write_whole(path, self._text(run), PRIVATE_FILE, self._through)
        return path

    def write_all(self, runs: Iterable[Run], group: GroupSync | None = None) -> dict[str, Exception]:
        """Write the documents of runs; return {run id: error} for those that are not on disk.

        `group` syncs them with one call; without it each file is synced separately. Raises StorageError, and Fenced if
        the drafts folder was removed.
        """
        self._require_folder()
        errors: dict[str, Exception] = {}
        folders: dict[str, Path] = {}
        drafts = Drafts(self._through or self.folder, group)
        for run in runs:
            day = run_day(run["run_id"])
            try:
                folder = folders.get(day) or folders.setdefault(day, self._made_folder(day))
                drafts.write(folder / f"{run['run_id']}.json", self._text(run))
            except Exception as error:  # noqa: BLE001 - whatever is wrong with one, write the others
                errors[run["run_id"]] = error
        errors.update({path.stem: error for path, error in drafts.put().items()})
        return errors

    def _made_folder(self, day: str) -> Path:
        folder = self.folder / day
        make_folder(folder, PRIVATE_FOLDER)
        return folder

    def _text(self, run: Run) -> str:
        """Return the text of a document; runs of one plan share the text of their definition."""
        definition = run["definition"]
        known = self._definition
        if known is None or known[0] is not definition:
            known = self._definition = (definition, indented_inside(definition))
        return indented(run, {"definition": known[1]})

    def read(self, run_id: str) -> Run | None:
        """Return the document of a run, or None if there is no file. Raises InvalidFile."""
        path = self.path(run_id)
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (ValueError, OSError, RecursionError) as error:
            read(path)  # says where it is broken
            if isinstance(error, OSError):  # or it was readable a moment later
                raise StorageError(f"{path} cannot be read: {error.strerror}.") from error
            raise InvalidFile(f"{path} cannot be read.") from None
        if not isinstance(document, dict) or document.get("run_id") != run_id:
            raise InvalidFile(f"{path} is not the log of run {run_id}.", remedy="Move the file away.")
        if not _is_whole(document):
            raise InvalidFile(
                f"{path} lacks parts of the log of a run.", remedy="Take it from a backup, or move it away."
            )
        return document

    def keep_rename(self, rename: Rename, at: str) -> None:
        """Record a new id of a step. Raises StorageError, InvalidFile."""
        path = self.folder / _RENAMES
        make_folder(path.parent, PRIVATE_FOLDER)
        before, line = _renames_text(path), json.dumps({"at": at, **asdict(rename)}) + "\n"
        if not before.endswith(line):  # else the process ended right after this
            write_whole(path, before + line, PRIVATE_FILE)

    def renames(self) -> Renames:
        """Return every recorded rename. Raises InvalidFile."""
        path = self.folder / _RENAMES
        lines = _renames_text(path).splitlines()
        return Renames([_rename_line(path, number, line) for number, line in enumerate(lines, 1)])

    def run_ids(self) -> Iterator[str]:
        """Yield the id of every run with a log file, oldest first."""
        for day in sorted(self.folder.glob("????-??-??")):
            for path in sorted(day.glob("*.json")):
                if RUN_ID.match(path.stem):
                    yield path.stem


def told_arguments(rows: Runs, logs: RunLogs, run_id: str, path: str) -> Mapping[str, Any]:
    """Return the arguments of a step, including values in files; {} if its run is no longer known.

    Raises InvalidFile if its log, or the file of a value, cannot be read.
    """
    row, events = rows.with_events(run_id)
    accepted = None if row is None else row.acceptance
    run = logs.read(run_id) if accepted is None else document(json.loads(accepted), map(decoded, events))
    steps = [step for step in run["steps"] if step["path"] == path] if run is not None else []
    arguments: JsonObject = Values(logs.folder, run_id).loaded((steps[-1]["arguments"] if steps else None) or {})
    return arguments


def _renames_text(path: Path) -> str:
    if not os.path.lexists(path):  # a broken link exists, and must be reported
        return ""
    try:
        return path.read_text(encoding="utf-8")
    except (ValueError, OSError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InvalidFile(f"{path} cannot be read: {why}.", remedy=_RENAMES_REMEDY) from error


def _rename_line(path: Path, number: int, line: str) -> Mapping[str, str]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not all(
        isinstance(found.get(key), str) for key in ("at", "workflow", "new", "step")
    ):
        raise InvalidFile(f"{path}:{number}:1: This line tells of no rename.", remedy=_RENAMES_REMEDY)
    return found


def _is_whole(document: Mapping[str, Any]) -> TypeGuard[Run]:
    """Return whether a run document has all required keys, so that its users need not check."""
    steps = document.get("steps")
    if (
        not document.keys() >= Run.__required_keys__
        or not isinstance(steps, list)
        or not isinstance(document["accounts"], dict)
    ):
        return False
    return all(isinstance(step, dict) and step.keys() >= StepRecord.__required_keys__ for step in steps)
