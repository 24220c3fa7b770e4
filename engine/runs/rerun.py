"""Doing again what an earlier run did: its inputs, its accounts, its answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.compiler.plan import Plan
from engine.connections.accounts import Mode
from engine.errors import InvalidInput
from engine.runner.values import Values
from engine.runs.acceptor import Wish
from engine.runs.options import same_part


def source(run: Mapping[str, Any], workflow: str | None = None) -> Mapping[str, Any]:
    """Return a run whose recorded outputs can be taken. Raises InvalidInput where it is at work, or of another file."""
    if run["status"] in ("queued", "running"):
        raise InvalidInput(
            f"Run {run['run_id']} is still {run['status']}: what it has done is not all written down.",
            remedy="Wait until it has ended.",
        )
    if workflow is not None and run["workflow"] != workflow:
        raise InvalidInput(
            f"Run {run['run_id']} is one of {run['workflow']!r}, not of {workflow!r}.",
            remedy=f"`orchestra runs list --workflow {workflow}` shows those that can be taken.",
        )
    return run


def require_same_accounts(run: Mapping[str, Any], modes: Mapping[str, Mode]) -> None:
    """Refuse to mix what was recorded on the demo with real accounts, or the other way. Raises InvalidInput."""
    for name, one in run["accounts"].items():
        if modes.get(name, one["mode"]) != one["mode"]:
            was, now = ("the demo", "a real account") if one["mode"] == "demo" else ("a real account", "the demo")
            raise InvalidInput(
                f"Run {run['run_id']} recorded what {name!r} gave on {was}, and {name!r} stands for {now} now.",
                remedy="Take a run on the same accounts.",
            )


def kept_modes(run: Mapping[str, Any], services: Mapping[str, str], mode: Callable[[str], Mode]) -> dict[str, Mode]:
    """Return whose account each connection of a run stands for when it is done again: the same as before.

    Raises InvalidInput where a service that was real then is set to Demo now: nothing real is touched then.
    """
    kept: dict[str, Mode] = {}
    for name, one in run["accounts"].items():
        if services.get(name) != one["service"]:
            continue  # it is another connection today
        if one["mode"] == "mine" and mode(one["service"]) == "demo":
            raise InvalidInput(
                f"Run {run['run_id']} worked on a real account of {one['service']}, and that service is set to Demo.",
                remedy="Switch it to Mine (leave `--demo` out), or start a new run on the demo.",
            )
        kept[name] = one["mode"]
    return kept


def again(
    run: Mapping[str, Any],
    plan: Plan,
    values: Values,
    inputs: Mapping[str, Any],
    options: Mapping[str, Any],
    modes: Mapping[str, Mode],
) -> Wish:
    """Return the wish for a run like an earlier one; inputs that its workflow no longer has are left out.

    A test run is the same test again. Raises InvalidFile where a large input is gone, InvalidInput where the test no
    longer fits the workflow.
    """
    known = plan.inputs_schema.get("properties", {})
    same = {name: value for name, value in run["inputs"].items() if name in known and name not in inputs}
    return Wish(
        inputs={**values.loaded(same), **inputs},
        options={**same_part(run, plan), **options},
        modes=modes,
        default_mode="demo" if run["demo"] else "mine",
        origin_run_id=run["origin_run_id"] or run["run_id"],
        caller=run.get("caller"),
        trigger=run.get("trigger"),
    )
