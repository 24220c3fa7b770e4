"""`run`: start a workflow and follow it to its end."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.base.agreeing import Confirm, Yes, agreed, at_terminal
from commands.base.inputs import outputs, schemas, values
from commands.base.options import Demo, Json, Workspace, workflow_name
from commands.base.run_progress import finish
from commands.base.screen import note, say
from commands.base.session import CommandSession, opened
from commands.plan_text import finish_plan
from commands.runs.options import File, Inputs
from engine.base.json_text import JsonObject
from engine.base.statuses import Priority
from engine.people.access import Principal

_MOST = 25

Only = Annotated[
    str | None,
    typer.Option(
        metavar="STEP", help="A test: run only this step, such as each_mail.classify or each_mail[3].classify."
    ),
]
FromRun = Annotated[
    str | None, typer.Option(metavar="ID", help="With --only: the outputs of this run stand in for the other steps.")
]
Pins = Annotated[
    list[str] | None,
    typer.Option("--pin", metavar="STEP=JSON", help="A test: use this output instead of running the step."),
]
PinFile = Annotated[
    str | None, typer.Option("--pins", metavar="FILE", help="A JSON object of such outputs, by step; `-` reads stdin.")
]
ByPlan = Annotated[
    bool,
    typer.Option(
        "--plan", help="Show what the run would write, and write nothing; `orchestra plans apply ID` then writes it."
    ),
]

Environment = Annotated[
    str,
    typer.Option(
        "--env", metavar="ENVIRONMENT", help="The environment to run in; default: the default one, if there are any."
    ),
]
Urgency = Annotated[
    Priority | None,
    typer.Option("--priority", help="The priority if more runs wait than can be processed; default: normal."),
]


def run(
    name: Annotated[str, typer.Argument(help="The workflow, or its file in workflows/.", callback=workflow_name)],
    pairs: Inputs = None,
    file: File = None,
    only: Only = None,
    from_run: FromRun = None,
    pins: Pins = None,
    pin_file: PinFile = None,
    yes: Yes = False,
    confirm: Confirm = None,
    demo: Demo = False,
    plan: ByPlan = False,
    env: Environment = "",
    priority: Urgency = None,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Run a workflow and wait until it ends or waits."""
    if plan and (only or from_run or pins or pin_file):
        raise typer.BadParameter("A plan is made of the whole workflow: leave out --only, --from-run and --pin.")
    with opened(workspace, demo=demo) as session:
        inputs = values(pairs or [], file, lambda: schemas(session, name, env))
        pinned = outputs(pins or [], pin_file)
        engine = session.orchestra

        def start(p: Principal) -> str:
            if plan:
                return engine.plans.make(p, name, inputs, environment=env)
            return engine.runs.start(
                p, name, inputs, pins=pinned or None, only=only, from_run=from_run, environment=env, priority=priority
            )

        run_id = agreed(
            start,
            session.principal,
            yes=yes,
            names=confirm,
            is_asked=at_terminal(as_json=as_json) and "-" not in (file, pin_file),
            show=lambda: _shown(session, name, inputs, env),
        )
        return (finish_plan if plan else finish)(session, run_id, as_json=as_json)


def _shown(session: CommandSession, name: str, inputs: JsonObject, environment: str) -> None:
    """Show which items the run would process, and the warnings."""
    preview = session.orchestra.preview(session.principal, name, inputs, environment=environment)
    if preview.items is not None:
        say(f"It would process {preview.count}:")
        for title in preview.items[:_MOST]:
            say(f"  {title}")
    if preview.estimate is not None:
        say(f"Expected cost: {preview.estimate['sentence']}")
    for warning in preview.warnings:
        note(f"Warning: {warning.text}")
