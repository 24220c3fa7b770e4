"""Words for messages: counts, lists of names, and what was probably meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_HISSING = ("s", "x", "z", "ch", "sh")
_MOST_LISTED = 20
_LONGEST_NAME, _MOST_NAMES = 200, 1_000  # limits of the comparison letter by letter
_MANY_NAMES = 100
"""Of more names than these, only those of the same first letter are compared: a file may have thousands of faults."""
_NEAR = 0.65
"""The share of letters in common, in order, from which two names are near: `nope` and `openai` have 0.6."""


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


def listed(names: Sequence[str]) -> str:
    """Return the names separated by commas; a long list ends with the number of remaining names."""
    more = len(names) - _MOST_LISTED
    return ", ".join(names[:_MOST_LISTED]) + (f", … and {more} more" if more > 0 else "")


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the name that was probably meant: one that differs in few letters, or the long form of a short one."""
    if len(name) > _LONGEST_NAME:
        return None
    names = list(names)
    if len(names) > _MANY_NAMES:
        names = [one for one in names if one[:1].lower() == name[:1].lower()]
    names = [one for one in names[:_MOST_NAMES] if len(one) <= _LONGEST_NAME]
    from difflib import get_close_matches  # here: most processes never compare names

    by_case = {one.casefold(): one for one in reversed(names)}
    near = get_close_matches(name.casefold(), by_case, n=1, cutoff=_NEAR)
    if near:
        return by_case[near[0]]
    begun = [one for one in names if min(len(one), len(name)) > 2 and (one.startswith(name) or name.startswith(one))]
    return begun[0] if len(begun) == 1 else None


def guess(name: str, names: Iterable[str]) -> str:
    """Return a question about the name that was probably meant, "Did you mean 'Due'?", or ""."""
    near = nearest(name, names)
    return "" if near is None else f"Did you mean {near!r}?"


def did_you_mean(name: str, names: Sequence[str]) -> str:
    """Return the question about the name that was probably meant, or the list of names."""
    return guess(name, names) or (f"There are: {listed(sorted(names))}." if names else "")
