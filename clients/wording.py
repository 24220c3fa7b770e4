"""Words for messages: counts, lists of names, and what was probably meant; and what two texts have in common.

Texts are compared by their longest common sequence of letters, words or lines, in steps that only the lengths of both
decide. `difflib` has no such bound: with texts that repeat themselves, its time grows with the cube of the length.
Here, each item of one text is one step of arithmetic on a number that has a bit for each item of the other: Hyyrö,
"Bit-parallel LCS-length computation revisited" (2004). For 1,000 words against 1,000 others, that is a millisecond.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

_HISSING = ("s", "x", "z", "ch", "sh")
_MOST_LISTED = 20
_LONGEST_NAME, _MOST_NAMES = 200, 1_000  # limits of the comparison letter by letter
_MANY_NAMES = 100
"""Of more names, only the ones with the same first letter are compared: a file may have thousands of faults."""
_NEAR = 0.65
"""The least share of letters in common, in order, that makes two names near: `nope` and `openai` have 0.6."""


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
    by_case = {one.casefold(): one for one in reversed(names)}
    like = likeness(name.casefold())
    score, near = max(((like(one), one) for one in by_case), default=(0.0, ""))
    if score >= _NEAR:
        return by_case[near]
    begun = [one for one in names if min(len(one), len(name)) > 2 and (one.startswith(name) or name.startswith(one))]
    return begun[0] if len(begun) == 1 else None


def guess(name: str, names: Iterable[str]) -> str:
    """Return a question about the name that was probably meant, "Did you mean 'Due'?", or ""."""
    near = nearest(name, names)
    return "" if near is None else f"Did you mean {near!r}?"


def did_you_mean(name: str, names: Sequence[str]) -> str:
    """Return the question about the name that was probably meant, or the list of names."""
    return guess(name, names) or (f"There are: {listed(sorted(names))}." if names else "")


def guess_first(name: str, names: Iterable[str], remedy: str) -> str:
    """Return a remedy that begins with the question about the name that was probably meant, if one is near."""
    return " ".join(filter(None, (guess(name, names), remedy)))


def likeness(text: Sequence[str]) -> Callable[[Sequence[str]], float]:
    """Return a function that compares texts with this one: the share of items, in order, that both have, 0 to 1.

    The steps are the product of both lengths divided by 30: limit the lengths.
    """
    places, size = _places(text, frozenset(text)), len(text)

    def like(other: Sequence[str]) -> float:
        row = (1 << size) - 1
        for row in _rows(other, places, size):  # noqa: B007 - only the last one matters
            pass
        return 2 * (size - row.bit_count()) / ((size + len(other)) or 1)

    return like


def matches(one: Sequence[str], other: Sequence[str]) -> list[tuple[int, int]]:
    """Return the places, in both texts, of a longest sequence that they have in common.

    Needs a bit of memory for each pair of items: limit the product of the lengths.
    """
    width = len(other) // 8 + 1
    table = [row.to_bytes(width, "little") for row in _rows(one, _places(other, frozenset(one)), len(other))]
    found: list[tuple[int, int]] = []
    at, beside = len(one), len(other)
    while at and beside:
        place, bit = divmod(beside - 1, 8)
        if one[at - 1] == other[beside - 1]:
            at, beside = at - 1, beside - 1
            found.append((at, beside))
        elif table[at - 1][place] >> bit & 1:
            beside -= 1
        else:
            at -= 1
    return found[::-1]


def _rows(one: Sequence[str], places: Mapping[str, int], size: int) -> Iterator[int]:
    """Yield, after each item of `one`, the places where the common sequence does not become longer, as bits."""
    whole = row = (1 << size) - 1
    for item in one:
        found = row & places.get(item, 0)
        row = (row + found | row - found) & whole
        yield row


def _places(text: Sequence[str], wanted: Container[str]) -> dict[str, int]:
    """Return where each of the wanted items is in a text, as bits."""
    found: defaultdict[str, bytearray] = defaultdict(lambda: bytearray(len(text) // 8 + 1))
    for place, item in enumerate(text):
        if item in wanted:
            found[item][place >> 3] |= 1 << (place & 7)
    return {item: int.from_bytes(bits, "little") for item, bits in found.items()}
