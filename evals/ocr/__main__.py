"""`python -m evals.ocr`: reads pages of our own with the reader of `file.ocr`, and prints the errors of each kind."""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.sandbox.limits import ChildLimits
from engine.sandbox.reading import ReadableFile, read
from evals.ocr.pages import PAGES, Page

_LIMITS = ChildLimits(cpu_seconds=120, wall_seconds=580.0)


def main() -> None:
    """Print a table: kind, pages, share of wrong characters, confidence, seconds a page."""
    program = shutil.which("tesseract")
    if program is None:
        sys.exit("Tesseract is not installed: apt install tesseract-ocr tesseract-ocr-deu.")
    sys.stdout.write("| Pages | Number | Wrong characters | Worst page | Confidence | Seconds a page |\n")
    sys.stdout.write("| --- | --- | --- | --- | --- | --- |\n")
    for kind in dict.fromkeys(page.kind for page in PAGES):
        measured = [_measured(program, page) for page in PAGES if page.kind == kind]
        errors, confidences, seconds = zip(*measured, strict=True)
        sys.stdout.write(
            f"| {kind} | {len(measured)} | {statistics.mean(errors):.1%} | {max(errors):.1%} "
            f"| {statistics.mean(confidences):.0f} | {statistics.mean(seconds):.1f} |\n"
        )


def _measured(program: str, page: Page) -> tuple[float, float, float]:
    """Return (share of wrong characters, confidence, seconds) of a page."""
    options: dict[str, Any] = {
        "program": program,
        "environment": {},
        "languages": page.language,
        "layout": 1,
        "pages": [],
        "most_pages": 1,
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.png"
        page.drawn().save(path)
        handle = os.open(path, os.O_RDONLY)
        begun = time.monotonic()
        try:
            found = read(ReadableFile(handle, path.name), "ocr", options, _LIMITS)
        finally:
            os.close(handle)
    return error_rate(page.text, found["text"]), found["confidence"], time.monotonic() - begun


def error_rate(wanted: str, found: str) -> float:
    """Return the edits from one text to the other, for each character that is wanted; spaces of any kind are one.

    Spaces do not count in Japanese, which has none.
    """
    gap = "" if any(sign > "\u3000" for sign in wanted) else " "
    wanted, found = gap.join(wanted.split()), gap.join(found.split())
    return _edits(wanted, found) / len(wanted)


def _edits(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the Levenshtein distance."""
    row = list(range(len(other) + 1))
    for at, sign in enumerate(one, 1):
        before, row[0] = row[0], at
        for to, against in enumerate(other, 1):
            before, row[to] = row[to], min(row[to] + 1, row[to - 1] + 1, before + (sign != against))
    return row[-1]


if __name__ == "__main__":
    main()
