"""`orchestra fmt`: write every file of a workspace in canonical form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from msgspec import Struct, field

from engine.base.errors import InvalidFile, InvalidInput
from engine.base.problem import Problem
from engine.documents.json_file import parse, read
from engine.documents.json_reader import Spot, Spots, number_at
from engine.files.atomic import etag, write_whole
from engine.workspace.canonical import Kind, WrittenNumber, canonical
from engine.workspace.file_store import FileStore
from engine.workspace.workspace import Workspace


class Formatted(Struct):
    """The files that are (or would be) rewritten, and the problems of those left alone."""

    changed: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


class _Change(Struct, frozen=True):
    """A file that is not in canonical form, and the function that rewrites it."""

    file: str
    write: Callable[[], object]


def format_workspace(workspace: Workspace, by: str) -> Formatted:
    """Write every workflow, layout and working prompt in canonical form; versions of prompts never change.

    A file that cannot be read is left alone and reported. Raises StorageError.
    """
    done, changes = _changes(workspace, by)
    for change in changes:
        change.write()
    return done


def unformatted(workspace: Workspace) -> Formatted:
    """Return what `format_workspace` would change, without changing anything."""
    return _changes(workspace, "")[0]


def _changes(workspace: Workspace, by: str) -> tuple[Formatted, list[_Change]]:
    found, changes = Formatted(), list[_Change]()
    file_stores: list[tuple[FileStore, Kind]] = [(workspace.workflows, "workflow"), (workspace.prompts, "prompt")]
    for file_store, kind in file_stores:
        for name in file_store.names():
            try:
                changes.extend(_of_name(file_store, kind, name, by))
            except InvalidFile as error:
                found.problems.extend(error.problems)
            except InvalidInput as error:
                found.problems.append(
                    Problem(error.message, "unusable", file=file_store.file(name), remedy=error.remedy)
                )
    found.changed = [change.file for change in changes]
    return found, changes


def _of_name(file_store: FileStore, kind: Kind, name: str, by: str) -> Iterator[_Change]:
    """Yield the changes of a file and of its layout."""
    text = file_store.text(name)
    written = _written(text, file_store.file(name), kind)
    if written != text:
        yield _Change(file_store.file(name), partial(file_store.save, name, written, etag(text), by))
    layout = file_store.layout_path(name)
    if layout.is_file():
        label = f"{file_store.folder.name}/{layout.name}"
        before = read(layout, label).text
        written = _written(before, label, "layout")
        if written != before:
            yield _Change(label, partial(write_whole, layout, written))


def _written(text: str, file: str, kind: Kind) -> str:
    read = parse(text, file)
    return canonical(_with_all_digits(read.value, read.spot, read.text), kind)


def _with_all_digits(value: Any, spot: Spot, text: str) -> Any:
    """Return a value with a WrittenNumber in place of each float that its text says with other digits."""
    if isinstance(spot, Spots):
        inside: Any = spot.values
        if isinstance(value, dict):
            return {key: _with_all_digits(one, inside[key], text) for key, one in value.items()}
        return [_with_all_digits(one, inside[index], text) for index, one in enumerate(value)]
    return _number(value, number_at(text, spot)) if isinstance(value, float) else value


def _number(value: float, written: str) -> float | WrittenNumber:
    try:
        is_held = Decimal(written) == Decimal(repr(value))
    except InvalidOperation:  # 1e-99999999999999999999
        is_held = False
    return value if is_held else WrittenNumber(written)
