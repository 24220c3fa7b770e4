"""Decodes text whose charset is named, misnamed or unknown, and tolerates invalid bytes."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterator

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
_NO_CHARSETS = frozenset({"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"})
"""Codecs of Python that are not of texts in mails: some take no `replace`, some make half characters."""
_HALF = re.compile("[\ud800-\udfff]")
"""Half a character, which the codec of UTF-7 lets pass."""
_JAPANESE = re.compile(r"(?:cs)?iso-?2022-?jp.*|cp5022\d|jis7?")
_MARKED = ("utf-7", "utf-16", "utf-32", "hz", "iso2022")
_BY_MARKS = {"iso2022_kr": (b"\x1b$)C", b"\x0e"), "hz": (b"~{",)}
"""Charsets of plain ASCII bytes, in which these marks switch to other letters."""
_WIDE = {"utf-16": "utf-16-le", "utf-16-le": "utf-16-le", "utf-16-be": "utf-16-be"}
_WIDE |= {"utf-32": "utf-32-le", "utf-32-le": "utf-32-le", "utf-32-be": "utf-32-be"}
_NAMED = re.compile(r"charset\s*=\s*[\"']?([^\s\"';,]+)", re.IGNORECASE)
_NAME_MOST = 40
_CHARSET_WITHIN = 4096
_UTF_8 = "utf-8"
_LEGACY = "cp1252"
"""The fallback for bytes that are not UTF-8 and of an unknown charset."""
_CHANCE_LETTERS = 8
"""This many non-ASCII letters are not valid UTF-8 by chance."""
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
    if data.isascii() and b"\x1b" not in data and b"~" not in data and b"+" not in data and b"\0" not in data:
        return data.decode("ascii")
    if data.startswith(codecs.BOM_UTF8):
        return data[3:].decode(_UTF_8, "replace")
    names = codecs_of(charset)
    special = _by_its_marks(data, names[0])
    text = _by_its_letters(data, names) if special is None else special
    return _HALF.sub("\ufffd", text) if names[0] == "utf-7" else text


def charset_in(content_type: str) -> str:
    """Return the charset that a `Content-Type` names; empty if none."""
    found = _NAMED.search(content_type)
    return found[1] if found else ""


def body_text(content: bytes, content_type: str) -> tuple[str, str]:
    """Return a text, and a sentence if it is not in the charset that is named for it; never fails.

    A mark at its beginning counts most, then the header, then what HTML or XML says of itself in its first 4096 bytes
    (WHATWG HTML 13.2.3.2, XML 1.0 4.3.3). A text that is UTF-8, as eight letters never are by chance, is UTF-8 whatever
    is said; without any name, one that is not UTF-8 is in the usual charset of Windows.
    """
    named = charset_in(content_type)
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
    if codec in _WIDE or data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _from_wide(data, codec if codec in _WIDE else "utf-16")
    return None


def _from_wide(data: bytes, codec: str) -> str | None:
    """Decode UTF-16 and UTF-32, detected by the byte order mark or the zero bytes of ASCII letters; None for UTF-8."""
    bare = codec.removesuffix("-le").removesuffix("-be")
    marks = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
    if data.startswith(marks):
        return data.decode(bare, "replace")
    if b"\0" not in data and _is_utf8(data):
        return None
    if codec == "utf-16" and data[::2].count(0) > data[1::2].count(0):
        codec = "utf-16-be"
    return data.decode(_WIDE[codec], "replace")


def _by_its_letters(data: bytes, names: tuple[str, ...]) -> str:
    """Decode a text whose letters are bytes over 127."""
    own = [name for name in names if name not in {_UTF_8, "ascii", "iso-2022-jp", *_WIDE}]
    if _is_utf8(data):
        text = data.decode(_UTF_8)
        other = _strict(data, own) if own and not _is_meant(text, data, own[0]) else None
        return text if other is None else other
    if _is_nearly_utf8(data, 8 if own else 1):
        return data.decode(_UTF_8, "replace")
    text_ = _strict(data, own)
    return data.decode(own[0] if own else _LEGACY, "replace") if text_ is None else text_


def _strict(data: bytes, names: list[str]) -> str | None:
    for name in names:
        try:
            return data.decode(name)
        except (UnicodeError, ValueError, LookupError):
            continue
    return _from_euc_jp(data) if names[:1] == ["euc_jp"] else None


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode(_UTF_8)
    except UnicodeDecodeError:
        return False
    return True


def _is_meant(text: str, data: bytes, codec: str) -> bool:
    """Return whether a few letters that are valid UTF-8 are UTF-8: they may be other letters in the named charset.

    They are UTF-8 if at least half of them occur in that charset, or if its own reading of the bytes mixes scripts.
    """
    letters = [letter for letter in text[:1000] if letter >= "\x80"][:_CHANCE_LETTERS]
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
    if codec in {*_EAST_ASIAN, *_BASIC.values()} and _WITHIN_A_WORD.search(text):
        return False
    scripts = {unicodedata.name(letter, "").split(" ")[0] for letter in text if letter >= "\x80"}
    return len(scripts) == 1 and scripts <= _SCRIPTS


def _is_nearly_utf8(data: bytes, times: int) -> bool:
    """Return whether valid UTF-8 sequences outnumber the other bytes over 127 by this factor."""
    text = data.decode(_UTF_8, "replace")
    bad = text.count("\ufffd")
    good = sum(letter >= "\x80" for letter in text) - bad
    return good >= times * bad


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
    yield pieces[0].decode(_LEGACY if not _is_utf8(pieces[0]) else _UTF_8, "replace")
    for mark, run in zip(pieces[1::2], pieces[2::2], strict=True):
        yield _of_jis_run(mark, run)


def _of_jis_run(mark: bytes, run: bytes) -> str:
    if mark in {b"$B", b"$@", b"$(B", b"$(@"}:
        return "".join(_double(line) for line in re.split(rb"([\x00-\x20]+)", run))
    if mark == b"$(D":
        return b"".join(b"\x8f" + bytes(each | 0x80 for each in pair) for pair in _pairs(run)).decode(
            "euc_jp", "replace"
        )
    if mark == b"(I":
        return bytes(each | 0x80 if each > 0x20 else each for each in run).decode("cp932", "replace")
    return run.decode("ascii" if run.isascii() else _LEGACY, "replace")


def _double(run: bytes) -> str:
    """Decode two-byte letters (JIS X 0208) through Shift JIS, whose codec has the Windows letters, too."""
    if not run or run[0] <= 0x20:
        return run.decode("ascii")
    return b"".join(map(_shifted, _pairs(run))).decode("cp932", "replace")


def _pairs(run: bytes) -> Iterator[bytes]:
    return (run[place : place + 2] for place in range(0, len(run) - 1, 2))


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
