"""`agents`: models that work on a task with tools."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from commands.base.failures import DONE
from commands.base.opened import opened
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document as json_document
from commands.base.screen import say
from commands.base.screen import table as columns

group = typer.Typer(help="Agents.", no_args_is_help=True, rich_markup_mode=None)


@group.command("list")
def list_(demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """List the agents."""
    with opened(workspace, demo=demo) as session:
        found = session.orchestra.agents.list(session.principal)
    if as_json:
        json_document({"agents": [asdict(one) for one in found]})
    elif found:
        rows = [
            [
                one.name,
                one.title,
                ", ".join(tool.name for tool in one.tools),
                ", ".join(one.used_by),
                str(len(one.problems)),
            ]
            for one in found
        ]
        columns(["AGENT", "TITLE", "TOOLS", "USED BY", "PROBLEMS"], rows)
    else:
        say("There is no agent yet. An agent is a file agents/NAME.json.")
    return DONE


@group.command()
def show(
    name: Annotated[str, typer.Argument(metavar="AGENT", help="The name of the agent.")],
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Show an agent: its tools with what is fixed and what its model fills, its limits, and its problems."""
    with opened(workspace, demo=demo) as session:
        found = session.orchestra.agents.get(session.principal, name)
    if as_json:
        json_document(asdict(found))
        return DONE
    say(f"{found.title}\n{found.description}".strip())
    if found.tools:
        rows = [
            [one.name, one.uses, ", ".join(one.fixed), ", ".join(one.given), "yes" if one.approve else ""]
            for one in found.tools
        ]
        columns(["TOOL", "USES", "FIXED", "GIVEN", "APPROVE"], rows)
    if found.limits:
        say("Limits: " + ", ".join(f"{name} {value:g}" for name, value in found.limits.items()))
    if found.used_by:
        say(f"Used by: {', '.join(found.used_by)}")
    for one in found.problems:
        say(f"{one.file}:{one.line}: {one.message} {one.remedy}")
    return DONE
