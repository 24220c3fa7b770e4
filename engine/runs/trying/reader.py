"""The tries of prompts, and the steps of runs that used them, for reading only."""

from __future__ import annotations

import builtins
from typing import Any

from engine.base.clock import Clock, moment_of
from engine.base.names import checked_name
from engine.base.statuses import RunStatus
from engine.people.access import Principal
from engine.people.operation import operation
from engine.prompts.cases import suggested
from engine.runs.trying.asking import TIMEOUT_SECONDS
from engine.runs.trying.recorded import RecordedCall, RecordedCalls, RecordedValues
from engine.runs.trying.records import Try, TryRecords
from engine.store.owners import Owners

_GRACE_SECONDS = 60.0


class TryReader:
    """Reads tries; every method checks the right of `p`. `owner`: the id of this process, "" if it asks nothing."""

    def __init__(self, records: TryRecords, recorded: RecordedCalls, owners: Owners, owner: str, clock: Clock) -> None:
        self._records, self._recorded, self._owners = records, recorded, owners
        self._owner, self._clock = owner, clock

    @operation("prompts.get_try", "view", "see prompts", "Read a try of a prompt")
    def get(self, p: Principal, name: str, try_id: str) -> Try:
        """Return a try. Raises UnknownName, InvalidInput."""
        return self._told(self._records.get(name, try_id))

    @operation("prompts.tries", "view", "see prompts", "List the tries of a prompt")
    def list(self, p: Principal, name: str) -> builtins.list[Try]:
        """Return the last 20 tries of a prompt, newest first. Raises InvalidInput."""
        return [self._told(one) for one in self._records.of(name)]

    @operation("prompts.calls", "view", "see runs", "List the calls of a prompt in runs")
    def calls(self, p: Principal, name: str) -> builtins.list[RecordedCall]:
        """Return the last 25 steps of runs that asked a model with the prompt. Raises InvalidInput."""
        return self._recorded.of(p, checked_name("prompt", name))

    @operation("prompts.call_values", "view", "see runs", "Read the values of a call in a run")
    def values(self, p: Principal, name: str, run_id: str, step: str) -> RecordedValues:
        """Return what such a step was called with. Raises UnknownName, InvalidInput, InvalidFile."""
        return self._recorded.values(p, checked_name("prompt", name), run_id, step)

    def case_of(self, p: Principal, name: str, try_id: str, title: str = "") -> dict[str, Any]:
        """Return a case with the values and the answer of a try, to be saved. Raises UnknownName, InvalidInput."""
        one = self.get(p, name, try_id)
        value = one["answer"]["value"] if one["answer"] is not None else None
        return suggested(title or f"Try {try_id}", one["variables"], value, one["output_schema"])

    def case_of_step(self, p: Principal, name: str, run_id: str, step: str, title: str = "") -> dict[str, Any]:
        """Return a case with the values and the output of a step of a run, to be saved. Raises as `values`."""
        found = self.values(p, name, run_id, step)
        return suggested(title or found.title, found.variables, found.output, found.checked_by)

    def _is_open(self, try_id: str) -> bool:
        """Return whether this process waits for the answer."""
        del try_id
        return False

    def _told(self, record: Try) -> Try:
        """Return a try with its true status: if its process has ended, it gets no answer."""
        if record["status"] != RunStatus.RUNNING or self._is_open(record["id"]):
            return record
        if record["owner"] == self._owner:
            return self._records.get(record["prompt"], record["id"])  # it has ended meanwhile
        age = (self._clock() - moment_of(record["started_at"])).total_seconds()
        is_alive = self._owners.get(record["owner"]) is not None
        if is_alive and age < TIMEOUT_SECONDS + _GRACE_SECONDS:
            return record
        return {**record, "status": RunStatus.INTERRUPTED}
