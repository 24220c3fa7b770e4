"""Remedies name commands at the command line, pages in the dashboard, and requests in the API."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api.base.remedies import with_requests
from dashboard.base.remedies import with_pages
from engine.base.errors import InvalidFile
from engine.base.problem import Problem

REPOSITORY = Path(__file__).resolve().parents[1]
ONLY_COMMANDS = {"fmt", "init", "login-link", "reindex", "serve", "state", "worker"}
"""What no page and no request does."""


def _texts() -> Iterator[tuple[str, str]]:
    """Give (place, text) of all that the code says with a command in it; docstrings are for readers of the code."""
    for folder in ("engine", "clients"):
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            if path.name in ("remedies.py", "step_docs.py", "service_docs.py", "trigger_docs.py"):
                continue
            written = path.read_text()
            if "orchestra " not in written:
                continue
            tree = ast.parse(written)
            parts = {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
            said = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            for node in ast.walk(tree):
                if isinstance(node, ast.JoinedStr):
                    text = "".join(str(one.value) if isinstance(one, ast.Constant) else "NAME" for one in node.values)
                elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in parts | said:
                    text = node.value
                else:
                    continue
                if "orchestra " in text and "`" in text:
                    yield f"{path.relative_to(REPOSITORY)}:{node.lineno}", text


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return dict(_texts())


def test_the_texts_are_found(texts: dict[str, str]) -> None:
    assert len(texts) > 40


@pytest.mark.parametrize("reworded", [with_pages, with_requests])
def test_no_page_and_no_answer_names_a_command_for_what_it_does_itself(
    texts: dict[str, str], reworded: Callable[[str], str]
) -> None:
    said = {place: reworded(text) for place, text in texts.items()}
    left = {place: text for place, text in said.items() if _commands_in(text) - ONLY_COMMANDS}
    assert left == {}


def _commands_in(text: str) -> set[str]:
    return set(re.findall(r"`orchestra ([a-z-]+)", text))


@pytest.mark.parametrize("file", ["greet.json", "greet.cases/short.json", "greet.versions/2.json"])
def test_the_error_of_a_prompt_leads_to_the_prompt(file: str) -> None:
    problem = Problem("It ends too early.", "syntax", file=f"prompts/{file}", line=1, column=2)
    remedy = InvalidFile.of(f"prompts/{file}", [problem]).remedy
    assert "`orchestra prompts show greet`" in remedy
    assert "`GET /api/prompts/greet`" in with_requests(remedy)
    assert "the page of the prompt" in with_pages(remedy)
    assert "workflow" in with_requests(InvalidFile.of("workflows/greet.json", [problem]).remedy)


@pytest.mark.parametrize(
    ("text", "page", "request_"),
    [
        (
            "`orchestra runs list` shows what there is.",
            "The page Runs shows what there is.",
            "`GET /api/runs` shows what there is.",
        ),
        (
            "Look at it: `orchestra runs show 20260101-abc`. Then go on.",
            "Look at it: the page of the run. Then go on.",
            "Look at it: `GET /api/runs/20260101-abc`. Then go on.",
        ),
        (
            "Say so: `orchestra runs resume 7 --as-done` or `--redo`.",
            "Say so: It is done or Send again on the page of the run.",
            'Say so: `POST /api/runs/7/resume` with `"as_done": true` or `"redo": true`.',
        ),
        (
            "`orchestra runs rerun RUN --force` writes it again.",
            "Write everything again (More options) on the page of the run writes it again.",
            '`POST /api/runs/RUN/rerun` with `"receipts": "force"` writes it again.',
        ),
        (
            "Start it with `orchestra serve`.",
            "Start it with `orchestra serve`.",
            "Start it with `orchestra serve`.",
        ),
        ("Write `\\n`; a lone ` stays.", "Write `\\n`; a lone ` stays.", "Write `\\n`; a lone ` stays."),
    ],
)
def test_commands_become_pages_and_requests(text: str, page: str, request_: str) -> None:
    assert with_pages(text) == page
    assert with_requests(text) == request_
