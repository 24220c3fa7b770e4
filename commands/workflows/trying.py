"""`workflows try`: run one step alone with made-up values; nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.base.agreeing import Confirm, Yes, agreed, at_terminal
from commands.base.failures import DONE
from commands.base.inputs import object_in
from commands.base.options import Demo, Json, Workspace, workflow_name
from commands.base.run_progress import follow, report
from commands.base.screen import document, note, raw, say
from commands.base.session import opened

if TYPE_CHECKING:
    from engine.record.types.step import StepRecord

_REMEDY = "`orchestra workflows try NAME STEP --sample` prints values to begin with."


def try_(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The workflow.", callback=workflow_name)],
    step: Annotated[str, typer.Argument(metavar="STEP", help="The id of the step.")],
    values: Annotated[
        str, typer.Option("--values", metavar="FILE", help="A JSON object of what the step reads; `-` reads stdin.")
    ] = "",
    is_sample: Annotated[
        bool, typer.Option("--sample", help="Only print values that fit, from the last run or made from the types.")
    ] = False,
    yes: Yes = False,
    confirm: Confirm = None,
    env: Annotated[str, typer.Option("--env", metavar="ENVIRONMENT", help="The environment to run in.")] = "",
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Run one step alone with made-up values. It reads and asks models as usual; a write is only shown."""
    if is_sample == bool(values):
        raise typer.BadParameter("give either --values FILE or --sample")
    with opened(workspace, demo=demo) as session:
        tries = session.orchestra.step_tries
        if is_sample:
            return _sample(tries.sample(session.principal, name, step), as_json=as_json)
        sent = object_in(values, _REMEDY)
        run_id = agreed(
            lambda p: tries.start(p, name, step, sent, environment=env),
            session.principal,
            yes=yes,
            names=confirm,
            is_asked=at_terminal(as_json=as_json) and values != "-",
        )
        run, code = follow(session, run_id, quiet=as_json)
        if as_json:
            document(run)
            return code
        report(session, run)
    for one in run["steps"]:
        if one["id"] == step and one["uses"]:
            _show(one)
    return code


def _sample(found: Any, *, as_json: bool) -> int:
    import json

    if as_json:
        document(found)
        return DONE
    raw(json.dumps(found.values, ensure_ascii=False, indent=2) + "\n")
    note("Values of the last run." if found.is_recorded else "Made from types: the workflow has not run yet.")
    return DONE


def _show(step: StepRecord) -> None:
    """Show what a step gave, or what it would write."""
    import json

    planned = step.get("planned") or {}
    if planned.get("write"):
        say(f"{step['path']} would write to {planned['account']}; nothing was written:")
        say(json.dumps(step["arguments"], ensure_ascii=False, indent=2))
    elif planned.get("note"):
        say(f"{step['path']}: {planned['note']}")
    elif step["output"] is not None:
        say(f"{step['path']}:")
        say(json.dumps(step["output"], ensure_ascii=False, indent=2))
