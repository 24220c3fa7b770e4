"""Read runs without owning any: one run as a document, and the list."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Any, Unpack

from msgspec import structs

from engine.base.clock import Clock, timestamp
from engine.base.errors import InvalidFile, NotAllowed, UnknownName
from engine.base.json_text import value_of
from engine.base.names import checked_run_id, typed_moment
from engine.base.statuses import CANCELLABLE_RUNS
from engine.base.threads import shared_property
from engine.people.access import Principal, may
from engine.people.answer_links import has_link, require_no_link, without_links
from engine.people.operation import operation
from engine.record.document import document
from engine.record.events import RunEnded, decoded
from engine.record.run_log import RunLogs
from engine.record.summary import describe
from engine.record.types.kind import kind_of, options_of
from engine.record.types.run import Run
from engine.record.values import ValueLook, Values, look
from engine.runs import cancelling
from engine.runs.bounced import UndeliveredMail, undelivered_mail
from engine.runs.happened import Happened, happened
from engine.runs.run_days import RunDay, run_days
from engine.runs.run_list import RunList, RunPage, WantedRuns, filter_of
from engine.store.claims import Claims
from engine.store.locks import Locks
from engine.store.run_limits import RunLimits
from engine.store.runs import RunFilter, RunRecord
from engine.store.state import State
from engine.workspace.workflow_ids import WorkflowIds

if TYPE_CHECKING:
    from engine.base.run_file import FileContent, RunFile
    from engine.record.states.run_state import RunState
    from engine.record.states.timeline import Timeline
    from engine.runs.compare.diff import RunDiff
    from engine.runs.run_looks import RunLook, RunLooks
    from engine.runs.seen.seen import Seen

WaitsFor = Callable[[RunRecord], str]
"""Returns what an open run waits for before a process works on it, as a sentence; "" if it waits for no such thing."""
_ReadPage = Callable[[RunFilter, str | None, int], builtins.list[RunRecord]]
_LOOKED_INTO_BYTES = 8 * 1024 * 1024
"""More would slow down a page that redraws with every click."""


class RunReader:
    """Reads runs, from any thread; `owner`: the id of this process, "" if it owns no runs."""

    def __init__(
        self,
        state: State,
        logs: RunLogs,
        ids: WorkflowIds,
        owner: str,
        locks: Locks,
        clock: Clock,
        waits_for: WaitsFor | None = None,
    ) -> None:
        self._rows, self._reports, self._logs, self._ids, self._clock = state.runs, state.reports, logs, ids, clock
        self._bounces = state.bounces
        self._waits_for = waits_for or _nothing
        self._list = RunList(state.runs, state.owners, owner, locks, clock)

    @operation("runs.get", "view", "see runs", "Read a run")
    def get(self, p: Principal, run_id: str) -> Run:
        """Return a run as a document. Raises UnknownName, InvalidFile, NotAllowed (it has links that answer)."""
        self._require_shown(p, run_id)
        run = self._run(run_id)
        require_no_link(p, run)
        return run

    def _require_shown(self, p: Principal, run_id: str) -> None:
        """Raise UnknownName for a run of a workflow that `p` may not see."""
        if p.hidden and not all(p.sees_id(id_) for _, id_ in self._rows.workflows_of(checked_run_id(run_id))):
            raise self._rows.unknown(run_id)

    def _run(self, run_id: str) -> Run:
        row = self._rows.get(checked_run_id(run_id))
        events: list[str] = []
        if row is not None and row.acceptance is not None:
            row, events = self._rows.with_events(run_id)
        if row is not None and row.acceptance is not None:  # it has not ended meanwhile
            # A run has ended when its log is written and its row says so; its last event alone is not enough.
            known = [event for event in map(decoded, events) if not isinstance(event, RunEnded)]
            return self._told(row, document(value_of(row.acceptance), known))
        found = self._logs.read(run_id)
        if found is None:
            raise self._rows.unknown(run_id)
        return self._described(found)

    @operation("runs.look", "view", "see runs", "Look at a run")
    def look(self, p: Principal, run_id: str, seconds: float = 0.0) -> RunLook:
        """Return a snapshot of the run, shared by all readers.

        `seconds`: how old it may be; for a run so large that reading takes long, it may be older. Raises as `get`.
        """
        self._require_shown(p, run_id)
        look = self._looks.look(checked_run_id(run_id), seconds)
        if not may(p, "run"):
            look.once("links", lambda: require_no_link(p, look.run))
        return look

    @operation("runs.bounces", "view", "see runs", "See which mails of a run could not be delivered")
    def bounces(self, p: Principal, run_id: str) -> builtins.list[UndeliveredMail]:
        """Return whom mails of a run did not reach, as reports in the mailbox that sent them say, oldest first.

        Raises UnknownName.
        """
        self._require_shown(p, checked_run_id(run_id))
        if self._rows.get(run_id) is None and self._logs.read(run_id) is None:
            raise self._rows.unknown(run_id)
        return [undelivered_mail(one) for one in self._bounces.of(run_id)]

    def seen(self, p: Principal, run_id: str, step: str) -> Seen:
        """Return what the model of a step saw, in parts with their origins; `step`: its path in the run.

        Raises as `get`, UnknownName for a step that is not there, InvalidInput if it asked no model.
        """
        from engine.runs.seen.seen import seen

        return seen(self.get(p, run_id), step, Values(self._logs.blobs, run_id))

    def state(self, p: Principal, run_id: str) -> RunState:
        """Return the state of a run by the steps of its workflow: statuses, counts, times and usage, no values.

        It is shared, so nobody may change it, and the same object as long as nothing happens. Raises as `get`.
        """
        from engine.record.states.run_state import state_of

        look = self.look(p, run_id)
        return look.once("state", lambda: state_of(look.run))

    def timeline(self, p: Principal, run_id: str) -> Timeline:
        """Return the state of a run at each time at which something changed. Raises as `get`."""
        from engine.record.states.timeline import timeline

        look = self.look(p, run_id)
        return look.once("timeline", lambda: timeline(look.run))

    @shared_property
    def _looks(self) -> RunLooks:
        from engine.runs.run_looks import RunLooks

        return RunLooks(self._rows, self._logs.version, self._run, self._told, self._state)

    def _told(self, row: RunRecord, run: Run) -> Run:
        """Return the document of an open run with the facts from its row."""
        run["status"] = self._list.true_status(row)
        self._described(run)
        waits_for = self._waits_for(row)
        if waits_for:
            run["sentence"] = waits_for
        if row.cancel_requested and run["status"] in CANCELLABLE_RUNS:
            run["cancel_requested"] = True
            run["sentence"] = cancelling.sentence(self._rows, row.run_id)
        return run

    def _state(self, row: RunRecord) -> tuple[str, str] | None:
        """Return what may change in `_told` without an event; None while writes of a cancelled run are in flight."""
        return None if row.cancel_requested else (self._list.true_status(row), self._waits_for(row))

    def _described(self, run: Run) -> Run:
        try:
            run["kind"] = kind_of(options_of(run))
            describe(run)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise InvalidFile(
                f"{self._logs.where(run['run_id'])} has parts that no log of a run has.",
                remedy="Take it from a backup, or move it away.",
            ) from error
        return run

    @operation("runs.diff", "view", "see runs", "Compare two runs")
    def diff(self, p: Principal, good: str, bad: str) -> RunDiff:
        """Return how two runs differ: the first step that went differently, then the rest.

        Raises UnknownName, InvalidFile.
        """
        from engine.runs.compare.diff import diff

        return diff(self.get(p, good), self.get(p, bad), p.sees)

    def file(self, p: Principal, run_id: str, digest: str) -> FileContent:
        """Return a file that the document of a run refers to, by the SHA-256 of its content.

        Raises UnknownName if the document has no such reference, InvalidFile if the file is missing or was changed.
        """
        from clients.errors import InvalidRequest
        from engine.base.run_file import FileContent
        from engine.runs.named_files import files_of

        values = Values(self._logs.blobs, run_id)
        file = files_of(self.get(p, run_id), values).get(digest)
        if file is None:
            raise UnknownName("file of this run", digest, remedy="The document of the run names its files by `$file`.")
        try:
            content = values.files.read(file)
        except InvalidRequest as error:
            raise InvalidFile(error.message, remedy=error.remedy) from error
        return FileContent(content, file.name, file.media_type)

    @operation("runs.files", "view", "see runs", "List the files of a value of a run")
    def files(self, p: Principal, run_id: str, value: Any) -> dict[str, RunFile]:
        """Return the files that a value of a run's document refers to, by SHA-256.

        References inside a value over 8 MB are left out; `file` finds those as well.
        """
        from engine.runs.named_files import named_files

        return named_files(value, Values(self._logs.blobs, run_id), _LOOKED_INTO_BYTES)

    def require_files(self, p: Principal, value: Any) -> None:
        """Raise InvalidInput if a value from outside names a file of a run, unless `p` may see that run and its file.

        The name of a file is all that a step needs to read it.
        """
        if look(value) is ValueLook.PLAIN:
            return
        from engine.runs.named_files import given_files, not_shown

        shown: dict[str, Collection[str]] = {}
        for run_id, digest in given_files(value):
            if run_id not in shown:
                shown[run_id] = self._shown_files(p, run_id)
            if digest not in shown[run_id]:
                raise not_shown(run_id)

    def _shown_files(self, p: Principal, run_id: str) -> Collection[str]:
        from engine.runs.named_files import files_of

        try:
            return files_of(self.get(p, run_id), Values(self._logs.blobs, run_id))
        except (UnknownName, InvalidFile, NotAllowed):
            return ()

    @operation("runs.inputs", "view", "see runs", "Read the inputs of a run")
    def inputs(self, p: Principal, run: Run) -> dict[str, Any]:
        """Return the inputs of a run from its document, with the contents of files loaded. Raises InvalidFile."""
        return dict(Values(self._logs.blobs, run["run_id"]).loaded(run["inputs"]))

    @operation("runs.list", "view", "see runs", "List the runs")
    def list(
        self, p: Principal, *, before: str | None = None, limit: int = 50, **wanted: Unpack[WantedRuns]
    ) -> RunPage:
        """Return at most `limit` runs (200 at most), newest first, including called ones (`parent_run_id`).

        `before` is a run id (keyset paging). From a replica of the state, if there is one: some seconds may be missing.
        Raises InvalidInput for an invalid time, UnknownName for an unknown id.
        """
        return self._page(p, self._reports.page, before, limit, wanted)

    @operation("runs.list_now", "view", "see runs", "List the newest runs")
    def list_now(self, p: Principal, *, limit: int = 50, **wanted: Unpack[WantedRuns]) -> RunPage:
        """Return the newest runs as `list` does, from the state itself: for what is decided by them."""
        return self._page(p, self._rows.page, None, limit, wanted)

    def _page(self, p: Principal, read: _ReadPage, before: str | None, limit: int, wanted: WantedRuns) -> RunPage:
        for run_id in (before, wanted.get("parent")):
            if run_id is not None:
                checked_run_id(run_id)
        name = wanted.get("workflow")
        known = self._ids.known(name) if name is not None else None
        if known is not None:
            wanted = {**wanted, "workflow": None, "workflow_id": known}
        shown = structs.replace(filter_of(wanted), without=p.hidden.ids)
        most = max(1, min(limit, 200))
        page = self._list.page(read(shown, before, most + 1), most)
        if may(p, "run"):
            return page
        rows = [structs.replace(row, sentence=without_links(row.sentence)) for row in page.rows]
        if wanted.get("text"):  # else one could guess a link, letter by letter
            rows = [row for row in rows if not self._has_link(row.run_id)]
        return RunPage(rows, page.next)

    @operation("runs.overtaken", "view", "see runs", "See which runs a later one has overtaken")
    def overtaken(self, p: Principal, run_ids: Sequence[str]) -> set[str]:
        """Return the ones of these runs after which a later run of the workflow has succeeded, in the same mode."""
        return self._rows.overtaken(run_ids)

    def _has_link(self, run_id: str) -> bool:
        row = self._rows.get(run_id)
        return row is None or has_link([row.sentence, row.item])

    @operation("runs.happened", "view", "see runs", "Sum up what runs have done since a time")
    def happened(self, p: Principal, since: str) -> builtins.list[Happened]:
        """Return what the runs of each workflow have done since a time (RFC 3339), failures first.

        Runs count that have ended since, or were accepted since and wait; not called ones, plans and tests.
        """
        found = happened(self._reports.alike(timestamp(typed_moment(since)), p.hidden.ids))
        if may(p, "run"):
            return found
        return [structs.replace(one, sentence=without_links(one.sentence)) for one in found]

    @operation("runs.days", "view", "see runs", "Count the runs of the last days")
    def days(self, p: Principal, days: int = 14, zone: tzinfo = UTC) -> builtins.list[RunDay]:
        """Return how many runs were started on each of the last days of a time zone, today included.

        Raises InvalidInput.
        """
        return run_days(self._reports, self._clock(), days, zone, p.hidden.ids)


def _nothing(_row: RunRecord) -> str:
    return ""


def waits_for(claims: Claims, limits: RunLimits, clock: Clock) -> WaitsFor:
    """Return the function that tells which limit a run waits for."""

    def told(row: RunRecord) -> str:
        if row.is_at_work or not limits.are_set:
            return ""
        reached = claims.obstacle(row.run_id, timestamp(clock()), limits)
        return "" if reached is None else reached.sentence

    return told
