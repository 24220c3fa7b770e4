"""Going on with a run in the current definition: only where what has finished would be the same in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from engine.clock import Clock
from engine.compiler.plan import Plan
from engine.connections.accounts import Mode
from engine.errors import InvalidInput
from engine.names import timestamp
from engine.runner.host import Host
from engine.runner.values import Values
from engine.runs.acceptance import checked_inputs, kept_inputs
from engine.runs.acceptor import Acceptor
from engine.runs.definitions import steps_of, without_indexes
from engine.runs.differences import ABSENT, Difference, differences
from engine.runs.document import document
from engine.runs.options import same_part
from engine.runs.run_log import RunLogs

_DONE = frozenset({"succeeded", "skipped", "waiting"})
_ALWAYS = ("uses", "foreach", "as", "key")
_ALSO = {
    "around": (),
    "skipped": ("if",),
    "failed": ("with", "on_error"),
    "waiting": ("with",),
    "succeeded": ("with", "output"),
}
"""What else must be the same, by how a step has ended; of the items of a loop the last of these counts."""
_BY_STRENGTH = list(_ALSO)
_MOST_NAMED = 5


class Newest:
    """Takes runs over to the definition as it is now."""

    def __init__(
        self,
        host: Host,
        logs: RunLogs,
        clock: Clock,
        plan: Callable[[str, Mapping[str, Mode]], Plan],
        acceptor: Acceptor,
    ) -> None:
        self._host, self._logs, self._clock, self._plan, self._acceptor = host, logs, clock, plan, acceptor

    def check(self, run: Mapping[str, Any]) -> None:
        """Refuse, before anything is touched, a run that cannot go on with the current file.

        Raises UnknownName, InvalidFile, and InvalidInput as `require_unchanged`, or where its inputs no longer fit.
        """
        plan = self._plan(run["workflow"], {name: one["mode"] for name, one in run["accounts"].items()})
        require_unchanged(run, plan)
        same_part(run, plan)
        checked_inputs(plan, self._values(run["run_id"]).loaded(run["inputs"]))

    def taken(
        self, accepted: Mapping[str, Any], events: Sequence[Mapping[str, Any]]
    ) -> tuple[dict[str, Any], str, dict[str, Any]]:
        """Return (acceptance, title, event that says so) of a run in the definition as it is now. Raises as `check`."""
        plan = self._plan(accepted["workflow"], accepted["modes"])
        require_unchanged(document(accepted, events), plan)
        same_part(accepted, plan)
        modes = self._acceptor.modes(plan, accepted["modes"])
        changed = redefined(accepted, plan, modes, self._acceptor.services(), self._values(accepted["run_id"]))
        self._host.plans.keep(changed, plan)
        now = timestamp(self._clock())
        event = {"type": "definition_taken", "at": now, "previous_hash": accepted["workflow_hash"]}
        return changed, str(plan.document.get("title") or plan.name), event

    def _values(self, run_id: str) -> Values:
        return Values(self._logs.folder, run_id)


def redefined(
    accepted: Mapping[str, Any], plan: Plan, modes: Mapping[str, Mode], services: Mapping[str, str], values: Values
) -> dict[str, Any]:
    """Return the acceptance of a run as it would be with another plan; it keeps its inputs and its accounts.

    `modes`, `services`: of the connections as they are now. Raises InvalidInput, StorageError.
    """
    services = {**services, **accepted["connections"]}
    kept = {**modes, **accepted["modes"]}
    definition = plan.definition
    return {
        **accepted,
        "definition": definition,
        "workflow_hash": plan.definition_hash,
        "inputs": kept_inputs(plan, values.loaded(accepted["inputs"]), values),
        "connections": services,
        "modes": {name: kept[name] for name in plan.connections},
        "accounts": {
            name: accepted["accounts"].get(name) or {"service": services[name], "mode": kept[name]}
            for name in plan.connections
        },
    }


def require_unchanged(run: Mapping[str, Any], plan: Plan) -> None:
    """Raise InvalidInput that names each difference where a finished step is another one in the plan.

    Its details have `differences`: [{step, field, old, new}].
    """
    change = _Change(run, plan)
    found = [(path, one) for path, how in _finished(run).items() for one in change.of(path, how)]
    if not found:
        return
    named = "; ".join(f"{path}: {one}" for path, one in found[:_MOST_NAMED])
    more = f"; and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    raise InvalidInput(
        f"Run {run['run_id']} cannot go on with the current {plan.name!r}: what has finished was changed "
        f"({named}{more}).",
        remedy=f"Resume it without `--newest`, or run it again: `orchestra runs rerun {run['run_id']}`.",
        differences=[{"step": path, **one.as_json()} for path, one in found],
    )


def _finished(run: Mapping[str, Any]) -> dict[str, str]:
    """Return the steps of which something counts as done, and what is around them: {path: how}."""
    found: dict[str, str] = {}
    for step in run["steps"]:
        if step["status"] not in _DONE and not step.get("handled") and "items" not in step:
            continue
        path = without_indexes(step["path"])
        if step["uses"] is not None or step["output"] is not None or step["status"] == "skipped":
            found[path] = max(found.get(path, "around"), step["status"], key=_BY_STRENGTH.index)
        else:  # a loop, an item, a group: what it gives is put together again from the steps inside
            found.setdefault(path, "around")
        while "." in path:
            path = path.rpartition(".")[0]
            found.setdefault(path, "around")
    return found


class _Change:
    """What became of single steps from the definition of a run to a plan."""

    def __init__(self, run: Mapping[str, Any], plan: Plan) -> None:
        self._old, self._new = steps_of(run["definition"]["workflow"]), steps_of(plan.document)
        self._old_prompts, self._new_prompts = run["definition"].get("prompts") or {}, plan.prompts
        self._connected = {without_indexes(one["path"]): one["connection"] for one in run["steps"] if one["uses"]}
        self._connects = {node.path: node.action.connection for node in plan.nodes() if node.action is not None}

    def of(self, path: str, how: str) -> Iterator[Difference]:
        """Give what is not the same any more about a step that is done."""
        old, new = self._old.get(path), self._new.get(path)
        if old is None:  # an entry that stands for no step, such as `on_failure`
            return
        if new is None:
            yield Difference("id", path.rpartition(".")[2], ABSENT)
            return
        for name in (*_ALWAYS, *_ALSO[how]):
            yield from differences(name, old.get(name, ABSENT), new.get(name, ABSENT))
        if how in ("around", "skipped"):
            return
        prompt = str((old.get("with") or {}).get("prompt"))
        if prompt in self._old_prompts:
            new_prompt = self._new_prompts.get(prompt, ABSENT)
            yield from differences(f"prompts.{prompt}", self._old_prompts[prompt], new_prompt)
        if path in self._connects and path in self._connected:
            yield from differences("connection", self._connected[path], self._connects[path])
        if "output" in old and how == "succeeded":  # what was added inside a group that is over would never run
            yield from differences("steps", _inside(path, self._old), _inside(path, self._new))


def _inside(path: str, steps: Mapping[str, Any]) -> list[str]:
    return [one for one in steps if one.startswith(f"{path}.")]
