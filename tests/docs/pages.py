"""The pages of the documentation as tests read them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = [
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "evals/README.md",
    *(path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "docs").rglob("*.md"))),
]
OWNER = Principal("tester", "owner", confirmed=True)
every_page = pytest.mark.parametrize("page", PAGES)


def text_of(page: str) -> str:
    """The text of a page."""
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a language on a page; those inside a list are moved to the margin."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", text_of(page), re.DOTALL | re.MULTILINE)
    return ["".join(line.removeprefix(indent) for line in block.splitlines(keepends=True)) for indent, block in found]


def run(orchestra: Orchestra, name: str, text: str, seconds: float = 60) -> Any:
    """Save a workflow, run it and return its document."""
    orchestra.workflows.save(OWNER, name, text, None)
    return orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, name, {}), seconds)
