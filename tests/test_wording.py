"""What the product says to people has none of the turns that read as translated."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
STIFF = {
    "is none": r"(?<!here )(?<!hy there )\bis none\b",
    "of which": r"\bof which\b",
    "that of": r"\b(?:that|those) of (?!course)",
    "is told": r"\b(?:is|are|was|were|be) told\b",
    "for which": r"\bfor which\b",
    "as which": r"\bas which\b",
    "by which": r"\bby which\b",
    "to which": r"\bto which\b",
    "whom": r"\bwhom\b",
    "is no number": r"(?<!here) is no (?:number|file|list|address|object|place|schema|charset|table|whole number)\b",
}
_FOR_PROGRAMS = ("engine/copilot/talking/prompt.py", "clients/rag/words.py", "engine/steps/agent/conversation.py")
"""What models read, and words to leave out of a search."""


@cache
def _sentences() -> list[tuple[str, str]]:
    return list(_messages())


def _messages() -> Iterator[tuple[str, str]]:
    """Give (place, text) of each sentence in the code that is not a docstring, a pattern or SQL."""
    for folder in ("engine", "clients", "api", "dashboard", "commands"):
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            place = path.relative_to(REPOSITORY).as_posix()
            if place in _FOR_PROGRAMS or place.startswith("engine/copilot/without_model/"):
                continue
            tree = ast.parse(path.read_text(encoding="utf-8"))
            heads = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            for node in ast.walk(tree):
                if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in heads:
                    continue
                if " " in node.value and not re.search(r"\\[wWbsd]|\(\?|^\s*(?:SELECT|UPDATE|INSERT)", node.value):
                    yield f"{place}:{node.lineno}", node.value


@pytest.mark.parametrize("name", STIFF)
def test_no_message_has_it(name: str) -> None:
    pattern = re.compile(STIFF[name])
    assert [(place, text) for place, text in _sentences() if pattern.search(text)] == []


def test_these_patterns_would_see_a_stiff_sentence() -> None:
    assert re.search(STIFF["is none"], "'b' is none.")
    assert not re.search(STIFF["is none"], "There is none.")
    assert re.search(STIFF["is no number"], "'b' is no number.")
    assert not re.search(STIFF["is no number"], "There is no number.")
