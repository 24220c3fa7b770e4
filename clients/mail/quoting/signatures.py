"""Recognizes signatures, and lines such as "Sent from my phone"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from clients.mail.quoting.words import CONFIDENTIAL_MARKS, DEVICE_WORDS, SENT_FROM_MARKS, folded

_DELIMITERS = frozenset({"--", "—"})
# Mailman's rule above the footer of a list has 47 signs.
_LONG_RULE = re.compile(r"_{40,60}\s*")
_LINES_MOST = 20
_SENT_FROM_MOST = 90
# A shorter word, such as "mac", may be part of another one.
_LONG_WORD = 5
_LINK = re.compile(r"\[([^\[\]]{0,200})\]\([^()]{0,2000}\)|<https?:[^<>\s]{1,2000}>|\(\s?https?:[^()\s]{1,2000}\s?\)")
_OF_OUTLOOK = re.compile(r"\bhttps?://aka\.ms/\w+")
_WORD = re.compile(r"[^\W_][\w.'’-]*")
_CONTACT = re.compile(r"@|www\.|https?:|(?:\d[\s()/.-]{0,3}){7}|\+\d")
_SENTENCE_END = re.compile(r"[.!?…。！？]\W{0,2}$")
_PROSE_LINE = 60


def is_delimiter(line: str, below: Sequence[str] = ()) -> bool:
    """Return whether a signature may begin below this line (RFC 3676 4.3; many leave out the blank).

    `below`: the next lines, which tell whether a long rule belongs to a mailing list.
    """
    return line.strip() in _DELIMITERS or bool(_LONG_RULE.fullmatch(line) and _is_usual(below))


def signature_lines(below: Sequence[str]) -> int:
    """Return how many of the lines below a delimiter are a signature; 0 if it only divides a text.

    The author's text goes on if an empty line follows, unless it is followed by an address or a number, or if the next
    line is a sentence. What companies put below signatures belongs to them.
    """
    paragraphs = list(_paragraphs(below))
    first = below[slice(*paragraphs[0])] if paragraphs else []
    if len(below) > _LINES_MOST or (any(map(_is_sentence, first[:1])) and not _is_usual(first)):
        return 0
    begins_blank = bool(below) and not below[0].strip()
    if begins_blank and not any(_CONTACT.search(line) for begin, end in paragraphs[:2] for line in below[begin:end]):
        return 0 if paragraphs else len(below)
    for begin, end in paragraphs[1:]:
        lines = below[begin:end]
        if any(map(_is_sentence, lines)) and not _is_usual(lines):
            return begin
    return len(below)


def says_sent_from(line: str) -> bool:
    """Return whether a line says which device or program a mail was sent from, in that program's words."""
    bare = folded(_LINK.sub(r"\1", line[:2000])).strip(" *_.()[]<>")
    if _OF_OUTLOOK.search(line[:2000]) and "outlook" in bare and len(bare) <= _SENT_FROM_MOST:
        return True
    if len(bare) > _SENT_FROM_MOST or not (bare.startswith(SENT_FROM_MARKS) or bare.endswith(SENT_FROM_MARKS)):
        return False
    words = frozenset(_WORD.findall(bare))
    return bool(words & DEVICE_WORDS) or any(_is_long(word) and word in bare for word in DEVICE_WORDS)


def _is_long(word: str) -> bool:
    return len(word) >= _LONG_WORD or (len(word) > 1 and not word.isascii())


def _is_usual(lines: Sequence[str]) -> bool:
    """Return whether companies, lists or services write such lines below signatures."""
    words = folded(" ".join(lines))
    return any(mark in words for mark in CONFIDENTIAL_MARKS)


def _is_sentence(line: str) -> bool:
    """Return whether a line reads like a sentence, not like a name, a title or an address."""
    if _CONTACT.search(line):
        return False
    words = _WORD.findall(line)
    small = sum(word[0].islower() for word in words)
    if small >= 4 or (small >= 2 and _SENTENCE_END.search(line)):
        return True
    return line.rstrip().endswith(("。", "！", "？")) or (len(line) > _PROSE_LINE and bool(_SENTENCE_END.search(line)))


def _paragraphs(lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    begin = -1
    for place, line in enumerate([*lines, ""]):
        if line.strip() and begin < 0:
            begin = place
        elif not line.strip() and begin >= 0:
            yield begin, place
            begin = -1
