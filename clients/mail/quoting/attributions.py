"""Recognizes the line above quoted words: "On Monday Ann wrote:", in the words of many programs or by its parts."""

from __future__ import annotations

import re

from clients.mail.quoting.words import WROTE, WROTE_UNSPACED, alternatives

_VERB = re.compile(
    rf"(?:.{{0,400}}\W)?(?:{alternatives(WROTE)})\b.{{0,200}}[:：]"
    rf"|.{{0,400}}(?:{alternatives(WROTE_UNSPACED)}).{{0,200}}[:：]"
)
_IN_MARKS_MOST = 300
# Invisible signs of direction, which some programs put around names and dates.
_MARKS = re.compile("[\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
_NUMBER = re.compile(r"\d")
_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)|\d{1,2}[./-]\s?\d{1,2}[./-]\s?\d{2}(?!\d)")
_TIME = re.compile(r"(?<![\d.])\d{1,2}\s?[:.時시点h]\s?\d{2}(?!\d)")
_ADDRESS = re.compile(r"[^\s<>@]{1,200}@[^\s<>@]{1,200}")
_DATED = re.compile(r"\d{4}|@")
_LONGEST = 1000


def is_attribution(text: str, *, has_marks_below: bool) -> bool:
    """Return whether a text, its lines joined, names the author of what follows.

    If no marks (`>`) follow, its words have to be known; otherwise a date, a time and an address suffice.
    """
    bare = _MARKS.sub("", text[:_LONGEST]).strip(" *_")
    if in_marks := _in_marks(bare):
        return is_dated_sender(in_marks)
    if not bare.endswith((":", "：", "៖")):
        return False
    if _VERB.fullmatch(bare):
        return has_marks_below or bool(_DATED.search(bare))
    return is_dated_sender(bare) if has_marks_below else False


def is_dated_sender(text: str) -> bool:
    """Return whether a line has an address, a year and a time, as attributions have in every language."""
    # Without addresses, whose digits may look like a time.
    return bool(_ADDRESS.search(text) and _YEAR.search(text) and _TIME.search(_ADDRESS.sub("", text)))


def is_in_arrows(line: str) -> bool:
    """Return whether a line begins with `>` as GroupWise writes it above another mail, not as part of a quote."""
    return line.startswith(">>> ") and is_dated_sender(_in_marks(line.strip()))


def _in_marks(text: str) -> str:
    """Return what is between `---` and `---`, or `>>>` and `>>>`, as Zoho and GroupWise write it: without a colon.

    Text methods, as a pattern would try each number of dashes with each end of the words.
    """
    inner = ""
    if text.startswith("---") and text.endswith("---"):
        inner = text.strip("-")
    elif text.startswith(">>>"):
        inner = text[3:].rstrip("-")
        inner = inner[:-3] if inner.endswith(">>>") else ""
    return inner if len(inner) <= _IN_MARKS_MOST + 2 else ""  # 2: blanks beside the marks


def has_year(text: str) -> bool:
    """Return whether a line has a year, alone or in a date."""
    return bool(_YEAR.search(text))


def is_dated(text: str) -> bool:
    """Return whether a line has a number."""
    return bool(_NUMBER.search(text))


def is_moment(text: str) -> bool:
    """Return whether a short line has a year and a time, and ends with a colon: an attribution of unknown words."""
    bare = _MARKS.sub("", text[:_LONGEST]).strip(" *_")
    return len(bare) <= 200 and bare.endswith((":", "：")) and bool(_YEAR.search(bare) and _TIME.search(bare))
