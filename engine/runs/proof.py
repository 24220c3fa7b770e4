"""When a workspace is opened, check that state and logs account for every write; if not, hold writes.

Before a write is sent, it is numbered and listed in files outside `state.db`. If the state is lost, damaged or restored
from a backup, receipts may be missing, and steps would write again what has already gone out. The numbers show this,
and so does the log of a run that the state does not list; runs and receipts are then rebuilt from the logs. If the log
of a run that wrote since is missing or unreadable, nobody can tell what it wrote; then all writes are held until the
logs are back or a person accepts the risk.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from engine.base.clock import Clock, timestamp
from engine.base.errors import InvalidFile
from engine.base.names import run_day
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.record.run_log import RunLogs
from engine.record.types.run import Run
from engine.record.types.step import undo_of
from engine.runs.reindex import latest_in
from engine.store.held import HeldWrites
from engine.store.held import StateProof as ProofStore
from engine.store.write_list import WriteList

if TYPE_CHECKING:
    from engine.runs.reindex import Rebuild, Reread

_log = logging.getLogger(__name__)
ENGINE = "engine"
_ASKING_MOST = 20
"""The runs whose logs are looked at whenever a workspace is opened: those that have asked last."""


class MakeRebuild(Protocol):
    """Makes a Rebuild."""

    def __call__(self, *, is_lost: bool) -> Rebuild:
        """Return the Rebuild; `is_lost`: the state lacks something."""


class Proof:
    """Reads the logs if the state lacks something, and holds writes if the logs lack it as well."""

    def __init__(
        self,
        state: ProofStore,
        writes: WriteList,
        logs: RunLogs,
        rebuild: MakeRebuild,
        owners: Path,
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._state, self._writes, self._logs, self._rebuild = state, writes, logs, rebuild
        self._owners, self._audit, self._clock = owners, audit, clock

    @operation("state.held", "view", "see whether writes are held", "See whether writes are held")
    def held(self, p: Principal) -> HeldWrites | None:
        """Return why writes are held, or None."""
        return self._state.held()

    def establish(self) -> None:
        """Bring a new, damaged or outdated state up to date from the logs. Raises InUse, StorageError.

        Other processes may be writing meanwhile. A write is counted in the state before it is listed, so the list is
        read first: a write between the two reads must not look like one that the state has lost.
        """
        last = self._writes.last_number()
        counted = self._state.counted_writes()
        if self._state.unread_since() is None:
            if last > (counted or 0):
                self._state.must_read_logs(counted or 0)
            elif last and self._has_lost_receipts():
                self._state.must_read_logs(0)
            elif self._has_lost_runs() or self._has_lost_answers():
                self._state.must_read_logs(counted or 0)
        since = self._state.unread_since()
        if since is not None:
            self._state.refuse_strangers(self._owners)
            self._reread(since)
        elif counted is None or not self._writes.is_whole():
            self._state.list_anew(self._writes)

    def _has_lost_runs(self) -> bool:
        """Return whether a run has a log but is not listed: runs are listed before they have a log.

        An older state lacks the newest runs, so only the days since the newest run that it knows are looked at.
        """
        newest = self._state.newest_run()
        logged = list(self._logs.run_ids(run_day(newest) if newest else ""))
        return any(self._readable(one) for one in self._state.unlisted(logged))

    def _has_lost_answers(self) -> bool:
        """Return whether the log of a run that asks knows more: it got an answer after an older state was copied."""
        runs = filter(None, map(self._readable, self._state.asking(_ASKING_MOST)))
        return any(self._state.is_behind(run["run_id"], latest_in(run)) for run in runs)

    def _readable(self, run_id: str) -> Run | None:
        try:
            return self._logs.read(run_id)
        except InvalidFile:
            return None

    def _has_lost_receipts(self) -> bool:
        """Return whether the state has no receipts although a run is known to have written something."""
        if self._state.has_receipts():
            return False
        newest = reversed(self._writes.all())
        run_ids = dict.fromkeys(one.run_id for one in newest)
        has_written = any(self._is_listed_as_writer(one) or self._tells_of_receipt(one) for one in run_ids)
        return has_written and not self._state.has_receipts()  # the first write may have been made meanwhile

    def _is_listed_as_writer(self, run_id: str) -> bool:
        """Return whether the list of runs counts a write of this run; an undone write keeps its row as well."""
        counts = self._state.counts_of(run_id)
        return bool(counts and json.loads(counts).get("new_effects"))

    def _tells_of_receipt(self, run_id: str) -> bool:
        try:
            run = self._logs.read(run_id)
        except InvalidFile:  # reported when all logs are read
            return False
        return run is not None and any(step["effect"] and not undo_of(step) for step in run["steps"])

    @operation("state.accept", "run", "say that writing goes on", "Release held writes")
    def accept(self, p: Principal) -> HeldWrites | None:
        """Release held writes at a person's request; unknown writes may be repeated. Return what was accepted.

        Runs that wait for this continue.
        """
        held = self._state.held()
        if held is not None:
            gone = {*held.missing, *held.unreadable}
            self._writes.replace(lambda sent: [one for one in sent if one.run_id not in gone])
            self._release(p, "state.accept", held)  # waiting runs may write at once
        return held

    def reindex(self) -> Reread:
        """Read all logs again, and release held writes if the logs are now complete."""
        held = self._state.held()
        reread = self._rebuild(is_lost=held is not None).all()
        if held is not None:
            left = held.without(reread.found)
            if left is None:
                self._release(ENGINE, "state.proved", held)
            else:
                self._state.hold(left)
        return reread

    def _reread(self, since: int) -> None:
        """Read all logs; hold writes for runs that have written since write number `since` and lack a readable log."""
        reread = self._rebuild(is_lost=True).all()
        sent = self._writes.all()
        wrote = {one.run_id for one in sent if one.number > since}
        unreadable = sorted(one for one in reread.broken if since == 0 or one in wrote)
        missing = sorted(wrote - reread.found - set(reread.broken))
        held = (
            HeldWrites(timestamp(self._clock()), missing, unreadable) if missing or unreadable else self._state.held()
        )
        detail = {"missing": missing, "unreadable": unreadable}
        entry = self._audit.entry(ENGINE, "state.hold", "", detail) if missing or unreadable else None
        self._state.logs_are_read(max((one.number for one in sent), default=since), held, entry)
        if held is not None:
            _log.error("%s %s", held.message, held.remedy)
        self._state.list_anew(self._writes)

    def _release(self, p: Principal | str, action: str, held: HeldWrites) -> None:
        detail = {"missing": list(held.missing), "unreadable": list(held.unreadable)}
        self._state.release(timestamp(self._clock()), self._audit.entry(p, action, "", detail))
