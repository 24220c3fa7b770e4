"""Tells quotations of mails in HTML from what an author cites, or only indents."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

CITED = "\ufdd2"
"""Marks cited lines, and the elements that they come from: a noncharacter, which is removed from the input first."""
_OF_PROGRAMS = re.compile(r"quot|reply|cite|moz-|zmail|yahoo|forward|original", re.IGNORECASE)
_GMAIL = "gmail_quote"
"""Gmail's class for quoted mails, and for what its author cites: only the former are within another such element."""


def mark_citations(tree: BeautifulSoup) -> None:
    """Mark the quotations of a tree that no mail program has made, as far as their attributes tell.

    Gmail's signature follows its delimiter at once, as in plain text.
    """
    for delimiter in tree.find_all("span", class_="gmail_signature_prefix"):
        below = delimiter.find_next_sibling("div")
        while below is not None and below.name == "div":
            below.name = "span"
            below = next(iter(below.find_all(recursive=False)), None)
    for quotation in tree.find_all("blockquote"):
        if not _is_of_program(quotation):
            quotation.attrs[CITED] = CITED


def _is_of_program(quotation: Tag) -> bool:
    if str(quotation.get("type") or "").lower() == "cite" or str(quotation.get("cite") or "").startswith("mid:"):
        return True
    names = _names(quotation)
    if _GMAIL in names.lower():
        return any(_GMAIL in _names(each).lower() for each in quotation.parents)
    return bool(_OF_PROGRAMS.search(names))


def _names(element: Tag) -> str:
    return f"{element.get('class') or ''} {element.get('id') or ''}"
