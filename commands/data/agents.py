"""`agents`: models that work on a task with tools."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.base.changed_files import deleted, renamed
from commands.base.failures import DONE, FAILED
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import cut, note, say
from commands.base.screen import document as json_document
from commands.base.screen import table as columns
from commands.base.session import looked_at, opened

if TYPE_CHECKING:
    from engine.agents.agents import AgentSummary

group = typer.Typer(help="Models that work on a task with tools.", no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="AGENT", help="The name of the agent.")]
New = Annotated[str, typer.Argument(metavar="NEW", help="The new name: lower-case letters, digits, '-' and '_'.")]


@group.command("list")
def list_(demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """List the agents."""
    with looked_at(workspace, demo=demo) as session:
        found = session.orchestra.agents.list(session.principal)
    if as_json:
        json_document({"agents": [asdict(one) for one in found]})
    elif found:
        rows = [
            [
                one.name,
                cut(one.title),
                cut(", ".join(tool.name for tool in one.tools)),
                _runs(one),
                cut(", ".join(one.used_by)),
                len(one.problems) or "",
            ]
            for one in found
        ]
        columns(["AGENT", "TITLE", "TOOLS", "RUNS", "USED BY", "PROBLEMS"], rows)
    else:
        say("There is no agent yet. `orchestra agents new NAME` makes one.")
    return DONE


def _runs(one: AgentSummary) -> str:
    return "the file" if one.runs is None else f"version {one.runs}"


@group.command()
def show(
    name: Name,
    version: Annotated[str, typer.Option(help="A saved version: its number, label or id; default: the file.")] = "",
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Show an agent: its tools (which fields are fixed, and which the model fills), its limits and its problems."""
    with looked_at(workspace, demo=demo) as session:
        found = session.orchestra.agents.get(session.principal, name, version)
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
    say(f"Workflows that name no version run {_runs(found)}.")
    if found.used_by:
        say(f"Used by: {', '.join(found.used_by)}")
    for one in found.problems:
        note(f"{one.severity}: {one}")
    return DONE


@group.command()
def check(
    name: Annotated[str, typer.Argument(metavar="[AGENT]", help="One agent; default: all.")] = "",
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """List the problems of an agent, or of all agents, with the place of each."""
    with looked_at(workspace, demo=demo) as session:
        agents, p = session.orchestra.agents, session.principal
        found = [agents.get(p, name)] if name else agents.list(p)
    problems = [problem for one in found for problem in one.problems]
    if as_json:
        json_document({"problems": [one.as_json() for one in problems]})
    elif problems:
        for problem in problems:
            say(str(problem))
    else:
        say(f"No problem: {', '.join(one.name for one in found) or 'there is no agent'}.")
    return FAILED if problems else DONE


@group.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name: lower-case letters, digits, '-' and '_'.")],
    title: Annotated[str, typer.Option(help="Its title; default: made from the name.")] = "",
    sample: Annotated[str, typer.Option(help="Copy a shipped agent, such as research-agent.")] = "",
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Create an agent. Workflows can run it at once, with a step agent.run."""
    with opened(workspace, demo=demo) as session:
        made = session.orchestra.agents.create(session.principal, name, title, sample)
        folder = session.orchestra.workspace.agents.folder
    _report(made, f"{folder / name}.json is created.", as_json=as_json)
    return DONE


@group.command()
def copy(name: Name, new: New, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Copy an agent with its versions and labels, titled "Copy of …"."""
    with opened(workspace, demo=demo) as session:
        made = session.orchestra.agents.duplicate(session.principal, name, new)
    _report(made, f"The agent {new!r} is a copy of {name!r}.", as_json=as_json)
    return DONE


@group.command()
def rename(name: Name, new: New, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Rename an agent, also in the workflows and agents that run it."""
    with opened(workspace, demo=demo) as session:
        changed = session.orchestra.agents.rename(session.principal, name, new)
    return renamed("agent", name, new, changed, "users", as_json=as_json)


@group.command()
def delete(name: Name, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Move an agent to the trash. Refused while a workflow or another agent runs it."""
    with opened(workspace, demo=demo) as session:
        trash = session.orchestra.agents.delete(session.principal, name)
    return deleted("agent", name, trash, as_json=as_json)


def _report(made: AgentSummary, said: str, *, as_json: bool) -> None:
    if as_json:
        document: dict[str, Any] = asdict(made)
        json_document(document)
        return
    say(said)
    for one in made.problems:
        note(f"{one.severity}: {one}")
