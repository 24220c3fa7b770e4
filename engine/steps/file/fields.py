"""What the steps of files share: the field that names a file, opening it, and files as results."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from clients.drives.names import cut, on_one_line
from clients.errors import InvalidRequest
from clients.file.paths import parts_of
from engine.base.run_file import RunFile
from engine.plugins.step import Call, Effect, Fields, StepType, file_to_read
from engine.sandbox.reading import ReadableFile

SERVICE = "file"
FileToRead = RunFile | str
PAGES = r"^$|^\d{1,5}(-\d{1,5})?(, ?\d{1,5}(-\d{1,5})?)*$"


def _as_text(value: Any) -> Any:
    several = value if isinstance(value, list) else [value]
    are_numbers = bool(several) and all(type(one) is int for one in several)
    return ", ".join(map(str, several)) if are_numbers else value


NumberOrText = Annotated[str, BeforeValidator(_as_text)]
"""A text that may be written as a number, or as a list of numbers."""
NameOrPlace = Annotated[int | str, WithJsonSchema({"type": "string"})]
"""A text that may be written as a number, and stays one: forms show it as a text."""
_RANGE = re.compile(r"(\d+)(?:-(\d+))?")


class OneFile(Fields):
    """The file."""

    file: FileToRead = file_to_read("File of the run, or path in the workspace")


class FileStep(StepType):
    """Base of the steps that read files; they need no connection."""

    service = SERVICE
    connection_optional = True
    effect = Effect.READS
    timeout_seconds = 150.0

    def problems(self, arguments: Mapping[str, Any], prompts: Any) -> list[tuple[str, str]]:
        """Reject paths that are written in the workflow and lead nowhere that a step may read."""
        del prompts
        given = [(name, one) for name in ("file", "path", "folder") for one in [arguments.get(name)]]
        given += [("files", one) for one in _list(arguments.get("files"))]
        return [(name, wrong) for name, one in given if (wrong := _wrong_path(one))]


@contextmanager
def opened(call: Call, file: FileToRead) -> Iterator[ReadableFile]:
    """Open a file of the run or of the workspace, to be read inside. Raises InvalidRequest, NotFound, Unavailable."""
    if isinstance(file, str):
        with call.client.opened(file) as found:
            yield ReadableFile(found.handle, found.name)
        return
    with call.path(file) as path:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield ReadableFile(handle, file.name)
        finally:
            os.close(handle)


@contextmanager
def new_file() -> Iterator[tuple[int, Path]]:
    """Give an empty file outside the workspace, open for writing; it is deleted if what is inside fails."""
    handle, name = tempfile.mkstemp(prefix="orchestra-")
    try:
        yield handle, Path(name)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
    finally:
        os.close(handle)


def page_ranges(pages: str) -> list[tuple[int, int]]:
    """Return the pages of `1-3, 5` as [(1, 3), (5, 5)]; [] for all."""
    return [(int(one[1]), int(one[2] or one[1])) for one in _RANGE.finditer(pages)]


def plain_name(name: str, otherwise: str) -> str:
    """Return the last part of a name from outside, on one line, cut to what a disk takes; it keeps its ending."""
    last = PurePosixPath(name.replace("\\", "/")).name
    return cut(on_one_line(last).lstrip(".")) or otherwise


def free_name(name: str, taken: set[str]) -> str:
    """Return a name, with a number where it is taken already; it is taken then."""
    stem, dot, ending = name.rpartition(".")
    stem, ending = (stem, dot + ending) if stem else (name, "")
    free, number = name, 2
    while free.casefold() in taken:
        free, number = f"{stem} ({number}){ending}", number + 1
    taken.add(free.casefold())
    return free


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _wrong_path(value: Any) -> str:
    if not isinstance(value, str) or "{{" in value or value.startswith("/"):
        return ""
    try:
        parts_of(Path("/"), value)
    except InvalidRequest as error:
        return error.message
    return ""
