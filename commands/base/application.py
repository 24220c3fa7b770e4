"""The application with all commands, and the options that come before a command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.base.commands import Commands
from commands.base.options import WorkspaceOption
from commands.base.screen import say

app = typer.Typer(
    name="orchestra",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # importing rich would take longer than most commands
    pretty_exceptions_enable=False,
)


def _tell_version(is_asked: bool) -> None:
    if is_asked:
        from importlib.metadata import version

        say(f"orchestra {version('ai-orchestra')}")
        raise typer.Exit


@app.callback()
def everywhere(
    context: typer.Context,
    given: Annotated[
        Path | None,
        typer.Option("--workspace", metavar="DIR", help="The workspace to use; may also follow the command."),
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Mail becomes Notion tasks, GitHub issues and drafted answers, once each."""
    if given is not None:
        place: WorkspaceOption = context.obj
        place.workspace = given
