"""Limits the length of a text for a model: estimates its tokens and marks where it was cut."""

from __future__ import annotations

_MARK_TOKENS = 20
"""Room for the last line, which says how much is missing."""
_LAST_STRETCH = 200


def estimated_tokens(text: str) -> int:
    """Estimate a text's tokens, rather too many than too few: one per three ASCII characters or per other character."""
    ascii_count = len(text.encode("ascii", "ignore"))
    return -(-ascii_count // 3) + len(text) - ascii_count


def cut_to_tokens(text: str, most: int) -> str:
    """Return at most about `most` tokens of a text; if it is cut, its last line says so."""
    whole = estimated_tokens(text)
    if whole <= most:
        return text
    kept = _kept(text, max(most - _MARK_TOKENS, 1))
    return marked(kept, f"about {estimated_tokens(kept):,} of {whole:,} tokens are shown")


def cut_to_characters(text: str, most: int, *, of: int | None = None) -> str:
    """Return at most `most` characters of a text, followed by a note if it is cut.

    `of` is the full length, if the text itself is only a beginning.
    """
    whole = len(text) if of is None else of
    return text if whole <= most else f"{text[:most].rstrip()}\n\n{cut_note(most, whole)}"


def cut_to_line(text: str, most: int) -> str:
    """Return a single-line text of at most `most` characters, followed by a note if it is cut."""
    return text if len(text) <= most else f"{text[:most].rstrip()} {cut_note(most, len(text))}"


def cut_note(kept: int, whole: int) -> str:
    """Return the note that says how much is missing."""
    return f"[Cut here: {kept:,} of {whole:,} characters are shown.]"


def marked(kept: str, told: str) -> str:
    """Append a last line that says what the text lacks."""
    return f"{kept.rstrip()}\n\n[Cut here: {told}.]"


def _kept(text: str, most: int) -> str:
    """Return the longest beginning within that many tokens, cut between words."""
    # No token has more than three characters, by the estimate.
    low, high = 0, min(len(text), most * 3)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if estimated_tokens(text[:middle]) <= most else (low, middle - 1)
    last = max(low - _LAST_STRETCH, 0)
    between = max(text.rfind(" ", last, low), text.rfind("\n", last, low))
    return text[: between if between > 0 else low]
