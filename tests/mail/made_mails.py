"""Makes mails as senders write them, well and badly, and knows what each says: the same ones for the same seed."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from tests.mail import outlook
from tests.mail.made_bytes import (
    armored,
    clear_signed,
    encoded_words,
    in_pieces,
    signed_data,
    to_jis,
    transfer,
    uuencoded,
)
from tests.mail.made_words import CHARSETS, WORDS

_WIDE = ("utf-16", "utf-32")
_STATEFUL = ("utf-16", "utf-32", "utf-7", "hz", "iso-2022-kr")
_NAMES = {"application/pdf": "file.pdf", "image/png": "image.png", "application/octet-stream": "unnamed"}
"""What files without a name are called."""


SEED = 20261120
SOME, ALL = 84, 1000
"""Some of each kind, and what `make assurance` reads."""


@dataclass
class MadeFile:
    """A file of a mail, or a part of its form."""

    name: str
    content: bytes
    is_inline: bool = False


@dataclass
class Made:
    """A mail, and what its sender put in."""

    name: str
    raw: bytes
    subject: str
    sender: str
    text: str
    files: list[MadeFile]
    """Its attachments, in order, those of attached mails as well."""
    parts: int
    """The number of its parts, those within others as well."""
    sent_at: str
    """When, in UTC; empty if it does not say when."""
    is_cut: bool
    """Whether there is more than anybody reads: then `text` is how it begins."""
    signature: str
    """How it is signed."""
    is_sealed: bool
    """Whether it, or a part of it, is encrypted."""
    declared: dict[str, Any]
    """What its headers say: reply_to, importance, list, is_auto_reply."""
    starts_at: str = ""
    """When the events begin that it invites to, with the offset of the zone: their words follow below `text`."""
    within: tuple[str, ...] = ()
    """The texts of attached mails, which follow below `text`, each below its head."""


def mails(seed: int, count: int) -> Iterator[Made]:
    """Make so many mails."""
    for number in range(count):
        yield _Maker(random.Random(f"{seed}/{number}")).made(number)


class _Maker:
    """Makes one mail: everything by chance is drawn from its own generator."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.script = rng.choice([*WORDS])
        self.charset, _, codec = rng.choice(CHARSETS[self.script].split()).partition(":")
        self.codec = codec or self.charset
        self.end = rng.choice([b"\r\n", b"\r\n", b"\n"])
        self.files: list[MadeFile] = []
        self.parts, self.sent_at, self.starts_at = 0, "", ""
        self.signatures: set[str] = set()
        self.is_sealed = False
        self.declared: dict[str, Any] = {}
        self.within: list[str] = []
        self.levels = 0

    def made(self, number: int) -> Made:
        """Make the mail of this number; the number says of which kind it is."""
        kinds: Sequence[Callable[[], tuple[bytes, str]]] = (
            self._plain,
            self._html,
            self._alternative,
            self._with_files,
            self._nested,
            self._forwarding,
            self._long,
            self._table,
            self._bad_byte,
            self._meta,
            self._related,
            self._signed,
            self._stub,
            self._chunks,
            self._winmail,
            self._uuencoded,
            self._deep,
            self._opaque,
            self._clear,
            self._invited,
            self._only_outlook,
            self._encrypted,
            self._armored,
            self._sealed_text,
            self._mixture,
            self._mixture,
            self._mixture,
            self._mixture,
        )
        kind = kinds[number % len(kinds)]
        subject, sender = self._phrase(self.rng.randint(1, 12)), self._phrase(2)
        entity, text = kind()
        return Made(
            f"{number}{kind.__name__} {self.charset}",
            self._head(subject, sender, f"sender{number}@example.org") + entity,
            subject,
            f"{sender} <sender{number}@example.org>",
            text,
            self.files,
            self.parts,
            self.sent_at,
            is_cut=kind == self._long,
            signature=f"{', '.join(sorted(self.signatures))} (not checked)" if self.signatures else "",
            is_sealed=self.is_sealed,
            declared=self.declared,
            starts_at=self.starts_at,
            within=tuple(self.within),
        )

    # What is said.

    def _phrase(self, words: int) -> str:
        return " ".join(self.rng.choices(WORDS[self.script], k=words))

    def _text(self, lines: int = 6) -> str:
        return "\n".join(self._phrase(self.rng.randint(1, 9)) for _ in range(self.rng.randint(1, lines)))

    def _encoded(self, text: str) -> bytes:
        return to_jis(text) if self.codec == "jis" else text.encode(self.codec)

    # Headers.

    def _head(self, subject: str, sender: str, address: str) -> bytes:
        name = self.rng.choice([b"Subject", b"SUBJECT", b"subject"])
        colon = self.rng.choice([b": ", b": ", b":", b" : ", b"\t: "])
        fold = self.rng.choice([b" ", b" ", self.end + b" ", self.end + b"\t", self.end + b" " + self.end + b"  "])
        lines = [
            *(b"Received: from a by b; " + b"x" * self.rng.randint(0, 60) for _ in range(self.rng.choice([0, 2, 300]))),
            b"From" + colon + self._header(sender, b" ") + b" <" + address.encode() + b">",
            name + colon + self._header(subject, fold),
            *self._date(),
            *self._declared(),
            b"Message-ID: <%d@example.org>" % self.rng.getrandbits(60),
            b"To: you@example.com",
            *self.rng.choice([[], [b"X-Odd:"], [b"X-Long: " + b"y" * 5000], [b"M\xfcll: 1"], [b"X-Nul: a\xffb"]]),
            b"MIME-Version: 1.0",
        ]
        return self.end.join(lines) + self.end

    def _declared(self) -> list[bytes]:
        """Write where answers go, how urgent it is, which list it is from, and whether a program wrote it."""
        name, no_list = self._phrase(2), {"id": "", "unsubscribe": "", "one_click": False}
        folded = b"List-Unsubscribe: <mailto:out@example.org>," + self.end + b" <https://example.org/out?m=1>"
        there = {"id": "news.example.org", "unsubscribe": "https://example.org/out?m=1"}
        one_click = b"List-Unsubscribe-Post: List-Unsubscribe=One-Click"
        answers: tuple[list[bytes], str] = (
            [b"Reply-To: " + self._header(name, b" ") + b" <reply@example.org>"],
            f"{name} <reply@example.org>",
        )
        importance: list[tuple[list[bytes], str]] = [
            ([], "normal"),
            ([b"Importance: High", b"X-Priority: 5"], "high"),
            ([b"X-Priority: 1 (Highest)", b"X-MSMail-Priority: High"], "high"),
            ([b"Priority: non-urgent"], "low"),
        ]
        lists: list[tuple[list[bytes], dict[str, Any]]] = [
            ([], no_list),
            ([b"List-Id: " + self._header(name, b" ") + b" <news.example.org>"], {**no_list, "id": "news.example.org"}),
            ([b"list-id: <news.example.org>", folded], {**there, "one_click": False}),
            ([b"List-ID: news.example.org", folded, one_click], {**there, "one_click": True}),
        ]
        robots: list[tuple[list[bytes], bool]] = [
            ([], False),
            ([b"Auto-Submitted: no"], False),
            ([b"Auto-Submitted: auto-generated (by a program)"], True),
            ([b"Precedence: auto_reply"], True),
            ([b"X-Autoreply: yes"], True),
        ]
        told = {
            "reply_to": self.rng.choice([([], ""), answers]),
            "importance": self.rng.choice(importance),
            "list": self.rng.choice(lists),
            "is_auto_reply": self.rng.choice(robots),
        }
        self.declared = {member: value for member, (_, value) in told.items()}
        return [line for lines, _ in told.values() for line in lines]

    def _date(self) -> list[bytes]:
        """Write the time in one of the ways that senders write it, in a zone by chance, or leave it out."""
        moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.rng.randrange(10**8))
        minutes, name = self.rng.choice([(0, "GMT"), (60, "CET"), (-300, "EST"), (330, ""), (345, ""), (-570, "")])
        there = moment.astimezone(timezone(timedelta(minutes=minutes)))
        offset = f"{there:%z}"
        ways = [
            format_datetime(there),
            f"{format_datetime(there)} ({name or 'local time'})",
            f"{there:%d %b %Y %H:%M:%S} {offset[:3]}:{offset[3:]}",
            f"{there:%a %b %d %Y %H:%M:%S} GMT{offset}",
            there.isoformat(),
            "",
        ]
        if name:
            ways += [f"{there:%a, %d %b %y %H:%M:%S} {name}", f"{there:%a %b %d %H:%M:%S} {name} {there:%Y}"]
        written = self.rng.choice(ways)
        self.sent_at = f"{moment:%Y-%m-%dT%H:%M:%SZ}" if written else ""
        return [b"Date: " + written.encode()] if written else []

    def _header(self, text: str, fold: bytes) -> bytes:
        """Write a header: encoded, as it should be, or as it is, which many do."""
        is_bytes = not self.charset.startswith(_STATEFUL) and not self.codec.startswith((*_STATEFUL, "jis"))
        ways = [self._words, self._words, self._words_of_utf8]
        ways += [lambda text: text.encode()] if is_bytes else []
        written = self.rng.choice(ways)(text)
        return written.replace(b" ", fold, 1)

    def _words_of_utf8(self, text: str) -> bytes:
        return encoded_words(text.encode(), "utf-8", self.rng, may_tear=True)

    def _words(self, text: str) -> bytes:
        if self.codec.startswith((*_STATEFUL, "jis", "iso-2022")):  # each word begins anew, and tears no letter
            data = self._encoded(text)
            return b"=?" + self.charset.encode() + b"?B?" + base64.b64encode(data) + b"?="
        return encoded_words(self._encoded(text), self.charset, self.rng, may_tear=True)

    # Parts.

    def _leaf(self, kind: str, data: bytes, charset: str) -> bytes:
        self.parts += 1
        way = self.rng.choice(["base64"] if self.codec.startswith(_WIDE) else ["base64", "quoted-printable", "8bit"])
        quotes = self.rng.choice(['"', ""])
        named = f"; charset={quotes}{charset}{quotes}" if charset else ""
        head = f"Content-Type: {kind}{named}\nContent-Transfer-Encoding: {way}\n\n"
        return head.encode().replace(b"\n", self.end) + transfer(way, data, self.end, self.rng)

    def _words_part(self, text: str) -> bytes:
        return self._leaf("text/plain", self._encoded(text.replace("\n", self.end.decode())), self.charset)

    def _html_part(self, text: str, more: str = "") -> bytes:
        lines = f"{_paragraphs(text)}{more}"
        hidden = '<style>p { color: red }</style><div style="display:none">HIDDEN</div>'
        return self._leaf("text/html", self._encoded(f"<html><body>{hidden}{lines}</body></html>"), self.charset)

    def _multipart(self, kind: str, *parts: bytes) -> bytes:
        boundary = f"{self.rng.choice(['=_', '----', 'b ', '(+.)'])}{self.rng.getrandbits(60)}"
        mark, end = b"--" + boundary.encode(), self.end
        around = self.rng.choice([b"", b"This is a message in MIME format." + end])
        body = around + b"".join(mark + self.rng.choice([b"", b"  "]) + end + part + end for part in parts)
        head = f'Content-Type: multipart/{kind};{self.rng.choice([" ", "  "])}boundary="{boundary}"'.encode()
        ends = self.rng.choice([mark + b"--" + end, mark + b"--" + end + b"the end", b""])
        return head + end + end + (body + ends if ends else body.removesuffix(end))

    def _file(self) -> bytes:
        """Write a file with a name in one of the ways that senders write names, or with none."""
        kind = self.rng.choice(["application/pdf", "image/png", "application/octet-stream"])
        name = f"{self.rng.choice(['Übersicht', '請求書', 'report', 'счёт', 'a b'])}.{self.rng.choice(['pdf', 'bin'])}"
        raw = name.encode()
        encoded = base64.b64encode(raw).decode()
        forms: list[tuple[list[bytes], str]] = [
            ([b'Content-Disposition: attachment; filename="' + raw + b'"'], name),
            ([b"Content-Type: " + kind.encode() + b'; name="' + raw + b'"'], name),
            ([b"Content-Disposition: attachment; filename*=utf-8''" + quote(name).encode()], name),
            ([f'Content-Disposition: attachment; filename="=?utf-8?B?{encoded}?="'.encode()], name),
            ([in_pieces(name)], name),
            ([b"Content-Disposition: attachment"], _NAMES[kind]),
            ([], _NAMES[kind]),
        ]
        lines, shown = self.rng.choice(forms)
        if not lines or not lines[0].startswith(b"Content-Type"):
            lines = [b"Content-Type: " + kind.encode(), *lines]
        content = self.rng.randbytes(self.rng.randint(1, 2000))
        self.files.append(MadeFile(shown, content))
        self.parts += 1
        body = transfer("base64", content, self.end, self.rng)
        return self.end.join([*lines, b"Content-Transfer-Encoding: base64", b"", body])

    # Kinds of mail: what stands below the headers, and the text to be read of it.

    def _plain(self) -> tuple[bytes, str]:
        text = self._text(30)
        return self._words_part(text), text

    def _html(self) -> tuple[bytes, str]:
        text = self._text()
        return self._html_part(text), text.replace("\n", "\n\n")

    def _alternative(self) -> tuple[bytes, str]:
        text = f"{self._text()}\n{self.rng.getrandbits(60)}"
        parts = [self._words_part(text), self._html_part(self._text())]
        self.rng.shuffle(parts)
        return self._multipart("alternative", *parts), text

    def _stub(self) -> tuple[bytes, str]:
        """HTML beside a plain text that says that there is HTML."""
        text = self._text()
        stub = self.rng.choice(["Your client does not support HTML.", "View this mail in your browser", "-"])
        return self._multipart("alternative", self._leaf("text/plain", stub.encode(), ""), self._html_part(text)), (
            text.replace("\n", "\n\n")
        )

    def _chunks(self) -> tuple[bytes, str]:
        """Base64 that was written in pieces, each with its own padding, which fall within letters as well."""
        text, size = self._text(), self.rng.choice([10, 57, 100])
        data = self._encoded(text)
        pieces = [base64.b64encode(data[place : place + size]) for place in range(0, len(data), size)]
        self.parts += 1
        head = f"Content-Type: text/plain; charset={self.charset}\nContent-Transfer-Encoding: base64\n\n"
        return head.encode().replace(b"\n", self.end) + self.rng.choice([b"", self.end]).join(pieces), text

    def _with_files(self) -> tuple[bytes, str]:
        text = self._text()
        return self._multipart("mixed", self._words_part(text), *(self._file() for _ in range(3))), text

    def _nested(self) -> tuple[bytes, str]:
        text = self._text()
        entity = self._words_part(text)
        for _ in range(self.rng.randint(1, 38)):
            entity = self._multipart(self.rng.choice(["mixed", "alternative", "related"]), entity)
        return entity, text

    def _forwarding(self) -> tuple[bytes, str]:
        text = self._text()
        mail = self.end.join([b"Subject: inner", b"", b"NOT OURS"])
        inner = self.end.join([b"Content-Type: message/rfc822", b"", mail])
        self.files.append(MadeFile("inner.eml", mail))
        self.parts += 2
        below = "---------- Forwarded message ---------\nSubject: inner\n\nNOT OURS"
        return self._multipart("mixed", self._words_part(text), inner), f"{text}\n\n{below}"

    def _long(self) -> tuple[bytes, str]:
        line = self._phrase(12)
        text = "\n".join([line] * (250_000 // len(line)))
        return self._words_part(text), text[:190_000]

    def _table(self) -> tuple[bytes, str]:
        rows = [(self._phrase(1), str(number)) for number in range(self.rng.choice([3, 6000]))]
        rows.append((self._phrase(1), "TOTAL"))
        written = "".join(f"<tr><td>{one}</td><td>{two}</td></tr>" for one, two in rows)
        entity = self._leaf("text/html", self._encoded(f"<table>{written}</table>"), self.charset)
        return entity, "\n".join(f"{one} {two}" for one, two in rows)

    def _bad_byte(self) -> tuple[bytes, str]:
        """UTF-8 with a byte that is none, at the end or in the middle of a long text."""
        text = "\n".join(self._phrase(9) for _ in range(20))
        place = self.rng.randrange(len(text))
        data = text[:place].encode() + b"\xff" + text[place:].encode()
        charset = self.rng.choice(["utf-8", "utf-8", ""])
        return self._leaf("text/plain", data, charset), f"{text[:place]}\ufffd{text[place:]}"

    def _meta(self) -> tuple[bytes, str]:
        """HTML that names its charset itself, and no header does."""
        text = self._text()
        self._without_states()
        named = self.rng.choice(
            [
                f'<meta charset="{self.charset}">',
                f'<META http-equiv=Content-Type content="text/html; charset={self.charset}">',
            ]
        )
        html = f"<html><head>{named}</head><body><p>{text}</p></body></html>"
        return self._leaf("text/html", self._encoded(html), ""), text

    def _related(self) -> tuple[bytes, str]:
        """HTML with a picture, which it shows or does not."""
        text, is_shown = self._text(), self.rng.random() < 0.5
        html = self._html_part(text, '<img src="cid:a@b">' if is_shown else "")
        head = b"Content-Type: image/png\nContent-ID: <a@b>\nContent-Transfer-Encoding: base64\n\n"
        picture = head.replace(b"\n", self.end) + b"iVBORw0KGgo="
        self.files.append(MadeFile("image.png", base64.b64decode(b"iVBORw0KGgo="), is_shown))
        self.parts += 1
        return self._multipart("related", html, picture), text.replace("\n", "\n\n")

    def _winmail(self) -> tuple[bytes, str]:
        """A text beside a winmail.dat of Outlook, which has files, mails, and the text or another form of it."""
        text = self._text()
        words = self._words_part(text)
        part, _, below = self._of_outlook()
        return self._multipart("mixed", words, part), "\n\n".join([text, *below])

    def _only_outlook(self) -> tuple[bytes, str]:
        """A mail whose text is in a winmail.dat alone."""
        part, text, below = self._of_outlook()
        if self.rng.random() < 0.5:
            self.parts += 1
            part = self._multipart("mixed", self.end.join([b"Content-Type: text/plain", b"", b""]), part)
        return part, "\n\n".join([text, *below])

    def _of_outlook(self) -> tuple[bytes, str, list[str]]:
        """Write a part that is a winmail.dat; return it, its text, and those of the mails in it, below their heads."""
        self.parts += 1
        stream, text, below = self._stream(1)
        kind = self.rng.choice([b"application/ms-tnef; name=winmail.dat", b"application/vnd.ms-tnef"])
        # Its zeros are allowed in no other encoding that servers take (RFC 2045 2.8).
        lines = [b"Content-Type: " + kind, b"Content-Transfer-Encoding: base64", b""]
        return self.end.join([*lines, transfer("base64", stream, self.end, self.rng)]), text, below

    def _stream(self, deepest: int, *about: bytes) -> tuple[bytes, str, list[str]]:
        """Write what Outlook puts into a winmail.dat (MS-OXTNEF), with mails in mails down to a level."""
        text = self._text()
        self.parts += 1
        forms: list[tuple[bytes, str]] = [
            (outlook.text(0x1000, text.replace("\n", "\r\n")), text),
            (outlook.binary(0x1013, f"<meta charset=utf-8>{_paragraphs(text)}".encode()), text.replace("\n", "\n\n")),
            (outlook.binary(0x1009, outlook.compressed(_rtf(text))), text),
        ]
        written, shown = self.rng.choice(forms)
        attached = [self._file_of_outlook(number) for number in range(self.rng.randint(0, 3))]
        below = []
        if deepest and self.rng.random() < 0.5:
            about_it = [
                outlook.text(0x37, "inner"),
                outlook.text(0xC1A, "Ann"),
                outlook.text(0x5D01, "ann@example.org"),
            ]
            stream, inner, deeper = self._stream(deepest - 1, *about_it)
            attached.append(outlook.file("MAIL", b"", outlook.text(0x3001, "inner"), outlook.embedded(stream)))
            head = "---------- Forwarded message ---------\nFrom: Ann <ann@example.org>\nSubject: inner"
            below = [f"{head}\n\n{inner}", *deeper]
        others = [outlook.number(0x3FDE, 65001), outlook.named("Keywords", b"x"), outlook.text(0x70, "a topic")]
        given = [written, *about, *self.rng.sample(others, self.rng.randint(0, 3))]
        self.rng.shuffle(given)
        return outlook.winmail(*attached, of=given), shown, below

    def _file_of_outlook(self, number: int) -> bytes:
        """Write a file of a winmail.dat, its content and its name in one of the places where they may be."""
        name = f"{number} {self.rng.choice(['Übersicht', '請求書', 'report'])}.bin"
        content = self.rng.randbytes(self.rng.randint(1, 500))
        self.parts += 1
        if self.rng.random() < 0.3:
            self.files.append(MadeFile(f"{number}.BIN", content))
            return outlook.file(f"{number}.BIN", content)
        self.files.append(MadeFile(name, content))
        given = [outlook.text(0x3707, name), outlook.text(0x370E, "application/octet-stream")]
        if self.rng.random() < 0.5:
            return outlook.file(f"FILE~{number}.BIN", b"", *given, outlook.binary(0x3701, content))
        return outlook.file(f"FILE~{number}.BIN", content, *given)

    def _uuencoded(self) -> tuple[bytes, str]:
        """Files within the text, as they were sent before MIME."""
        self._without_states()
        text, names = self._text(), [f"{number} a.bin" for number in range(self.rng.randint(1, 3))]
        lines = [self._encoded(text.replace("\n", self.end.decode())), b""]
        for name in names:
            data = self.rng.randbytes(self.rng.randint(0, 500))
            self.files.append(MadeFile(name, data))
            lines.append(uuencoded(name, data, self.end))
        self.parts += 1 + len(names)
        return self._leaf("text/plain", self.end.join([*lines, b""]), self.charset), text

    def _without_states(self) -> None:
        """Take a charset in which ASCII is ASCII."""
        if self.codec.startswith((*_STATEFUL, "jis", "iso-2022")):
            self.charset = self.codec = "utf-8"

    def _signed(self) -> tuple[bytes, str]:
        """Signed by OpenPGP beside the content (RFC 3156 5), which may have a file."""
        text = self._text()
        content = self._words_part(text)
        if self.rng.random() < 0.5:
            content = self._multipart("mixed", content, self._file())
        return self._signed_by_pgp(content), text

    def _signed_by_pgp(self, content: bytes) -> bytes:
        name, comment = self.rng.choice(["signature.asc", "OpenPGP_signature.asc", ""]), [b"Comment: signed"]
        comment = self.rng.choice([[], comment])
        signature = armored("SIGNATURE", self.rng.randbytes(self.rng.randint(70, 300)), self.end, *comment)
        named = f'; name="{name}"'.encode() if name else b""
        part = self.end.join([b"Content-Type: application/pgp-signature" + named, b"", signature])
        self.files.append(MadeFile(name or "signature.asc", signature, is_inline=True))
        self.parts += 1
        self._note_signature("OpenPGP")
        return self._multipart('signed; micalg=pgp-sha512; protocol="application/pgp-signature"', content, part)

    def _note_signature(self, kind: str) -> None:
        """Remember how the mail is signed, but not how one that is attached to it is."""
        if not self.levels:
            self.signatures.add(kind)

    def _encrypted(self) -> tuple[bytes, str]:
        """Encrypted by OpenPGP (RFC 3156 4): there is no text to be read."""
        version, data = b"Version: 1", self.rng.randbytes(self.rng.randint(100, 2000))
        message = armored("MESSAGE", data, self.end)
        head = self.rng.choice([[], [b"Content-Disposition: attachment"]])
        control = self.end.join([b"Content-Type: application/pgp-encrypted", *head, b"", version])
        name = b'Content-Type: application/octet-stream; name="encrypted.asc"'
        disposition = b'Content-Disposition: inline; filename="encrypted.asc"'
        sealed = self.end.join([name, disposition, b"", message])
        self.files += [MadeFile("unnamed", version, is_inline=True), MadeFile("encrypted.asc", message)]
        self.parts += 2
        self.is_sealed = True
        return self._multipart('encrypted; protocol="application/pgp-encrypted"', control, sealed), ""

    def _armored(self) -> tuple[bytes, str]:
        """Signed by OpenPGP within the text, whose lines may begin like the armor; words may stand around it."""
        self._without_states()
        text = f"{self._text()}\n- {self._phrase(3)}\n--{self._phrase(1)}"
        signed = clear_signed(self._lines(text), self.rng.randbytes(200), self.end)
        above, below = (self.rng.choice(["", self._phrase(3)]) for _ in range(2))
        pieces = [*([self._lines(above), b""] if above else []), signed, *([self._lines(below)] if below else [])]
        self.parts += 1
        self._note_signature("OpenPGP")
        whole = "\n\n".join(filter(None, [above, text, below]))
        return self._leaf("text/plain", self.end.join(pieces), self.charset), whole

    def _sealed_text(self) -> tuple[bytes, str]:
        """Encrypted by OpenPGP within the text, below words or without any."""
        self._without_states()
        message = armored("MESSAGE", self.rng.randbytes(200), b"\n").decode().strip()
        above = self.rng.choice(["", f"{self._phrase(3)}\n\n"])
        self.is_sealed = True
        return self._words_part(f"{above}{message}"), f"{above}{message}"

    def _lines(self, text: str) -> bytes:
        return self._encoded(text.replace("\n", self.end.decode()))

    def _deep(self) -> tuple[bytes, str]:
        """Mails in mails, each with a file of its own."""
        text = self._text()
        own = self._words_part(text)
        inner, below = self._inner(1, self.rng.randint(1, 4))
        return self._multipart("mixed", own, inner), f"{text}\n\n{below}"

    def _inner(self, level: int, deepest: int) -> tuple[bytes, str]:
        text, place = self._text(3), len(self.files)
        self.parts += 1
        children, below = [self._words_part(text), self._file()], ""
        if level < deepest:
            inner, below = self._inner(level + 1, deepest)
            children.append(inner)
        mail = b"Subject: inner %d" % level + self.end + self._multipart("mixed", *children)
        self.files.insert(place, MadeFile(f"inner {level}.eml", mail))
        words = f"---------- Forwarded message ---------\nSubject: inner {level}\n\n{text}"
        head = self.end.join([b"Content-Type: message/rfc822", b"", b""])
        return head + mail, f"{words}\n\n{below}".rstrip()

    def _opaque(self) -> tuple[bytes, str]:
        """Signed by S/MIME so that only programs which know it see the content (RFC 8551 3.5.2), with a file in it."""
        text = self._text()
        return self._sealed_by_smime(self._multipart("mixed", self._words_part(text), self._file())), text

    def _sealed_by_smime(self, content: bytes) -> bytes:
        self.parts += 1
        self._note_signature("S/MIME")
        lines = [
            b"Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m",
            b"Content-Transfer-Encoding: base64",
            b"",
            transfer("base64", signed_data(content), self.end, self.rng),
        ]
        return self.end.join(lines)

    def _clear(self) -> tuple[bytes, str]:
        """Signed by S/MIME so that everybody sees the content, which has a file."""
        text = self._text()
        within = self._multipart("mixed", self._words_part(text), self._file())
        return self._signed_by_smime(within), text

    def _signed_by_smime(self, content: bytes) -> bytes:
        signature = self.end.join([b'Content-Type: application/pkcs7-signature; name="smime.p7s"', b"", b"-----"])
        self.files.append(MadeFile("smime.p7s", b"-----", is_inline=True))
        self.parts += 1
        self._note_signature("S/MIME")
        kind = 'signed; micalg=sha-256; protocol="application/pkcs7-signature"'
        return self._multipart(kind, content, signature)

    def _mixture(self) -> tuple[bytes, str]:
        """Two to five of the others in one mail, in any order, also within mails that are attached, and signed."""
        entity, texts = self._mixed(2)
        return entity, "\n\n".join(texts)

    def _mixed(self, deepest: int) -> tuple[bytes, list[str]]:
        """Mix parts, and mails that are mixed themselves down to a level; return them, and the mail's own texts."""
        kinds: list[Callable[[], tuple[bytes, str]]] = [
            self._one_file, self._one_file, self._only_winmail, self._uuencoded, self._opaque, self._clear,
            self._signed, self._encrypted, self._armored, self._related, self._alternative,
        ]  # fmt: skip
        kinds += [] if self.levels else [self._invited]
        chosen = self.rng.sample(kinds, self.rng.randint(2, 5))
        chosen += [lambda: self._attached(deepest)] if deepest and self.rng.random() < 0.6 else []
        self.rng.shuffle(chosen)
        text = self._text()
        parts, texts = [self._words_part(text)], [text]
        for one in chosen:
            part, words = one()
            parts.append(part)
            texts += [words] if words else []
        entity = self._multipart("mixed", *parts)
        wrap = self.rng.choice([None, None, self._signed_by_pgp, self._signed_by_smime, self._sealed_by_smime])
        return (wrap(entity) if wrap else entity), texts

    def _one_file(self) -> tuple[bytes, str]:
        return self._file(), ""

    def _only_winmail(self) -> tuple[bytes, str]:
        """Beside other texts, that of a winmail.dat does not count, but those of the mails in it do."""
        part, _, below = self._of_outlook()
        self.within += below
        return part, ""

    def _attached(self, deepest: int) -> tuple[bytes, str]:
        """Attach a mixed mail; its texts are not the mail's own."""
        place, above = len(self.files), len(self.within)
        self.levels += 1
        self.parts += 1
        content, texts = self._mixed(deepest - 1)
        self.levels -= 1
        mail = b"Subject: inner" + self.end + content
        self.files.insert(place, MadeFile("inner.eml", mail))
        said = "\n\n".join(texts)
        self.within.insert(above, f"---------- Forwarded message ---------\nSubject: inner\n\n{said}")
        return self.end.join([b"Content-Type: message/rfc822", b"", b""]) + mail, ""

    def _invited(self) -> tuple[bytes, str]:
        """An invitation at a time in a zone, by the name that other programs or Windows have for it."""
        zone, name = self.rng.choice(_ZONES)
        starts = datetime(2026, 1, 1, 9, 30, tzinfo=ZoneInfo(zone)) + timedelta(days=self.rng.randrange(365))
        self.starts_at = starts.isoformat().replace("+00:00", "Z")
        written = f":{starts:%Y%m%dT%H%M%S}Z" if name == "Z" else f';TZID="{name}":{starts:%Y%m%dT%H%M%S}'
        lines = [
            "BEGIN:VCALENDAR", "VERSION:2.0", "METHOD:REQUEST", "BEGIN:VEVENT", "UID:a@b", f"DTSTART{written}",
            f"SUMMARY:{self._phrase(2)}", "END:VEVENT", "END:VCALENDAR", "",
        ]  # fmt: skip
        text, data = self._text(), "\r\n".join(lines).encode()
        words = self._words_part(text)
        self.files.append(MadeFile("invite.ics", data, is_inline=True))
        calendar = self._leaf("text/calendar; method=REQUEST", data, "utf-8")
        return self._multipart("alternative", words, calendar), text


_ZONES = (
    ("Europe/Berlin", "Europe/Berlin"),
    ("Europe/Berlin", "W. Europe Standard Time"),
    ("America/New_York", "America/New_York"),
    ("America/New_York", "Eastern Standard Time"),
    ("Asia/Kolkata", "India Standard Time"),
    ("Asia/Tokyo", "Tokyo Standard Time"),
    ("Australia/Lord_Howe", "Australia/Lord_Howe"),
    ("UTC", "Z"),
)
"""Zones, and how a calendar names them."""


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{line}</p>\n" for line in text.split("\n"))


def _rtf(text: str) -> bytes:
    """Write a text as Outlook writes RTF: letters beyond ASCII by their numbers in UTF-16, signed (RTF 1.9.1)."""
    written = []
    for line in text.split("\n"):
        units = line.encode("utf-16-le")
        numbers = [int.from_bytes(units[place : place + 2], "little", signed=True) for place in range(0, len(units), 2)]
        written.append("".join(chr(one) if 0 <= one < 128 else f"\\u{one}?" for one in numbers))
    body = "\\par\r\n".join(written)
    return f"{{\\rtf1\\ansi\\ansicpg1252\\fromtext \\deff0{{\\fonttbl{{\\f0 Arial;}}}}\\uc1\\pard {body}}}".encode()
