"""`workflows positions, move`: the positions of steps in the drawing of a workflow."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.base.failures import DONE
from commands.base.opened import looked_at, opened
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document, say, table

Name = Annotated[str, typer.Argument(metavar="NAME", help="The workflow.")]
_RESET = "none"


def positions(name: Name, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Show how far steps were moved on the canvas; all others are placed automatically."""
    with looked_at(workspace, demo=demo) as session:
        session.orchestra.workflows.get(session.principal, name)
        found = session.orchestra.workflows.positions(session.principal, name)
    if as_json:
        document({"workflow": name, "positions": found})
    elif found:
        table(["STEP", "X", "Y"], [[path, *xy] for path, xy in found.items()])
    else:
        say(f"No step of {name} was moved.")
    return DONE


def move(
    name: Name,
    moves: Annotated[
        list[str],
        typer.Argument(
            metavar="STEP=X,Y...",
            help=f"The path of a step, and how far from its automatic place; STEP={_RESET} resets.",
        ),
    ],
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Move steps on the canvas. Where they are is kept beside the workflow, in NAME.layout.json."""
    wanted = dict(map(_move, moves))
    with opened(workspace, demo=demo) as session:
        kept = session.orchestra.workflows.move_steps(session.principal, name, wanted)
    if as_json:
        document({"workflow": name, "positions": kept})
    else:
        say(f"Steps of {name} placed by hand: {len(kept)}.")
    return DONE


def _move(text: str) -> tuple[str, list[float] | None]:
    step, _, place = text.rpartition("=")
    if step and place == _RESET:
        return step, None
    try:
        x, y = map(float, place.split(","))
    except ValueError:
        step = ""
    if not step:
        raise typer.BadParameter(
            f"{text!r} is not a move. Write it like `each_mail.task=120,-40` or `each_mail={_RESET}`."
        )
    return step, [x, y]
