"""Makes mails as senders write them, well and badly, and knows what each says: the same ones for the same seed."""

from __future__ import annotations

import base64
import binascii
import quopri
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

WORDS = {
    "latin": "invoice Größe façade señor naïve Müller coût Straße über crème order déjà 12.50 garçon".split(),
    "polish": "zażółć gęślą jaźń faktura zamówienie łódź źródło świeży ćma węgiel dość".split(),
    "turkish": "İstanbul şeker çığ göğüs ıslak sipariş fatura ürün teşekkür".split(),
    "russian": "привет заказ счёт Москва объём ещё письмо срочно Её вчера".split(),
    "greek": "καλημέρα παραγγελία τιμολόγιο Αθήνα γεια όχι".split(),
    "hebrew": "שלום הזמנה חשבונית תודה ירושלים".split(),
    "arabic": "مرحبا فاتورة طلب شكرا القاهرة".split(),
    "thai": "สวัสดี ใบสั่งซื้อ กรุงเทพ ขอบคุณ เกม".split(),
    "japanese": "こんにちは 請求書 株式会社 東京 ありがとう カタカナ 注文".split(),
    "windows japanese": "①番 ㈱東京 髙橋 Ⅲ号 ㌔".split(),
    "chinese": "你好 订单 发票 北京 联通 小学 谢谢".split(),
    "taiwanese": "訂單 發票 臺北 謝謝 確認".split(),
    "korean": "안녕하세요 주문 송장 서울 감사합니다".split(),
}
CHARSETS = {
    "latin": "utf-8 iso-8859-1 windows-1252 iso-8859-15 latin1 macintosh:mac-roman cp-1252:cp1252 utf-7 utf-16 utf-32",
    "polish": "utf-8 iso-8859-2 windows-1250 utf-16le",
    "turkish": "utf-8 iso-8859-9 windows-1254",
    "russian": "utf-8 koi8-r windows-1251 iso-8859-5 ibm866 x-mac-cyrillic:mac-cyrillic win-1251:cp1251 utf-16",
    "greek": "utf-8 iso-8859-7 windows-1253",
    "hebrew": "utf-8 windows-1255 iso-8859-8 iso-8859-8-i:iso-8859-8 iso-8859-8-e:iso-8859-8",
    "arabic": "utf-8 windows-1256 iso-8859-6",
    "thai": "utf-8 tis-620 windows-874:cp874 iso-8859-11",
    "japanese": "utf-8 iso-2022-jp shift_jis:cp932 euc-jp windows-31j:cp932 x-sjis:cp932 utf-16be",
    "windows japanese": "iso-2022-jp:jis shift_jis:cp932 iso-2022-jp-ms:jis cp50220:jis utf-8",
    "chinese": "utf-8 gb2312 gbk gb18030 gb2312:gbk x-gbk:gbk hz-gb-2312:hz utf-16",
    "taiwanese": "utf-8 big5 big5-hkscs:big5hkscs cp950",
    "korean": "utf-8 euc-kr ks_c_5601-1987:cp949 iso-2022-kr windows-949:cp949",
}
_WIDE = ("utf-16", "utf-32")
_STATEFUL = ("utf-16", "utf-32", "utf-7", "hz", "iso-2022-kr")
_NAMES = {"application/pdf": "file.pdf", "image/png": "image.png", "application/octet-stream": "unnamed"}
"""What files without a name are called."""


SEED = 20261120
SOME, ALL = 56, 408
"""Four of each kind, and what `make assurance` reads."""


@dataclass
class Made:
    """A mail, and what its sender put in."""

    name: str
    raw: bytes
    subject: str
    sender: str
    text: str
    files: list[str]
    """The names of its attachments, in order."""
    is_cut: bool
    """Whether there is more than anybody reads: then `text` is how it begins."""


def mails(seed: int, count: int) -> Iterator[Made]:
    """Make so many mails."""
    for number in range(count):
        yield _Maker(random.Random(f"{seed}/{number}")).made(number)


def to_jis(text: str) -> bytes:
    """Write ISO-2022-JP as Windows does (code page 50220), with letters that JIS X 0208 lacks."""
    found = bytearray()
    for letter in text:
        data = letter.encode("cp932")
        found += data if len(data) < 2 else b"\x1b$B" + _jis(data) + b"\x1b(B"
    return bytes(found)


def _jis(pair: bytes) -> bytes:
    first, second = pair
    row = (first - (0x70 if first < 0xA0 else 0xB0)) * 2
    if second >= 0x9F:
        return bytes((row, second - 0x7E))
    return bytes((row - 1, second - (0x20 if second > 0x7F else 0x1F)))


class _Maker:
    """Makes one mail: everything by chance is drawn from its own generator."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.script = rng.choice([*WORDS])
        self.charset, _, codec = rng.choice(CHARSETS[self.script].split()).partition(":")
        self.codec = codec or self.charset
        self.end = rng.choice([b"\r\n", b"\r\n", b"\n"])
        self.files: list[str] = []

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
            is_cut=kind == self._long,
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
            b"Date: Fri, 20 Nov 2026 10:00:00 +0100",
            b"Message-ID: <%d@example.org>" % self.rng.getrandbits(60),
            b"To: you@example.com",
            *self.rng.choice([[], [b"X-Odd:"], [b"X-Long: " + b"y" * 5000], [b"M\xfcll: 1"], [b"X-Nul: a\xffb"]]),
            b"MIME-Version: 1.0",
        ]
        return self.end.join(lines) + self.end

    def _header(self, text: str, fold: bytes) -> bytes:
        """Write a header: encoded, as it should be, or as it is, which many do."""
        is_bytes = not self.charset.startswith(_STATEFUL) and not self.codec.startswith((*_STATEFUL, "jis"))
        ways = [self._words, self._words, self._words_of_utf8]
        ways += [lambda text: text.encode()] if is_bytes else []
        written = self.rng.choice(ways)(text)
        return written.replace(b" ", fold, 1)

    def _words_of_utf8(self, text: str) -> bytes:
        return _encoded_words(text.encode(), "utf-8", self.rng, may_tear=True)

    def _words(self, text: str) -> bytes:
        if self.codec.startswith((*_STATEFUL, "jis", "iso-2022")):  # each word begins anew, and tears no letter
            data = self._encoded(text)
            return b"=?" + self.charset.encode() + b"?B?" + base64.b64encode(data) + b"?="
        return _encoded_words(self._encoded(text), self.charset, self.rng, may_tear=True)

    # Parts.

    def _leaf(self, kind: str, data: bytes, charset: str) -> bytes:
        way = self.rng.choice(["base64"] if self.codec.startswith(_WIDE) else ["base64", "quoted-printable", "8bit"])
        quotes = self.rng.choice(['"', ""])
        named = f"; charset={quotes}{charset}{quotes}" if charset else ""
        head = f"Content-Type: {kind}{named}\nContent-Transfer-Encoding: {way}\n\n"
        return head.encode().replace(b"\n", self.end) + _transfer(way, data, self.end, self.rng)

    def _words_part(self, text: str) -> bytes:
        return self._leaf("text/plain", self._encoded(text.replace("\n", self.end.decode())), self.charset)

    def _html_part(self, text: str) -> bytes:
        lines = "".join(f"<p>{line}</p>\n" for line in text.split("\n"))
        hidden = '<style>p { color: red }</style><div style="display:none">HIDDEN</div>'
        return self._leaf("text/html", self._encoded(f"<html><body>{hidden}{lines}</body></html>"), self.charset)

    def _multipart(self, kind: str, *parts: bytes) -> bytes:
        boundary = f"{self.rng.choice(['=_', '----', 'b ', '(+.)'])}{self.rng.getrandbits(60)}"
        mark, end = b"--" + boundary.encode(), self.end
        around = self.rng.choice([b"", b"This is a message in MIME format." + end])
        body = around + b"".join(mark + self.rng.choice([b"", b"  "]) + end + part + end for part in parts)
        head = f'Content-Type: multipart/{kind};{self.rng.choice([" ", "  "])}boundary="{boundary}"'.encode()
        return head + end + end + body + self.rng.choice([mark + b"--" + end, mark + b"--" + end + b"the end", b""])

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
            ([_in_pieces(name)], name),
            ([b"Content-Disposition: attachment"], _NAMES[kind]),
            ([], _NAMES[kind]),
        ]
        lines, shown = self.rng.choice(forms)
        if not lines or not lines[0].startswith(b"Content-Type"):
            lines = [b"Content-Type: " + kind.encode(), *lines]
        self.files.append(shown)
        body = _transfer("base64", self.rng.randbytes(self.rng.randint(1, 2000)), self.end, self.rng)
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
        inner = self.end.join([b"Content-Type: message/rfc822", b"", b"Subject: inner", b"", b"NOT OURS"])
        self.files.append("inner.eml")
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
        if self.codec.startswith((*_STATEFUL, "jis", "iso-2022")):
            self.charset = self.codec = "utf-8"
        named = self.rng.choice(
            [
                f'<meta charset="{self.charset}">',
                f'<META http-equiv=Content-Type content="text/html; charset={self.charset}">',
            ]
        )
        html = f"<html><head>{named}</head><body><p>{text}</p></body></html>"
        return self._leaf("text/html", self._encoded(html), ""), text

    def _related(self) -> tuple[bytes, str]:
        text = self._text()
        head = b"Content-Type: image/png\nContent-ID: <a@b>\nContent-Transfer-Encoding: base64\n\n"
        picture = head.replace(b"\n", self.end) + b"iVBORw0KGgo="
        self.files.append("image.png")
        return self._multipart("related", self._html_part(text), picture), text.replace("\n", "\n\n")

    def _signed(self) -> tuple[bytes, str]:
        text = self._text()
        signature = self.end.join([b'Content-Type: application/pgp-signature; name="signature.asc"', b"", b"-----"])
        self.files.append("signature.asc")
        return self._multipart("signed", self._words_part(text), signature), text


def _encoded_words(data: bytes, charset: str, rng: random.Random, *, may_tear: bool) -> bytes:
    """Write encoded words (RFC 2047), also torn within a letter, in either encoding."""
    size = rng.choice([12, 30, 45]) if may_tear else len(data)
    pieces = [data[place : place + size] for place in range(0, len(data), size)]
    name, way = rng.choice([charset, charset.upper()]), rng.choice("BbQq")
    written = []
    for piece in pieces:
        if way in "qQ":
            letters = quopri.encodestring(piece, header=True).replace(b"=\n", b"").replace(b"?", b"=3F")
            letters = letters.replace(b"\n", b"=0A").replace(b"\t", b"=09")
        else:
            letters = binascii.b2a_base64(piece, newline=False)
            letters = letters.rstrip(b"=") if rng.random() < 0.1 else letters
        written.append(b"=?" + name.encode() + b"?" + way.encode() + b"?" + letters + b"?=")
    return b" ".join(written)


def _in_pieces(name: str) -> bytes:
    first, second = quote(name[:4]), quote(name[4:])
    return f"Content-Disposition: attachment; filename*0*=utf-8''{first}; filename*1*={second}".encode()


def _transfer(way: str, data: bytes, end: bytes, rng: random.Random) -> bytes:
    if way == "quoted-printable":
        return quopri.encodestring(data.replace(b"\r\n", b"\n"), quotetabs=False).replace(b"\n", end)
    if way == "base64":
        return base64.b64encode(data) if rng.random() < 0.2 else base64.encodebytes(data).replace(b"\n", end)
    return data
