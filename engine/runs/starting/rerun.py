"""Repeat an earlier run with its inputs, its accounts and its model answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.base.errors import InvalidInput
from engine.base.json_text import JsonObject
from engine.base.names import workflow_id_of
from engine.base.statuses import ACTIVE_RUNS, AccountMode
from engine.base.step_path import in_workflow
from engine.compiler.definition.plan import Plan
from engine.expressions.json_values import compact_json
from engine.record.definitions import changed_steps
from engine.record.options import same_part
from engine.record.types.kind import kind_of, options_of
from engine.record.types.run import OutsideInput, Run, RunKind, RunOptions
from engine.record.values import Values
from engine.runner.tags.tags import ITEM
from engine.runs.starting.run_request import RunRequest


def source(run: Run, plan: Plan | None = None) -> Run:
    """Return a run whose recorded outputs can be reused. Raises InvalidInput if it is active or of another workflow."""
    require_no_plan(run)
    if run["status"] in ACTIVE_RUNS:
        raise InvalidInput(
            f"Run {run['run_id']} is still {run['status']}: what it has done is not all written down.",
            remedy="Wait until it has ended.",
        )
    if plan is not None and workflow_id_of(run) != plan.id:
        raise InvalidInput(
            f"Run {run['run_id']} is one of {run['workflow']!r}, not of {plan.name!r}.",
            remedy=f"`orchestra runs list --workflow {plan.name}` shows those that can be taken.",
        )
    return run


def require_no_plan(run: Run) -> None:
    """Raise InvalidInput for a plan or a replay: repeated as a run, it would make writes that nobody has seen."""
    kind = kind_of(options_of(run))
    if kind is RunKind.PLAN:
        raise InvalidInput(
            f"{run['run_id']} is a plan, which has run nothing.",
            remedy=f"`orchestra plans apply {run['run_id']}` executes it.",
        )
    if kind is RunKind.REPLAY:
        raise InvalidInput(
            f"{run['run_id']} replays a file, and its inputs are not for a workflow of this workspace.",
            remedy="`orchestra runs import FILE` replays it again.",
        )


def require_same_accounts(run: Run, modes: Mapping[str, AccountMode]) -> None:
    """Refuse to mix recordings of the demo with real accounts, or the other way round. Raises InvalidInput."""
    for name, one in run["accounts"].items():
        if modes.get(name, one["mode"]) != one["mode"]:
            is_demo = one["mode"] == AccountMode.DEMO
            was, now = ("the demo", "a real account") if is_demo else ("a real account", "the demo")
            raise InvalidInput(
                f"Run {run['run_id']} recorded what {name!r} gave on {was}, and {name!r} is now {now}.",
                remedy="Take a run on the same accounts.",
            )


def kept_modes(run: Run, services: Mapping[str, str], mode: Callable[[str], AccountMode]) -> dict[str, AccountMode]:
    """Return the account mode of each connection for a rerun: the same as before.

    Raises InvalidInput if a service was real then and is set to Demo now, because then nothing real may be touched.
    """
    kept: dict[str, AccountMode] = {}
    for name, one in run["accounts"].items():
        if services.get(name) != one["service"]:
            continue  # the name now belongs to another connection
        if one["mode"] == AccountMode.MINE and mode(one["service"]) == AccountMode.DEMO:
            raise InvalidInput(
                f"Run {run['run_id']} worked on a real account of {one['service']}, and that service is set to Demo.",
                remedy="Switch it to Mine (leave `--demo` out), or start a new run on the demo.",
            )
        kept[name] = one["mode"]
    return kept


def again(
    run: Run,
    plan: Plan,
    values: Values,
    inputs: JsonObject,
    options: RunOptions,
    modes: Mapping[str, AccountMode],
) -> RunRequest:
    """Return the request for a run like an earlier one; inputs that its workflow no longer has are dropped.

    A test run becomes the same test again. Raises InvalidFile if a large input is missing, InvalidInput if the test no
    longer fits the workflow.
    """
    known = plan.inputs_schema.get("properties", {})
    before = values.loaded({name: value for name, value in run["inputs"].items() if name in known})
    part = same_part(run, plan)
    return RunRequest(
        inputs={**before, **inputs},
        options={**part, **options, **outdated(run, plan, part)},
        modes=modes,
        default_mode=AccountMode.DEMO if run["demo"] else AccountMode.MINE,
        origin_run_id=run["origin_run_id"] or run["run_id"],
        caller=run.get("caller"),
        trigger=run.get("trigger"),
        outside_inputs=[one for one in outside_inputs_of(run) if _has_any(one["place"], before, {**before, **inputs})],
    )


def outdated(run: Run, plan: Plan, part: RunOptions) -> RunOptions:
    """Return the option for a run that takes outputs of an earlier one: which of them another definition has made.

    `part`: the options that say which steps run themselves. A correction runs some steps of its part, and takes the
    outputs of others.
    """
    if "from_run" not in part:
        return {}
    only = in_workflow(part["only"]) if "only" in part and kind_of(part) is not RunKind.CORRECTION else ""
    changed = [*changed_steps(run["definition"], plan.definition), *options_of(run).get("outdated", ())]
    found = {path for path in changed if not only or not f"{path}.".startswith(f"{only}.")}
    return {"outdated": sorted(found)} if found else {}


def outside_inputs_of(run: Run) -> Sequence[OutsideInput]:
    """Return which inputs of a run are text from outside: all, if a trigger gave them and nothing else is recorded."""
    recorded = run.get("outside_inputs")
    if recorded is None and run.get("trigger") is not None:
        return [{"place": [name], "origin": "the item of a trigger", "sender": False} for name in run["inputs"]]
    return recorded or ()


def _has_any(place: Sequence[str], before: Any, now: Any) -> bool:
    """Return whether a value still has any of the texts that were at a place."""
    return not _texts(_at(place, before)).isdisjoint(_texts(_at(place, now)))


def _at(place: Sequence[str], value: Any) -> list[Any]:
    found = [value]
    for name in place:
        inner: list[Any] = []
        for one in found:
            if isinstance(one, list) and name == ITEM:
                inner += one
            elif isinstance(one, dict):
                inner += one.values() if name == ITEM else [one[name]] if name in one else []
        found = inner
    return found


def _texts(values: list[Any]) -> set[str]:
    """Return what is in values, at any depth: texts, and others as JSON."""
    found, ahead = set[str](), [*values]
    while ahead:
        one = ahead.pop()
        if isinstance(one, dict | list):
            ahead += one.values() if isinstance(one, dict) else one
        elif one is not None and one != "":
            found.add(compact_json(one))
    return found
