"""Odd mails, written as few senders do and some: how their bodies are encoded, and in which charset."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from functools import partial
from typing import Any, TypeAlias

Odd: TypeAlias = dict[str, tuple[bytes, Mapping[str, Any]]]
"""The bytes of a mail, and of what is read of it what they say; `names` are those of its files."""


def note(kept: Odd, name: str, raw: bytes | str, **wanted: Any) -> None:
    """Note a mail; what is text in it is UTF-8."""
    kept[name] = raw.encode() if isinstance(raw, str) else raw, wanted


def parts(kind: str, *each: bytes | str, more: str = "") -> bytes:
    """Write a mail of parts."""
    written = [one.encode() if isinstance(one, str) else one for one in each]
    head = f"Subject: s\nContent-Type: multipart/{kind}; boundary=XX{more}\n\n".encode()
    return head + b"".join(b"--XX\n" + one + b"\n" for one in written) + b"--XX--\n"


def html(words: str, charset: str = "utf-8") -> bytes:
    """Write a mail of HTML."""
    return f"Content-Type: text/html; charset={charset}\n\n{words}".encode(charset)


def plain(way: str, data: bytes | str, more: str = "; charset=utf-8") -> bytes:
    """Write a mail of text that is encoded so."""
    body = data.encode() if isinstance(data, str) else data
    return f"Content-Type: text/plain{more}\nContent-Transfer-Encoding: {way}\n\n".encode() + body


def b64(text: str | bytes) -> str:
    """Write base64."""
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def uu(data: bytes) -> str:
    """Write uuencode, as `uuencode` does."""
    lines = [binascii.b2a_uu(data[place : place + 45], backtick=True).decode() for place in range(0, len(data), 45)]
    return f"begin 644 a.bin\n{''.join(lines)}`\nend\n"


ODD: Odd = {}
odd = partial(note, ODD)

# Transfer encodings (RFC 2045 6).

odd(
    "base64 in chunks, each padded",
    plain("base64", f"{b64('one ')}\n{b64('two!')}\n{b64('three')}"),
    text="one two!three",
)
odd("base64 in chunks on one line", plain("base64", b64("Grüße, ") + b64("Welt")), text="Grüße, Welt")
odd("base64 of chunks without a line end", plain("base64", b64("a") + b64("b") + b64("c")), text="abc")
odd(
    "text that is called base64",
    plain("base64", "Hello Ann, this is not base64.\nGrüße"),
    text="Hello Ann, this is not base64.\nGrüße",
)
odd("a word that is called base64", plain("base64", "Hi, Ann!"), text="Hi, Ann!")
odd(
    "words without signs that are called base64",
    plain("base64", "please call me back tomorrow"),
    text="please call me back tomorrow",
)
odd(
    "base64 with a footer below",
    plain("base64", b64("The words of the mail.") + "\n\n-- \nSent through a list, to unsubscribe: http://l.example/"),
    text="The words of the mail.\n\n--\nSent through a list, to unsubscribe: http://l.example/",
)
odd(
    "base64 with breaks of a bad server",
    plain("base64", b64("Hello, World! " * 9).replace("b", "b", 1)[:80] + "!\n " + b64("Hello, World! " * 9)[80:]),
    text=("Hello, World! " * 9).strip(),
)
odd("base64 that is torn", plain("base64", b64("Hello, World")[:-3]), text="Hello, Wo")
odd("base64url", plain("base64", base64.urlsafe_b64encode("ÿþ??>>~~Ünï".encode())), text="ÿþ??>>~~Ünï")
odd("base64 called BASE64 with a comment", plain("BASE64 (as ever)", b64("Hello")), text="Hello")
odd("quoted-printable that ends within a line", plain("quoted-printable", "Hello=20World="), text="Hello World")
odd("a soft break at the end", plain("quoted-printable", "Hello=\n"), text="Hello")
odd("a soft break with blanks behind it", plain("quoted-printable", "Hel= \t\nlo"), text="Hello")
odd("a soft break with carriage returns", plain("quoted-printable", b"Hel=\r\r\nlo=\r\n!"), text="Hello!")
odd("equals signs that encode nothing", plain("quoted-printable", "1+1=2 a=b x=ZZ =3D"), text="1+1=2 a=b x=ZZ =")
odd("small hexadecimal digits", plain("quoted-printable", "=c3=bc"), text="ü")
odd("quoted-printable with letters as they are", plain("quoted-printable", "ü=C3=BC"), text="üü")
odd("a bare carriage return after an equals sign", plain("quoted-printable", b"one=\rtwo\nthree"), text="onetwo\nthree")
odd(
    "uuencode as a transfer encoding",
    plain("x-uuencode", uu(b"Hello, World\n" * 9)),
    text="\n".join(["Hello, World"] * 9),
)
odd("text that is called uuencode", plain("x-uuencode", "hello"), text="hello")
odd("text in capitals that is called uuencode", plain("uuencode", "HELLO"), text="HELLO")
odd(
    "uuencode within text",
    "Subject: s\n\nSee below.\n\n" + uu(b"x" * 50) + "\nBye",
    text="See below.\n\nBye",
    names=["a.bin"],
)
odd(
    "yEnc within text",
    b"Subject: s\n\nSee.\n=ybegin line=128 size=3 name=a.bin\n\x8b\x8c\x8d\n=yend size=3\nBye",
    first="See.",
    last="Bye",
)
odd("an unknown transfer encoding", plain("x-own", "Hello"), text="Hello")
odd("binary", plain("binary", b"Gr\xc3\xbc\xc3\x9fe"), text="Grüße")
odd("a list of transfer encodings", plain("8bit; quoted", "a=20b"), text="a=20b")

# Charsets.

for named, codec, text in (
    ("cp-850", "cp850", "Größe für ältere Übung"),
    ("x-mac-cyrillic", "mac-cyrillic", "Привет, Москва"),
    ("unicode-1-1-utf-7", "utf-7", "Grüße"),
    ("ks_c_5601-1987", "cp949", "안녕하세요 똠"),
    ("iso-8859-1", "cp1252", "“quoted” – 5 €"),
    ("x-user-defined", "cp1252", "naïve"),
    ("windows-1258", "cp1258", "Việt".encode("cp1258", "ignore").decode("cp1258")),
    ("iso-10646-ucs-2", "utf-16-be", "Hello Grüße"),
    ("ibm-852", "cp852", "łódź źródło"),
    ("utf8", "utf-8", "Grüße"),
    ("ansi_x3.4-1968", "ascii", "Hello"),
    ("iso-ir-100", "latin-1", "Grüße"),
    ("shift-jis", "cp932", "こんにちは①"),
    ("x-euc-jp", "euc_jp", "こんにちは"),
    ("gb_2312-80", "gbk", "你好订单"),
    ("x-gb18030", "gb18030", "你好𠀀"),
    ("iso-8859-16", "iso8859-16", "Țară și"),
    ("tcvn", "cp1252", "abc"),
    ("idna", "utf-8", "Grüße"),
    ("punycode", "cp1252", "Grüße"),
    ("undefined", "utf-8", "Grüße"),
    ("unicode_escape", "cp1252", "C:\\ud800\\ü"),
):
    odd(f"the charset {named}", plain("base64", base64.b64encode(text.encode(codec)), f"; charset={named}"), text=text)

# Text: flowed, line ends, control characters.

_FLOWED = "; charset=utf-8; format=flowed"
odd("flowed text", plain("7bit", "This is one \nlong line.\nNext.\n", _FLOWED), text="This is one long line.\nNext.")
odd("flowed text, blanks deleted", plain("8bit", "こん \nにちは\n", f"{_FLOWED}; delsp=yes"), text="こんにちは")
odd(
    "flowed quotes",
    plain("7bit", "> quoted \n> on\n>> deeper\nown \nwords\n", _FLOWED),
    text="> quoted on\n>> deeper\nown words",
)
odd("flowed text that is stuffed", plain("7bit", " From me\n >no quote\n", _FLOWED), text="From me\n>no quote")
odd("flowed text with a signature", plain("7bit", "words \n-- \nAnn\n", _FLOWED), text="words\n--\nAnn")
odd("NUL bytes", b"Subject: a\0b\n\nhel\0lo", subject="ab", text="hello")
odd("carriage returns alone", b"Subject: s\rFrom: a@b.example\r\rhello\rworld", subject="s", text="hello\nworld")
odd(
    "carriage returns alone, and a line end behind",
    b"Subject: s\rFrom: a@b.example\r\rhello\rworld\r\n",
    subject="s",
    text="hello\nworld",
)
odd(
    "two carriage returns a line",
    b"Subject: s\r\r\nFrom: a@b.example\r\r\n\r\r\nhello\r\r\nworld",
    subject="s",
    first="hello",
    last="world",
)
odd(
    "line ends of all kinds",
    b"Subject: s\nFrom: a@b.example\r\n\nhello\rworld\r\nbye",
    subject="s",
    text="hello\nworld\nbye",
)
odd("no header at all", "Dear Ann,\n\nhello", subject="", text="Dear Ann,\n\nhello")
odd("an empty line first", "\nSubject: s\n\nhello", text="Subject: s\n\nhello")
odd(
    "the line of a mailbox file",
    "From a@b Fri Nov 20 10:00:00 2026\nSubject: s\n\n>From here on",
    subject="s",
    text=">From here on",
)
odd("a byte order mark before the headers", "\ufeffSubject: s\n\nhello", subject="s", text="hello")
odd("a form feed and an escape", b"Subject: s\n\nhel\x0clo \x1b[1mbold\x1b[0m", first="hel\x0clo \x1b[1mbold\x1b[0m")
odd("nothing at all", b"", text="", text_missing="The mail is empty.")
