"""The program that reads text in pictures: where it is, what it can read, and how to install it."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from msgspec import Struct

INSTALL = "`apt install tesseract-ocr tesseract-ocr-deu` (13 MB; `brew install tesseract tesseract-lang` on macOS)"
REMEDY = f"Install it: {INSTALL}, or use `llm.vision`."
ABSENT = f"It needs the program tesseract, which is not installed. Install it: {INSTALL}, or use `llm.vision`."
_SECONDS = 20.0


class Tesseract(Struct, frozen=True):
    """An installed tesseract."""

    program: str
    languages: tuple[str, ...]
    version: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """The environment that it needs: where its languages are, unless they are in the usual place."""
        place = os.environ.get("TESSDATA_PREFIX")
        return {"TESSDATA_PREFIX": place} if place else {}

    @property
    def places(self) -> tuple[str, ...]:
        """Paths that it reads besides the system's programs: its languages, and itself if it is elsewhere."""
        top = Path(self.program).resolve().parents[1]
        itself = () if top == Path("/usr") else (self.program, *(str(top / one) for one in ("bin", "lib", "share")))
        return (*itself, *self.environment.values())


def tesseract() -> Tesseract | None:
    """Return the installed tesseract, or None."""
    program = shutil.which("tesseract")
    return _known(program) if program else None


@cache
def _known(program: str) -> Tesseract | None:
    try:
        lines, version = _said(program, "--list-langs"), _said(program, "--version")
    except (OSError, subprocess.TimeoutExpired):
        return None
    # The first line is a heading.
    return Tesseract(program, tuple(sorted(one.strip() for one in lines[1:] if one.strip())), "".join(version[:1]))


def _said(program: str, option: str) -> list[str]:
    ended = subprocess.run(
        [program, option], capture_output=True, timeout=_SECONDS, check=False, stdin=subprocess.DEVNULL
    )
    return ended.stdout.decode("utf-8", "replace").splitlines()
