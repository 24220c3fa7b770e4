"""The log file of each run: `logs/<yyyy-mm-dd>/<run_id>.json`, written whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.errors import InvalidFile, StorageError
from engine.json_text import indented, indented_inside
from engine.names import RUN_ID, run_day
from engine.store.receipts import Rename
from engine.workspace.files import make_folder, put_whole, storage_errors, sync_folder, write_whole
from engine.workspace.jsonfile import read

_LARGEST_LOG_BYTES = 512 * 1024 * 1024
_RENAMES = "renamed.jsonl"
_RENAMES_REMEDY = "Take it from a backup, or delete it; without it, receipts in older logs go by their former names."


_RUN_KEYS = frozenset(
    "workflow workflow_hash status demo started_by origin_run_id parent_run_id queued_at started_at ended_at"
    " duration_seconds inputs outputs error counts usage definition accounts steps".split()
)
_STEP_KEYS = frozenset(
    "id path key title uses connection status started_at ended_at arguments output error attempts effect usage".split()
)


class Renames:
    """When workflows and steps got other names, oldest first: receipts in logs bear the name of their time."""

    def __init__(self, lines: Iterable[Mapping[str, str]]) -> None:
        self._lines = list(lines)

    def applied(self, identity: str, at: str) -> str:
        """Return the identity that a write of that time has today."""
        for line in self._lines:
            if line["at"] >= at:
                identity = Rename(line["workflow"], line["new"], line.get("step")).applied(identity)
        return identity

    def workflow(self, name: str, at: str) -> str:
        """Return what a workflow that had this name at that time is called today."""
        for line in self._lines:
            if line["at"] >= at and line["workflow"] == name and "step" not in line:
                name = line["new"]
        return name


class RunLogs:
    """The `logs/` folder of a workspace."""

    def __init__(self, folder: Path, through: Path | None = None) -> None:
        self.folder = folder
        self._through = through
        self._definition: tuple[Any, str] | None = None

    def written_through(self, drafts: Path) -> RunLogs:
        """Return these logs, each written in the folder `drafts` first (of the same disk) and then put in its place.

        Where another process has removed that folder, nothing can be put in place any more.
        """
        return RunLogs(self.folder, drafts)

    def apart(self, name: str) -> RunLogs:
        """Return these logs, each written in a folder of that name first, below the one that all go through.

        Threads that make files in one folder wait for each other. Raises StorageError.
        """
        if self._through is None:
            return self
        with storage_errors(self._through):
            (self._through / name).mkdir(mode=0o700, exist_ok=True)
        return self.written_through(self._through / name)

    def path(self, run_id: str) -> Path:
        """Return where the log of a run lies."""
        return self.folder / run_day(run_id) / f"{run_id}.json"

    def write(self, run: Mapping[str, Any]) -> Path:
        """Write the document of a run; it is on disk when this returns. Raises StorageError."""
        path = self._made_folder(run_day(run["run_id"])) / f"{run['run_id']}.json"
        write_whole(path, self._text(run), drafts=self._through)
        return path

    def write_all(self, runs: Iterable[Mapping[str, Any]]) -> dict[str, StorageError]:
        """Write the documents of runs; each is on disk when this returns, but for those with an error here, by id."""
        errors: dict[str, StorageError] = {}
        folders: dict[str, Path] = {}
        written: dict[str, list[str]] = {}
        for run in runs:
            run_id = run["run_id"]
            day = run_day(run_id)
            try:
                folder = folders.get(day) or folders.setdefault(day, self._made_folder(day))
                put_whole(folder / f"{run_id}.json", self._text(run), self._through or folder)
                written.setdefault(day, []).append(run_id)
            except StorageError as error:
                errors[run_id] = error
        for day, run_ids in written.items():
            try:
                with storage_errors(folders[day]):
                    sync_folder(folders[day])
            except StorageError as error:
                errors.update(dict.fromkeys(run_ids, error))
        return errors

    def _made_folder(self, day: str) -> Path:
        folder = self.folder / day
        make_folder(folder)
        return folder

    def _text(self, run: Mapping[str, Any]) -> str:
        """Return the text of a document; runs of one plan share their definition, and here its text."""
        definition = run["definition"]
        known = self._definition
        if known is None or known[0] is not definition:
            known = self._definition = (definition, indented_inside(definition))
        return indented(run, {"definition": known[1]})

    def read(self, run_id: str) -> dict[str, Any] | None:
        """Return the document of a run, None where there is no file. Raises InvalidFile."""
        path = self.path(run_id)
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (ValueError, OSError, RecursionError) as error:
            read(path)  # says where it is broken
            if isinstance(error, OSError):  # and a moment later it could be
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
        """Write down that a workflow or step has another name from now on. Raises StorageError, InvalidFile."""
        path = self.folder / _RENAMES
        told = {name: value for name, value in asdict(rename).items() if value is not None}
        make_folder(path.parent)
        before, line = _renames_text(path), json.dumps({"at": at, **told}) + "\n"
        if not before.endswith(line):  # else it was cut short right after this
            write_whole(path, before + line)

    def renames(self) -> Renames:
        """Return every rename that was written down. Raises InvalidFile."""
        path = self.folder / _RENAMES
        lines = _renames_text(path).splitlines()
        return Renames([_rename_line(path, number, line) for number, line in enumerate(lines, 1)])

    def run_ids(self) -> Iterator[str]:
        """Give the id of every run that has a log file, oldest first."""
        for day in sorted(self.folder.glob("????-??-??")):
            for path in sorted(day.glob("*.json")):
                if RUN_ID.match(path.stem):
                    yield path.stem


def _renames_text(path: Path) -> str:
    if not os.path.lexists(path):  # a link to nowhere is there, and has something to say
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
    if not isinstance(found, dict) or not all(isinstance(found.get(key), str) for key in ("at", "workflow", "new")):
        raise InvalidFile(f"{path}:{number}:1: This line tells of no rename.", remedy=_RENAMES_REMEDY)
    return found


def _is_whole(document: Mapping[str, Any]) -> bool:
    """Tell whether all is there that a run document must have, so that those who use it need not ask."""
    steps = document.get("steps")
    if not document.keys() >= _RUN_KEYS or not isinstance(steps, list) or not isinstance(document["accounts"], dict):
        return False
    return all(isinstance(step, dict) and step.keys() >= _STEP_KEYS for step in steps)
