"""Files of text: which encoding they have, and their lines, one at a time."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from functools import partial

from clients.mail.charsets import guessed_charset, marked_charset
from clients.wording import counted
from engine.sandbox.readers.source import FileRefused, SourceFile

LINE_MOST = 10_000_000
"""Characters of one line."""
_LINES_TOLD = 5
_PIECE = 1024 * 1024
_SAMPLE = 65536
_NAMED = (".eml", ".csv", ".tsv", ".tab", ".txt", ".md", ".markdown")
"""Endings of names of texts, in which a few NUL bytes are damage; in other files, one says that it is not text."""
# Texts do have ESC (ISO-2022-JP), the end mark of DOS, and the separator of RFC 7464.
_CONTROLS = bytes(sorted({*range(32)} - {*b"\t\n\r\f\x1b\x1a\x1e"}))


def encoding_of(source: SourceFile) -> str:
    """Return the encoding of a text: as its first bytes say, else UTF-8 if nearly all of it is that, else guessed.

    Raises FileRefused for what is not text.
    """
    head = source.head(_SAMPLE)
    if marked := marked_charset(head):
        return marked
    strange = len(head) - len(head.translate(None, _CONTROLS))
    if source.name.lower().endswith(_NAMED):
        is_text = strange <= max(1, len(head) // 20)
    else:
        is_text = b"\0" not in head and strange * 50 <= len(head)
    if not is_text:
        raise FileRefused("It is not text.")
    source.content.seek(0)
    return guessed_charset(iter(partial(source.content.read, _PIECE), b""))


class LineNumbers:
    """Counts the lines in which something occurs, and keeps the numbers of the first ones."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[int] = []

    def add(self, line: int) -> None:
        """Count one more line."""
        self.count += 1
        if len(self.first) < _LINES_TOLD:
            self.first.append(line)

    def take(self, count: int, lines: Sequence[int]) -> None:
        """Count more lines; these are the first of them."""
        self.count += count
        self.first = sorted([*self.first, *lines])[:_LINES_TOLD]

    def told(self) -> str:
        """Return "line 3", "lines 3 and 5" or "lines 3, 5, 7, 9, 11 and 20 more"."""
        if self.count == 1:
            return f"line {self.first[0]:,}"
        shown = [f"{line:,}" for line in self.first]
        last = f"{self.count - len(shown):,} more" if self.count > len(shown) else shown.pop()
        return f"lines {', '.join(shown)} and {last}"


class Damage:
    """Counts what of a text could not be read; U+FFFD stands in its place."""

    def __init__(self) -> None:
        self._count, self._lines = 0, LineNumbers()

    def look(self, line: str, number: int) -> None:
        """Take a line of a text, and its number."""
        if "\ufffd" in line:
            self._count += line.count("\ufffd")
            self._lines.add(number)

    def notes(self) -> Iterator[str]:
        """Yield what is wrong with the text, in a sentence."""
        if self._count:
            found = counted(self._count, "character")
            yield f"{found} cannot be read ({self._lines.told()}): U+FFFD (\ufffd) is in the place of each."


def lines(source: SourceFile, encoding: str, damage: Damage) -> Iterator[str]:
    """Yield the lines of a text with their ends; a NUL becomes U+FFFD. Raises FileRefused for too long a line."""
    source.content.seek(0)
    text, number = io.TextIOWrapper(source.content, encoding, errors="replace", newline=""), 0
    try:
        while line := text.readline(LINE_MOST + 1):
            number += 1
            if len(line) > LINE_MOST:
                raise FileRefused(f"Line {number:,} has more than {LINE_MOST:,} characters.")
            line = line.replace("\0", "\ufffd")
            line = line.lstrip("\ufeff") if number == 1 else line  # programs that join files write a second mark
            damage.look(line, number)
            yield line
    finally:
        text.detach()  # else the wrapper would close the file with itself
