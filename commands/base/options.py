"""Options that many commands share, and the workspace of a command."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct, field

VARIABLE = "ORCHESTRA_WORKSPACE"
_WORKFLOW_FILE = re.compile(r"(?:\.[/\\])?workflows[/\\](?:([^/\\]+)\.branches[/\\])?([^/\\]+)\.json\Z")


def _current_folder() -> Path:
    """Return the current folder; if it has been deleted, where it was, which is then refused by its name."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path(os.environ.get("PWD") or "/deleted")


class WorkspaceOption(Struct):
    """The workspace of a command: `--workspace` wherever it was given, else ORCHESTRA_WORKSPACE, else this folder."""

    workspace: Path = field(default_factory=lambda: Path(os.environ.get(VARIABLE) or _current_folder()))


def _workspace(context: typer.Context, given: Path | None) -> Path:
    place: WorkspaceOption = context.obj
    if given is not None:
        place.workspace = given
    return place.workspace


Workspace = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        metavar="DIR",
        callback=_workspace,
        show_default=False,
        help=f"The workspace to use; default: ${VARIABLE}, or the current folder.",
    ),
]
"""Never None inside a command: the callback sets it."""

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]

Demo = Annotated[
    bool, typer.Option("--demo", help="Every service is its stand-in for this command; any other host is refused.")
]


def _log_level(given: str | None) -> str | None:
    """Set the variable that overrides config.yaml, which other processes of this command inherit."""
    from engine.files.log_levels import levels_of

    if given is not None:
        try:
            levels_of(given)
        except ValueError as error:
            said = f"{str(error)!r} is not debug, info, warning or error, nor such as engine.runner=debug."
            raise typer.BadParameter(said) from None
        os.environ["ORCHESTRA_LOG_LEVEL"] = given
    return given


LogLevel = Annotated[
    str | None,
    typer.Option(
        metavar="LEVEL",
        callback=_log_level,
        show_default=False,
        help="What the log has: debug, info, warning or error; for one logger: `warning,engine.runner=debug`.",
    ),
]


def workflow_name(written: str) -> str:
    """Return the name of a workflow that may be given as messages print it: the path of its file in the workspace."""
    found = _WORKFLOW_FILE.match(written)
    if found is None:
        return written
    return f"{found[1]}@{found[2]}" if found[1] else found[2]
