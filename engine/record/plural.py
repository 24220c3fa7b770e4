"""Nouns with their number: "1 mail", "2 replies"."""

from __future__ import annotations

import re

_WORDS = re.compile(r"[a-z]{2,}(_[a-z]{2,})*\Z")
_HISSING = ("s", "x", "z", "ch", "sh")


def noun(name: str, otherwise: str) -> str:
    """Return the name of a step or loop variable as a word, or `otherwise` if it is not a word (`x`, `step2`)."""
    return name.replace("_", " ") if _WORDS.match(name) else otherwise


def plural(word: str) -> str:
    """Return the plural of a word."""
    if word.endswith(_HISSING):
        return f"{word}es"
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}s"


def many(count: int, word: str) -> str:
    """Return e.g. "1 mail" or "2 mails"."""
    return f"{count} {word if count == 1 else plural(word)}"
