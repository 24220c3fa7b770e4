"""`run`: starts a workflow and follows it to its end."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from commands.failures import FAILED
from commands.following import finish
from commands.inputs import outputs, schemas, values
from commands.opened import Session, opened
from commands.options import Demo, Json, Workspace
from commands.screen import note, say

_SHOWN = 25

Inputs = Annotated[
    list[str] | None, typer.Option("--input", metavar="NAME=VALUE", help="A value for an input; may come again.")
]
File = Annotated[
    str | None, typer.Option("--inputs", metavar="FILE", help="A JSON object of inputs; `-` reads standard input.")
]
Only = Annotated[
    str | None,
    typer.Option(metavar="STEP", help="A test: run this step alone, as each_mail.classify or each_mail[3].classify."),
]
FromRun = Annotated[
    str | None, typer.Option(metavar="ID", help="With --only: the outputs of this run stand in for the other steps.")
]
Pins = Annotated[
    list[str] | None,
    typer.Option("--pin", metavar="STEP=JSON", help="A test: take this output instead of running the step."),
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
    demo: Demo = False,
    plan: ByPlan = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Run a workflow and wait until it has ended or waits."""
    from engine.errors import NotAvailableYet

    if plan:
        raise NotAvailableYet("`--plan` is not available yet.", remedy="`--demo` tries a workflow without a risk.")
    with opened(workspace, demo=demo) as session:
        inputs = values(pairs or [], file, lambda: schemas(session, name))
        pinned = outputs(pins or [], pin_file)
        if not as_json and "-" not in (file, pin_file) and sys.stdin.isatty() and not _is_agreed(session, name, inputs):
            note("Nothing was started.")
            return FAILED
        run_id = session.orchestra.runs.start(
            session.principal, name, inputs, pins=pinned or None, only=only, from_run=from_run
        )
        return finish(session, run_id, as_json=as_json)


def _is_agreed(session: Session, name: str, inputs: Mapping[str, Any]) -> bool:
    """Tell whether the run may start: the first one on real accounts shows what it would touch, and asks."""
    orchestra, p = session.orchestra, session.principal
    if orchestra.is_confirmed(p, name):
        return True
    preview = orchestra.preview(p, name, inputs)
    say(f"{name} has not run on these accounts before:")
    for badge in preview.connections:
        say(f"  {badge.name} ({badge.service}): {badge.account or 'your account'}")
    if preview.items is not None:
        say(f"It would go through {preview.count}:")
        for title in preview.items[:_SHOWN]:
            say(f"  {title}")
    for warning in preview.warnings:
        note(f"Attention: {warning.text}")
    if not typer.confirm("Start it?"):
        return False
    orchestra.confirm(p, name)
    return True
