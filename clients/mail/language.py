"""The language that a mail is written in, guessed from its text."""

from __future__ import annotations

import re
from collections.abc import Iterable

_READ_MOST = 1000
_LETTERS_LEAST = 20
"""Fewer are as likely names as words: the guess would be wrong too often."""
_NO_WORDS = re.compile(r"\S*(?:://|@|\d)\S*")
_OF_TODAY = {"iw": "he"}
"""Old codes that CLD3 still gives."""


def language_of(texts: Iterable[str]) -> str:
    """Return the language of the first of these texts that has enough letters, as a BCP 47 tag such as `de`; or "".

    Texts of the same mail, the most telling first. Addresses, links and numbers do not count.
    """
    for text in texts:
        words = " ".join(_NO_WORDS.sub(" ", text[: 4 * _READ_MOST]).split())[:_READ_MOST]
        if sum(map(str.isalpha, words)) >= _LETTERS_LEAST:
            return _guessed(words)
    return ""


def _guessed(words: str) -> str:
    from gcld3 import NNetLanguageIdentifier  # 8 ms that most commands do not need

    # One for each text: it lets other threads run, and is not made for two at once.
    found = NNetLanguageIdentifier(0, 4 * _READ_MOST).FindLanguage(words.encode("utf-8", "ignore").decode())
    return _OF_TODAY.get(found.language, found.language) if found.is_reliable else ""
