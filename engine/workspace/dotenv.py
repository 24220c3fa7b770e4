"""The `.env` file beside config.yaml: read with the lines that are no settings named, and changed line by line."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path

from engine.errors import InvalidFile, InvalidInput, Problem
from engine.workspace.files import storage_errors, write_whole
from engine.workspace.jsonfile import read_text

FILE = ".env"


def read_dotenv(path: Path) -> dict[str, str]:
    """Return the variables of a `.env` file, {} where there is none. Raises InvalidFile with line and remedy."""
    if not os.path.lexists(path):  # a link to nowhere is a mistake to tell of
        return {}
    return parse_dotenv(read_text(path, FILE))


def parse_dotenv(text: str) -> dict[str, str]:
    """Return the variables of a `.env` text. Raises InvalidFile with the line of each that is none."""
    from dotenv.parser import parse_stream

    values: dict[str, str] = {}
    problems: list[Problem] = []
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            said = "This line is no setting of the form NAME=value."
            line = binding.original.line + _blank(binding.original.string).count("\n")
            problems.append(Problem(said, "syntax", file=FILE, line=line))
        elif binding.key is not None and binding.value is not None:
            values[binding.key] = binding.value
    if problems:
        raise InvalidFile.of(FILE, problems)
    return values


def write_dotenv(path: Path, changes: Mapping[str, str]) -> None:
    """Set variables in a `.env` file and keep its other lines; only the owner can read it afterwards (0600).

    Raises InvalidInput for a value of several lines, InvalidFile, StorageError.
    """
    text = read_text(path, FILE) if path.exists() else ""
    text = changed(text, changes)
    if path.exists():
        with storage_errors(path):
            path.chmod(0o600)  # before the secret is inside, not after
    write_whole(path, text, mode=0o600)


def changed(text: str, changes: Mapping[str, str]) -> str:
    """Return a `.env` text with these variables set, in place where they were set before."""
    from dotenv.parser import parse_stream

    for name, value in changes.items():
        if any(character in value for character in "\n\r\0"):
            raise InvalidInput(f"The value of {name} has more than one line.")
    pieces, left = [], dict(changes)
    for binding in parse_stream(io.StringIO(text)):
        if binding.key in changes:
            before = _blank(binding.original.string)
            pieces.append(before + (_line(binding.key, left.pop(binding.key)) if binding.key in left else ""))
        else:
            pieces.append(binding.original.string)
    kept = "".join(pieces)
    if kept and left and not kept.endswith("\n"):
        kept += "\n"
    return kept + "".join(_line(name, value) for name, value in left.items())


def _blank(written: str) -> str:
    """Return the blank lines before a setting: the parser counts them to it."""
    return written[: len(written) - len(written.lstrip())]


def _line(name: str, value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"{name}='{escaped}'\n"
