"""The lines of a file in which something is wrong, for a sentence that names the first ones."""

from __future__ import annotations

from collections.abc import Sequence

_TOLD = 5


class LineNumbers:
    """In how many lines something occurs, and the numbers of the first ones."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[int] = []

    def add(self, line: int) -> None:
        """Count one more line."""
        self.count += 1
        if len(self.first) < _TOLD:
            self.first.append(line)

    def take(self, count: int, lines: Sequence[int]) -> None:
        """Count more, of which these are the first."""
        self.count += count
        self.first = sorted([*self.first, *lines])[:_TOLD]

    def told(self) -> str:
        """Return "line 3", "lines 3 and 5" or "lines 3, 5, 7, 9, 11 and 20 more"."""
        if self.count == 1:
            return f"line {self.first[0]:,}"
        shown = [f"{line:,}" for line in self.first]
        last = f"{self.count - len(shown):,} more" if self.count > len(shown) else shown.pop()
        return f"lines {', '.join(shown)} and {last}"
