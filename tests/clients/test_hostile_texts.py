"""Texts that somebody wrote to keep this program busy: each is read in the time that its length takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from clients.github import values as github_values
from clients.mail.html import visible_text
from clients.mail.quotes import without_quotes
from clients.notion import content as notion_content
from clients.notion.text.blocks import blocks_of, children_of
from clients.notion.text.chunks import chunks
from clients.notion.text.markdown import essence

_SECONDS = 5.0
"""Read in another way, each takes a minute and more."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("read", "text"),
    [
        pytest.param(visible_text, f'<p style="opacity:{" " * 200_000}x">hi</p>', id="blanks in a style"),
        pytest.param(visible_text, f"<style>p {{font-size:{' ' * 200_000}x}}</style>hi", id="blanks in a style sheet"),
        pytest.param(without_quotes, "2024 x wrote:\n> b\n" * 50_000, id="quotes of quotes"),
        pytest.param(github_values.unmarked, " " * 200_000 + "x", id="blanks in an issue"),
        pytest.param(github_values.mark_in, "\n" * 200_000 + "x", id="blank lines in an issue"),
        pytest.param(lambda text: list(chunks([text])), "```" + " " * 10_000 + "`", id="blanks behind a fence"),
        pytest.param(essence, "<span " * 100_000, id="tags that do not end"),
        pytest.param(essence, "\n" * 200_000 + "x", id="blank lines"),
        pytest.param(essence, "> \n" * 100_000 + "x", id="empty quotes"),
        pytest.param(blocks_of, f"<table>\n{'<tr>' * 20_000}\n</table>", id="rows that do not end"),
        pytest.param(blocks_of, f"<table>\n<tr>{'<td>' * 20_000}</tr>\n</table>", id="cells that do not end"),
        pytest.param(lambda text: notion_content._UNKNOWN.sub("", text), "<unknown " * 150_000, id="unknown blocks"),
    ],
)
def test_a_text_is_read_in_the_time_that_its_length_takes(read: Callable[[str], Any], text: str) -> None:
    begun_at = time.thread_time()
    read(text)
    assert time.thread_time() - begun_at < _SECONDS


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("\n".join(f"{'  ' * depth}- a" for depth in range(400)), 400, id="lists"),
        pytest.param("<details>\n<summary>a</summary>\n" * 500 + "a", 501, id="toggles"),
        pytest.param("<callout>\n" * 1000 + "a", 1, id="tags"),
    ],
)
def test_a_text_of_any_depth_becomes_blocks_that_say_all_of_it(text: str, said: int) -> None:
    assert _said(blocks_of(text)) == said


def _said(blocks: list[dict[str, Any]]) -> int:
    """How many blocks say something."""
    found, waiting = 0, list(blocks)
    while waiting:
        block = waiting.pop()
        found += any("a" in str(piece) for piece in block[block["type"]].get("rich_text", ()))
        waiting += children_of(block)
    return found
