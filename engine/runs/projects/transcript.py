"""What a command has written, as text that can be shown while it grows."""

from __future__ import annotations

import codecs
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from engine.outgoing import hidden_characters

# Control sequences, operating system commands (ended by BEL as xterm does, or by ST), other escapes (ECMA-48).
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-Z\\^-~])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_UNFINISHED = re.compile(r"(?:\x1b[^\x07]{0,256}|\r)\Z")
"""What may go on in the next piece: the beginning of what steers a terminal, or of a line break."""


@dataclass(frozen=True)
class OutputPiece:
    """A piece of text, and where it was written: `stdout` or `stderr`."""

    stream: str
    text: str


class Transcript:
    """The pieces in the order in which they came. Safe to use from several threads."""

    def __init__(self) -> None:
        self._pieces: list[OutputPiece] = []
        self._length = 0
        self._lock = threading.Lock()
        self._readers: dict[str, _Cleaner] = {}

    @property
    def length(self) -> int:
        """How many characters there are."""
        return self._length

    def hear(self, stream: str, piece: bytes) -> None:
        """Add what was written."""
        self._add(stream, self._readers.setdefault(stream, _Cleaner()).clean(piece))

    def close(self) -> None:
        """Add what was held back because more of it might have come."""
        for stream, reader in self._readers.items():
            self._add(stream, reader.rest())

    def since(self, start: int, most: int) -> tuple[tuple[OutputPiece, ...], int, int]:
        """Return (the text from a place on, how many characters are left out before it, where it ends).

        Only the last `most` characters come.
        """
        with self._lock:
            pieces, length = list(self._pieces), self._length
        begin = max(start, length - most)
        return tuple(_from(pieces, begin, length)), begin - start if length > start else 0, length

    def _add(self, stream: str, text: str) -> None:
        if not text:
            return
        with self._lock:
            last = self._pieces[-1] if self._pieces else None
            if last is not None and last.stream == stream and len(last.text) < _JOINED:
                self._pieces[-1] = OutputPiece(stream, last.text + text)
            else:
                self._pieces.append(OutputPiece(stream, text))
            self._length += len(text)


_JOINED = 4096
"""Pieces are joined up to so many characters: a program that writes single characters makes no million pieces."""


def _from(pieces: Sequence[OutputPiece], begin: int, length: int) -> list[OutputPiece]:
    """Return the pieces from a place on; the last of them end at `length`."""
    found: list[OutputPiece] = []
    at = length
    for one in reversed(pieces):
        if at <= begin:
            break
        at -= len(one.text)
        found.append(OutputPiece(one.stream, one.text[max(0, begin - at) :]))
    return found[::-1]


class _Cleaner:
    """Makes text of the bytes of one stream: without what steers a terminal, with hidden characters shown."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""

    def clean(self, piece: bytes) -> str:
        """Return the text of a piece, but for an end that may go on."""
        text = self._held + self._decoder.decode(piece)
        unfinished = _UNFINISHED.search(_ESCAPES.sub(_blank, text))
        at = unfinished.start() if unfinished else len(text)
        self._held = text[at:]
        return _plain(text[:at])

    def rest(self) -> str:
        """Return what was held back."""
        text, self._held = self._held + self._decoder.decode(b"", final=True), ""
        return _plain(text)


def _blank(found: re.Match[str]) -> str:
    """Return as many characters, so that places stay the same."""
    return " " * len(found[0])


def _plain(text: str) -> str:
    lines = _ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return hidden_characters.shown(_CONTROLS.sub("", lines))[0]
