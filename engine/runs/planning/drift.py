"""What has changed since a plan was made: the plan itself, the workspace, the world."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, cast

from pydantic import SecretStr

from engine.base.clock import timestamp
from engine.base.definitions import RunDefinition
from engine.base.errors import PlanDrift
from engine.base.services import service_of
from engine.base.statuses import RunStatus
from engine.compiler.definition.plan import Plan
from engine.record.definitions import steps_of
from engine.record.differences import Difference, differences, shown
from engine.record.hidden_callees import Sees, hidden_place
from engine.record.plans.applied_run import expires_at, plan_hash
from engine.record.types.run import PlanTerms
from engine.record.types.step import PlannedStep, StepRecord
from engine.runs.planning.plan_documents import PlanChange, PlanTree
from engine.workspace.config import Config

_MOST_NAMED = 3
_WITHOUT_EFFECT = {
    "id",
    "title",
    "description",
    "schema_version",
    "steps",
    "triggers",
    "concurrency",
    "priority",
    "expose",
}
"""Members of a workflow that change nothing about a run; steps are compared one by one."""
_COMPARED_AS_TEXT = {"versions", "since"}
"""Members of an environment that say where a workflow comes from: its text is compared."""


def drift(plan_id: str, changes: list[PlanChange]) -> PlanDrift:
    """Return the error for a plan that no longer fits."""
    told = [f"{one['path']} was {one['before']} and is now {one['after']}" for one in changes[:_MOST_NAMED]]
    more = f"; and {len(changes) - _MOST_NAMED} more" if len(changes) > _MOST_NAMED else ""
    return PlanDrift(
        f"Plan {plan_id} is not applied, and nothing was written: {'; '.join(told)}{more}.",
        remedy=f"For a new plan with the same inputs: `orchestra plans again {plan_id}`.",
        differences=changes,
    )


def shown_drift(changes: Iterable[PlanChange], sees: Sees) -> list[PlanChange]:
    """Return what has changed; of a called workflow that the reader does not see, only that it has."""
    found: dict[tuple[str, str, str], PlanChange] = {}
    for one in changes:
        place = hidden_place(one["path"], sees)
        told: PlanChange = one if place is None else {"path": place, "before": "as planned", "after": "changed"}
        found.setdefault((told["path"], told["before"], told["after"]), told)
    return [*found.values()]


def settings_of(config: Config, plan: Plan) -> dict[str, str]:
    """Return the settings, without secrets, that decide what a run of a workflow asks, and whom."""
    found = {"model_defaults.model": config.model_defaults.model}
    for name in plan.connections:
        connection = config.connections[name]
        service = service_of(connection.service)
        fields = {} if service is None else service.settings.model_fields
        for key, value in connection.settings.items():
            if key in fields and fields[key].annotation is not SecretStr:
                found[f"connections.{name}.{key}"] = str(value)
    return found


def applied_before(plan_id: str, run_id: str) -> PlanDrift:
    """Return the error for a plan that is applied a second time."""
    return PlanDrift(
        f"Plan {plan_id} was already applied, by run {run_id}.",
        remedy=f"`orchestra runs show {run_id}` shows what it did. To do it once more, make a new plan.",
        differences=[{"path": "plan", "before": "not applied", "after": f"applied by run {run_id}"}],
    )


def of_the_plan(tree: PlanTree, now: datetime) -> Iterator[PlanChange]:
    """Yield why the plan itself cannot be applied."""
    root = tree.root
    if now >= expires_at(root["queued_at"]):
        yield {"path": "plan", "before": f"valid until {timestamp(expires_at(root['queued_at']))}", "after": "expired"}
    if root["status"] != RunStatus.SUCCEEDED:
        because = f": {root['error']['message']}" if root["error"] else ""
        yield {"path": "plan", "before": "to be made", "after": f"{root['status']}{because}"}
        return
    for (prefix, run), stored in zip(tree.runs, tree.hashes, strict=True):
        where = f"{prefix.rstrip('/')}: the plan" if prefix else "plan"
        if not stored:
            lost = "unknown: the state file is older than the plan, or was rebuilt"
            yield {"path": where, "before": "recorded when it was made", "after": lost}
        elif plan_hash(run) != stored:
            after = f"not that plan (hash {plan_hash(run)[:12]})"
            yield {"path": where, "before": f"made with hash {stored[:12]}", "after": after}


def of_the_workspace(tree: PlanTree, plan: Plan, terms: PlanTerms, now: Mapping[str, str]) -> Iterator[PlanChange]:
    """Yield what has changed about the workflow and all that its runs keep of the workspace, and the settings."""
    old, new = tree.root["definition"], plan.definition
    before, after = steps_of(old["workflow"]), steps_of(new["workflow"])
    for path in dict.fromkeys([*before, *after]):
        yield from _changes(f"{plan.name}: {path}", before.get(path), after.get(path))
    for name in sorted({*old["workflow"], *new["workflow"]} - _WITHOUT_EFFECT):
        yield from _changes(f"{plan.name}: {name}", old["workflow"].get(name), new["workflow"].get(name))
    for name in sorted({*old, *new} - {"workflow"}):  # all else that a run keeps, also what is added to it one day
        yield from _changes(name, _with_effect(old, name), _with_effect(new, name))
    yield from _changes("config.yaml", dict(terms["settings"]), dict(now))


def _with_effect(definition: RunDefinition, name: str) -> dict[str, Any]:
    found: Mapping[str, Any] = cast("Mapping[str, Any]", definition).get(name, {})
    return {key: value for key, value in found.items() if name != "environment" or key not in _COMPARED_AS_TEXT}


def of_the_world(tree: PlanTree, checked: PlanTree) -> Iterator[PlanChange]:
    """Yield what a second planning run, with the answers of the first, has found to be different."""
    error = checked.root["error"]
    if error is not None and checked.root["status"] == RunStatus.FAILED:
        yield {"path": error["step"] or "plan", "before": "possible", "after": f"not: {error['message']}"}
    accounts = checked.root["accounts"]
    for name, account in tree.root["accounts"].items():
        now = accounts[name].get("account") if name in accounts else None
        yield from _changes(f"connections.{name}", account.get("account"), now)
    before = {path: step for path, _, step in tree.steps()}
    after = {path: step for path, _, step in checked.steps()}
    for path, step in after.items():
        planned = step.get("planned")
        for one in planned.get("changes", ()) if planned else ():
            yield {"path": f"{path}.{one['field']}", "before": one["old"], "after": one["new"]}
    if error is None:
        for path in dict.fromkeys([*before, *after]):
            yield from _of_write(path, before.get(path), after.get(path))


def _of_write(path: str, before: StepRecord | None, after: StepRecord | None) -> Iterator[PlanChange]:
    old, new = _planned(before), _planned(after)
    if "write" not in old and "write" not in new:
        return
    if old.get("write") != new.get("write"):
        yield {"path": path, "before": _fate(old), "after": _fate(new)}
        return
    if before is not None and after is not None:
        yield from _changes(path, before["arguments"], after["arguments"])
    yield from _changes(f"{path}: account", old.get("account"), new.get("account"))
    one, other = old.get("preview"), new.get("preview")
    if one is not None and other is not None:
        for name in ("before", "version"):
            found = list(_changes(f"{path}: {one['title']}", one.get(name), other.get(name)))
            if found:
                yield from found
                return


def _planned(step: StepRecord | None) -> PlannedStep:
    return {} if step is None else step.get("planned", {})


def _fate(planned: PlannedStep) -> str:
    if planned.get("write") == "kept":
        return f"made before ({planned.get('note')})"
    return "planned" if "write" in planned else "no longer needed"


def _changes(path: str, before: Any, after: Any) -> Iterator[PlanChange]:
    for one in differences("", before, after):
        yield _change(path, one)


def _change(path: str, one: Difference) -> PlanChange:
    where = f"{path}.{one.field}" if one.field else path
    return {"path": where, "before": shown(one.old), "after": shown(one.new)}
