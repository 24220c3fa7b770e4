"""The header fields of a mail or part, however they are folded (RFC 5322 2.2, 4.2, 4.5)."""

from __future__ import annotations

import re

from msgspec import Struct, field

_FIELD = re.compile(rb"([!-9;-~\x80-\xff]*)[ \t]*:")
# Not an address at the beginning of a line, such as http://example.org.
_SURELY_A_FIELD = re.compile(rb"[A-Za-z][A-Za-z0-9-]*[ \t]*:(?!//)")
_END = re.compile(rb"\n\r*\n")
_FROM = (b"From ", b">From ")
"""Start of a line that a mailbox file puts before or among a mail's headers."""
BYTES_MOST = 1_000_000
LINES_MOST = 20_000


class HeaderBlock(Struct):
    """The headers read so far, and where the body begins."""

    body: int = 0
    lines: int = 0
    """Number of lines read."""
    is_cut: bool = False
    """Whether there are more headers than were read."""
    _found: list[tuple[str, list[bytes]]] = field(default_factory=list)

    @property
    def fields(self) -> list[tuple[str, bytes]]:
        """Return names and values in order, each value on one line."""
        return [(name, b" ".join(lines)) for name, lines in self._found]

    def take(self, line: bytes) -> bool:
        """Add a header line; return False if the line is neither a field nor a continuation."""
        if line[:1] in b" \t" and self._found:
            self.go_on(line)
            return True
        # Without a field before it, a blank cannot continue one: some programs indent the first line.
        line = line.lstrip(b" \t")
        found = _FIELD.match(line)
        if found is None:
            return line.startswith(_FROM)
        if found[1]:
            self._found.append((found[1].decode("ascii", "replace"), [line[found.end() :].strip()]))
        return True

    def go_on(self, line: bytes) -> None:
        """Append a line to the last field, even without the leading blank that a continuation should have."""
        if self._found:
            self._found[-1][1].append(line.strip())

    @property
    def is_empty(self) -> bool:
        """Return whether there are no fields."""
        return not self._found


def block_of(content: bytes, begin: int, end: int, lines: int = LINES_MOST) -> HeaderBlock:
    """Read the headers that begin there; without headers, everything is body.

    Of headers over 1,000,000 bytes or `lines` lines only the first are kept; the body is found in any case.
    """
    block = HeaderBlock(begin)
    place = begin
    while place < end:
        if place - begin >= BYTES_MOST or block.lines >= lines:
            # One back: the end of the last line may be the first half of the empty line.
            block.body, block.is_cut = _after_empty_line(content, place - 1, end), True
            return block
        line, following = _line(content, place, end)
        block.lines += 1
        if not line or (not line.strip() and not _goes_on(content, following, end)):
            block.body = following
            return block
        if not _taken(block, line, content, following, end):
            block.body = begin if block.is_empty else place
            return block
        place = following
    block.body = end
    return block


def _taken(block: HeaderBlock, line: bytes, content: bytes, following: int, end: int) -> bool:
    """Add a line to the headers; return False if the body has begun without an empty line."""
    if not line.strip() or block.take(line):
        return True
    if block.is_empty or not _SURELY_A_FIELD.match(content, following, end):
        return False
    block.go_on(line)
    return True


def _line(content: bytes, place: int, end: int) -> tuple[bytes, int]:
    """Return a line without its end (cut if it is very long), and where the next one begins."""
    found = content.find(b"\n", place, end)
    following = end if found < 0 else found + 1
    return content[place : min(following, place + BYTES_MOST)].rstrip(b"\r\n"), following


def _goes_on(content: bytes, place: int, end: int) -> bool:
    """Return whether headers continue after a blank line, which may be a fold (RFC 5322 4.2)."""
    line, _ = _line(content, place, end)
    return not line or line[:1] in b" \t" or bool(_SURELY_A_FIELD.match(line))


def _after_empty_line(content: bytes, place: int, end: int) -> int:
    found = _END.search(content, place, end)
    return end if found is None else found.end()
