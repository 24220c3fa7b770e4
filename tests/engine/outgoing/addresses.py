"""The addresses that a reader of what was written would open: of GitHub's Markdown as HTML, and of Notion's blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bs4 import BeautifulSoup
from markdown_it import MarkdownIt

_PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
_BARE = re.compile(r"(?:https?|ftp)://[^\s<]+|\bwww\.[^\s<]+", re.IGNORECASE)


def rendered(markdown: str) -> Iterator[str]:
    """Yield the addresses that a browser would load or link, as GitHub makes HTML of Markdown."""
    soup = BeautifulSoup(_PARSER.render(markdown), "html.parser")
    for tag in soup.find_all(True):
        yield from (str(tag[name]) for name in ("href", "src", "srcset", "poster", "cite") if tag.has_attr(name))
    for text in soup.find_all(string=True):
        if not any(parent.name in ("code", "pre", "a") for parent in text.parents):
            yield from _BARE.findall(str(text))


def urls_in(blocks: Any) -> Iterator[str]:
    """Yield the address of each link and image in Notion's blocks."""
    for name, value in blocks.items() if isinstance(blocks, Mapping) else enumerate(blocks):
        if name == "url" and isinstance(value, str):
            yield value
        elif isinstance(value, Mapping | list):
            yield from urls_in(value)
