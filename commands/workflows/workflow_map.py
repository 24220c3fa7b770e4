"""`workflows positions, move, look, predict`: what the canvas shows besides the file of a workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from clients.wording import counted
from commands.base.failures import DONE
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document, note, say, table
from commands.base.session import looked_at, opened

if TYPE_CHECKING:
    from engine.runs.trials.prediction import StepPrediction
    from engine.workspace.layout import StepLook

Name = Annotated[str, typer.Argument(metavar="NAME", help="The workflow.")]
_RESET = "none"


def positions(name: Name, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Show how far steps have been moved on the canvas; the others are placed automatically."""
    with looked_at(workspace, demo=demo) as session:
        session.orchestra.workflows.get(session.principal, name)
        found = session.orchestra.workflows.positions(session.principal, name)
    if as_json:
        document({"positions": found})
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
        document({"positions": kept})
    else:
        say(f"Steps of {name} placed by hand: {len(kept)}.")
    return DONE


def look(
    name: Name,
    step: Annotated[str, typer.Argument(metavar="STEP", help="The path of the step to change.")] = "",
    size: Annotated[str | None, typer.Option(metavar="W,H", help="Its width and height in pixels.")] = None,
    icon: Annotated[str | None, typer.Option(metavar="ICON", help="A name such as mail, or an emoji.")] = None,
    color: Annotated[str | None, typer.Option(metavar="COLOR", help="The name of a color, such as blue.")] = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Show or change the sizes, icons and colors of steps on the canvas; "none" makes one automatic again.

    They are stored next to the workflow, in NAME.layout.json.
    """
    given = {"size": _size(size), "icon": icon, "color": color}
    changes = {key: None if value == _RESET else value for key, value in given.items() if value is not None}
    if bool(step) != bool(changes):
        raise typer.BadParameter(
            "A change needs a step and --size, --icon or --color. Without both, the looks are shown."
        )
    if not changes:
        with looked_at(workspace, demo=demo) as session:
            session.orchestra.workflows.get(session.principal, name)
            looks = session.orchestra.workflows.looks(session.principal, name)
    else:
        with opened(workspace, demo=demo) as session:
            looks = session.orchestra.workflows.change_looks(session.principal, name, {step: changes})
    if as_json:
        document({"looks": looks})
    elif looks:
        table(["STEP", "SIZE", "ICON", "COLOR"], [[path, *_cells(one)] for path, one in looks.items()])
    else:
        say(f"The steps of {name} look as they are by default.")
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


def _cells(look: StepLook) -> tuple[str, str, str]:
    return "" if look.size is None else "{:g},{:g}".format(*look.size), look.icon, look.color


def _size(text: str | None) -> list[float] | str | None:
    if text is None or text == _RESET:
        return text
    try:
        width, height = map(float, text.split(","))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a size. Write it like `300,90` or `{_RESET}`.") from None
    return [width, height]


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
