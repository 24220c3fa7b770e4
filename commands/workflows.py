"""`workflows`: what is done to workflow files beside editing them."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.failures import DONE
from commands.opened import opened
from commands.options import Demo, Json, Workspace
from commands.screen import document, say

group = typer.Typer(help="Workflow files.", no_args_is_help=True, rich_markup_mode=None)


@group.command()
def rename(
    old: Annotated[str, typer.Argument(help="The workflow.")],
    new: Annotated[str, typer.Argument(help="Its new name.")],
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Give a workflow another name. What it wrote and what its triggers have seen goes along."""
    with opened(workspace, demo=demo) as session:
        session.orchestra.workflows.rename(session.principal, old, new)
    if as_json:
        document({"workflow": new})
        return DONE
    say(f"The workflow {old!r} is called {new!r} now; what it wrote and what its triggers have seen is still known.")
    return DONE


@group.command("rename-step")
def rename_step(
    workflow: Annotated[str, typer.Argument(help="The workflow.")],
    old: Annotated[str, typer.Argument(help="The id of the step.")],
    new: Annotated[str, typer.Argument(help="Its new id.")],
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Give a step another id. It changes in expressions, `needs`, drawing and receipts, too."""
    with opened(workspace, demo=demo) as session:
        session.orchestra.workflows.rename_step(session.principal, workflow, old, new)
    if as_json:
        document({"workflow": workflow, "step": new})
        return DONE
    say(f"The step {old!r} of {workflow} is called {new!r} now; what it wrote before is still known.")
    return DONE
