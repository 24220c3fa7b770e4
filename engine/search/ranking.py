"""How well something fits the words that a person types to find it."""

from __future__ import annotations

import re

_NOT_A_WORD = re.compile(r"[\W_]+")

WHOLE, BEGINS, WORD, INSIDE, BESIDE = range(5)
"""How a word fits, best first: it is the title, begins it, begins a word of it, is inside; or is in the text beside."""


def rank(query: str, title: str, name: str = "", beside: str = "") -> float | None:
    """Return how well a title (or name) fits a query, 0 best; None unless every word of the query is found.

    `beside` is text that also counts, but less, such as a description. An empty query fits everything.
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
    """Return a little for a long title: of two that fit alike, the shorter one is more likely meant."""
    return min(len(title), 99) / 1000
