"""What state.db knows of runs, read again from their logs: the list, the receipts, and what is still open."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from engine.errors import OrchestraError
from engine.expressions.expressions import compact_json
from engine.runner.ledger import account_of, arguments_hash
from engine.runner.values import Values
from engine.runs.acceptance import reaccepted
from engine.runs.document import events_of
from engine.runs.run_log import Renames, RunLogs
from engine.runs.summary import sentence
from engine.store.database import Database
from engine.store.old_runs import OldRuns
from engine.store.receipts import remember_unsure, restore_effect, restore_update
from engine.store.run_rows import RunRows, is_test, restore_ended, restore_open
from engine.store.trigger_state import restore_seen

_ENDED = frozenset({"succeeded", "failed", "cancelled"})
_STOPPED_CLEANLY = _ENDED | {"interrupted", "waiting"}
"""With one of these a log tells all that its run did; else the process died and may have done more."""
_COPIED = ("run_id", "workflow", "started_by", "origin_run_id", "parent_run_id", "queued_at", "started_at")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Told:
    """What a log tells, as rows. `event_texts`: of a run that can go on, None where it has ended."""

    row: dict[str, Any]
    effects: list[dict[str, Any]]
    updates: list[dict[str, Any]]
    """Those of them that brought up to date what another run had made."""
    event_texts: list[str] | None
    unsure_since: str | None
    seen: tuple[str, Mapping[str, Any], str] | None = None
    """Of a run that a trigger started: the workflow as it is called today, the run, and the type of the trigger."""


class Rebuild:
    """Reads every log; receipts and open runs that the state knows already stay as they are."""

    def __init__(self, database: Database, logs: RunLogs, connections: Callable[[], Mapping[str, str]]) -> None:
        self._database, self._logs, self._connections = database, logs, connections

    def all(self) -> tuple[int, list[str]]:
        """Read all logs; return (how many runs they tell of, files that cannot be read). Raises StorageError."""
        rows = RunRows(self._database)
        before = rows.ended_ids()  # looked at first: what ends from now on has a log that is not read here
        connections, renames = self._connections(), self._logs.renames()
        found, broken = set(), []
        leaving = set(OldRuns(self._database).leaving())
        for run_id in self._logs.run_ids():
            if run_id in leaving:  # it was removed, and its log is about to follow
                continue
            told = self._told(run_id, connections, renames)
            if told is None:
                broken.append(str(self._logs.path(run_id)))
                _log.error("%s cannot be read; it was left as it is", broken[-1])
            else:
                self._store(told)
                found.add(run_id)
        rows.drop_ended(before - found)
        self._database.logs_are_read()
        return len(found), broken

    def _told(self, run_id: str, connections: Mapping[str, str], renames: Renames) -> _Told | None:
        try:
            run = self._logs.read(run_id)
            if run is None:
                return None
            told = _told(run, Values(self._logs.folder, run_id), connections, renames)
            return replace(told, seen=_seen(run, renames))
        except Exception:  # noqa: BLE001 - a damaged file is named, not fatal
            return None

    def _store(self, told: _Told) -> None:
        questions_count = self._database.has_unread_logs()
        with self._database.writing() as connection:
            for effect in told.effects:
                if (
                    effect["state"] in ("done", "undone") or questions_count
                ):  # else the ledger knows better what is still open
                    restore_effect(connection, effect)
            for update in told.updates:
                restore_update(connection, update)
            if told.seen is not None:
                restore_seen(connection, *told.seen)
            if told.event_texts is None:
                restore_ended(connection, told.row)
            elif restore_open(connection, told.row, told.event_texts) and told.unsure_since is not None:
                remember_unsure(connection, told.row["workflow"], told.row["run_id"], told.unsure_since)


def _told(run: Mapping[str, Any], values: Values, connections: Mapping[str, str], renames: Renames) -> _Told:
    effects = list(_effects(run["steps"], run, values, renames))
    updated = [step for step in run["steps"] if (step["effect"] or {}).get("updated")]
    updates = [one for one in _effects(updated, run, values, renames) if one["state"] == "done"]
    if run["status"] in _ENDED:
        return _Told(_ended_row(run), effects, updates, None, None)
    accepted = reaccepted(run, connections)
    events = [*events_of(run), {"type": "run_interrupted", "at": run["started_at"] or run["queued_at"]}]
    row = {**_row(run), "status": "interrupted", "acceptance": compact_json(accepted)}
    unsure_since = None if run["status"] in _STOPPED_CLEANLY else run["started_at"] or run["queued_at"]
    return _Told(row, effects, updates, [compact_json(event) for event in events], unsure_since)


def _seen(run: Mapping[str, Any], renames: Renames) -> tuple[str, Mapping[str, Any], str] | None:
    """Return what a run tells of the thing that a trigger started it for; a run again by a person tells it as well."""
    trigger = run.get("trigger")
    if trigger is None:
        return None
    written = run["definition"]["workflow"].get("triggers") or []
    uses = next((str(one.get("uses")) for one in written if one.get("id") == trigger["id"]), "")
    return renames.workflow(run["workflow"], run["queued_at"]), run, uses


def _row(run: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name: run[name] for name in _COPIED},
        "title": run["definition"]["workflow"].get("title") or run["workflow"],
        "demo": int(run["demo"]),
        "cancel_requested": 0,
        "is_test": int(is_test(run.get("options", {}))),
    }


def _ended_row(run: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **_row(run),
        **{name: run[name] for name in ("status", "ended_at", "duration_seconds")},
        "sentence": sentence(run),
        "counts": compact_json(run["counts"]),
    }


def _effects(
    steps: Iterable[Mapping[str, Any]], run: Mapping[str, Any], values: Values, renames: Renames
) -> Iterator[dict[str, Any]]:
    """Give the ledger's row of every write that steps of a run tell of, unless it certainly did not happen."""
    for step in steps:
        effect = step["effect"] or {}
        identity, state = effect.get("identity") or step.get("identity"), _state(step)
        if identity is None or state is None:
            continue
        began_at = step["started_at"] or run["started_at"] or run["queued_at"]
        if state in ("done", "undone"):
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
            "done_at": effect["undone"]["at"] if state == "undone" else step["ended_at"] if state == "done" else None,
            "receipt": compact_json(effect["receipt"]) if effect.get("receipt") else None,
            "output": compact_json(_loaded(values, step["output"])) if state == "done" else None,
            "sends": 1,
            "generation": effect.get("generation", 0) + (state == "undone"),
        }


def _state(step: Mapping[str, Any]) -> str | None:
    """Return the state of a write in the ledger; None where the service certainly has not got it."""
    if step["effect"] and step["effect"].get("outcome") == "done":
        return "undone" if step["effect"].get("undone") else "done"
    error = step["error"] or {}
    if step["status"] != "failed" or error.get("type") == "InternalError":
        return "intent"
    if error.get("outcome") == "not_done":
        return None
    return "unknown" if error.get("type") == "OutcomeUnknown" else "intent"


def _loaded(values: Values, stored: Any) -> Any:
    """Return a value with what lies in files of its own; a file that is gone leaves its reference."""
    with suppress(OrchestraError):
        return values.loaded(stored)
    return stored
