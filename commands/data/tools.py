"""`tools`: step types that the people of a workspace write themselves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from textwrap import indent
from typing import TYPE_CHECKING, Annotated

import typer

from commands.base.changed_files import say_deleted, say_renamed, say_versions
from commands.base.derived import Area, CalledWith, by_hand
from commands.base.failures import DONE, FAILED
from commands.base.later_groups import Command, LaterGroup
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import cut, document, say, table
from commands.base.session import opened

if TYPE_CHECKING:
    from pathlib import Path

    from engine.tools.tools import Locked, ToolInfo
    from engine.tools.versions import FileChange, ToolVersion


def _commands() -> Sequence[Command]:
    from engine.tools.tools import Tools

    area = Area("tools")
    return [
        area.command(Tools.list, _list),
        area.command(Tools.show, _tool),
        by_hand("new", new),
        area.command(Tools.rename, _renamed),
        area.command(Tools.delete, _deleted),
        area.command(Tools.lock, _locked),
        area.command(Tools.versions, _versions),
        area.command(Tools.changes, _changes),
        area.command(
            Tools.restore, lambda found, _: say(f"Restored tool.{found.name} {found.version}, {found.state}.")
        ),
        by_hand("test", run_tests),
    ]


group = LaterGroup("Your own step types, in tools/.", _commands)

Name = Annotated[str, typer.Argument(metavar="TOOL", help="The name of the tool.")]


def _list(found: Sequence[ToolInfo], _: CalledWith) -> None:
    if found:
        rows = [
            [one.name, cut(one.version), one.state, one.effect, ", ".join(one.used_by) or one.problem] for one in found
        ]
        table(["TOOL", "VERSION", "STATE", "EFFECT", "USED BY"], rows)
    else:
        say("There is no tool yet. `orchestra tools new NAME` makes one.")


def _tool(found: ToolInfo, _: CalledWith) -> None:
    say(f"tool.{found.name} {found.version}  {found.state}  {found.language}  {found.effect}".rstrip())
    for line in (found.problem, found.description):
        if line:
            say(line)
    if found.input is not None:
        say(f"Input: {json.dumps(found.input, ensure_ascii=False)}")
        say(f"Output: {json.dumps(found.output, ensure_ascii=False)}")
        if found.dependencies:
            say(f"Dependencies: {', '.join(found.dependencies)}.")
            say(f"Packages: {', '.join(found.packages) or 'not locked'}.")
        say(f"Hosts: {', '.join(found.network) or 'none'}.")
        say(f"Files: {', '.join(found.files)}.")
    say(f"Used by: {', '.join(found.used_by) or 'no workflow'}.")


def new(
    tool: Name,
    sample: Annotated[str, typer.Option(help="Copy a shipped tool, such as iban-check.")] = "",
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Create a tool in tools/TOOL, with a first test."""
    with opened(workspace, demo=demo) as session:
        made = session.orchestra.tools.new(session.principal, tool, sample)
        folder = session.orchestra.workspace.root / "tools" / tool
    if as_json:
        document(made)
    else:
        say(f"Made {folder}. `orchestra tools test {tool}` tests it; then workflows can use it as tool.{tool}.")
    return DONE


def _renamed(changed: Sequence[str], given: CalledWith) -> None:
    say_renamed("tool", given.values["name"], given.values["new"], changed)


def _deleted(trash: Path, given: CalledWith) -> None:
    tool = given.values["name"]
    say_deleted("tool", tool, trash, f"move that folder back as tools/{tool}")


def _locked(found: Locked, _: CalledWith) -> None:
    tool = found.name
    for one in found.packages:
        say(one)
    if not found.packages:
        say(f"tool.{tool} has no dependencies.")
    elif not found.changed:
        say("The lock is as it was.")
    else:
        say(f"Wrote tools/{tool}/requirements.lock. `orchestra tools test {tool}` tests the tool with it.")


def _versions(found: Sequence[ToolVersion], given: CalledWith) -> None:
    if found:
        say_versions(found, given.zone, VERSION=lambda one: one.version, STATE=_state)
    else:
        tool = given.values["name"]
        say(f"No version has passed its tests yet. `orchestra tools test {tool}` tests this one.")


def _state(version: ToolVersion) -> str:
    said = "tested" if version.tested else "replaced"
    return f"{said}, current" if version.is_current else said


def _changes(found: Sequence[FileChange], _: CalledWith) -> None:
    for one in found:
        say(f"{one.path}: {one.change}")
        if one.lines:
            say(one.lines)
    if not found:
        say("Nothing has changed since.")


def run_tests(tool: Name, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Run all tests of a tool in the sandbox; if they pass, workflows can use it as it is now."""
    with opened(workspace, demo=demo) as session:
        found = session.orchestra.tools.test(session.principal, tool, demo=demo)
    if as_json:
        document(asdict(found))
        return DONE if found.passed else FAILED
    for one in found.tests:
        say(f"{'passed' if one.passed else 'FAILED'}  {one.name}" + (f": {one.said}" if one.said else ""))
        for more in (one.trace, one.remedy):
            if more:
                say(indent(more, "        "))
    passed = sum(one.passed for one in found.tests)
    say(f"{passed} of {len(found.tests)} passed." + (f" tool.{tool} can be used." if found.passed else ""))
    return DONE if found.passed else FAILED
