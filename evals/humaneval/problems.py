"""The problems of HumanEval (https://github.com/openai/human-eval, MIT): read from the package, or from a file."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_IN_PACKAGE = "lib/python3*/site-packages/human_eval/data/HumanEval.jsonl.gz"
PASSED = "All tests have passed."


@dataclass(frozen=True)
class Problem:
    """A function to write, and the tests that judge it."""

    id: str
    prompt: str
    """The beginning of the file: imports, the head of the function, and what it does."""
    solution: str
    """The body that HumanEval's authors have written."""
    function: str
    test: str

    @property
    def right(self) -> str:
        """The file as HumanEval's authors have it."""
        return f"{self.prompt}{self.solution}"

    @property
    def wrong(self) -> str:
        """A file whose function does nothing."""
        return f"{self.prompt}    return NotImplemented\n"

    @property
    def test_file(self) -> str:
        """The acceptance test; the last line is printed only if the program has not ended it before."""
        return f"from solution import *\n{self.test}\n\ncheck({self.function})\nprint({PASSED!r})\n"


COMMAND = f"python3 test_solution.py | grep -qx '{PASSED}'"


def package_file() -> Path | None:
    """Return the file in the package that `make builder-eval` installs; None without it."""
    return next((ROOT / ".venv-humaneval").glob(_IN_PACKAGE), None)


def problems(path: Path) -> list[Problem]:
    """Read a file of JSON lines, packed or not."""
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    return [*_read(text)]


def _read(text: str) -> Iterator[Problem]:
    for line in filter(str.strip, text.splitlines()):
        one = json.loads(line)
        yield Problem(one["task_id"], one["prompt"], one["canonical_solution"], one["entry_point"], one["test"])
