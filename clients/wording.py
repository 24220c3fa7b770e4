"""Words for messages: counts, and what was probably meant."""

from __future__ import annotations

from collections.abc import Iterable

_HISSING = ("s", "x", "z", "ch", "sh")


def plural(word: str) -> str:
    """Return the plural of a word that has a regular one."""
    if word.endswith(_HISSING):
        return f"{word}es"
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}s"


def counted(count: int, one: str, many: str = "") -> str:
    """Return "1 label" or "2 labels"; thousands are separated by a comma. `many`: the plural if it is irregular."""
    return f"{count:,} {one if count == 1 else many or plural(one)}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint at the known name that is most like a misspelt one, ` Did you mean 'Due'?`, or ""."""
    from difflib import get_close_matches  # here: most processes never compare names

    by_case = {each.casefold(): each for each in known}
    found = get_close_matches(name.casefold(), by_case, n=1, cutoff=0.6)
    return f" Did you mean {by_case[found[0]]!r}?" if found else ""
