"""The `.env` file beside config.yaml: read strictly, with an error for each line that is not a setting."""

from __future__ import annotations

import io
import os
from pathlib import Path

from engine.base.errors import InvalidFile
from engine.base.problem import Problem
from engine.documents.json_file import read_text

FILE = ".env"


def read_dotenv(path: Path) -> dict[str, str]:
    """Return the variables of a `.env` file, {} if it does not exist. Raises InvalidFile with line and remedy."""
    if not os.path.lexists(path):  # a broken link is an error to report
        return {}
    return parse_dotenv(read_text(path, FILE))


def parse_dotenv(text: str) -> dict[str, str]:
    """Return the variables of a `.env` text. Raises InvalidFile with each line that is not a setting."""
    from dotenv.parser import parse_stream

    values: dict[str, str] = {}
    problems: list[Problem] = []
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            said = "This line is not a setting of the form NAME=value."
            line = binding.original.line + _blank(binding.original.string).count("\n")
            problems.append(Problem(said, "syntax", file=FILE, line=line))
        elif binding.key is not None and binding.value is not None:
            values[binding.key] = binding.value
    if problems:
        raise InvalidFile.of(FILE, problems)
    return values


def _blank(written: str) -> str:
    """Return the blank lines before a setting, which the parser counts as part of it."""
    return written[: len(written) - len(written.lstrip())]
