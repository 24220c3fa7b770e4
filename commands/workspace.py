"""`init, fmt, validate, reindex`: the workspace and its files as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clients.counting import counted
from commands.failures import DONE, FAILED, WRONG
from commands.opened import Look, looked_at, opened
from commands.options import Demo, Json, Workspace
from commands.screen import document, note, say

if TYPE_CHECKING:
    from engine.errors import Problem


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")], as_json: Json = False
) -> int:
    """Make a workspace: settings, samples, prompts, .gitignore."""
    from engine.workspace.new_workspace import init as make

    workspace = make(folder)
    names = workspace.workflows.names()
    if as_json:
        document({"workspace": str(workspace.root), "workflows": names})
        return DONE
    say(f"{workspace.root} is a workspace now, with {len(names)} sample workflows.")
    say(f"Try it: orchestra run inbox-triage --demo --workspace {folder}")
    return DONE


def fmt(
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit 1 if a file would change.")] = False,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Write workflows and prompts in their one form. Keys in a fixed order, two spaces, one field a line."""
    from engine.people.access import local_user
    from engine.workspace import config
    from engine.workspace.formatting import format_workspace, unformatted
    from engine.workspace.workspace import Workspace as Files

    del demo  # files are the same under it
    root = workspace or Path.cwd()
    files = Files(root, config.load(root).config.state_dir)
    done = unformatted(files) if check else format_workspace(files, local_user().id)
    if as_json:
        document(done)
    else:
        for file in done.changed:
            say(f"{file} {'would change' if check else 'was written anew'}.")
        _tell(done.problems)
        say("" if done.changed or done.problems else "Every file is in its written form.")
    if done.problems:
        return WRONG
    return FAILED if check and done.changed else DONE


def validate(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Workflows; none: everything.")] = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Check workflows, prompts and settings. Names every problem with its place and remedy."""
    from engine.errors import InvalidFile

    try:
        with looked_at(workspace, demo=demo) as session:
            problems = _named(session, names) if names else _all(session)
    except InvalidFile as error:  # the settings: without them nothing else can be checked
        problems = error.problems
    is_valid = not any(problem.severity == "error" for problem in problems)
    if as_json:
        document({"valid": is_valid, "problems": [problem.as_json() for problem in problems]})
    else:
        _tell(problems)
        say(_found(problems))
    return DONE if is_valid else WRONG


def _found(problems: list[Problem]) -> str:
    """Return the last line: "2 problems found.", "No problem found. 1 warning: it runs all the same."."""
    warnings = sum(problem.severity == "warning" for problem in problems)
    errors = len(problems) - warnings
    said = f"{counted(errors, 'problem') if errors else 'No problem'} found."
    if not warnings:
        return said
    return f"{said} {counted(warnings, 'warning')}{'' if errors else ': it runs all the same'}."


def _named(session: Look, names: list[str]) -> list[Problem]:
    files = [session.orchestra.workflows.get(session.principal, name) for name in names]
    return [problem for file in files for problem in file.problems]


def _all(session: Look) -> list[Problem]:
    """Return the problems of every workflow and of every prompt's working text."""
    from engine.errors import OrchestraError, Problem

    orchestra, p = session.orchestra, session.principal
    found: list[Problem] = []
    for shelf, facet in (
        (orchestra.workspace.workflows, orchestra.workflows),
        (orchestra.workspace.prompts, orchestra.prompts),
    ):
        for name in shelf.names():
            try:
                found += facet.get(p, name).problems
            except OrchestraError as error:  # a file whose name no workflow may have
                found.append(Problem(error.message, "unusable", file=shelf.file(name), remedy=error.remedy))
    return found


def _tell(problems: list[Problem]) -> None:
    for problem in problems:
        note(f"{problem.severity}: {problem}")


def reindex(demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Read runs and receipts again from the logs. A damaged state file is moved aside."""
    from engine.orchestra import Orchestra

    aside = Orchestra.set_aside_damaged_state(workspace or Path.cwd())
    with opened(workspace, demo=demo) as session:
        count, broken = session.orchestra.runs.reindex(session.principal)
    if as_json:
        document({"runs": count, "unreadable": broken, "damaged_state": str(aside) if aside else None})
        return DONE
    if aside is not None:
        note(f"The state file was damaged: it lies in {aside} now, and a new one was made from the logs.")
        note("Who may sign in and which services are Demo or Mine is not in logs: `orchestra login-link`.")
    say(f"{counted(count, 'run')} listed.")
    for path in broken:
        note(f"{path} cannot be read; it was left as it is.")
    return DONE
