"""What a run and the runs it called have written: each write with its facts from the log and the ledger."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from msgspec import Struct

from engine.base.clock import moment_of
from engine.base.errors import UnknownName
from engine.base.json_text import JsonObject
from engine.base.step_path import is_item, items_around
from engine.plugins.step import Receipt, Written
from engine.record.document import document
from engine.record.events import decoded
from engine.record.run_log import RunLogs
from engine.record.types.run import Run
from engine.record.types.step import ReceiptRecord, StepEffect, StepRecord, undo_of
from engine.store.ledger import EffectRecord, Receipts, account_of, marker, undo_marker
from engine.store.runs import RunStore


class RunWrite(Struct, frozen=True):
    """One write of a run. `step` is its entry in the document `run`, where an undo is recorded."""

    run: Run
    step: StepRecord
    key: str | None
    """The key of the innermost loop item around it, or around the step that called its run."""
    identity: str
    """The identity in the log; the ledger has another one if the workflow was renamed since."""
    ledger_identity: str
    known: EffectRecord | None
    """The row in the ledger, if any."""

    @property
    def run_id(self) -> str:
        """The run whose log has it."""
        return str(self.run["run_id"])

    @property
    def path(self) -> str:
        """Its path in the run."""
        return str(self.step["path"])

    @property
    def uses(self) -> str:
        """Its step type."""
        return str(self.step["uses"])

    @property
    def effect(self) -> StepEffect | None:
        """The effect in the log; None if the run ended before recording it."""
        return self.step["effect"]

    @property
    def generation(self) -> int:
        """How often it had been undone before it was made."""
        if self.effect:
            return self.effect.get("generation", 0)
        return int(self.known.generation) if self.known else 0

    @property
    def receipt(self) -> ReceiptRecord:
        """Its receipt, with empty texts if it is unknown."""
        told = self.effect["receipt"] if self.effect else None
        known: ReceiptRecord | None = json.loads(self.known.receipt) if self.known and self.known.receipt else None
        return told or known or {"id": "", "url": ""}

    @property
    def done_at(self) -> str:
        """When it was done."""
        from_ledger = self.known.done_at if self.known and not self.effect else None
        return str(from_ledger or self.step["ended_at"] or self.run["ended_at"])

    @property
    def account(self) -> str:
        """The account it was made with."""
        return account_of(self.identity)

    @property
    def is_of_this_run(self) -> bool:
        """Whether this run made it; a receipt that the run only found belongs to another run."""
        if not self.effect or not self.effect["reused"]:
            return True
        # A run killed between receipt and log finds its own receipt when it resumes.
        return self.known is not None and self.known.run_id == self.run_id and self.known.path == self.path

    @property
    def is_update(self) -> bool:
        """Whether it changed what an earlier run had made."""
        return bool(self.effect and self.effect.get("updated"))

    @property
    def is_undone(self) -> bool:
        """Whether it is undone according to the log."""
        return undo_of(self.step) is not None

    @property
    def is_undone_in_ledger(self) -> bool:
        """Whether it is undone according to the ledger; the log may lag behind."""
        return self.known is not None and int(self.known.generation) > self.generation

    @property
    def is_open(self) -> bool:
        """Whether its outcome is unknown."""
        return not self.effect and self.known is not None and self.known.state in ("intent", "unknown")

    @property
    def output(self) -> Any:
        """Its output, with references to large values."""
        if self.effect or self.known is None:
            return self.step["output"]
        return json.loads(self.known.output or "null")

    @property
    def maker(self) -> str:
        """What made it, if not this step of this run."""
        if self.known is None:
            return "an earlier run"
        return f"step {self.known.path}" if self.known.run_id == self.run_id else f"run {self.known.run_id}"

    @property
    def marker(self) -> str:
        """The marker that identifies it in the service."""
        return marker(self.identity, self.generation)

    @property
    def markers(self) -> frozenset[str]:
        """The markers that identify it and its undo in the service."""
        return frozenset({self.marker, undo_marker(self.ledger_identity, self.generation)})

    def is_done_to(self, other: RunWrite) -> bool:
        """Return whether this write changed the result of another one: it has its id or address."""
        if other is self or other.account != self.account:
            return False
        made, at = other.receipt["id"], other.receipt["url"]
        names_it = bool(made) and made in (self.step["arguments"] or {}).values()
        return names_it or (bool(at) and at == self.receipt["url"])

    def restates(self, other: RunWrite) -> bool:
        """Return whether this write is a later one of the same kind on what another one made."""
        return (
            self is not other
            and self.is_of_this_run
            and (self.uses, self.account) == (other.uses, other.account)
            and bool(other.receipt["id"])
            and self.receipt["id"] == other.receipt["id"]
            and self.done_at >= other.done_at
        )

    @property
    def its_receipt(self) -> Receipt:
        """Its receipt in the form that step types take."""
        return Receipt(**self.receipt)

    def written(self, arguments: JsonObject, output: Any, undone_markers: AbstractSet[str]) -> Written:
        """Return the facts that an undo works from."""
        return Written(
            arguments=arguments,
            output=output,
            receipt=self.its_receipt,
            marker=self.marker,
            done_at=moment_of(self.done_at),
            updated=self.is_update,
            undone_markers=undone_markers,
        )


Steps = Callable[[str], bool]
"""Whether a step of a run is meant, by its path in the run."""


class _Around(Struct, frozen=True):
    """The context of the steps of a run: the key of the innermost item, and whether everything in it is wanted."""

    key: str | None
    is_wanted: bool

    def inside(self, keys: Sequence[str | None], item: str | None) -> _Around:
        """Return the context of a step inside items with these keys, outermost first."""
        return _Around(keys[-1] if keys else self.key, self.is_wanted or item in keys)


class UndoList:
    """Finds the writes of runs; use a new one each time. Raises InvalidFile."""

    def __init__(self, receipts: Receipts, rows: RunStore, logs: RunLogs) -> None:
        self._receipts, self._rows, self._logs = receipts, rows, logs
        self._renames = logs.renames()

    def of(self, run_id: str, item: str | None = None, steps: Steps | None = None) -> list[RunWrite]:
        """Return the writes of a run and of the runs it called, the last one first; `item`: only inside that key.

        `steps`: only writes of these steps of the run, by path. Raises UnknownName (run, item), InvalidFile.
        """
        found = list(self._below(run_id, _Around(None, item is None), item, steps))
        if item is not None and not found and not self._has_item(run_id, item):
            raise UnknownName("item", item, remedy="`orchestra runs show` lists the items of a run.")
        order = {id(write): number for number, write in enumerate(found)}
        return sorted(found, key=lambda write: (write.done_at, order[id(write)]), reverse=True)

    def updated(self, write: RunWrite) -> RunWrite | None:
        """Return the write of a later run that updated this one, if its log still exists."""
        if write.known is None or (write.known.run_id, write.known.path) == (write.run_id, write.path):
            return None
        try:
            run = self._told(write.known.run_id)
        except UnknownName:
            return None
        steps = [step for step in run["steps"] if step["path"] == write.known.path]
        found = [one for step in steps for one in self._write(run, step, None)]
        return next((one for one in found if one.is_update), None)

    def _below(self, run_id: str, place: _Around, item: str | None, steps: Steps | None = None) -> Iterator[RunWrite]:
        run = self._told(run_id)
        keys = {step["path"]: step["key"] for step in run["steps"] if is_item(step["path"])}
        for step in run["steps"]:
            if steps is not None and not steps(step["path"]):
                continue
            here = place.inside([keys[path] for path in items_around(step["path"]) if path in keys], item)
            if step.get("child_run_id"):
                yield from self._below(step["child_run_id"], here, item)
            elif here.is_wanted and not is_item(step["path"]):
                yield from self._write(run, step, here.key)

    def _write(self, run: Run, step: StepRecord, key: str | None) -> Iterator[RunWrite]:
        identity = step["effect"]["identity"] if step["effect"] else step.get("identity")
        if identity is None:
            return
        now = self._renames.applied(identity, step["ended_at"] or step["started_at"] or run["queued_at"])
        known = self._receipts.get(now)
        if step["effect"] or _is_kept(run, known):
            yield RunWrite(run, step, key, identity, now, known)

    def _told(self, run_id: str) -> Run:
        row, events = self._rows.with_events(run_id)
        if row is not None and row.acceptance is not None:
            return document(json.loads(row.acceptance), map(decoded, events))
        run = self._logs.read(run_id)
        if run is None:
            raise UnknownName("run", run_id, remedy="`orchestra runs list` shows what there is.")
        return run

    def _has_item(self, run_id: str, item: str) -> bool:
        return any(is_item(step["path"]) and step["key"] == item for step in self._told(run_id)["steps"])


def _is_kept(run: Run, known: EffectRecord | None) -> bool:
    """Return whether the ledger has a write that the log of its run lacks: the run was killed in the middle of it."""
    return known is not None and known.run_id == run["run_id"] and known.state != "undone"
