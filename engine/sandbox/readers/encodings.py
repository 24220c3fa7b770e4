"""The encoding of a text, and the text itself, a line at a time."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator, Sequence

from clients.wording import counted
from engine.sandbox.readers.source import FileRefused, SourceFile

LINE_MOST = 10_000_000
"""Characters of one line."""
_LINES_TOLD = 5
_PIECE = 1024 * 1024
_SAMPLE = 65536
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_USUAL = "cp1252"
_OTHERS = frozenset(
    "cp1251 koi8_r koi8_u cp866 iso8859_5 mac_cyrillic cp1253 iso8859_7 cp1255 iso8859_8 cp1256 iso8859_6 cp874 tis_620"
    " shift_jis shift_jis_2004 cp932 euc_jp euc_jis_2004 iso2022_jp gb2312 gbk gb18030 hz big5 big5hkscs cp950 euc_kr"
    " cp949 johab utf_16 utf_16_le utf_16_be utf_32 utf_8".split()
)
"""Guesses that are believed; the others are made of texts in Latin letters, nearly always in the usual one."""
JAPANESE = frozenset(("shift_jis", "shift_jis_2004", "cp932", "euc_jp", "euc_jis_2004"))
_NAMED = (".eml", ".csv", ".tsv", ".tab", ".txt", ".md", ".markdown")
"""Endings of names of texts, in which a few NUL bytes are damage; in other files, one says that it is not text."""
_ESCAPE = re.compile(rb"\x1b(?:\$[@B]|\(J)")
"""What switches to the letters of ISO-2022-JP, all of whose bytes are ASCII (RFC 1468)."""
_WORD = re.compile(rb"[A-Za-z\x80-\xff]+")
_NOT_ASCII = re.compile(rb"[\x80-\xff]+")
_KANA = re.compile("[\u3041-\u30fa]")
_OTHER_LETTER = re.compile(r"(?![\uff61-\uffdc])[^\W\d_\x00-\u02af]")
"""A letter that is not Latin, and no half-width one of Japanese, as which every sign of Latin texts may be read."""
_INSIDE = bytes(range(0xC0))
"""Bytes of UTF-8 with which no letter outside of ASCII begins."""
_CONTROLS = bytes(sorted({*range(32)} - {*b"\t\n\r\f\x1b\x1a\x1e"}))


def encoding_of(source: SourceFile) -> str:
    """Return the encoding of a text: as its first bytes say, else UTF-8 if nearly all of it is that, else guessed.

    Raises FileRefused for what is not text.
    """
    head = source.head(_SAMPLE)
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    strange = len(head) - len(head.translate(None, _CONTROLS))
    if source.name.lower().endswith(_NAMED):
        is_text = strange <= max(1, len(head) // 20)
    else:
        is_text = b"\0" not in head and strange * 50 <= len(head)
    if not is_text:
        raise FileRefused("It is not text.")
    after = _first_not_utf8(source)
    if after is None and _ESCAPE.search(head) and _is_japanese(head):
        return "iso2022_jp"
    return "utf-8" if after is None or _is_nearly_utf8(source) else _guessed(source, after)


class LineNumbers:
    """In how many lines something occurs, and the numbers of the first ones."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[int] = []

    def add(self, line: int) -> None:
        """Count one more line."""
        self.count += 1
        if len(self.first) < _LINES_TOLD:
            self.first.append(line)

    def take(self, count: int, lines: Sequence[int]) -> None:
        """Count more, of which these are the first."""
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
        text.detach()


def _first_not_utf8(source: SourceFile) -> int | None:
    """Return about where the first bytes are that are not UTF-8, None if there are none."""
    decoder, place = codecs.getincrementaldecoder("utf-8")(), 0
    source.content.seek(0)
    try:
        while piece := source.content.read(_PIECE):
            decoder.decode(piece)
            place += len(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return place
    return None


def _is_nearly_utf8(source: SourceFile) -> bool:
    """Return whether valid letters of UTF-8 outnumber the other bytes over 127, which then are damage, as in mails.

    In texts of other encodings, at most a third as many letters are valid by chance.
    """
    decoder, good, bad = codecs.getincrementaldecoder("utf-8")("replace"), 0, 0
    source.content.seek(0)
    while piece := source.content.read(_PIECE):
        text = decoder.decode(piece)
        wrong = text.count("\ufffd")
        bad += wrong
        good += len(text.encode().translate(None, _INSIDE)) - wrong
    bad += len(decoder.decode(b"", final=True))
    return good >= bad


def _is_japanese(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("iso2022_jp")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _guessed(source: SourceFile, place: int) -> str:
    from charset_normalizer import from_bytes

    source.content.seek(place)
    content = source.content.read(_PIECE)
    first = next((index for index, byte in enumerate(content) if byte > 127), 0)
    sample = content[max(first - 2000, 0) :][:_SAMPLE]
    found = from_bytes(sample, cp_exclusion=["utf_7"]).best()
    if found is None or found.encoding not in _OTHERS:
        return _USUAL
    return found.encoding if _is_of_other_letters(sample, found.encoding) else _USUAL


def _is_of_other_letters(sample: bytes, encoding: str) -> bool:
    """Return whether a guess may be right: a few accents, such as in `20 \u00b0C`, make it for nearly any encoding.

    Where letters are not Latin, most bytes over 127 are in words that have more of them than of ASCII.
    """
    if encoding.startswith("utf_"):
        return b"\0" in sample
    text = sample.decode(encoding, "ignore")
    if encoding in JAPANESE and _KANA.search(text):
        return True
    if len(_OTHER_LETTER.findall(text)) < 2:
        return False
    others = latin = 0
    for word in _WORD.findall(sample):
        runs = list(map(len, _NOT_ASCII.findall(word)))
        if runs and max(runs) > 1 and 2 * sum(runs) > len(word):
            others += sum(runs)
        else:
            latin += sum(runs)
    return others > latin
