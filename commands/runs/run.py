"""`run`: start a workflow and follow it to its end."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.base.agreeing import Confirm, Yes, agreed, at_terminal
from commands.base.following import finish
from commands.base.inputs import outputs, schemas, values
from commands.base.opened import Session, opened
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import note, say
from engine.base.json_text import JsonObject

_MOST = 25

Inputs = Annotated[
    list[str] | None, typer.Option("--input", metavar="NAME=VALUE", help="A value for an input; may be repeated.")
]
File = Annotated[
    str | None, typer.Option("--inputs", metavar="FILE", help="A JSON object of inputs; `-` reads standard input.")
]
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
ByPlan = Annotated[bool, typer.Option("--plan", help="Show what would be written. Not available yet.")]


def run(
    name: Annotated[str, typer.Argument(help="The workflow.")],
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
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Run a workflow and wait until it ends or waits."""
    from engine.base.errors import NotAvailableYet

    if plan:
        raise NotAvailableYet("`--plan` is not available yet.", remedy="`--demo` tries a workflow without risk.")
    with opened(workspace, demo=demo) as session:
        inputs = values(pairs or [], file, lambda: schemas(session, name))
        pinned = outputs(pins or [], pin_file)
        run_id = agreed(
            lambda p: session.orchestra.runs.start(p, name, inputs, pins=pinned or None, only=only, from_run=from_run),
            session.principal,
            yes=yes,
            names=confirm,
            is_asked=at_terminal(as_json=as_json) and "-" not in (file, pin_file),
            show=lambda: _shown(session, name, inputs),
        )
        return finish(session, run_id, as_json=as_json)


def _shown(session: Session, name: str, inputs: JsonObject) -> None:
    """Show which items the run would process, and the warnings."""
    preview = session.orchestra.preview(session.principal, name, inputs)
    if preview.items is not None:
        say(f"It would process {preview.count}:")
        for title in preview.items[:_MOST]:
            say(f"  {title}")
    for warning in preview.warnings:
        note(f"Warning: {warning.text}")
