"""Reads a document as a step does, each time in a child process with limits, and prints the figures as JSON.

Tables are read whole, as by `file.table`; all else as by `file.text`, which shortens tables.

It imports nothing more than the reader: the system counts the memory of a child as at least that of its parent.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from engine.sandbox.limits import ChildLimits
from engine.sandbox.reading import ReadableFile, read

_TEXT = {"form": "markdown", "pages": [], "most": 2_000_000}
_TABLE: dict[str, Any] = {"sheet": None, "header": None, "pages": [], "limit": 1_000, "typed": True}
_TABLES = (".xlsx", ".csv")
_LIMITS = ChildLimits(cpu_seconds=280, wall_seconds=280.0, file_bytes=256 * 1024**2)


def main(path: Path) -> None:
    """Print {seconds, peak_mb of the child, characters}."""
    begun = time.perf_counter()
    characters = _table(path) if path.suffix in _TABLES else _text(path)
    seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_mb": peak, "characters": characters}) + "\n")


def _text(path: Path) -> int:
    """Return how many characters of text a document has."""
    with path.open("rb") as file:
        found = read(ReadableFile(file.fileno(), path.name), "text", _TEXT)
    assert not found["truncated"], found["left_out"]
    return len(found["text"])


def _table(path: Path) -> int:
    """Return how many characters the rows of a table have, as JSON lines."""
    with path.open("rb") as file, tempfile.TemporaryFile() as out:
        read(ReadableFile(file.fileno(), path.name), "table", _TABLE, _LIMITS, out.fileno())
        return os.fstat(out.fileno()).st_size


if __name__ == "__main__":
    main(Path(sys.argv[1]))
