"""Commands that need parts of the engine that do not exist yet: they fail with a message."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.base.options import Json, Workspace

Rest = Annotated[list[str] | None, typer.Argument(hidden=True)]
SETTINGS = {"ignore_unknown_options": True, "allow_extra_args": True}


def refuse(context: typer.Context, rest: Rest = None, workspace: Workspace = None, as_json: Json = False) -> int:
    """Not available yet."""
    from engine.base.errors import NotAvailableYet

    del rest, workspace, as_json  # all arguments are accepted
    raise NotAvailableYet(
        f"`{context.command_path}` is not available yet.", remedy="`orchestra --help` lists the available commands."
    )
