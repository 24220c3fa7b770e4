"""`files`: the files of the workspace that steps read and write."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.base.failures import DONE, FAILED
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document, say
from commands.base.screen import table as columns
from commands.base.session import looked_at, opened
from engine.base.clock import timestamp
from engine.base.errors import InvalidInput

if TYPE_CHECKING:
    from engine.data.workspace_files import FileView

group = typer.Typer(help="Files that steps read and write.", no_args_is_help=True, rich_markup_mode=None)

File = Annotated[str, typer.Argument(metavar="PATH", help="Its path, relative to the workspace.")]


@group.command("list")
def list_(
    words: Annotated[str, typer.Option(help="Only files whose path contains this text.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="The maximum number of files.")] = 200,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """List the files that steps may read."""
    with looked_at(workspace, demo=demo) as session:
        found = session.orchestra.files.list(session.principal, words=words, limit=limit)
    rows = [{**asdict(one), "modified_at": timestamp(one.modified_at)} for one in found.files]
    if as_json:
        document({"files": rows, "has_more": found.has_more, "notes": found.notes})
    elif rows:
        columns(
            ["BYTES", "CHANGED", "FILE"], [[f"{one['size_bytes']:,}", one["modified_at"], one["path"]] for one in rows]
        )
        say("There are more: `--limit` shows them.") if found.has_more else None
    else:
        say("There is no such file. `orchestra files add FILE` adds one.")
    if not as_json:
        for note in found.notes:
            say(note)
    return DONE


@group.command()
def show(
    path: File,
    page: Annotated[int, typer.Option(min=1, max=99_999, help="Which page, sheet or slide.")] = 1,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Show the text of a page, or the first rows of a table."""
    with looked_at(workspace, demo=demo) as session:
        view = session.orchestra.files.view(session.principal, path, page)
    document(asdict(view)) if as_json else _view(view)
    return FAILED if view.problem else DONE


@group.command()
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file on this machine.")],
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Copy a file into the folder `files` of the workspace."""
    try:
        content = file.open("rb")
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}.", remedy="Give the path of a file.") from error
    with content, opened(workspace, demo=demo) as session:
        added = session.orchestra.files.add(session.principal, file.name, content)
    document(asdict(added)) if as_json else say(f"{'Added' if added.is_new else 'Already there:'} {added.path}")
    return DONE


@group.command()
def delete(path: File, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Delete a file of the folder `files`."""
    with opened(workspace, demo=demo) as session:
        session.orchestra.files.delete(session.principal, path)
    document({"files": 1}) if as_json else say(f"Deleted {path}.")
    return DONE


def _view(view: FileView) -> None:
    of_pages = f", page {view.page} of {view.pages}" if view.pages else ""
    say(f"{view.path}: {view.kind or 'unknown'}, {view.size_bytes:,} bytes{of_pages}")
    if view.problem:
        say(view.problem)
    elif view.table:
        cells = [[row.get(column) for column in view.table.columns] for row in view.table.rows]
        columns(view.table.columns, [["" if one is None else one for one in row] for row in cells])
        if view.table.empty_formulas:
            say(f"Formulas without a stored value, whose cells are empty: {view.table.empty_formulas}.")
        for note in view.table.notes:
            say(note)
    elif view.needs_ocr:
        say(f"This page is a picture: the step file.ocr reads it. {view.ocr_remedy}".rstrip())
    say(view.text) if view.text else None
    for note in view.notes:
        say(note)
