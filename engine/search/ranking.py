"""Ranks search results: how well a title fits the words of a query."""

from __future__ import annotations

import re

_NOT_A_WORD = re.compile(r"[\W_]+")

WHOLE, BEGINS, WORD, INSIDE, BESIDE = range(5)
"""How a word matches, best first: the whole title, its beginning, the beginning of a word, inside; or other text."""


def rank(query: str, title: str, name: str = "", beside: str = "") -> float | None:
    """Return how well a title or a name fits a query, 0 is best; None unless every word of the query is found.

    `beside` is other text that counts less, such as a description. An empty query fits everything.
    """
    wanted = query.casefold().split()
    if not wanted:
        return float(WHOLE)
    texts = [text.casefold() for text in (title, name) if text]
    if " ".join(wanted) in texts:
        return float(WHOLE)
    less = beside.casefold()
    ranks = [_of_word(word, texts, less) for word in wanted]
    found = [one for one in ranks if one is not None]
    return None if len(found) < len(ranks) else sum(found) / len(found) + _length(title)


def _of_word(word: str, texts: list[str], beside: str) -> int | None:
    ranks = [_of_text(word, text) for text in texts]
    found = [one for one in ranks if one is not None]
    if found:
        return min(found)
    return BESIDE if word in beside else None


def _of_text(word: str, text: str) -> int | None:
    if text.startswith(word):
        return BEGINS
    if any(part.startswith(word) for part in _NOT_A_WORD.split(text)):
        return WORD
    return INSIDE if word in text else None


def _length(title: str) -> float:
    """Return a small penalty for a long title, so that the shorter of two equal matches comes first."""
    return min(len(title), 99) / 1000
