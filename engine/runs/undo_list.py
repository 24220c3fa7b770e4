"""What a run and the runs that it called have written: each write with what its log and the ledger tell of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from engine.errors import UnknownName
from engine.names import moment_of
from engine.runner.ledger import account_of, marker, undo_marker
from engine.runs.document import document, is_item
from engine.runs.run_log import RunLogs
from engine.step import Receipt, Written
from engine.store.database import Database
from engine.store.run_rows import RunRows
from engine.store.tables import effects

Json = Mapping[str, Any]


@dataclass(frozen=True)
class RunWrite:
    """One write of a run. `step` is its entry in the document `run`, where an undo is written down."""

    run: dict[str, Any]
    step: dict[str, Any]
    key: str | None
    """The key of the innermost loop item around it, also where that is around the step that called its run."""
    identity: str
    """As the log has it; a workflow that was renamed since has another one in the ledger."""
    ledger_identity: str
    known: Json | None
    """The ledger's row."""

    @property
    def run_id(self) -> str:
        """The run that has it in its log."""
        return str(self.run["run_id"])

    @property
    def path(self) -> str:
        """Where in the run."""
        return str(self.step["path"])

    @property
    def uses(self) -> str:
        """Its step type."""
        return str(self.step["uses"])

    @property
    def effect(self) -> Json:
        """What the log tells of it; {} where the run ended before it could write that down."""
        return self.step["effect"] or {}

    @property
    def generation(self) -> int:
        """How often it was undone before it was made."""
        if self.effect:
            return int(self.effect.get("generation", 0))
        return int(self.known["generation"]) if self.known else 0

    @property
    def receipt(self) -> Json:
        """Its receipt: {id, url}."""
        receipt = self.effect.get("receipt") or (json.loads(self.known["receipt"] or "{}") if self.known else {})
        return receipt or {"id": "", "url": ""}

    @property
    def done_at(self) -> str:
        """When it was done."""
        from_ledger = self.known["done_at"] if self.known and not self.effect else None
        return str(from_ledger or self.step["ended_at"] or self.run["ended_at"])

    @property
    def account(self) -> str:
        """Whose account it was made on."""
        return account_of(self.identity)

    @property
    def is_of_this_run(self) -> bool:
        """Tell whether this run made it: a receipt that it only found there belongs to another one."""
        if not self.effect.get("reused"):
            return True
        # Killed between receipt and log, a run finds its own receipt when it goes on.
        return self.known is not None and self.known["run_id"] == self.run_id and self.known["path"] == self.path

    @property
    def is_undone(self) -> bool:
        """Tell whether the log says that it was undone."""
        return bool(self.effect.get("undone"))

    @property
    def is_undone_in_ledger(self) -> bool:
        """Tell whether the ledger counts an undo of it, of which the log may not tell yet."""
        return self.known is not None and int(self.known["generation"]) > self.generation

    @property
    def is_open(self) -> bool:
        """Tell whether nobody knows if it was done."""
        return not self.effect and self.known is not None and self.known["state"] in ("intent", "unknown")

    @property
    def output(self) -> Any:
        """What it gave, with references to large values."""
        if self.effect or self.known is None:
            return self.step["output"]
        return json.loads(self.known["output"])

    @property
    def maker(self) -> str:
        """Who made it, where that was not this step of this run."""
        if self.known is None:
            return "an earlier run"
        return f"step {self.known['path']}" if self.known["run_id"] == self.run_id else f"run {self.known['run_id']}"

    @property
    def marker(self) -> str:
        """The marker that it bears in the service."""
        return marker(self.identity, self.generation)

    @property
    def markers(self) -> frozenset[str]:
        """The markers that it and its undo bear in the service."""
        return frozenset({self.marker, undo_marker(self.ledger_identity, self.generation)})

    def is_done_to(self, other: RunWrite) -> bool:
        """Tell whether this write was done to what another one made: it names its id, or has its address."""
        if other is self or other.account != self.account:
            return False
        made, at = str(other.receipt.get("id") or ""), str(other.receipt.get("url") or "")
        names_it = bool(made) and made in (self.step["arguments"] or {}).values()
        return names_it or (bool(at) and at == self.receipt.get("url"))

    def written(self, arguments: Json, output: Any, taken_back: AbstractSet[str]) -> Written:
        """Return what an undo works from."""
        return Written(
            arguments=arguments,
            output=output,
            receipt=Receipt(id=str(self.receipt.get("id", "")), url=str(self.receipt.get("url", ""))),
            marker=self.marker,
            done_at=moment_of(self.done_at),
            updated=bool(self.effect.get("updated")),
            taken_back=taken_back,
        )


@dataclass(frozen=True)
class _Around:
    """What lies around the steps of a run: the key of the innermost item, and whether all in it is wanted."""

    key: str | None
    is_wanted: bool

    def inside(self, keys: Sequence[str | None], item: str | None) -> _Around:
        """Return what lies around a step inside items with these keys, the outermost first."""
        return _Around(keys[-1] if keys else self.key, self.is_wanted or item in keys)


class UndoList:
    """Finds the writes of runs; for one look. Raises InvalidFile."""

    def __init__(self, database: Database, rows: RunRows, logs: RunLogs) -> None:
        self._database, self._rows, self._logs = database, rows, logs
        self._renames = logs.renames()

    def of(self, run_id: str, item: str | None = None) -> list[RunWrite]:
        """Return the writes of a run and of those that it called, the last one first; `item`: only below that key.

        Raises UnknownName (run, item), InvalidFile.
        """
        found = list(self._below(run_id, _Around(None, item is None), item))
        if item is not None and not found and not self._has_item(run_id, item):
            raise UnknownName("item", item, remedy="`orchestra runs show` lists the items of a run.")
        order = {id(write): number for number, write in enumerate(found)}
        return sorted(found, key=lambda write: (write.done_at, order[id(write)]), reverse=True)

    def _below(self, run_id: str, place: _Around, item: str | None) -> Iterator[RunWrite]:
        run = self._told(run_id)
        keys = {step["path"]: step["key"] for step in run["steps"] if is_item(step)}
        for step in run["steps"]:
            here = place.inside([keys[path] for path in _items_around(step["path"]) if path in keys], item)
            if step.get("child_run_id"):
                yield from self._below(step["child_run_id"], here, item)
            elif here.is_wanted and not is_item(step):
                yield from self._write(run, step, here.key)

    def _write(self, run: dict[str, Any], step: dict[str, Any], key: str | None) -> Iterator[RunWrite]:
        effect = step["effect"] or {}
        identity = effect.get("identity") or step.get("identity")
        if identity is None:
            return
        now = self._renames.applied(identity, step["ended_at"] or step["started_at"] or run["queued_at"])
        known = self._known(now)
        if effect.get("outcome") == "done" or _is_kept(run, known):
            yield RunWrite(run, step, key, identity, now, known)

    def _known(self, identity: str) -> Json | None:
        with self._database.reading() as connection:
            row = connection.execute(effects.select().where(effects.c.identity == identity)).mappings().first()
        return dict(row) if row is not None else None

    def _told(self, run_id: str) -> dict[str, Any]:
        row, events = self._rows.with_events(run_id)
        if row is not None and row.acceptance is not None:
            return document(json.loads(row.acceptance), events)
        run = self._logs.read(run_id)
        if run is None:
            raise UnknownName("run", run_id, remedy="`orchestra runs list` shows what there is.")
        return run

    def _has_item(self, run_id: str, item: str) -> bool:
        return any(is_item(step) and step["key"] == item for step in self._told(run_id)["steps"])


def _is_kept(run: Json, known: Json | None) -> bool:
    """Tell whether the ledger knows a write of a run whose log does not: it was ended in the middle of it."""
    return known is not None and known["run_id"] == run["run_id"] and known["state"] != "undone"


def _items_around(path: str) -> Iterator[str]:
    """Give the paths of the loop items around a path, the outermost first: "a[0]", "a[0].b[2]" of "a[0].b[2].c"."""
    for position, letter in enumerate(path):
        if letter == "]":
            yield path[: position + 1]
