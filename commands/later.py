"""Commands whose parts of the engine are not there yet: refused in words, never ignored."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.options import Json, Workspace

Rest = Annotated[list[str] | None, typer.Argument(hidden=True)]
SETTINGS = {"ignore_unknown_options": True, "allow_extra_args": True}


def refuse(context: typer.Context, rest: Rest = None, workspace: Workspace = None, as_json: Json = False) -> int:
    """Not available yet."""
    from engine.errors import NotAvailableYet

    del rest, workspace, as_json  # whatever was asked for
    raise NotAvailableYet(
        f"`{context.command_path}` is not available yet.", remedy="`orchestra --help` lists what there is."
    )
