"""How long a text may be for a model: a plain estimate of its tokens, and a cut that shows where it was made."""

from __future__ import annotations

_MARK_TOKENS = 20
_LAST_STRETCH = 200


def estimated_tokens(text: str) -> int:
    """Estimate a text's tokens, rather too many than too few: three ASCII characters to one, any other is one."""
    ascii_count = len(text.encode("ascii", "ignore"))
    return -(-ascii_count // 3) + len(text) - ascii_count


def cut_to_tokens(text: str, most: int) -> str:
    """Give a text of at most about `most` tokens; where something is cut off, its last line says so."""
    whole = estimated_tokens(text)
    if whole <= most:
        return text
    kept = _kept(text, max(most - _MARK_TOKENS, 1))
    return _marked(kept, f"about {estimated_tokens(kept):,} of {whole:,} tokens are shown")


def cut_to_characters(text: str, most: int) -> str:
    """Give a text of at most `most` characters and a line that says so where something is cut off."""
    return text if len(text) <= most else _marked(text[:most], f"{most:,} of {len(text):,} characters are shown")


def _marked(kept: str, told: str) -> str:
    return f"{kept.rstrip()}\n\n[Cut here: {told}.]"


def _kept(text: str, most: int) -> str:
    """Give the longest beginning of that many tokens, cut between words."""
    low, high = 0, min(len(text), most * 3)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if estimated_tokens(text[:middle]) <= most else (low, middle - 1)
    last = max(low - _LAST_STRETCH, 0)
    between = max(text.rfind(" ", last, low), text.rfind("\n", last, low))
    return text[: between if between > 0 else low]
