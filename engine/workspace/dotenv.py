"""The `.env` file beside config.yaml: read strictly, the lines that are no settings named."""

from __future__ import annotations

import io
import os
from pathlib import Path

from engine.errors import InvalidFile, Problem
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


def _blank(written: str) -> str:
    """Return the blank lines before a setting: the parser counts them to it."""
    return written[: len(written) - len(written.lstrip())]
