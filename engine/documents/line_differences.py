"""How the lines of two texts differ, as a unified diff that takes no longer than the texts are long."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

_MOST_PAIRS = 9_000_000
"""Pairs of changed lines that are compared, for a third of a second; beyond them, all lines between are replaced."""

Opcode = tuple[str, int, int, int, int]
"""As `difflib` has them: what is done, and from where to where in the old and the new lines."""


def unified(old: Sequence[str], new: Sequence[str], before: str, after: str, context: int = 3) -> Iterator[str]:
    """Yield the lines of a unified diff, without ends of lines; nothing if the lines are the same."""
    groups = _Found(old, new).get_grouped_opcodes(context)
    for at, group in enumerate(groups):
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


class _Found(difflib.SequenceMatcher[str]):
    """The groups of `difflib`, of differences that are found in linear time."""

    def __init__(self, old: Sequence[str], new: Sequence[str]) -> None:
        super().__init__()
        self._opcodes = list(_opcodes(old, new))

    def get_opcodes(self) -> list[Opcode]:  # type: ignore[override]
        """Return what was found."""
        return self._opcodes


def _opcodes(old: Sequence[str], new: Sequence[str]) -> Iterator[Opcode]:
    head = _same(old, new)
    tail = _same(old[head:][::-1], new[head:][::-1])
    old_end, new_end = len(old) - tail, len(new) - tail
    if head:
        yield "equal", 0, head, 0, head
    if (old_end - head) * (new_end - head) > _MOST_PAIRS:
        yield "replace", head, old_end, head, new_end
    else:
        between = difflib.SequenceMatcher(None, old[head:old_end], new[head:new_end]).get_opcodes()
        for kind, *places in between:
            old_from, old_to, new_from, new_to = (one + head for one in places)
            yield kind, old_from, old_to, new_from, new_to
    if tail:
        yield "equal", old_end, len(old), new_end, len(new)


def _same(old: Sequence[str], new: Sequence[str]) -> int:
    """Return how many lines at the beginning are the same."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(old), len(new)))


def _range(start: int, end: int) -> str:
    """Return a range of lines as a unified diff writes it."""
    if end - start == 1:
        return str(start + 1)
    return f"{start + 1 if end > start else start},{end - start}"
