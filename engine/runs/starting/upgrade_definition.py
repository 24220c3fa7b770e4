"""Resume a run with the current definition, provided that its finished steps are unchanged in it.

A run normally keeps the definition it was accepted with, whatever happens to the file. To fix a faulty step and resume,
the run takes over the current file and prompts. Its finished steps are not run again, so their recorded outputs must
still be what the new definition would produce. That is why each field that determined them is compared, and any
difference is an error that names it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from engine.base.clock import Clock, timestamp
from engine.base.errors import InvalidInput, OrchestraError, UnknownName
from engine.base.statuses import DONE_STEPS, AccountMode, StepStatus
from engine.base.step_path import StepPath, in_workflow
from engine.compiler.definition.plan import Plan
from engine.compiler.definition.step_model import STEP_FIELDS
from engine.record.acceptance import checked_inputs, environment_of, kept_inputs
from engine.record.definitions import callees_of, steps_of
from engine.record.differences import ABSENT, Difference, differences
from engine.record.document import document
from engine.record.events import DefinitionTaken, Event
from engine.record.hidden_callees import Sees, shown_changes
from engine.record.options import same_part
from engine.record.run_log import RunLogs
from engine.record.types.run import Acceptance, Run, RunKind
from engine.record.values import Values

if TYPE_CHECKING:
    from engine.runner.worker.worker import Worker
    from engine.runs.starting.acceptor import Acceptor

_DONE = (*DONE_STEPS, StepStatus.WAITING)
_BY_STRENGTH = ["around", StepStatus.SKIPPED, StepStatus.FAILED, StepStatus.WAITING, StepStatus.SUCCEEDED]
"""How a step ended; for a loop, the last of these among its items decides which of its fields must be unchanged."""
_MOST_NAMED = 5


Taken: TypeAlias = tuple[Acceptance, str, DefinitionTaken]
WHOLE_FILE = ""
_FOLLOW_THE_FILE = (RunKind.RUN, RunKind.PART, RunKind.CORRECTION)
"""Runs that may go on with a corrected file. The others belong to a plan, to a draft or to a file of a run."""


@dataclass(frozen=True)
class NewerDefinition:
    """What the file of a workflow has in place of the definition that a run was accepted with."""

    changed: list[str]
    """Paths of the steps that are other ones, were added or removed.

    [WHOLE_FILE] if only something around them is another one, such as the inputs; [] if only what the workflow uses is,
    such as a prompt, or if the file cannot be read.
    """
    kept_defaults: list[str]
    """The inputs whose default is another one, and which the run keeps as they were."""
    refused: OrchestraError | None
    """Why the run cannot continue with it; None if it can."""


class DefinitionUpgrades:
    """Upgrades runs to the current definition."""

    def __init__(
        self,
        worker: Worker,
        logs: RunLogs,
        clock: Clock,
        plan: Callable[[Run | Acceptance, Mapping[str, AccountMode]], Plan],
        acceptor: Acceptor,
    ) -> None:
        self._worker, self._logs, self._clock, self._plan, self._acceptor = worker, logs, clock, plan, acceptor

    def checked(self, run: Run, sees: Sees) -> Plan:
        """Return the current plan; refuse, before anything is changed, a run that cannot continue with it.

        Raises UnknownName, InvalidFile, and InvalidInput as `require_unchanged`, if no file has the id of its workflow,
        or if its inputs no longer fit.
        """
        plan = self._current(run)
        self._require_fits(run, plan, sees)
        return plan

    def _current(self, run: Run) -> Plan:
        return self._plan(run, {name: one["mode"] for name, one in run["accounts"].items()})

    def _require_fits(self, run: Run, plan: Plan, sees: Sees) -> None:
        require_unchanged(run, plan, sees)
        same_part(run, plan)
        checked_inputs(plan, self._values(run["run_id"]).loaded(run["inputs"]))

    def fitting(self, run: Run) -> Plan | None:
        """Return the current plan if it is not the run's own and the run can continue with it, else None.

        None also for a run whose definition is not to follow the file: of a plan, a draft or a replay.
        """
        if run["kind"] in _FOLLOW_THE_FILE:
            with suppress(OrchestraError):
                plan = self.checked(run, _nothing)
                return None if plan.definition_hash == run["workflow_hash"] else plan
        return None

    def newer(self, run: Run, sees: Sees) -> NewerDefinition | None:
        """Return what the current file has in place of the run's own; None if it is the same, gone, or not followed."""
        if run["kind"] not in _FOLLOW_THE_FILE:
            return None
        try:
            plan = self._current(run)
        except UnknownName:
            return None
        except OrchestraError as error:
            return NewerDefinition([], [], error)
        if plan.definition_hash == run["workflow_hash"]:
            return None
        kept, refused = list[str](), None
        try:
            self._require_fits(run, plan, sees)
            kept = self._kept_defaults(run, plan)
        except OrchestraError as error:
            refused = error
        before, now = steps_of(run["definition"]["workflow"]), steps_of(plan.document)
        changed = [path for path in {**before, **now} if before.get(path) != now.get(path)]
        if not changed and run["definition"]["workflow"] != plan.document:
            changed = [WHOLE_FILE]
        return NewerDefinition(changed, kept, refused)

    def _kept_defaults(self, run: Run, plan: Plan) -> list[str]:
        before, now = _defaults(run["definition"]["workflow"].get("inputs")), _defaults(plan.inputs_schema)
        inputs = self._values(run["run_id"]).loaded(run["inputs"])
        changed = [name for name in now if name in inputs and before.get(name, ABSENT) != now[name]]
        return [name for name in changed if inputs[name] != now[name]]

    def taken(self, plan: Plan, accepted: Acceptance, events: Iterable[Event]) -> Taken:
        """Return (acceptance, title, event that records the change) of a run with a plan that somebody agreed to.

        Raises as `checked`: the run may have gone on since.
        """
        require_unchanged(document(accepted, events), plan, _nothing)
        same_part(accepted, plan)
        modes = self._acceptor.modes(plan, accepted["modes"], in_demo=accepted["demo"])
        changed = redefined(accepted, plan, modes, self._acceptor.services(), self._values(accepted["run_id"]))
        self._worker.plans.keep(changed, plan)
        now = timestamp(self._clock())
        event = DefinitionTaken(now, accepted["workflow_hash"])
        return changed, str(plan.document.get("title") or plan.name), event

    def _values(self, run_id: str) -> Values:
        return Values(self._logs.blobs, run_id)


def _defaults(schema: Mapping[str, Any] | None) -> dict[str, Any]:
    properties = (schema or {}).get("properties", {})
    return {name: one["default"] for name, one in properties.items() if "default" in one}


def redefined(
    accepted: Acceptance,
    plan: Plan,
    modes: Mapping[str, AccountMode],
    services: Mapping[str, str],
    values: Values,
) -> Acceptance:
    """Return the acceptance of a run with another plan; it keeps its inputs and its accounts.

    `modes`, `services`: of the connections now. Raises InvalidInput, StorageError.
    """
    services = {**services, **accepted["connections"]}
    kept = {**modes, **accepted["modes"]}
    definition = plan.definition
    return {
        **accepted,
        "definition": definition,
        "environment": environment_of(plan.name, definition),
        "workflow_hash": plan.definition_hash,
        "inputs": kept_inputs(plan, values.loaded(accepted["inputs"]), values),
        "connections": services,
        "modes": {name: kept[name] for name in plan.connections},
        "accounts": {
            name: accepted["accounts"].get(name) or {"service": services[name], "mode": kept[name]}
            for name in plan.connections
        },
    }


def _nothing(_name: str) -> bool:
    """See no called workflow: where it is not known who reads the error, if anybody does."""
    return False


def require_unchanged(run: Run, plan: Plan, sees: Sees) -> None:
    """Raise InvalidInput with each difference if a finished step is different in the plan.

    Its details have `differences`: [{step, field, old, new}], without values in workflows that the reader does not see.
    """
    change = _Change(run, plan)
    found = [(path, one) for path, how in _finished(run).items() for one in shown_changes(change.of(path, how), sees)]
    if not found:
        return
    named = "; ".join(f"{path}: {one}" for path, one in found[:_MOST_NAMED])
    more = f"; and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    raise InvalidInput(
        f"Run {run['run_id']} cannot go on with the current {plan.name!r}: what has finished was changed "
        f"({named}{more}).",
        remedy=f"`orchestra runs resume {run['run_id']}` goes on with the workflow as it was accepted, and "
        f"`orchestra runs rerun {run['run_id']}` begins again with the file as it is.",
        differences=[{"step": path, **one.as_json()} for path, one in found],
    )


def _finished(run: Run) -> dict[str, str]:
    """Return the steps that are at least partly done, and those around them: {path: how it ended}."""
    found: dict[str, str] = {}
    for step in run["steps"]:
        if step["status"] not in _DONE and not step.get("handled") and "items" not in step:
            continue
        whole = StepPath.parse(step["path"])
        path = whole.in_workflow
        if step["uses"] is not None or step["output"] is not None or step["status"] == StepStatus.SKIPPED:
            found[path] = max(found.get(path, "around"), step["status"], key=_BY_STRENGTH.index)
        else:  # a loop, an item, a group: its output is recomputed from the steps inside
            found.setdefault(path, "around")
        for around in whole.around():
            found.setdefault(around.in_workflow, "around")
    return found


class _Change:
    """The changes of single steps between the definition of a run and a plan."""

    def __init__(self, run: Run, plan: Plan) -> None:
        self._before, self._now = run["definition"], plan.definition
        self._old, self._new = steps_of(self._before["workflow"]), steps_of(plan.document)
        kept = run["definition"].get("environment")
        self._old_variables: Mapping[str, Any] = {} if kept is None else kept["variables"]
        self._new_variables: Mapping[str, Any] = plan.root_names.get("env", {})
        self._connected = {in_workflow(one["path"]): one["connection"] for one in run["steps"] if one["uses"]}
        self._connects = {node.path: node.action.connection for node in plan.nodes() if node.action is not None}

    def of(self, path: str, how: str) -> Iterator[Difference]:
        """Yield what has changed about a finished step."""
        old, new = self._old.get(path), self._new.get(path)
        if old is None:  # an entry that is not a step, such as `on_failure`
            return
        if new is None:
            yield Difference("id", StepPath.parse(path).step_id, ABSENT)
            return
        for name, field in STEP_FIELDS.items():
            if field.is_fixed or how in field.is_fixed_after:
                yield from differences(name, old.get(name, ABSENT), new.get(name, ABSENT))
        if "env." in str(old):
            yield from differences("env", self._old_variables, self._new_variables)
        if how in ("around", StepStatus.SKIPPED):
            return
        before, now = callees_of(self._before, old), callees_of(self._now, old)
        for called, was in before.items():
            yield from differences(called, was, now.get(called, ABSENT))
        if path in self._connects and path in self._connected:
            yield from differences("connection", self._connected[path], self._connects[path])
        if "output" in old and how == StepStatus.SUCCEEDED:  # a step added to a finished group would never run
            yield from differences("steps", _inside(path, self._old), _inside(path, self._new))


def _inside(path: str, steps: Mapping[str, Any]) -> list[str]:
    outer = StepPath.parse(path)
    return [one for one in steps if StepPath.parse(one).is_inside(outer)]
