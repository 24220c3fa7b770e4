"""Reads the text of Outlook's compressed RTF, or the HTML in it (MS-OXRTFCP, MS-OXRTFEX)."""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Struct

_MOST = 2_000_000
"""Bytes of RTF that are read."""
_DICTIONARY = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans "
    rb"SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0" + b"\r\n" + rb"\par \pard\plain\f0\fs20"
    rb"\b\i\u\tab\tx"
)
"""What the dictionary holds at the beginning (MS-OXRTFCP 2.1.2.1)."""
_WINDOW = 4096
_COMPRESSED, _PLAIN = 0x75465A4C, 0x414C454D
_TOKEN = re.compile(
    rb"\\([a-z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-z'])|([{}])|[\r\n]+|([^\\{}\r\n]+)", re.DOTALL
)
_SIGNS = {
    "par": "\n",
    "line": "\n",
    "sect": "\n",
    "page": "\n",
    "row": "\n",
    "tab": "\t",
    "cell": "\t",
    "emdash": "—",
    "endash": "–",
    "bullet": "•",
    "lquote": "‘",
    "rquote": "’",
    "ldblquote": "“",
    "rdblquote": "”",
}
_NO_TEXT = frozenset(
    "fonttbl colortbl stylesheet info pict object header footer headerl headerr footerl footerr themedata listtable "
    "listoverridetable rsidtbl generator xmlnstbl datastore latentstyles fldinst".split()
)
_LEVELS_MOST = 1000
_CODE_PAGE_MOST = 2000
"""No codec has a higher number; Python keeps each name that is looked up."""


class RtfContent(Struct, frozen=True):
    """The content of RTF: a text, or the HTML that it was made of."""

    form: Literal["text", "html"]
    text: str


def decompressed(data: bytes) -> bytes:
    """Return the RTF in a compressed one, at most two million bytes; b"" for anything else."""
    # The header has two sizes, a type and a checksum, each of four bytes.
    kind = int.from_bytes(data[8:12], "little")
    if kind == _PLAIN:
        return data[16 : 16 + _MOST]
    if kind != _COMPRESSED:
        return b""
    size = min(int.from_bytes(data[4:8], "little"), _MOST)
    window = bytearray(_DICTIONARY.ljust(_WINDOW, b"\0"))
    out, write, place = bytearray(), len(_DICTIONARY), 16
    while len(out) < size and place < len(data):
        flags = data[place]
        place += 1
        for bit in range(8):
            piece, place = _piece(data, place, flags >> bit & 1, window, write)
            if not piece:
                return bytes(out[:size])
            for letter in piece:
                window[write] = letter
                write = (write + 1) % _WINDOW
            out += piece
    return bytes(out[:size])


def _piece(data: bytes, place: int, is_reference: int, window: bytearray, write: int) -> tuple[bytes, int]:
    """Return the next letters, and where the following begin; no letters at the end."""
    if not is_reference:
        return data[place : place + 1], place + 1
    written = int.from_bytes(data[place : place + 2])
    offset, length = written >> 4, (written & 15) + 2
    # A reference to the place where the next letter goes marks the end.
    if len(data) < place + 2 or offset == write:
        return b"", place
    span = (write - offset) % _WINDOW  # a reference may reach into the letters that it makes
    begin = bytes(window[(offset + index) % _WINDOW] for index in range(min(length, span)))
    return (begin * (length // span + 1))[:length], place + 2


def read_rtf(rtf: bytes) -> RtfContent | None:
    """Return the content of RTF; None for anything else."""
    if not rtf.lstrip().startswith(b"{\\rtf"):
        return None
    reader = _Reader(is_html=b"\\fromhtml" in rtf[:1000])
    for token in _TOKEN.finditer(rtf):
        reader.take(token)
    reader.flush()
    pairs = "".join(reader.found).encode("utf-16-le", "surrogatepass")  # RTF counts letters in UTF-16
    return RtfContent("html" if reader.is_html else "text", pairs.decode("utf-16-le", "replace"))


class _Group(Struct):
    is_silent: bool = False
    is_html_tag: bool = False
    is_only_rtf: bool = False
    """Whether it is formatting that the HTML does not have (`htmlrtf`)."""
    skips: int = 1
    """How many letters stand in for one in Unicode (`uc`)."""


class _Reader:
    """Collects the visible text of RTF, or the HTML that it was made of."""

    def __init__(self, *, is_html: bool) -> None:
        self.is_html = is_html
        self.found: list[str] = []
        self._groups = [_Group()]
        self._codec = "cp1252"
        self._skip = 0
        self._letters = bytearray()
        self._is_starred = False

    def take(self, token: re.Match[bytes]) -> None:
        """Take the next token."""
        word, number, code, symbol, brace, text = token.groups()
        if code:
            self._add_letter(int(code, 16))
            return
        self.flush()
        if word:
            self._word(word.decode(), int(number) if number else None)
        elif symbol:
            self._symbol(symbol)
        elif brace:
            self._brace(brace)
        elif text:
            skipped, self._skip = min(self._skip, len(text)), max(self._skip - len(text), 0)
            self._add(text[skipped:].decode(self._codec, "replace"))

    @property
    def _group(self) -> _Group:
        return self._groups[-1]

    def _add(self, text: str) -> None:
        if not (self._group.is_silent or (self.is_html and self._group.is_only_rtf)):
            self.found.append(text)

    def _add_letter(self, letter: int) -> None:
        if self._skip:
            self._skip -= 1
        else:
            self._letters.append(letter)

    def flush(self) -> None:
        """Add the letters that were written as numbers."""
        if self._letters:
            self._add(self._letters.decode(self._codec, "replace"))
            self._letters.clear()

    def _brace(self, brace: bytes) -> None:
        self._skip = 0
        if brace == b"{" and len(self._groups) < _LEVELS_MOST:
            group = self._group
            self._groups.append(_Group(group.is_silent, group.is_html_tag, group.is_only_rtf, group.skips))
        elif brace == b"}" and len(self._groups) > 1:
            self._groups.pop()

    def _symbol(self, symbol: bytes) -> None:
        if symbol == b"*":
            self._group.is_silent = self._is_starred = True
        elif symbol in (b"\n", b"\r"):
            self._add("\n")
        else:
            self._add({b"~": "\xa0", b"_": "-", b"-": ""}.get(symbol, symbol.decode("latin-1")))

    def _word(self, word: str, number: int | None) -> None:
        if word == "htmltag" and self._is_starred:
            self._group.is_silent = self._groups[-2].is_silent if len(self._groups) > 1 else False
            self._group.is_html_tag = True
        elif word == "htmlrtf":
            self._group.is_only_rtf = number != 0
        elif word in _NO_TEXT:
            self._group.is_silent = True
        elif word == "ansicpg":
            self._codec = codec_of(number or 0)
        elif word == "uc":
            self._group.skips = min(number or 0, 8)
        elif word == "u" and number is not None:
            self._add(chr(number % 65536))  # written as a signed number of 16 bits
            self._skip = self._group.skips
        elif word in _SIGNS and not (self.is_html and self._group.is_html_tag and word == "par"):
            self._add(_SIGNS[word])
        self._is_starred = False


def codec_of(number: int) -> str:
    """Return the codec of a code page of Windows; Western Europe's if it is unknown."""
    name = "utf-8" if number == 65001 else f"cp{min(number, _CODE_PAGE_MOST)}"
    try:
        b"a".decode(name, "replace")  # for no bytes, the name would not be looked up
    except LookupError:  # also raised for codecs that are not of text
        return "cp1252"
    return name
