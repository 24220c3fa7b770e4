"""`projects`: programs that workflows and people write together."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from commands.base.changed_files import deleted
from commands.base.failures import DONE, FAILED, Terminated
from commands.base.inputs import content_in
from commands.base.options import Demo, Json, Workspace
from commands.base.output_file import Force, Output, write_output
from commands.base.screen import cut, document, note, raw, say, table
from commands.base.session import opened
from engine.base.errors import InvalidInput

group = typer.Typer(help="Programs that workflows write.", no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="PROJECT", help="The name of the project.")]
FilePath = Annotated[str, typer.Argument(metavar="PATH", help="The path of a file of the project.")]


def _named(context: typer.Context, parameter: typer.CallbackParam, commit: str) -> str:
    """Return the id of a commit. Raises BadParameter if it was given but is empty, as from an unset variable."""
    source = context.get_parameter_source(str(parameter.name))
    if not commit and source is not None and source.name == "COMMANDLINE":
        raise typer.BadParameter("An empty text names no commit.")
    return commit


Commit = Annotated[str, typer.Option(callback=_named, help="The id of a commit; the newest by default.")]
_SHORT = 10
_LOOK_SECONDS = 0.1
_PIECE = 1_000_000
"""Characters of output between two looks; of more, only the last are shown."""


@group.command("list")
def list_(demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """List the projects."""
    with opened(workspace, demo=demo) as session:
        found = session.orchestra.projects.list(session.principal)
    if as_json:
        document({"projects": [asdict(one) for one in found]})
    elif found:
        rows = [
            [one.name, one.head[:_SHORT], one.updated_at, one.files, cut(one.problem or one.title)] for one in found
        ]
        table(["PROJECT", "COMMIT", "CHANGED", "FILES", "TITLE"], rows)
    else:
        say("There is no project yet. `orchestra projects new NAME` makes one.")
    return DONE


@group.command()
def new(
    project: Name,
    title: Annotated[str, typer.Option(help="Its title; the name by default.")] = "",
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Create an empty project."""
    with opened(workspace, demo=demo) as session:
        made = session.orchestra.projects.create(session.principal, project, title)
    document(asdict(made)) if as_json else say(f"Made the project {made.name}.")
    return DONE


@group.command()
def show(
    project: Name,
    file: Annotated[str, typer.Option(metavar="PATH", help="Show the text of this file.")] = "",
    commit: Commit = "",
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Show a project: its files, and commands to run. With `--file`, print that file, unchanged into a file or pipe."""
    with opened(workspace, demo=demo) as session:
        projects, who = session.orchestra.projects, session.principal
        if file:
            if as_json:
                document(asdict(projects.read(who, project, file, commit)))
            else:
                raw(projects.whole(who, project, file, commit))
            return DONE
        found, commands = projects.get(who, project), projects.commands(who, project)
        files = projects.files(who, project, commit)
    if as_json:
        document({**asdict(found), "commands": commands, "paths": [asdict(one) for one in files]})
        return DONE
    say(f"{found.title}  {commit[:_SHORT] or found.head[:_SHORT]}  {found.updated_at}")
    if files:
        rows = [[f"{one.size_bytes:,}", "read-only for agents" if one.is_protected else "", one.path] for one in files]
        table(["BYTES", "", "FILE"], rows)
    say("Commands: " + ", ".join(f"`{one}`" for one in commands) + ".")
    return DONE


@group.command()
def save(
    project: Name,
    path: FilePath,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file to commit, byte for byte; `-` reads stdin.")],
    message: Annotated[
        str, typer.Option("-m", "--message", help="The message of the commit; made from the path by default.")
    ] = "",
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Commit a file from this machine to the project, as a new file or in place of the existing one."""
    content = content_in(file, _PIECE)
    with opened(workspace, demo=demo) as session:
        projects, who = session.orchestra.projects, session.principal
        saved = projects.save(who, project, path, content, projects.etag(who, project, path), message)
    document(asdict(saved)) if as_json else say(f"Committed {path} as {saved.commit[:_SHORT]}.")
    return DONE


@group.command()
def remove(
    project: Name, path: FilePath, demo: Demo = False, workspace: Workspace = None, as_json: Json = False
) -> int:
    """Commit the deletion of a file; earlier commits keep it."""
    with opened(workspace, demo=demo) as session:
        projects, who = session.orchestra.projects, session.principal
        projects.remove(who, project, path, projects.etag(who, project, path))
    document({"project": project, "removed": path}) if as_json else say(f"{path} is gone; earlier commits keep it.")
    return DONE


@group.command()
def log(
    project: Name,
    limit: Annotated[int, typer.Option(min=1, max=500, help="The maximum number of commits.")] = 20,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """List the commits of a project, newest first."""
    with opened(workspace, demo=demo) as session:
        found = session.orchestra.projects.log(session.principal, project, limit)
    if as_json:
        document({"commits": [asdict(one) for one in found]})
        return DONE
    tests = {True: "passed", False: "failed", None: ""}
    rows = [
        [one.id[:_SHORT], one.at, one.author, tests[one.is_green], one.run_id, cut(one.message.partition("\n")[0])]
        for one in found
    ]
    table(["COMMIT", "AT", "BY", "TESTS", "RUN", "MESSAGE"], rows)
    return DONE


@group.command()
def diff(
    project: Name,
    before: Annotated[str, typer.Argument(metavar="BEFORE", help="The id of a commit; empty: before the first one.")],
    after: Annotated[
        str, typer.Argument(metavar="[AFTER]", callback=_named, help="The id of a commit; the newest by default.")
    ] = "",
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Show the differences between two commits."""
    with opened(workspace, demo=demo) as session:
        found = session.orchestra.projects.diff(session.principal, project, before, after)
    if as_json:
        document({"differences": [{"path": path, "lines": lines} for path, lines in found.items()]})
        return DONE
    for path, lines in found.items():
        raw(f"{path}:\n{lines}\n")
    if not found:
        say("Nothing differs.")
    return DONE


@group.command()
def run(
    project: Name,
    command: Annotated[
        str, typer.Argument(metavar="COMMAND", help="The command for the shell, such as 'python3 -m unittest'.")
    ],
    commit: Commit = "",
    seconds: Annotated[int, typer.Option(min=1, max=3600, help="How long it may run.")] = 60,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Run a command in the sandbox, with the files of the project; exit code 1 if it fails. Ctrl-C stops it."""
    with opened(workspace, demo=demo) as session:
        runs, who = session.orchestra.project_runs, session.principal
        one = runs.start(who, project, command, commit=commit, seconds=seconds)
        at, is_over, code = 0, False, None
        try:
            while not is_over:
                is_over = runs.ended_within(who, project, one.id, _LOOK_SECONDS)
                parts, _, at = runs.since(who, project, one.id, at, _PIECE)
                for said in () if as_json else parts:
                    raw(said.text, is_error=said.stream == "stderr")
        except Terminated as stop:
            runs.stop(who, project, one.id)
            code = stop.exit_code
        shown = runs.get(who, project, one.id)
    if as_json:
        document(asdict(shown))
    elif shown.run.reason:
        note(shown.run.reason)
    return code or (DONE if shown.run.state == "succeeded" else FAILED)


@group.command()
def export(
    project: Name,
    form: Annotated[Literal["zip", "bundle"], typer.Argument(metavar="zip|bundle", help="What to write.")],
    output: Output = None,
    force: Force = False,
    commit: Commit = "",
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Write the files as a ZIP archive, or the whole history as a bundle that `git clone` takes."""
    if form == "bundle" and commit:
        raise InvalidInput("A bundle has all commits.", remedy="Leave out `--commit`, or export a zip.")
    with opened(workspace, demo=demo) as session:
        projects, who = session.orchestra.projects, session.principal
        content = projects.bundle(who, project) if form == "bundle" else projects.archive(who, project, commit)
    path = output or Path(f"{project}.{form}")
    write_output(path, content, is_forced=force)
    document({"file": str(path), "bytes": len(content)}) if as_json else say(f"Wrote {path}, {len(content):,} bytes.")
    return DONE


@group.command()
def delete(project: Name, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Move a project with its history to the trash."""
    with opened(workspace, demo=demo) as session:
        trash = session.orchestra.projects.delete(session.principal, project)
    return deleted("project", project, trash, f"move that folder back as projects/{project}.git", as_json=as_json)
