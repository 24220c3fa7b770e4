"""`orchestra fmt`: every file of a workspace in its one written form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from engine.canonical import Kind, canonical
from engine.errors import InvalidFile, InvalidInput, Problem
from engine.files import etag, write_whole
from engine.jsonfile import parse, read
from engine.shelf import Shelf
from engine.workspace import Workspace


@dataclass
class Formatted:
    """Which files were written anew, and why others were left as they are."""

    changed: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def format_workspace(workspace: Workspace, by: str) -> Formatted:
    """Write every workflow, layout and working prompt in canonical form; versions of prompts never change.

    A file that cannot be read is left alone and reported. Raises StorageError.
    """
    done = Formatted()
    for shelf in (workspace.workflows, workspace.prompts):
        for name in shelf.names():
            _attempt(done, shelf, name, by)
    return done


def _attempt(done: Formatted, shelf: Shelf, name: str, by: str) -> None:
    try:
        done.changed.extend(_format(shelf, name, by))
    except InvalidFile as error:
        done.problems.extend(error.problems)
    except InvalidInput as error:
        done.problems.append(Problem(error.message, "unusable", file=shelf.file(name), remedy=error.remedy))


def _format(shelf: Shelf, name: str, by: str) -> Iterator[str]:
    """Give the names of the files that changed."""
    text = shelf.text(name)
    written = _written(text, shelf.file(name), shelf.kind)
    if written != text:
        shelf.save(name, written, etag(text), by)
        yield shelf.file(name)
    layout = shelf.layout_path(name)
    if layout.is_file():
        label = f"{shelf.folder.name}/{layout.name}"
        before = read(layout, label).text
        written = _written(before, label, "layout")
        if written != before:
            write_whole(layout, written)
            yield label


def _written(text: str, file: str, kind: Kind) -> str:
    return canonical(parse(text, file).value, kind)
