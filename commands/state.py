"""`state`: whether writes are held because their record was lost, and the way to release them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clients.wording import counted
from commands.base.failures import DONE, FAILED
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document, note, say
from commands.base.session import looked_at, opened

if TYPE_CHECKING:
    from engine.store.held import HeldWrites

group = typer.Typer(help="See whether writes are held, and resume them.", no_args_is_help=True, rich_markup_mode=None)
_FOLDER = "folder"
To = Annotated[str, typer.Option("--to", metavar="PLACE", help="s3://BUCKET/PREFIX, postgres, or folder.")]


@group.command()
def status(demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Show whether writes are held, and why. Exits with 1 if they are."""
    with looked_at(workspace, demo=demo, tells_held=False) as session:
        held = session.orchestra.proof.held(session.principal)
    if as_json:
        document(_document(held))
    elif held is None:
        say("No writes are held: state and logs account for everything that was written.")
    else:
        say(held.message)
        say(held.remedy)
    return DONE if held is None else FAILED


@group.command()
def accept(demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Resume writing. A write that is not known to have happened is made again."""
    with opened(workspace, demo=demo, tells_held=False) as session:
        held = session.orchestra.proof.accept(session.principal)
    if as_json:
        document({**_document(None), "accepted": None if held is None else asdict(held)})
    elif held is None:
        say("No writes were held.")
    else:
        say("Writing has resumed.")
        for run_id in (*held.missing, *held.unreadable):
            say(f"What run {run_id} wrote is unknown.")
        note("`orchestra serve` or `orchestra runs resume --all` continues the runs that were waiting.")
    return DONE


@group.command("copy-logs")
def copy_logs(to: To, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Copy the logs of runs and their large values to another place, and read each copy again.

    Nothing should run meanwhile. Then write the place into config.yaml: `logs: PLACE`.
    """
    if not to:
        raise typer.BadParameter("Name a place: s3://BUCKET/PREFIX, postgres, or folder.")
    place = "" if to == _FOLDER else to
    with opened(workspace, demo=demo) as session:
        found = session.orchestra.copies.logs(session.principal, place)
    if as_json:
        document(asdict(found))
    else:
        say(f"Copied {counted(found.copied, 'log or value', 'logs and values')}; {found.were_there:,} were there.")
        note(f"Now write `logs: {place}` into config.yaml." if place else "Now leave `logs` in config.yaml empty.")
    return DONE


@group.command()
def migrate(demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Upgrade the state to the format of this release, as each process does when it starts; for deployments."""
    with opened(workspace, demo=demo, tells_held=False) as session:
        form = session.orchestra.state_form
    if as_json:
        document({"form": form})
    else:
        say(f"The state has form {form}, the format of this release.")
    return DONE


@group.command()
def copy(
    to: Annotated[str, typer.Option("--to", metavar="ADDRESS", help="postgresql+psycopg://…, or file.")],
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Copy the state to an empty database, or to a file, and compare the copy row by row.

    Nothing else may use the workspace meanwhile. Then write the address into config.yaml, or into ORCHESTRA_STATE.
    """
    with opened(workspace, demo=demo, tells_held=False) as session:
        found = session.orchestra.copies.state(session.principal, to)
    if as_json:
        document(asdict(found))
    else:
        rows = sum(found.rows.values())
        say(f"Copied {counted(rows, 'row', 'rows')}: {found.rows['runs']:,} runs, {found.rows['effects']:,} writes.")
        note("Both have the same rows. Now change `state` in config.yaml, or ORCHESTRA_STATE.")
    return DONE


def _document(held: HeldWrites | None) -> dict[str, Any]:
    view = None if held is None else {**asdict(held), "message": held.message, "remedy": held.remedy}
    return {"writes_held": view}
