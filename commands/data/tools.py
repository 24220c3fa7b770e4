"""`tools`: step types that the people of a workspace write themselves."""

from __future__ import annotations

import json
from dataclasses import asdict
from textwrap import indent
from typing import TYPE_CHECKING, Annotated

import typer

from commands.base.changed_files import deleted, renamed, say_versions
from commands.base.failures import DONE, FAILED
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import cut, document, say, table
from commands.base.session import opened

if TYPE_CHECKING:
    from engine.tools.versions import ToolVersion

group = typer.Typer(help="Your own step types, in tools/.", no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="TOOL", help="The name of the tool.")]
New = Annotated[str, typer.Argument(metavar="NEW", help="The new name: lower-case letters, digits, '-' and '_'.")]
Kept = Annotated[str, typer.Argument(metavar="ID", help="The id of a version, from `orchestra tools versions`.")]


@group.command("list")
def list_(demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """List the tools with the state of their tests."""
    with opened(workspace, demo=demo) as session:
        found = session.orchestra.tools.list(session.principal)
    if as_json:
        document({"tools": [asdict(one) for one in found]})
    elif found:
        rows = [
            [one.name, cut(one.version), one.state, one.effect, ", ".join(one.used_by) or one.problem] for one in found
        ]
        table(["TOOL", "VERSION", "STATE", "EFFECT", "USED BY"], rows)
    else:
        say("There is no tool yet. `orchestra tools new NAME` makes one.")
    return DONE


@group.command()
def show(tool: Name, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Show a tool: its fields and output, its files, and which workflows use it."""
    with opened(workspace, demo=demo) as session:
        found = session.orchestra.tools.show(session.principal, tool)
    if as_json:
        document(asdict(found))
        return DONE
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
    return DONE


@group.command()
def new(
    tool: Name,
    sample: Annotated[str, typer.Option(help="Copy a shipped tool, such as iban-check.")] = "",
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Create a tool in tools/TOOL, with a first test."""
    with opened(workspace, demo=demo) as session:
        tools, p = session.orchestra.tools, session.principal
        folder = tools.new(p, tool, sample)
        made = tools.show(p, tool)
    if as_json:
        document(made)
    else:
        say(f"Made {folder}. `orchestra tools test {tool}` tests it; then workflows can use it as tool.{tool}.")
    return DONE


@group.command()
def rename(tool: Name, new: New, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Rename a tool, also in the workflows and agents that use it."""
    with opened(workspace, demo=demo) as session:
        changed = session.orchestra.tools.rename(session.principal, tool, new)
    return renamed("tool", tool, new, changed, "users", as_json=as_json)


@group.command()
def delete(tool: Name, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Move a tool to the trash. Refused while a workflow or an agent uses it."""
    with opened(workspace, demo=demo) as session:
        trash = session.orchestra.tools.delete(session.principal, tool)
    return deleted("tool", tool, trash, f"move that folder back as tools/{tool}", as_json=as_json)


@group.command()
def lock(tool: Name, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Lock the dependencies of a tool to exact packages, and download them. It needs uv and the network."""
    with opened(workspace, demo=demo) as session:
        found = session.orchestra.tools.lock(session.principal, tool)
    if as_json:
        document(asdict(found))
        return DONE
    for one in found.packages:
        say(one)
    if not found.packages:
        say(f"tool.{tool} has no dependencies.")
    elif not found.changed:
        say("The lock is as it was.")
    else:
        say(f"Wrote tools/{tool}/requirements.lock. `orchestra tools test {tool}` tests the tool with it.")
    return DONE


@group.command()
def versions(tool: Name, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """List the last versions of a tool that passed their tests, newest first."""
    with opened(workspace, demo=demo) as session:
        found = session.orchestra.tool_files.versions(session.principal, tool)
        zone = session.orchestra.config.time_zone
    if as_json:
        document({"versions": [asdict(one) for one in found]})
    elif found:
        say_versions(found, zone, VERSION=lambda one: one.version, STATE=_state)
    else:
        say(f"No version has passed its tests yet. `orchestra tools test {tool}` tests this one.")
    return DONE


@group.command()
def diff(tool: Name, version: Kept, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Show what has changed in a tool since a version."""
    with opened(workspace, demo=demo) as session:
        found = session.orchestra.tool_files.changes(session.principal, tool, version)
    if as_json:
        document({"id": version, "changes": found})
        return DONE
    for one in found:
        say(f"{one.path}: {one.change}")
        if one.lines:
            say(one.lines)
    if not found:
        say("Nothing has changed since.")
    return DONE


@group.command()
def restore(tool: Name, version: Kept, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Restore the files of a version; the current files are kept as a version, too."""
    with opened(workspace, demo=demo) as session:
        session.orchestra.tool_files.restore(session.principal, tool, version)
        found = session.orchestra.tools.show(session.principal, tool)
    if as_json:
        document(asdict(found))
    else:
        say(f"Restored tool.{tool} {found.version}, {found.state}.")
    return DONE


def _state(version: ToolVersion) -> str:
    said = "tested" if version.tested else "replaced"
    return f"{said}, current" if version.is_current else said


@group.command("test")
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
