"""`init, fmt, validate, reindex, search`: the workspace and its files as a whole."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clients.wording import counted
from commands.base.failures import DONE, FAILED, WRONG
from commands.base.options import Demo, Json, Workspace, workflow_name
from commands.base.screen import document, note, say, table
from commands.base.session import CommandSession, looked_at, opened

if TYPE_CHECKING:
    from engine.base.problem import Problem


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")], as_json: Json = False
) -> int:
    """Create a workspace: settings, samples, prompts, .gitignore."""
    from engine.workflows.new_workspace import init as make

    workspace = make(folder)
    names = workspace.workflows.names()
    if as_json:
        document({"workspace": str(workspace.root), "workflows": names})
        return DONE
    say(f"{workspace.root} is now a workspace, with {len(names)} sample workflows.")
    say(f"Try it: orchestra run inbox-triage --demo --workspace {shlex.quote(str(folder))}")
    return DONE


def fmt(
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit 1 if a file would change.")] = False,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Write workflows and prompts in canonical form. Keys in a fixed order, two spaces, one field a line."""
    from engine.people.access import local_user
    from engine.workflows.formatting import format_workspace, unformatted
    from engine.workspace import config
    from engine.workspace.workspace import Workspace as Files

    del demo  # the files are the same with it
    root = workspace or Path.cwd()
    files = Files(root, config.load(root).config.state_dir)
    done = unformatted(files) if check else format_workspace(files, local_user().id)
    if as_json:
        document(done)
    else:
        for file in done.changed:
            say(f"{file} {'would change' if check else 'was reformatted'}.")
        _print_problems(done.problems)
        say("" if done.changed or done.problems else "Every file is already formatted.")
    if done.problems:
        return WRONG
    return FAILED if check and done.changed else DONE


def validate(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Workflows, or their files in workflows/; default: everything."),
    ] = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Check workflows, prompts, agents, tools, settings and environments. Each problem has a place and a remedy."""
    from engine.base.errors import InvalidFile

    try:
        with looked_at(workspace, demo=demo) as session:
            problems = _named(session, [*map(workflow_name, names)]) if names else _all(session)
    except InvalidFile as error:  # the settings: without them nothing else can be checked
        problems = error.problems
    is_valid = not any(problem.severity == "error" for problem in problems)
    if as_json:
        document({"valid": is_valid, "problems": [problem.as_json() for problem in problems]})
    else:
        _print_problems(problems)
        say(_found(problems))
    return DONE if is_valid else WRONG


def _found(problems: list[Problem]) -> str:
    """Return the last line: "2 problems found.", "No problem found. 1 warning: it can still run."."""
    warnings = sum(problem.severity == "warning" for problem in problems)
    errors = len(problems) - warnings
    said = f"{counted(errors, 'problem') if errors else 'No problem'} found."
    if not warnings:
        return said
    return f"{said} {counted(warnings, 'warning')}{'' if errors else ': it can still run'}."


def _named(session: CommandSession, names: list[str]) -> list[Problem]:
    files = [session.orchestra.workflows.get(session.principal, name) for name in names]
    chains = [problem for name in names for problem in _chains(session, name)]
    return [*(problem for file in files for problem in file.problems), *chains]


def _chains(session: CommandSession, workflow: str | None) -> Iterator[Problem]:
    """Yield the triggers whose runs may start each other by way of other workflows, which no single file shows."""
    from engine.base.problem import Problem

    orchestra = session.orchestra
    for one in orchestra.triggers.chains(session.principal, workflow):
        file, field = orchestra.workspace.workflows.file(one.workflow), f"triggers.{one.index}.uses"
        yield Problem(one.message, "feed_each_other", "warning", file, field=field, remedy=one.remedy)


def _all(session: CommandSession) -> list[Problem]:
    """Return the problems of the settings, environments, labels, workflows, prompts, fragments, agents and tools."""
    from engine.base.errors import OrchestraError
    from engine.base.problem import Problem
    from engine.tools.store import ToolStore

    orchestra, p = session.orchestra, session.principal
    found: list[Problem] = [*orchestra.approvals.warnings(p), *orchestra.environments.file_problems(p)]
    found += orchestra.versions.file_problems(p)
    for file_store, area in (
        (orchestra.workspace.workflows, orchestra.workflows),
        (orchestra.workspace.prompts, orchestra.prompts),
        (orchestra.workspace.fragments, orchestra.fragments),
    ):
        for name in file_store.names():
            try:
                found += area.get(p, name).problems
            except OrchestraError as error:  # the name of the file is not allowed for a workflow
                found.append(Problem(error.message, "unusable", file=file_store.file(name), remedy=error.remedy))
    found += _chains(session, None)
    for name in orchestra.workspace.prompts.names():
        found += _beside_a_prompt(session, name)
    for agent in orchestra.agents.list(p):
        found += agent.problems
    return [*found, *ToolStore(orchestra.workspace.root).problems()]


def _beside_a_prompt(session: CommandSession, name: str) -> Iterator[Problem]:
    """Yield the problems of the cases of a prompt, and of saved versions that cannot be read."""
    from engine.base.errors import InvalidFile, OrchestraError
    from engine.prompts.prompts import PromptStore

    orchestra = session.orchestra
    with suppress(OrchestraError):  # the prompt itself has a problem
        for case in orchestra.cases.list(session.principal, name):
            yield from case.problems
    versions = PromptStore(orchestra.workspace).versions
    for number in versions.numbers(name):
        try:
            versions.version(name, number)
        except InvalidFile as error:
            yield from error.problems


def _print_problems(problems: list[Problem]) -> None:
    for problem in problems:
        note(f"{problem.severity}: {problem}")


def reindex(demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Rebuild runs and receipts from the logs, and move a damaged state file aside. Exits with 1 for a damaged log."""
    from engine.orchestra import Orchestra

    aside = Orchestra.set_aside_damaged_state(workspace or Path.cwd())
    with opened(workspace, demo=demo) as session:
        count, broken = session.orchestra.runs.reindex(session.principal)
    if as_json:
        moved = str(aside) if aside else None
        document({"runs": count, "unreadable": [*broken], "reasons": broken, "damaged_state": moved})
        return FAILED if broken else DONE
    if aside is not None:
        note(f"The state file was damaged: it is now in {aside}, and a new one was made from the logs.")
        note("Users, and which services are Demo or Mine, are not in the logs: sign in with `orchestra login-link`.")
    say(f"{counted(count, 'run')} listed.")
    for reason in broken.values():
        note(f"{reason} It was left unchanged.")
    if broken:
        note(f"{counted(len(broken), 'log')} cannot be read: take what is named from a backup, or move it away.")
    return FAILED if broken else DONE


def search(
    words: Annotated[list[str], typer.Argument(metavar="WORD...", help="Words of a name or a title.")],
    limit: Annotated[int, typer.Option(min=1, max=50, help="At most this many.")] = 20,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Find workflows, prompts, fragments, agents, tools, connections, runs and files by words, best match first."""
    with looked_at(workspace, demo=demo) as session:
        found = session.orchestra.search.find(session.principal, " ".join(words), limit)
    if as_json:
        document({"hits": found})
    elif found:
        table(["KIND", "NAME", "TITLE"], [[one.kind, one.name, one.title] for one in found])
    else:
        say("Nothing found with all of these words. Try fewer words, or parts of words.")
    return DONE
