"""What can be told of runs without working on any: one run as a document, and the list."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from engine.clock import Clock
from engine.errors import InvalidFile, UnknownName
from engine.names import checked_run_id
from engine.people.access import Principal, require
from engine.runner.values import Values
from engine.runs import cancelling
from engine.runs.document import document
from engine.runs.run_list import CANCELLED_LATER, RunList, RunPage, Wanted, filter_of
from engine.runs.run_log import RunLogs
from engine.runs.summary import sentence
from engine.store.run_rows import RunRows

if TYPE_CHECKING:
    from engine.run_file import FileContent, RunFile
    from engine.runs.diff import RunDiff

_LOOKED_INTO_BYTES = 8 * 1024 * 1024
"""A page that draws itself anew with every click has no time for more."""


class RunReader:
    """Reads runs, from any thread; `owner` is the process that reads, "" for one that owns no runs."""

    def __init__(self, rows: RunRows, logs: RunLogs, owner: str, owners_folder: Path, clock: Clock) -> None:
        self._rows, self._logs = rows, logs
        self._list = RunList(rows, owner, owners_folder, clock)

    def get(self, p: Principal, run_id: str) -> dict[str, Any]:
        """Return the run document. Raises UnknownName, InvalidFile."""
        require(p, "view", "see runs")
        row, events = self._rows.with_events(checked_run_id(run_id))
        if row is not None and row.acceptance is not None:
            # A run has ended when its log is written and its row says so: its last event alone does not make it so.
            known = [event for event in events if event["type"] != "run_ended"]
            run = document(json.loads(row.acceptance), known)
            run["status"] = self._list.true_status(row)
        else:
            found = self._logs.read(run_id)
            if found is None:
                raise self._rows.unknown(run_id)
            run = found
        try:
            run["sentence"] = sentence(run)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise InvalidFile(
                f"{self._logs.path(run_id)} has parts that no log of a run has.",
                remedy="Take it from a backup, or move it away.",
            ) from error
        if row is not None and row.cancel_requested and run["status"] in CANCELLED_LATER:
            run["cancel_requested"] = True
            run["sentence"] = cancelling.sentence(self._rows, run_id)
        return run

    def diff(self, p: Principal, good: str, bad: str) -> RunDiff:
        """Return how two runs differ: the first step that went another way, then the rest.

        Raises UnknownName, InvalidFile.
        """
        require(p, "view", "see runs")
        from engine.runs.diff import diff

        return diff(self.get(p, good), self.get(p, bad))

    def file(self, p: Principal, run_id: str, digest: str) -> FileContent:
        """Return a file that the document of a run names, by the SHA-256 of its content.

        Raises UnknownName where the document names none such, InvalidFile where it is gone or was changed.
        """
        from clients.errors import InvalidRequest
        from engine.run_file import FileContent
        from engine.runs.named_files import files_of

        values = Values(self._logs.folder, run_id)
        file = files_of(self.get(p, run_id), values).get(digest)
        if file is None:
            raise UnknownName("file of this run", digest, remedy="The document of the run names its files by `$file`.")
        try:
            content = values.files.read(file)
        except InvalidRequest as error:
            raise InvalidFile(error.message, remedy=error.remedy) from error
        return FileContent(content, file.name, file.media_type)

    def files(self, p: Principal, run_id: str, value: Any) -> dict[str, RunFile]:
        """Return the files that a value of a run's document names, by SHA-256.

        Of what is named only inside a value over 8 MB none is among them; `file` gives those, too.
        """
        require(p, "view", "see runs")
        from engine.runs.named_files import named_files

        return named_files(value, Values(self._logs.folder, run_id), _LOOKED_INTO_BYTES)

    def inputs(self, p: Principal, run: Mapping[str, Any]) -> dict[str, Any]:
        """Return the inputs of a run from its document, with what lies in files read. Raises InvalidFile."""
        require(p, "view", "see runs")
        return dict(Values(self._logs.folder, run["run_id"]).loaded(run["inputs"]))

    def list(self, p: Principal, *, before: str | None = None, limit: int = 50, **wanted: Unpack[Wanted]) -> RunPage:
        """Return runs, newest first, called ones among them (`parent_run_id`): at most `limit`, which is at most 200.

        `before` is a run id (keyset paging). Raises InvalidInput for a time that is none, UnknownName for an id.
        """
        require(p, "view", "see runs")
        for run_id in (before, wanted.get("parent")):
            if run_id is not None:
                checked_run_id(run_id)
        return self._list.page(filter_of(wanted), before, max(1, min(limit, 200)))
