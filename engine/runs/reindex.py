"""Rebuild what state.db knows of runs from their logs: the list, the receipts, and what is still open."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from engine.base.errors import OrchestraError
from engine.base.names import workflow_id_of
from engine.base.statuses import ENDED_RUNS, RunStatus, StepStatus
from engine.expressions.json_values import compact_json
from engine.record.acceptance import reaccepted
from engine.record.continuation import events_of
from engine.record.events import RunInterrupted, encoded
from engine.record.run_log import RecordedRenames, RunLogs
from engine.record.summary import sentence
from engine.record.types.kind import kind_of, options_of
from engine.record.types.run import Run
from engine.record.types.step import StepRecord, undo_of
from engine.record.values import Values
from engine.runner.effects.ledger import arguments_hash
from engine.store.held import LoggedRun, SeenItem
from engine.store.ledger import account_of
from engine.store.run_limits import limited_connections
from engine.store.runs import environment_name, item_words, priority_of, unhashed
from engine.store.state import State

_STOPPED_CLEANLY = (*ENDED_RUNS, RunStatus.INTERRUPTED, RunStatus.WAITING)
"""With one of these a log is complete; otherwise the process died and may have done more."""
_log = logging.getLogger(__name__)


class Reread(Struct, frozen=True):
    """The result of reading the logs: the runs found, and the files that cannot be read, by run."""

    found: set[str]
    broken: dict[str, str]
    reasons: dict[str, str]
    """Why each of these files cannot be read, as a sentence that names it."""


class Rebuild:
    """Reads every log; receipts and open runs already in the state are unchanged.

    `is_lost`: the state lacks something. Then writes that a log leaves open count as well; otherwise the ledger knows
    more.
    """

    def __init__(
        self, state: State, logs: RunLogs, connections: Callable[[], Mapping[str, str]], *, is_lost: bool
    ) -> None:
        self._state, self._logs, self._connections, self._is_lost = state, logs, connections, is_lost

    def all(self) -> Reread:
        """Read all logs. Raises StorageError."""
        runs = self._state.runs
        before = runs.ended_ids()  # read first: runs that end from now on have logs that are not read here
        connections, renames = self._connections(), self._logs.renames()
        reread = Reread(set(), {}, {})
        leaving = set(self._state.old_runs.leaving())
        for run_id in self._logs.run_ids():
            if run_id in leaving:  # it was removed from the list, and its log will follow
                continue
            told = self._told(run_id, connections, renames)
            if isinstance(told, str):
                where = reread.broken[run_id] = self._logs.where(run_id)
                reread.reasons[where] = told if where in told else f"{where} cannot be read: {told}"
                _log.error("%s It was left as it is.", reread.reasons[where])
            else:
                self._state.proof.restore(told, is_lost=self._is_lost)
                reread.found.add(run_id)
        runs.drop_ended(before - reread.found)
        return reread

    def _told(self, run_id: str, connections: Mapping[str, str], renames: RecordedRenames) -> LoggedRun | str:
        """Return what a log tells, or why it cannot be read."""
        try:
            run = self._logs.read(run_id)
            if run is None:
                return "The file is gone."
            told = _told(run, Values(self._logs.blobs, run_id), connections, renames)
            _require_fitting([told.row, *told.effects, *told.updates])
            return replace(told, seen=_seen(run))
        except OrchestraError as error:
            return error.message
        except Exception as error:  # noqa: BLE001 - a damaged file is reported, not fatal
            return f"It does not have the form of the log of a run ({type(error).__name__}: {error})."


def _require_fitting(rows: Iterable[Mapping[str, Any]]) -> None:
    """Raise ValueError for a value that no column takes: nobody could open the workspace while the log is there."""
    for row in rows:
        for name, value in row.items():
            if isinstance(value, int) and not -(2**63) <= value < 2**63:
                raise ValueError(f"{name} is {value}, which does not fit into 64 bits")


def _told(run: Run, values: Values, connections: Mapping[str, str], renames: RecordedRenames) -> LoggedRun:
    effects = list(_effects(run["steps"], run, values, renames))
    updated = [step for step in run["steps"] if step["effect"] and step["effect"].get("updated")]
    updates = [one for one in _effects(updated, run, values, renames) if one["state"] == "done"]
    latest_at = latest_in(run)
    if run["status"] in ENDED_RUNS:
        return LoggedRun(_ended_row(run), effects, updates, None, None, latest_at, frozenset())
    accepted = reaccepted(run, connections)
    events = [*events_of(run), RunInterrupted(run["started_at"] or run["queued_at"])]
    waits = {"priority": priority_of(accepted).rank, "connections": limited_connections(accepted)}
    row = {**_row(run), **waits, "status": RunStatus.INTERRUPTED, "acceptance": compact_json(accepted)}
    unsure_since = None if run["status"] in _STOPPED_CLEANLY else run["started_at"] or run["queued_at"]
    asks = frozenset(str(one.get("approval")) for one in run["steps"] if one["status"] == StepStatus.WAITING)
    return LoggedRun(row, effects, updates, [encoded(event) for event in events], unsure_since, latest_at, asks)


def latest_in(run: Run) -> str:
    """Return the time of the latest thing that a log records."""
    times = [run["queued_at"], run["started_at"], run["ended_at"], *(one["at"] for one in run.get("resumed", []))]
    return max(filter(None, [*times, *(step["ended_at"] for step in run["steps"])]))


def _seen(run: Run) -> SeenItem | None:
    """Return what a run records about the item it was started for; so does a rerun by a person."""
    trigger = run.get("trigger")
    if trigger is None:
        return None
    written = run["definition"]["workflow"].get("triggers") or []
    uses = next((str(one.get("uses")) for one in written if one.get("id") == trigger["id"]), "")
    return SeenItem(
        workflow=workflow_id_of(run),
        run_id=run["run_id"],
        queued_at=run["queued_at"],
        demo=run["demo"],
        trigger=trigger,
        uses=uses,
    )


def _row(run: Run) -> dict[str, Any]:
    kind = kind_of(options_of(run))
    title = run["definition"]["workflow"].get("title")
    return {
        "run_id": run["run_id"],
        "workflow": run["workflow"],
        "started_by": run["started_by"],
        "origin_run_id": run["origin_run_id"],
        "parent_run_id": run["parent_run_id"],
        "queued_at": run["queued_at"],
        "started_at": run["started_at"],
        "workflow_id": workflow_id_of(run),
        "title": title if isinstance(title, str) and title else run["workflow"],
        "demo": int(run["demo"]),
        "cancel_requested": 0,
        "kind": kind,
        "is_test": int(kind.is_test),
        "plan_hash": unhashed(kind),  # a plan is not trusted because of its log alone
        "environment": environment_name(run.get("environment")),
        "item": item_words(run.get("trigger")),
    }


def _ended_row(run: Run) -> dict[str, Any]:
    return {
        **_row(run),
        "status": run["status"],
        "ended_at": run["ended_at"],
        "duration_seconds": run["duration_seconds"],
        "sentence": sentence(run),
        "counts": compact_json(run["counts"]),
    }


def _effects(
    steps: Iterable[StepRecord], run: Run, values: Values, renames: RecordedRenames
) -> Iterator[dict[str, Any]]:
    """Yield the ledger row of every write recorded by steps of a run, unless it certainly did not happen."""
    for step in steps:
        effect, state = step["effect"], _state(step)
        identity = effect["identity"] if effect else step.get("identity")
        if identity is None or state is None:
            continue
        began_at = step["started_at"] or run["started_at"] or run["queued_at"]
        is_made, undone = effect is not None, undo_of(step)
        if is_made:
            identity = renames.applied(identity, step["ended_at"] or began_at)
        yield {
            "identity": identity,
            "account": account_of(identity),
            "state": state,
            "run_id": run["run_id"],
            "path": step["path"],
            "uses": step["uses"] or "",
            "arguments_hash": arguments_hash(_loaded(values, step["arguments"])),
            "intended_at": began_at,
            "done_at": undone["at"] if undone else step["ended_at"] if is_made else None,
            "receipt": compact_json(effect["receipt"]) if effect and effect["receipt"] else None,
            "output": compact_json(_loaded(values, step["output"])) if state == "done" else None,
            "sends": 1,
            "generation": (effect.get("generation", 0) if effect else 0) + bool(undone),
        }


def _state(step: StepRecord) -> str | None:
    """Return the state of a write in the ledger; None if the service certainly did not receive it."""
    if step["effect"]:
        return "undone" if undo_of(step) else "done"
    error = step["error"]
    if step["status"] != StepStatus.FAILED or error is None or error["type"] == "InternalError":
        return "intent"
    if error["outcome"] == "not_done":
        return None
    return "unknown" if error["type"] == "OutcomeUnknown" else "intent"


def _loaded(values: Values, stored: Any) -> Any:
    """Return a value with the contents of its files loaded; a reference to a missing file stays a reference."""
    with suppress(OrchestraError):
        return values.loaded(stored)
    return stored
