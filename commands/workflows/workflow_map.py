"""`workflows positions, move, predict`: what the canvas shows besides the file of a workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from clients.wording import counted
from commands.base.failures import DONE
from commands.base.opened import looked_at, opened
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document, note, say, table

if TYPE_CHECKING:
    from engine.runs.predicting.prediction import StepPrediction

Name = Annotated[str, typer.Argument(metavar="NAME", help="The workflow.")]
_RESET = "none"


def positions(name: Name, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Show how far steps have been moved on the canvas; the others are placed automatically."""
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
    """Move steps on the canvas. Their positions are stored next to the workflow, in NAME.layout.json."""
    wanted = dict(map(_move, moves))
    with opened(workspace, demo=demo) as session:
        kept = session.orchestra.workflows.move_steps(session.principal, name, wanted)
    if as_json:
        document({"workflow": name, "positions": kept})
    else:
        say(f"Steps of {name} placed by hand: {len(kept)}.")
    return DONE


def predict(
    name: Name,
    run: Annotated[
        str, typer.Option("--run", metavar="RUN", help="Use what this run has recorded; default: types only.")
    ] = "",
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Predict the output type of each step and, with a run, the values that its expressions would have.

    Steps have the outputs that they had in the run; no service is called.
    """
    with opened(workspace, demo=demo) as session:
        found = session.orchestra.predictions.predict(session.principal, name, run)
    if as_json:
        document(found)
        return DONE
    table(["STEP", "GIVES", "WOULD"], [[one.path, _gives(one), _would(one)] for one in found.steps])
    for step in found.steps:
        for case in step.cases:
            for field in case.fields:
                say(f"{case.path} {field.name}: {field.value if field.value is not None else field.why}")
    if found.why:
        note(found.why)
    return DONE


def _gives(step: StepPrediction) -> str:
    return f"{step.type}, or nothing" if step.may_be_missing else step.type


def _would(step: StepPrediction) -> str:
    """Return what the repetitions of a step would do; a plain word for a single one."""
    if sum(step.counts.values()) == 1:
        return str(next(iter(step.counts)))
    return ", ".join(f"{will} {counted(count, 'time')}" for will, count in step.counts.items())


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
