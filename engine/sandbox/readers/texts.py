"""The text of a file as it is collected, page by page, up to a limit; what was cut is said in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

_BLANKS = re.compile(r"[ \t\x0b\f]+\n")
_EMPTY_LINES = re.compile(r"\n{4,}")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff\ufffe\uffff]")


class TextBuilder:
    """Takes the pages of a file in order; `is_full` once no more fits."""

    def __init__(self, most: int, form: str) -> None:
        self.most, self.is_markdown = most, form == "markdown"
        self.pages = 0
        """How many pages, sheets or slides the file has; 0 for a file without them."""
        self.needs_ocr = False
        self.notes: list[str] = []
        """What a person should know of how it was read, in sentences."""
        self._parts: list[str] = []
        self._starts: list[dict[str, int]] = []
        self._length = 0
        self._left_out: list[str] = []

    @property
    def is_full(self) -> bool:
        """Whether the limit is reached."""
        return self._length >= self.most

    def add(self, text: str, page: int | None = None, title: str = "") -> None:
        """Take the text of the next page, or all of a file without pages; `title` heads it in Markdown."""
        text = tidy(text)
        if title and self.is_markdown:
            text = f"## {title}\n\n{text}"
        room = self.most - self._length
        if page is not None:
            self._starts.append({"page": page, "start": self._length})
        if len(text) > room:
            self._left_out.append(f"{len(text) - room:,} characters" + (f" of page {page}" if page else ""))
            text = text[:room]
        self._parts.append(text)
        self._length += len(text)
        if self._length < self.most:
            self._parts.append("\n\n")
            self._length += 2

    def leave_out(self, what: str) -> None:
        """Note what the text does not have: "pages 12 to 40"."""
        self._left_out.append(what)

    def document(self) -> dict[str, Any]:
        """Return {text, pages, page_starts, truncated, left_out, needs_ocr, notes}."""
        text, left = "".join(self._parts).rstrip(), ", ".join(self._left_out)
        if left and self.is_markdown:
            text += f"\n\n[Cut here: {left} left out.]"
        return {
            "text": text,
            "pages": self.pages,
            "page_starts": self._starts,
            "truncated": bool(left),
            "left_out": left,
            "needs_ocr": self.needs_ocr,
            "notes": self.notes,
        }


def tidy(text: str) -> str:
    """Return text with plain line ends and without control characters, blanks at line ends and many empty lines."""
    text = _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _EMPTY_LINES.sub("\n\n\n", _BLANKS.sub("\n", text)).strip()


def markdown_table(rows: Sequence[Sequence[Any]]) -> str:
    """Return rows as a table of Markdown; the first row is its head."""
    if not rows:
        return ""
    width = max(map(len, rows))
    lines = [_row([*row, *[""] * (width - len(row))]) for row in rows]
    return "\n".join([lines[0], _row(["---"] * width), *lines[1:]])


def _row(cells: Iterable[Any]) -> str:
    shown = ("" if cell is None else " ".join(str(cell).split()).replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(shown)} |"


def wanted_pages(pages: Sequence[Sequence[int]], count: int) -> list[int]:
    """Return the numbers, from 1, of the pages that were asked for and exist; all pages if no page was named."""
    if not pages:
        return list(range(1, count + 1))
    return [number for number in range(1, count + 1) if any(first <= number <= last for first, last in pages)]
