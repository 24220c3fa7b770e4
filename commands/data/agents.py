"""`agents`: models that work on a task with tools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from commands.base.changed_files import say_deleted, say_renamed
from commands.base.derived import Area, CalledWith, by_hand
from commands.base.failures import DONE, FAILED
from commands.base.later_groups import Command, LaterGroup
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import cut, document, note, say, table
from commands.base.session import looked_at, opened

if TYPE_CHECKING:
    from pathlib import Path

    from engine.agents.agents import AgentSummary


def _commands() -> Sequence[Command]:
    from commands.data import agent_versions
    from engine.agents.agents import Agents

    area = Area("agents", is_readable=True)
    return [
        area.command(Agents.list, _list),
        area.command(Agents.get, _agent),
        by_hand("check", check),
        by_hand("new", new),
        area.command(Agents.duplicate, _copied),
        area.command(Agents.rename, _renamed),
        area.command(Agents.delete, _deleted),
        by_hand("versions", agent_versions.versions),
        by_hand("save-version", agent_versions.save_version),
        by_hand("label", agent_versions.label),
        by_hand("diff", agent_versions.diff),
        by_hand("restore", agent_versions.restore),
    ]


group = LaterGroup("Models that work on a task with tools.", _commands)


def _list(found: Sequence[AgentSummary], _: CalledWith) -> None:
    if found:
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
        table(["AGENT", "TITLE", "TOOLS", "RUNS", "USED BY", "PROBLEMS"], rows)
    else:
        say("There is no agent yet. `orchestra agents new NAME` makes one.")


def _runs(one: AgentSummary) -> str:
    return "the file" if one.runs is None else f"version {one.runs}"


def _agent(found: AgentSummary, _: CalledWith) -> None:
    say(f"{found.title}\n{found.description}".strip())
    if found.tools:
        rows = [
            [one.name, one.uses, ", ".join(one.fixed), ", ".join(one.given), "yes" if one.approve else ""]
            for one in found.tools
        ]
        table(["TOOL", "USES", "FIXED", "GIVEN", "APPROVE"], rows)
    if found.limits:
        say("Limits: " + ", ".join(f"{name} {value:g}" for name, value in found.limits.items()))
    say(f"Workflows that name no version run {_runs(found)}.")
    if found.used_by:
        say(f"Used by: {', '.join(found.used_by)}")
    _say_problems(found)


def _say_problems(found: AgentSummary) -> None:
    for one in found.problems:
        note(f"{one.severity}: {one}")


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
        document({"problems": [one.as_json() for one in problems]})
    elif problems:
        for problem in problems:
            say(str(problem))
    else:
        say(f"No problem: {', '.join(one.name for one in found) or 'there is no agent'}.")
    return FAILED if problems else DONE


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
    if as_json:
        document(made)
    else:
        say(f"{folder / name}.json is created.")
        _say_problems(made)
    return DONE


def _copied(made: AgentSummary, given: CalledWith) -> None:
    say(f"The agent {given.values['new']!r} is a copy of {given.values['name']!r}.")
    _say_problems(made)


def _renamed(changed: Sequence[str], given: CalledWith) -> None:
    say_renamed("agent", given.values["name"], given.values["new"], changed)


def _deleted(trash: Path, given: CalledWith) -> None:
    say_deleted("agent", given.values["name"], trash)
