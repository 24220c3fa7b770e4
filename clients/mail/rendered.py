"""The HTML of an outgoing mail, made from Markdown: tags in the text stay text, and nothing is loaded by itself."""

from __future__ import annotations

from functools import cache
from html import escape
from typing import TYPE_CHECKING

from clients.mail.numbers import keep_numbers

if TYPE_CHECKING:
    from markdown_it import MarkdownIt


def html_of(markdown: str) -> str:
    """Return Markdown (CommonMark, with tables) as HTML; HTML in it is shown literally."""
    return str(_parser().render(markdown)).strip()


def html_of_text(text: str) -> str:
    """Return plain text as HTML, with its line ends."""
    return f'<div style="white-space: pre-wrap">{escape(text)}</div>'


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    keep_numbers(parser)
    return parser
