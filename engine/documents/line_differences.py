"""How the lines or words of two texts differ, in a number of steps that no text can exceed.

What both texts begin and end with is the same, and what only one of them has is changed. Of the rest, the lines that
are once in both are matched first, as far as they keep their order, and then those between them, as many as possible.
Where too many pairs would have to be compared for that, all lines between are replaced. No other module compares texts
line by line: `difflib` takes minutes for a few hundred lines that are chosen well.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from clients.wording import matches

_MOST_PAIRS = 9_000_000
"""Pairs of lines that are compared for one difference, in about ten milliseconds and a megabyte of memory."""

Opcode = tuple[str, int, int, int, int]
"""As `difflib` has them: what is done, and from where to where in the old and the new lines."""
_Places = tuple[int, int]
"""The number of an old line and of a new one."""
_Matching = Callable[[Sequence[str], Sequence[str]], list[_Places]]


def unified(old: Sequence[str], new: Sequence[str], before: str, after: str, context: int = 3) -> Iterator[str]:
    """Yield the lines of a unified diff, without ends of lines; nothing if the lines are the same."""
    for at, group in enumerate(_hunks(opcodes(old, new), context)):
        if at == 0:
            yield from (f"--- {before}", f"+++ {after}")
        first, last = group[0], group[-1]
        yield f"@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@"
        for kind, old_from, old_to, new_from, new_to in group:
            if kind == "equal":
                yield from (f" {line}" for line in old[old_from:old_to])
                continue
            yield from (f"-{line}" for line in old[old_from:old_to])
            yield from (f"+{line}" for line in new[new_from:new_to])


def opcodes(old: Sequence[str], new: Sequence[str]) -> Iterator[Opcode]:
    """Yield what makes the new lines, or words, out of the old ones, in their order."""
    old_at = new_at = 0
    runs = list(_runs(_same_places(old, new)))
    for old_from, new_from, size in [*runs, (len(old), len(new), 0)]:
        if old_at < old_from or new_at < new_from:
            kind = "insert" if old_at == old_from else "delete" if new_at == new_from else "replace"
            yield kind, old_at, old_from, new_at, new_from
        old_at, new_at = old_from + size, new_from + size
        if size:
            yield "equal", old_from, old_at, new_from, new_at


def _runs(found: Sequence[_Places]) -> Iterator[tuple[int, int, int]]:
    """Yield where lines that are the same begin in both texts, and how many follow each other."""
    begin = 0
    for at in range(1, len(found) + 1):
        old_at, new_at = found[at - 1]
        if at == len(found) or found[at] != (old_at + 1, new_at + 1):
            yield *found[begin], at - begin
            begin = at


def _same_places(old: Sequence[str], new: Sequence[str]) -> list[_Places]:
    """Return the places of lines that are the same in both texts, in their order."""
    found = _between_same_ends(old, new, _in_both)
    before = (-1, -1)
    for index, (old_at, new_at) in enumerate(found):
        # Where only one text has more lines, they are the ones after the first that fits: a new function, say, begins
        # with its own first line, and ends with the blank line that separates it from the next one.
        first_old, first_new = before[0] + 1, before[1] + 1
        if first_old == old_at and new[first_new] == old[old_at]:
            found[index] = (old_at, first_new)
        elif first_new == new_at and old[first_old] == new[new_at]:
            found[index] = (first_old, new_at)
        before = found[index]
    return found


def _between_same_ends(old: Sequence[str], new: Sequence[str], middle: _Matching) -> list[_Places]:
    """Match what both begin and end with, and what lies between as `middle` does."""
    head = _same(old, new)
    tail = _same(old[head:][::-1], new[head:][::-1])
    found = [(at, at) for at in range(head)]
    between = middle(old[head : len(old) - tail], new[head : len(new) - tail])
    found += [(head + one, head + other) for one, other in between]
    found += [(len(old) - at, len(new) - at) for at in range(tail, 0, -1)]
    return found


def _in_both(old: Sequence[str], new: Sequence[str]) -> list[_Places]:
    """Match without the lines that only one text has: they can match nothing, and are most of what has changed."""
    lines = set(old) & set(new)
    old_places = [at for at, line in enumerate(old) if line in lines]
    new_places = [at for at, line in enumerate(new) if line in lines]
    found = _around_unique([old[at] for at in old_places], [new[at] for at in new_places])
    return [(old_places[one], new_places[other]) for one, other in found]


def _around_unique(old: Sequence[str], new: Sequence[str]) -> list[_Places]:
    """Match the lines that are once in both texts, and then what lies between two of them."""
    found: list[_Places] = []
    compared = _Compared()
    old_from = new_from = 0
    for old_to, new_to in [*_unique(old, new), (len(old), len(new))]:
        between = _between_same_ends(old[old_from:old_to], new[new_from:new_to], compared.matches)
        found += [(old_from + one, new_from + other) for one, other in between]
        found.append((old_to, new_to))
        old_from, new_from = old_to + 1, new_to + 1
    return found[:-1]  # without the end of both texts


class _Compared:
    """Compares parts of two texts until too many pairs would have been compared."""

    def __init__(self) -> None:
        self._pairs_left = _MOST_PAIRS

    def matches(self, old: Sequence[str], new: Sequence[str]) -> list[_Places]:
        """Match as many lines as possible; none if that would take too long."""
        pairs = len(old) * len(new)
        if pairs > self._pairs_left:
            return []
        self._pairs_left -= pairs
        return matches(old, new)


def _unique(old: Sequence[str], new: Sequence[str]) -> list[_Places]:
    """Return the places of lines that are once in both texts; if some have changed places, the most that fit."""
    old_counts, new_counts = Counter(old), Counter(new)
    place_of = {line: at for at, line in enumerate(new) if old_counts[line] == new_counts[line] == 1}
    both = [(at, place_of[line]) for at, line in enumerate(old) if line in place_of]
    return [both[one] for one in _rising([new_at for _, new_at in both])]


def _rising(numbers: Sequence[int]) -> list[int]:
    """Return the indexes of a longest rising sequence of different numbers, by patience sorting."""
    lowest: list[int] = []
    """The lowest number that ends a sequence of each length."""
    ends: list[int] = []
    """The index of each number in `lowest`."""
    before: list[int] = []
    """The index that comes before each index in its longest sequence; -1 for none."""
    for index, number in enumerate(numbers):
        length = bisect_left(lowest, number)
        before.append(ends[length - 1] if length else -1)
        lowest[length : length + 1] = [number]
        ends[length : length + 1] = [index]
    found: list[int] = []
    index = ends[-1] if ends else -1
    while index >= 0:
        found.append(index)
        index = before[index]
    return found[::-1]


def _hunks(codes: Iterable[Opcode], context: int) -> Iterator[list[Opcode]]:
    """Yield the changes in groups, each with the lines around it; between two groups are more lines than that."""
    group: list[Opcode] = []
    for code in codes:
        kind, old_from, old_to, new_from, new_to = code
        if kind != "equal":
            group.append(code)
            continue
        size = min(context, old_to - old_from)
        after = (kind, old_from, old_from + size, new_from, new_from + size)
        before = (kind, old_to - size, old_to, new_to - size, new_to)
        if not group:
            group = [before]
        elif old_to - old_from <= 2 * context:
            group.append(code)
        else:
            yield [*group, after]
            group = [before]
    if group and group[-1][0] == "equal":
        kind, old_from, old_to, new_from, new_to = group.pop()
        size = min(context, old_to - old_from)
        group += [(kind, old_from, old_from + size, new_from, new_from + size)] if group else []
    if group:
        yield group


def _same(old: Sequence[str], new: Sequence[str]) -> int:
    """Return how many lines at the beginning are the same."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(old), len(new)))


def _range(start: int, end: int) -> str:
    """Return a range of lines as a unified diff writes it."""
    if end - start == 1:
        return str(start + 1)
    return f"{start + 1 if end > start else start},{end - start}"
