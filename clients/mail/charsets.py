"""Decodes text whose charset is named, misnamed or unknown, and tolerates invalid bytes."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import suppress

_WRITTEN_AS = {
    "cp1252": "iso8859-1 ascii",
    "cp1254": "iso8859-9",
    "cp874": "iso8859-11 tis-620 dos-874 windows-874",
    "gb18030": "gb2312 gbk gb_2312 gb_2312-80 cn-gb csgb2312",
    "cp949": "euc_kr ks_c_5601-1987 ks_c_5601-1989 windows-949 korean ksc_5601 iso-ir-149 cseuckr csksc56011987",
    "cp932": "shift_jis windows-31j sjis ms_kanji",
    "big5 cp950 big5hkscs": "big5 cn-big5 x-x-big5 big5-hkscs",
    "iso8859-8 cp1255": "iso8859-8 visual logical csiso88598e csiso88598i",
    "mac-roman": "macintosh mac csmacintosh",
    "mac-cyrillic": "mac-ukrainian mac-uk",
    "iso8859-6": "csiso88596e csiso88596i",
    "iso8859-7": "sun_eu_greek",
    "iso8859-15": "csisolatin9",
    "euc_jp": "cseucpkdfmtjapanese",
    "koi8-u": "koi8-ru",
    "koi8-r": "koi koi8",
    "utf-16": "unicode ucs-2 csunicode iso-10646-ucs-2 unicodefeff",
    "utf-16-be": "unicodefffe",
    "utf-7": "unicode-1-1-utf-7",
}
"""Codecs actually used under these names (WHATWG Encoding Standard, 4.2), where Python's differ."""
_READ_AS = {name: tuple(codecs_.split()) for codecs_, names in _WRITTEN_AS.items() for name in names.split()}
_SPELLINGS = (
    (re.compile(r"(?:x-|cs)?(?:windows|win|cp|ibm|ms)[-_ ]?(\d{3,5})"), r"cp\1"),
    (re.compile(r"(?:x-)?utf[-_ ]?8.*"), "utf-8"),
    (re.compile(r"iso[-_ ]?8859[-_ ]?(\d{1,2})(?:-[ei])?"), r"iso-8859-\1"),
    (re.compile(r"x-(.+)"), r"\1"),
)
"""Names that no standard lists."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    # Before UTF-16, whose mark is the first half of this one.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NO_CHARSETS = frozenset({"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"})
"""Codecs of Python that are not of texts in mails: some take no `replace`, some make half characters."""
_HALF = re.compile("[\ud800-\udfff]")
"""Half a character, which the codec of UTF-7 lets pass."""
_JAPANESE = re.compile(r"(?:cs)?iso-?2022-?jp.*|cp5022\d|jis7?")
_MARKED = ("utf-7", "utf-16", "utf-32", "hz", "iso2022")
_BY_MARKS = {"iso2022_kr": (b"\x1b$)C", b"\x0e"), "hz": (b"~{",)}
"""Charsets of plain ASCII bytes, with the marks that switch to other letters."""
_WIDE = {"utf-16": "utf-16-le", "utf-16-le": "utf-16-le", "utf-16-be": "utf-16-be"}
_WIDE |= {"utf-32": "utf-32-le", "utf-32-le": "utf-32-le", "utf-32-be": "utf-32-be"}
_NO_TEXT = re.compile(rb"[\0-\x08\x0e-\x1f]")
"""Bytes that no text in ASCII has: they are halves of letters, or begin signs that switch to others."""
_NAMED = re.compile(r"charset\s*=\s*[\"']?([^\s\"';,]+)", re.IGNORECASE)
_NAME_MOST = 40
_CHARSET_WITHIN = 4096
_UTF_8 = "utf-8"
_USUAL = "cp1252"
"""The charset of bytes that are not UTF-8, where nothing says more."""
_CHANCE_LETTERS = 8
"""This many different non-ASCII letters are not valid UTF-8 by chance."""
_EAST_ASIAN = frozenset({"gb18030", "big5", "cp949", "cp932", "euc_jp", "cp950", "johab"})
_CJK = "\u2e80"
_WITHIN_A_WORD = re.compile(r"[a-z][^\x00-\x7f]|[^\x00-\x7f][a-z]")
_SCRIPTS = frozenset({"CYRILLIC", "GREEK", "HEBREW", "ARABIC", "THAI", "CJK", "HANGUL", "HIRAGANA", "KATAKANA"})


def decoded(data: bytes, charset: str) -> str:
    """Decode bytes; never fails.

    Valid UTF-8 is decoded as UTF-8, whatever the header says: many senders misname it, and Gmail converts every text
    without changing the header. If nearly all is valid, a bad byte becomes U+FFFD. An unknown charset is read as
    Windows-1252.
    """
    # These signs switch to other letters in ISO-2022, HZ and UTF-7; UTF-16 and UTF-32 have zeros or control characters.
    if data.isascii() and b"~" not in data and b"+" not in data and not _NO_TEXT.search(data):
        return data.decode("ascii")
    if marked := marked_charset(data):
        return data.decode(marked, "replace")
    names = codecs_of(charset)
    special = _by_its_marks(data, names[0])
    text = _by_its_letters(data, names) if special is None else special
    return _HALF.sub("\ufffd", text) if names[0] == "utf-7" else text


def marked_charset(data: bytes) -> str:
    """Return the charset that a byte order mark at the beginning shows; empty without a mark."""
    return next((name for mark, name in _MARKS if data.startswith(mark)), "")


def body_text(content: bytes, content_type: str) -> tuple[str, str]:
    """Return a text, and a sentence if it is not in its stated charset; never fails.

    A mark at its beginning counts most, then the header, then what HTML or XML says of itself in its first 4096 bytes
    (WHATWG HTML 13.2.3.2, XML 1.0 4.3.3). A text that is UTF-8, as eight letters never are by chance, is UTF-8 whatever
    is said; without any name, one that is not UTF-8 is in the usual charset of Windows.
    """
    found = _NAMED.search(content_type)
    named = found[1] if found else ""
    if not named and content[:100].lstrip(codecs.BOM_UTF8).lstrip().startswith(b"<"):
        named = named_charset(content)
    text = decoded(content, named or _unnamed(content)).removeprefix("\ufeff")
    return text, _note(content, text, named[:_NAME_MOST]) if named and not content.isascii() else ""


def _unnamed(content: bytes) -> str:
    """Return the charset of a text that begins with ASCII letters in two or four bytes each (RFC 4627, 3)."""
    wide = {b"\0\0\0": "utf-32-be", b"\0": "utf-16-be"}
    begins = next((name for zeros, name in wide.items() if content[:4].startswith(zeros)), "")
    if content[1:4] == b"\0\0\0":
        return "utf-32-le"
    return begins or ("utf-16-le" if content[1:2] == b"\0" and content[3:4] == b"\0" else "utf-8")


def _note(content: bytes, text: str, named: str) -> str:
    if not is_known(named):
        return f"The answer names the charset {named!r}, which is unknown; it was read as what it seems to be."
    if any(_is_read(content, text, codec) for codec in codecs_of(named)):
        return ""
    return f"The answer is not in the charset that it names, {named!r}; it was read as what it seems to be."


def _is_read(content: bytes, text: str, codec: str) -> bool:
    try:
        return content.decode(codec).removeprefix("\ufeff") == text
    except (UnicodeError, LookupError):
        return False


def named_charset(html: bytes) -> str:
    """Return the charset that the HTML declares, in `<meta>` or as XML; "" if none."""
    from bs4.dammit import EncodingDetector

    return EncodingDetector.find_declared_encoding(html[:_CHARSET_WITHIN], is_html=True) or ""


def codecs_of(charset: str) -> tuple[str, ...]:
    """Return the codecs to try for a charset name, likeliest first; UTF-8 for an unknown name."""
    name = charset.strip("\"' \t;:").lower()[:80]
    if _JAPANESE.fullmatch(name):
        return ("iso-2022-jp",)
    spelled = [pattern.sub(form, name) for pattern, form in _SPELLINGS if pattern.fullmatch(name)]
    return next(filter(None, map(_known, (name, *spelled))), (_UTF_8,))


def is_known(charset: str) -> bool:
    """Return whether the charset of this name can be read."""
    return codecs_of(charset) != (_UTF_8,) or "utf" in charset.lower()


def can_stand_raw(charset: str) -> bool:
    """Return whether headers may contain this charset unencoded: not if it writes letters as ASCII bytes."""
    return is_known(charset) and not codecs_of(charset)[0].startswith(_MARKED)


def _known(name: str) -> tuple[str, ...]:
    if name in _READ_AS:
        return _READ_AS[name]
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):
        return ()
    if not found._is_text_encoding or found.name in _NO_CHARSETS:  # noqa: SLF001 - `hex` and the like
        return ()
    return _READ_AS.get(found.name, (found.name,))


def _by_its_marks(data: bytes, codec: str) -> str | None:
    """Decode a charset that is recognized by its marks; None if the bytes do not contain its marks."""
    if codec == "iso-2022-jp" and b"\x1b" in data:
        return _from_jis(data)
    if any(mark in data for mark in _BY_MARKS.get(codec, ())):
        return data.decode(codec, "replace")
    if codec == "utf-7" and data.isascii():
        return data.decode(codec, "replace")
    return _from_wide(data, codec) if codec in _WIDE else None


def _from_wide(data: bytes, codec: str) -> str | None:
    """Decode UTF-16 and UTF-32 without a byte order mark, as the zero bytes of ASCII letters say; None for UTF-8."""
    if not _NO_TEXT.search(data) and not _utf8_letters(data.decode(_UTF_8, "surrogateescape"))[1]:
        return None
    if codec == "utf-16" and data[::2].count(0) > data[1::2].count(0):
        codec = "utf-16-be"
    return data.decode(_WIDE[codec], "replace")


def _by_its_letters(data: bytes, names: tuple[str, ...]) -> str:
    """Decode a text whose letters are bytes over 127."""
    own = [name for name in names if name not in {_UTF_8, "ascii", "iso-2022-jp", *_WIDE}]
    text = data.decode(_UTF_8, "surrogateescape")
    good, bad = _utf8_letters(text)
    if not bad:
        other = _strict(data, own) if own and not _is_meant(text, data, own[0]) else None
        return text if other is None else other
    if good >= bad * (8 if own else 1):
        return data.decode(_UTF_8, "replace")
    other = _strict(data, own)
    return data.decode(own[0] if own else _USUAL, "replace") if other is None else other


def _strict(data: bytes, names: list[str]) -> str | None:
    for name in names:
        try:
            return data.decode(name)
        except (UnicodeError, ValueError, LookupError):
            continue
    return _from_euc_jp(data) if names[:1] == ["euc_jp"] else None


_NOT_UTF8 = re.compile("[\udc80-\udcff]+")
_INSIDE = bytes(range(0xC0))
"""Bytes that never begin a letter outside of ASCII in UTF-8."""


def _utf8_letters(text: str) -> tuple[int, int]:
    """Return how many letters over 127 a text has, and how many bytes are not UTF-8 (`surrogateescape`)."""
    if text.isascii():
        return 0, 0
    bad = sum(map(len, _NOT_UTF8.findall(text)))
    return len(text.encode(_UTF_8, "surrogatepass").translate(None, _INSIDE)) - bad, bad


def _is_meant(text: str, data: bytes, codec: str) -> bool:
    """Return whether a few letters that are valid UTF-8 are UTF-8: they may be other letters in the named charset.

    They are UTF-8 if at least half of them occur in that charset, or if its own reading of the bytes mixes scripts.
    """
    letters = [*dict.fromkeys(letter for letter in text[:1000] if letter >= "\x80")][:_CHANCE_LETTERS]
    if len(letters) >= _CHANCE_LETTERS:
        return True
    if codec in _EAST_ASIAN:
        own = sum(letter >= _CJK for letter in letters)
    else:
        own = len("".join(letters).encode(codec, "ignore").decode(codec, "ignore"))
    return 2 * own >= len(letters) or not _is_of_one_script(data, _BASIC.get(codec, codec))


_BASIC = {"gb18030": "gb2312", "cp949": "euc_kr", "cp932": "shift_jis"}
"""The codecs of letters in common use: the wider ones also match by chance."""


def _is_of_one_script(data: bytes, codec: str) -> bool:
    """Return whether the non-ASCII letters are of one script, not Latin, and not inside ASCII words."""
    try:
        text = data.decode(codec)
    except UnicodeError:
        return False
    if _WITHIN_A_WORD.search(text):
        return False
    scripts = {unicodedata.name(letter, "").split(" ")[0] for letter in text if letter >= "\x80"}
    return len(scripts) == 1 and scripts <= _SCRIPTS


# --- Guessed


_SAMPLE = 65536
_BEFORE_SAMPLE = 2000
_OTHERS = frozenset(
    "cp1251 koi8_r koi8_u cp866 iso8859_5 mac_cyrillic cp1253 iso8859_7 cp1255 iso8859_8 cp1256 iso8859_6 cp874 tis_620"
    " shift_jis shift_jis_2004 cp932 euc_jp euc_jis_2004 iso2022_jp gb2312 gbk gb18030 hz big5 big5hkscs cp950 euc_kr"
    " cp949 johab utf_16 utf_16_le utf_16_be utf_32 utf_8".split()
)
"""Guesses that are believed; the others are made of texts in Latin letters, nearly always in the usual one."""
JAPANESE = frozenset(("shift_jis", "shift_jis_2004", "cp932", "euc_jp", "euc_jis_2004"))
_TO_JAPANESE = re.compile(rb"\x1b(?:\$[@B]|\(J)")
"""Sequences that switch to the letters of ISO-2022-JP, all of whose bytes are ASCII (RFC 1468)."""
_WORD = re.compile(rb"[A-Za-z\x80-\xff]+")
_NOT_ASCII = re.compile(rb"[\x80-\xff]+")
_KANA = re.compile("[\u3041-\u30fa]")
_OTHER_LETTER = re.compile(r"(?![\uff61-\uffdc])[^\W\d_\x00-\u02af]")
"""A letter that is not Latin; half-width ones of Japanese do not count, since any sign of a Latin text may be one."""


def guessed_charset(pieces: Iterable[bytes]) -> str:
    """Return the charset of a text without a name or mark of one: UTF-8 if most of its letters over 127 are UTF-8.

    The others are damaged then. In texts of other charsets, at most a third as many letters are valid UTF-8 by chance.
    """
    decoder = codecs.getincrementaldecoder(_UTF_8)("surrogateescape")
    good = bad = 0
    first = sample = b""
    for piece in pieces:
        more_good, more_bad = _utf8_letters(decoder.decode(piece))
        good, bad, first = good + more_good, bad + more_bad, first or piece
        sample = sample or (piece if more_bad else b"")
    bad += len(decoder.decode(b"", final=True))
    if good >= bad:
        return "iso2022_jp" if not bad and _is_jis(first[:_SAMPLE]) else _UTF_8
    return _of_other_letters(sample or first)


def _is_jis(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("iso2022_jp")().decode(head)
    except UnicodeDecodeError:
        return False
    return _TO_JAPANESE.search(head) is not None


def _of_other_letters(piece: bytes) -> str:
    from charset_normalizer import from_bytes

    found = _NOT_ASCII.search(piece)
    sample = piece[max((found.start() if found else 0) - _BEFORE_SAMPLE, 0) :][:_SAMPLE]
    best = from_bytes(sample, cp_exclusion=["utf_7"]).best()
    is_right = best is not None and best.encoding in _OTHERS and _may_be(best.encoding, sample)
    return best.encoding if best is not None and is_right else _USUAL


def _may_be(encoding: str, sample: bytes) -> bool:
    """Return whether a guess may be right: a few accents, such as in `20 \u00b0C`, fit nearly any encoding.

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


# --- Japanese


_ESCAPE = re.compile(rb"\x1b(\$\(?[@-D]|\([A-JT]|\.[AF]|&@)")


def _from_jis(data: bytes) -> str:
    """Decode ISO-2022-JP as senders write it: with Windows letters (①, 髙), katakana and the rest of JIS X 0212.

    https://learn.microsoft.com/windows/win32/intl/code-page-identifiers: 50220 to 50222.
    """
    try:
        return data.decode("iso2022_jp_2")
    except UnicodeDecodeError:
        return "".join(_of_jis(data))


def _of_jis(data: bytes) -> Iterator[str]:
    pieces = _ESCAPE.split(data)
    yield _by_its_letters(pieces[0], ())
    for mark, run in zip(pieces[1::2], pieces[2::2], strict=True):
        yield _of_jis_run(mark, run)


def _of_jis_run(mark: bytes, run: bytes) -> str:
    if mark in {b"$B", b"$@", b"$(B", b"$(@"}:  # through Shift JIS, whose codec has the Windows letters, too
        return _PAIR.sub(lambda found: _shifted(found[1]) if found[1] else b"", run).decode("cp932", "replace")
    if mark == b"$(D":
        return _PAIR.sub(lambda found: b"\x8f" + _high(found[0]), run).decode("euc_jp", "replace")
    if mark == b"(I":
        return _high(run).decode("cp932", "replace")
    return run.decode("ascii" if run.isascii() else _USUAL, "replace")


_PAIR = re.compile(rb"([^\x00-\x20]{2})|[^\x00-\x20]")
"""A letter of two bytes, or half of one."""


def _high(run: bytes) -> bytes:
    return bytes(each | 0x80 if each > 0x20 else each for each in run)


def _shifted(pair: bytes) -> bytes:
    """Convert a letter from JIS to Shift JIS bytes (the same 94 by 94 table in another layout)."""
    row, cell = pair[0] & 0x7F, pair[1] & 0x7F
    if row < 0x21 or cell < 0x21:
        return b"?"
    first = (row + 1) // 2 + (0x70 if row < 0x5F else 0xB0)
    second = cell + 0x7E if row % 2 == 0 else cell + (0x20 if cell > 0x5F else 0x1F)
    return bytes((first, second))


_EUC_LETTERS = re.compile(rb"[\xa1-\xfe]{2}")


def _from_euc_jp(data: bytes) -> str | None:
    """Decode EUC-JP with the Windows letters; None if the bytes are not EUC-JP."""
    try:
        return _EUC_LETTERS.sub(lambda found: _shifted(found[0]), data).decode("cp932")
    except UnicodeDecodeError:
        return None


def folder_name(name: bytes) -> str:
    """Return the name of a folder of a mail server (RFC 3501 5.1.3); one without this encoding stays unchanged."""
    from imap_tools.imap_utf7 import utf7_decode

    with suppress(ValueError):
        if name.isascii():
            return utf7_decode(name)
    return name.decode("utf-8", "replace")
