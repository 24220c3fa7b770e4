"""Mails as nobody should write them, each with what is to be read of it: the longer ones are files in `mails/`."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Mapping
from pathlib import Path

FOLDER = Path(__file__).parent / "mails"
WRITTEN: Mapping[str, tuple[str, list[str]]] = {
    "alternative without a boundary": ("No parts at all.", []),
    "bodies that are elsewhere": ("The draft can be fetched.", ["unnamed", "draft-00.txt"]),
    "body where headers should be": ("Write to the list at\n\trowers@lists.example\n\nTopics:", []),
    "bounce from nobody in a mailbox file": (
        "FILE NAME BLOCKED\n\nNobody got your mail to: a@road.example, b@road.example, c@road.example",
        ["Delivery error report.txt"],
    ),
    "bounce of a mail without parts": ("It came back.", ["mail.eml"]),
    "bounce whose boundary was cut off": ("<sail@loft.example>  (unrecoverable error)", []),
    "bounce with headers of the lost mail": (
        "could not be delivered to one of its readers",
        ["delivery-status.txt", "[list] Ramp.eml"],
    ),
    "boundaries twice and more": ("Knock\n\nKnock\n\nWho is there?", []),
    "boundary in the extended form": ("one week\n\nand another", []),
    "boundary of a single html text": ("hello", []),
    "boundary one letter longer than used": ("the first\n\n--BETWEEN\nContent-Type: text/plain\n\nthe second", []),
    "charset in the extended form": ("A fortnight.", []),
    "digest of a mailing list": (
        "Write to the list at\n\trowers@lists.example",
        ["[Rowers] boats.eml", "mail.eml", "mail.eml"],
    ),
    "digest of declared mails": ("the first", ["one.eml", "two.eml"]),
    "digest of undeclared mails": ("the first", ["one.eml", "two.eml"]),
    "digest with a text between": (
        "RFC 2046, 5.1.5 advises against a text in a digest, and allows it",
        ["mail.eml"],
    ),
    "empty parts and empty lines": ("The mail is empty.", []),
    "empty parts of four charsets": ("The mail is empty.", []),
    "empty parts one without a charset": ("The mail is empty.", []),
    "empty parts within empty parts": ("The mail is empty.", []),
    "every encoding in odd letters": (
        "Seven bits.\n\n¿Quoted and printed?\n\nSixty-four letters.\n\nAnd a line end.\n\nNone of them.",
        [],
    ),
    "file with a comma and folded attributes": ("A bitmap is attached.", ["gate.bmp"]),
    "forwarded as the whole mail": ("only 1 attached file", ["proofs.eml"]),
    "forwarded behind an empty line by a groupware": ("Measured on 2.3.2026", ["Measurements.eml"]),
    "forwarded with hardly a header": ("The letter within the letter.", ["inside.eml"]),
    "long header and nothing else": ("The mail is empty.", []),
    "media type without a subtype": ("My provider leaves half of the media type out.", []),
    "no line end behind the last boundary": ("One part", []),
    "no mime headers": ("The second crate is ready, too.", []),
    "one boundary at every level": ("Everything comes to those who wait.", ["change1", "change2"]),
    "one boundary for outer and inner parts": ("The plain words.", []),
    "parameters behind a folded semicolon": ("Two pictures.\n\nLeft, then right.", ["left.JPG", "right.JPG"]),
    "part of two empty lines": ("The mail is empty.", []),
    "parts without an empty line": ("glue\n\npaste", []),
    "picture in an inner multipart": ("Passed on:\n\nThis pixel is all that came out.", ["pixel.gif"]),
    "picture taken out by a list": (
        "This pixel is all that came out.\n\n[A picture (image/gif) was taken out here: pixel.gif]",
        [],
    ),
    "preamble and epilogue close by": ("First\n\nSecond", []),
    "report of bare parts": ("It is still waiting.\n\nWe go on trying.", ["mail.eml"]),
    "sender name in a comment": ("The first crate is ready.\n\n-N", []),
    "signed behind a close preamble": ("These words are signed.", ["signature.asc"]),
    "subject of one word without end": ("It does not fit.", []),
    "text and picture": ("This pixel is all that came out.", ["pixel.gif"]),
    "text right behind the headers": ("this should come behind an empty line, says RFC 5322", []),
    "text with the boundaries of other parts": ("A reader that takes them for boundaries loses the rest.", []),
    "three times copy to": ("Who has the key of the press?", []),
    "title in pieces and a language": ("The title is in three pieces.", []),
    "two inline texts of one file name": ("Water the plants\nbefore noon.", ["note.txt", "note.txt"]),
    "two texts with a name and no disposition": ("only 2 attached files", ["note.txt", "note.txt"]),
}
"""What the text of a file, or the reason for which there is none, has to hold, and the names of its attached files."""


def written(name: str) -> bytes:
    """Return the raw mail of an entry of `WRITTEN`."""
    return (FOLDER / f"{name.replace(' ', '-')}.eml").read_bytes()


_MIXED = b"Content-Type: multipart/mixed; boundary=x\n\n"
_HTML = b"Content-Type: text/html; charset=utf-8\n\n"
_FILE = b"Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\nJVBERi0="


def _text(content: bytes, charset: str = "utf-8", encoding: str = "8bit") -> bytes:
    return f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: {encoding}\n\n".encode() + content


def _nested(levels: int, inner: bytes = b"\ndeep") -> bytes:
    parts = (b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (level, level) for level in range(levels))
    return b"".join(parts) + inner


def _mails_within(levels: int) -> bytes:
    return b"Content-Type: message/rfc822\n\n" * levels + b"Subject: inner\n\nhello"


def _random(size: int) -> bytes:
    return random.Random(1).randbytes(size)


SMALL: Mapping[str, tuple[bytes, str]] = {
    "nothing at all": (b"", "The mail is empty."),
    "one line end": (b"\n", "The mail is empty."),
    "only headers": (b"Subject: x", "The mail is empty."),
    "headers without an end": (b"Subject: x\nFrom: a@b.example\n", "The mail is empty."),
    "no headers": (b"hello", "hello"),
    "text that looks like no header": (b"hello there\n\nyou", "hello there\n\nyou"),
    "a space before the first header": (b" Subject: x\n\nhello", "hello"),
    "from a mailbox file": (b"From ann@example.org Mon Jan  1\nSubject: x\n\nhello", "hello"),
    "lines ended by CR alone": (b"Subject: x\r\rhello", "hello"),
    "lines ended in two ways": (b"Subject: x\r\nTo: y\n\r\nhello\r\nyou\n", "hello\nyou"),
    "blanks in the empty line": (b"Subject: x\n \t\nhello", "hello"),
    "a header without a name": (b"Subject: x\n: y\n\nhello", "hello"),
    "a header of 100,000 letters": (b"Subject: " + b"x" * 100_000 + b"\n\nhello", "hello"),
    "5,000 headers": (b"X-A: b\n" * 5000 + b"\nhello", "hello"),
    "NUL in headers and text": (b"Subject: a\x00b\n\na\x00b", "ab"),
    "raw bytes in headers": (b"Subject: caf\xe9\nFrom: \xff <a@b.example>\n\nhello", "hello"),
    "UTF-8 in headers": ("Subject: Grüße\n\nhello".encode(), "hello"),
    "an address that is none": (b"From: <<<>>>,;@\nTo: a b c\n\nhello", "hello"),
    "a date that is none": (b"Date: yesterday\n\nhello", "hello"),
    "a date beyond all years": (b"Date: Mon, 1 Jan 99999 00:00:00 +9999\n\nhello", "hello"),
    "unknown charset": (_text(b"caf\xe9", "x-nobody"), "café"),
    "charset that is a codec": (_text(b"caf\xe9", "hex"), "café"),
    "charset of another kind": (_text(b"hello", '"; drop table'), "hello"),
    "charset unknown-8bit": (_text(b"caf\xe9", "unknown-8bit"), "café"),
    "charset with spaces": (_text(b"hello", " utf-8 "), "hello"),
    "UTF-8 called ASCII": (_text("Grüße".encode(), "us-ascii"), "Grüße"),
    "Latin-1 called UTF-8": (_text(b"caf\xe9", "utf-8"), "café"),
    "UTF-8 cut in a letter": (_text("Grüß".encode()[:-1], "utf-8"), "Grü\ufffd"),
    "UTF-16 with a mark": (_text("hello".encode("utf-16"), "utf-16"), "hello"),
    "UTF-7": (_text(b"Hi +AOk-", "utf-7"), "Hi é"),
    "Shift JIS": (_text("こんにちは".encode("shift_jis"), "shift_jis"), "こんにちは"),
    "ISO-2022-JP": (_text("こんにちは".encode("iso-2022-jp"), "iso-2022-jp"), "こんにちは"),
    "GB 18030 called GB 2312": (_text("你好".encode("gb18030"), "gb2312"), "你好"),
    "EUC-KR": (_text("안녕".encode("euc-kr"), "euc-kr"), "안녕"),
    "KOI8-R": (_text("Привет".encode("koi8-r"), "koi8-r"), "Привет"),
    "Windows-1255": (_text("שלום".encode("cp1255"), "windows-1255"), "שלום"),
    "letters without width": (_text("h\u200be\u200bl\u202elo".encode()), "hello"),
    "only blanks": (_text(b" \n\t\n "), "The mail is empty."),
    "base64 that is none": (_text(b"!!!not base64!!!", encoding="base64"), ""),
    "base64 torn off": (_text(base64.b64encode(b"hello you")[:-3], encoding="base64"), "hello"),
    "base64 on one long line": (_text(base64.b64encode(b"hello " * 2000), encoding="base64"), "hello"),
    "base64 with words between": (_text(b"aGVs\n-- x --\nbG8=", encoding="base64"), ""),
    "quoted-printable that is broken": (_text(b"a=ZZb=\n=", encoding="quoted-printable"), "a"),
    "an encoding that is none": (_text(b"hello", encoding="rot13"), "hello"),
    "an encoding with a comment": (_text(b"aGVsbG8=", encoding="BASE64 "), "hello"),
    "a media type that is none": (b"Content-Type: ;;;\n\nhello", "hello"),
    "a media type of one word": (b"Content-Type: text\n\nhello", "hello"),
    "two media types": (b"Content-Type: text/plain\nContent-Type: text/html\n\n<b>hello</b>", "<b>hello</b>"),
    "parameters without an end": (b'Content-Type: text/plain; charset="utf-8\n\nhello', "hello"),
    "parameters in pieces": (b"Content-Type: text/plain; charset*0=ut; charset*1=f-8\n\nhello", "hello"),
    "broken parameters in pieces": (b"Content-Type: text/plain; charset*=x''%ff%fe; name*0*=\n\nhello", ""),
    "a picture alone": (b"Content-Type: image/png\n\n\x89PNG", "The mail has no text, only image/png."),
    "a file alone": (b"Content-Disposition: attachment; filename=a\n\nhello", "only 1 attached file."),
    "encrypted": (b"Content-Type: application/pkcs7-mime\n\nx", "The mail is encrypted for its recipient"),
    "PGP": (
        (
            b"Content-Type: multipart/encrypted; boundary=x\n\n--x\nContent-Type: application/pgp-encrypted\n\n1"
            b"\n--x\nContent-Type: application/octet-stream\n\nx\n--x--"
        ),
        "The mail is encrypted for its recipient",
    ),
    "signed": (
        (
            b"Content-Type: multipart/signed; boundary=x\n\n--x\n\nhello\n--x\nContent-Type: application/pgp-signature;"
            b" name=s.asc\n\nx\n--x--"
        ),
        "hello",
    ),
    "parts without a boundary": (b"Content-Type: multipart/mixed\n\nhello", "hello"),
    "parts with an empty boundary": (b'Content-Type: multipart/mixed; boundary=""\n\nhello', "hello"),
    "another boundary": (b"Content-Type: multipart/mixed; boundary=x\n\n--y\n\nhello\n--y--", "hello"),
    "a boundary with signs of patterns": (
        b'Content-Type: multipart/mixed; boundary="(.*)+?"\n\n--(.*)+?\n\nhello\n--(.*)+?--',
        "hello",
    ),
    "a boundary with blanks behind": (_MIXED + b"--x  \t\n\nhello\n--x--  ", "hello"),
    "a boundary within another": (_MIXED + b"--xy\n--x\n\nhello\n--x--", "hello"),
    "parts without an end": (_MIXED + b"--x\n\nhello", "hello"),
    "parts that end before they begin": (_MIXED + b"--x--\n\nhello", "hello"),
    "text around parts": (_MIXED + b"before\n--x\n\nhello\n--x--\nafter", "hello"),
    "empty parts": (_MIXED + b"--x\n--x\n--x\n\nhello\n--x--", "hello"),
    "a part of headers alone": (_MIXED + b"--x\nContent-Type: text/plain\n--x\n\nhello\n--x--", "hello"),
    "1,000 empty parts": (_MIXED + b"--x\n\n" * 1000 + b"hello", ""),
    "the same boundary inside": (
        _MIXED + b"--x\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nhello\n--x--\n--x--",
        "hello",
    ),
    "two texts and a file between": (_MIXED + b"--x\n\nhello\n--x\n" + _FILE + b"\n--x\n\nyou\n--x--", "hello\n\nyou"),
    "an alternative of a file": (
        b"Content-Type: multipart/alternative; boundary=x\n\n--x\n" + _FILE + b"\n--x\n\nhello\n--x--",
        "hello",
    ),
    "an alternative without text": (b"Content-Type: multipart/alternative; boundary=x\n\n--x\n" + _FILE, "1 attached"),
    "a mail within a mail": (_mails_within(1), "Subject: inner\n\nhello"),
    "100 mails within each other": (_mails_within(100), "it lies 5 levels deep"),
    "nested 30 deep": (_nested(30), "deep"),
    "nested 100 deep": (_nested(100), "nested deeper than 40 levels"),
    "nested 10,000 deep": (_nested(10_000), "nested deeper than 40 levels"),
    "a digest": (
        b"Content-Type: multipart/digest; boundary=x\n\n--x\n\nSubject: one\n\nhello\n--x--",
        "Subject: one\n\nhello",
    ),
    "a report": (
        (
            b"Content-Type: multipart/report; boundary=x\n\n--x\n\nIt bounced.\n--x\nContent-Type: "
            b"message/delivery-status\n\nAction: failed\n--x--"
        ),
        "It bounced.",
    ),
    "a file name of many kinds": (
        _MIXED + b"--x\nContent-Disposition: attachment; filename=\"=?utf-8?q?=C3=BC?=\"; filename*=x''%FF\n\nx",
        "only 1 attached file.",
    ),
    "a file name that leads elsewhere": (
        _MIXED + b'--x\nContent-Disposition: attachment; filename="../../etc/passwd"\n\nx',
        "only 1 attached file.",
    ),
    "a calendar": (b"Content-Type: text/calendar\n\nBEGIN:VCALENDAR\nEND:VCALENDAR", "BEGIN:VCALENDAR"),
    "HTML with hidden words": (_HTML + b"<p>Hi <span style='display:none'>BAD</span>you</p>", "Hi you"),
    "HTML without an end": (_HTML + b"<html><body><p>hello", "hello"),
    "HTML of tags that are none": (_HTML + b"<foo><bar x=<>>hello</baz>", "hello"),
    "HTML with a comment that does not end": (_HTML + b"hello<!-- BAD", "hello"),
    "HTML with odd declarations": (_HTML + b"<![if !mso]><!ODD <?php ?>hello<![endif]>", "hello"),
    "HTML for Outlook": (_HTML + b"<!--[if !mso]><!-->hello<!--<![endif]--><!--[if mso]>BAD<![endif]-->", "hello"),
    "HTML with NUL": (_HTML + b"<p>he\x00llo", "hello"),
    "HTML of nothing": (_HTML + b"<div><img src='http://192.0.2.1/x'></div>", "HTML has no visible text."),
    "HTML called text": (_text(b"<p>hello</p>"), "<p>hello</p>"),
    "a style sheet alone": (_HTML + b"<style>p{color:red}</style>", "HTML has no visible text."),
    "numbers of letters that are none": (_HTML + b"&#0;&#xD800;&#99999999;hello&nosuch;", "hello"),
    "a subject in an unknown charset": (b"Subject: =?x-nobody?q?caf=E9?=\n\nhello", "hello"),
    "a broken subject": (b"Subject: =?utf-8?b?////?= =?\n\nhello", "hello"),
    "a subject that writes headers": (b"Subject: =?utf-8?q?a=0D=0ABcc:_x=40y?=\n\nhello", "hello"),
    "bytes by chance": (_random(10_000), ""),
    "bytes by chance as parts": (_MIXED + b"--x\n" + _random(10_000) + b"\n--x\n\nhello", ""),
}
"""Raw mails, and something that their text, or the reason for which there is none, has to hold ("": anything)."""

_MEGABYTE = 1024 * 1024
LARGE: Mapping[str, Callable[[], bytes]] = {
    "50 MB: a file": lambda: (
        _MIXED
        + b"--x\n\nhello\n--x\nContent-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(bytes(36 * _MEGABYTE))
        + b"\n--x--"
    ),
    "50 MB: text": lambda: _text(b"word word word\n" * (50 * _MEGABYTE // 15)),
    "50 MB: one line": lambda: _text(b"w" * (50 * _MEGABYTE)),
    "50 MB: quoted-printable": lambda: _text(b"=E9=\n" * (10 * _MEGABYTE), encoding="quoted-printable"),
    "50 MB: HTML": lambda: _HTML + b"<p>word <b>x</b></p>" * (50 * _MEGABYTE // 20),
    "50 MB: one header": lambda: b"Subject: " + b"x" * (50 * _MEGABYTE),
    "50 MB: headers": lambda: b"Subject: x\n" * (50 * _MEGABYTE // 11),
    "50 MB: boundaries": lambda: _MIXED + b"--x\n" * (12 * _MEGABYTE),
    "50 MB: hyphens": lambda: b'Content-Type: multipart/mixed; boundary="-"\n\n' + b"-" * (50 * _MEGABYTE),
    "50 MB: nested 39 deep": lambda: _nested(39, b"\n" + b"x y\n" * (12 * _MEGABYTE)),
    "1,000 parts of HTML": lambda: (
        _MIXED + b"".join(b"--x\n" + _HTML + b"<b>z</b>" * 2000 + b"\n" for _ in range(1000))
    ),
    "70,000 encoded words": lambda: b"Subject: " + b"=?utf-8?q?a?= " * 70_000 + b"\n\nx",
    "8,000 beginnings of encoded words": lambda: b"From: " + b"=?a?b?x" * 8_000 + b" <a@b.example>\n\nx",
    "a report of Exim about 40,000 recipients": lambda: (
        b"From: Mailer-Daemon@x.example\nX-Failed-Recipients: "
        + b", ".join(b"a%d@x.example" % number for number in range(40_000))
        + b"\n\nThe following address failed:\n\n  a1@x.example\n"
        + b"    550 no such user\n" * 9_000
    ),
    "500,000 semicolons": lambda: b"Content-Type: multipart/mixed" + b";" * 500_000 + b"\n\nx",
    "300,000 quotes": lambda: b"Content-Disposition: attachment" + b';"' * 300_000 + b"\n\nx",
    "500,000 addresses": lambda: b"From: " + b",<" * 500_000 + b"\n\nx",
    "comments that do not end": lambda: _HTML + b"<!--" * 250_000,
    "declarations that do not end": lambda: _HTML + b"<![" * 300_000 + b"--",
    "tags that do not end": lambda: _HTML + b"<a " * 300_000,
    "closing tags that do not end": lambda: _HTML + b"</" * 500_000,
    "200,000 elements within each other": lambda: _HTML + b"<div>" * 200_000 + b"x",
    "hidden elements within each other": lambda: _HTML + b"<div hidden>" * 49_000 + b"x",
    "rules for many elements": lambda: (
        _HTML
        + b"<style>"
        + b"".join(b".a%d .b div .c{display:none}\n" % number for number in range(50))
        + b"</style>"
        + b"<p class=b>z<div class=c>BAD</div>" * 14_000
    ),
    "quotes within each other": lambda: _HTML + b"<blockquote>" * 150 + b"hello you<br>" * 40_000,
    "lists within each other": lambda: _HTML + b"<ul><li>" * 100 + b"hello you<br>" * 40_000,
}
"""Mails that would take minutes where they were read carelessly."""
