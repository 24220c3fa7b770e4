"""A raw mail (RFC 5322) as Gmail shows it: its tree of parts, its text, its search fields."""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.utils import parsedate_to_datetime
from functools import cached_property
from html.parser import HTMLParser
from typing import Any

# Gmail keeps a Message-ID of this form and replaces any other.
WELL_FORMED_ID = re.compile(r"^<[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+>$")
SNIPPET_LENGTH = 200
DEEPEST = 100
"""Maximum nesting of parts, as in Google's own messages."""
BLOCK_TAGS = {"p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "table", "ul", "ol", "blockquote"}


@dataclass(frozen=True)
class MimeMail:
    """A parsed mail and its original bytes."""

    raw: bytes
    message: Message

    @classmethod
    def parse(cls, raw: bytes) -> MimeMail:
        """Parse any bytes; malformed ones become text, never an error."""
        try:
            message = message_from_bytes(_with_plain_names(raw))
        except RecursionError:
            message = _down_to(DEEPEST, raw)
        _mend(message, _charset_named_in(raw))
        return cls(raw, message)

    def header(self, name: str) -> str:
        """Return the first header of that name, decoded and on one line, or ""."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    @cached_property
    def headers(self) -> list[tuple[str, str]]:
        """Names and values of all its headers."""
        return headers_of(self.message, _charset_named_in(self.raw))

    @property
    def text(self) -> str:
        """The text for a reader: the plain text, or the words of the HTML if there is no plain text."""
        bodies = [part for _, part in _walk(self.message, "") if not part.is_multipart() and not filename_of(part)]
        for kind in ("text/plain", "text/html"):
            found = [decoded_text(part) for part in bodies if part.get_content_type() == kind]
            if any(each.strip() for each in found):
                return "\n".join(found if kind == "text/plain" else map(words_of_html, found)).replace("\r\n", "\n")
        return ""

    @property
    def date_ms(self) -> int | None:
        """The Date header in milliseconds since 1970; None if it is missing or invalid."""
        try:
            return int(parsedate_to_datetime(self.header("Date")).timestamp() * 1000)
        except (ValueError, OverflowError, TypeError):
            return None

    def snippet(self) -> str:
        """The beginning of the text, on one line, HTML-escaped as by Gmail."""
        # Gmail writes the apostrophe as a decimal reference, Python as a hexadecimal one.
        return html.escape(" ".join(self.text.split())[:SNIPPET_LENGTH], quote=True).replace("&#x27;", "&#39;")

    def search_fields(self) -> dict[str, Any]:
        """Return the fields for search."""
        names = [name for _, part in _walk(self.message, "") if (name := filename_of(part))]
        return {
            "from": self.header("From"),
            "to": " ".join((self.header("To"), self.header("Cc"), self.header("Bcc"))),
            "cc": self.header("Cc"),
            "bcc": self.header("Bcc"),
            "subject": self.header("Subject"),
            "text": self.text,
            "filenames": " ".join(names),
            "message_id": self.header("Message-ID"),
            "references": f"{self.header('References')} {self.header('In-Reply-To')}".split(),
            "list_id": self.header("List-Id"),
            "size_bytes": len(self.raw),
        }


_NAME = re.compile(rb"(?m)^([!-9;-~\x80-\xff]+)[ \t]*:")
_CHARSET_NAMED = re.compile(rb"(?i)charset=[\"']?([A-Za-z0-9_.:-]{2,40})")
_WORD = re.compile(r"=\?([^?\s]{1,80})\?([bBqQ])\?(.{0,4000}?)\?=")
_READ_AS = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "us-ascii": "",
    "iso-8859-1": "cp1252",
    "shift_jis": "cp932",
    "euc-kr": "cp949",
    "iso-8859-8-i": "iso-8859-8",
}
"""What senders mean by these names, mostly larger charsets (https://encoding.spec.whatwg.org/#names-and-labels)."""


def _with_plain_names(raw: bytes) -> bytes:
    """Drop blanks before the colons of headers, and non-ASCII header names: the parser would stop there."""
    head, gap, body = _split(raw)
    return (
        _NAME.sub(lambda found: found[1].decode("ascii", "replace").encode("ascii", "replace") + b":", head)
        + gap
        + body
    )


def _down_to(levels: int, raw: bytes) -> Message:
    """Return a mail nested deeper than the parser supports, without the parts below a number of levels."""
    head, gap, body = _split(raw)
    message = message_from_bytes(head + gap)
    boundary = message.get_boundary()
    if message.get_content_maintype() != "multipart" or not boundary:
        message.set_payload(body.decode("ascii", "surrogateescape"))
        return message
    pieces = re.split(rb"(?:^|\r?\n)--%s[ \t]*(?=\r?\n|$)" % re.escape(boundary.encode()), body)
    message.set_payload([_down_to(levels - 1, piece.lstrip(b"\r\n")) for piece in pieces[1:]] if levels else [])
    return message


def _mend(message: Message, charset: str) -> None:
    """Convert headers with file names and boundaries to text: the parser turns bytes over 127 into surrogates."""
    waiting = [(message, 0)]
    while waiting:
        part, depth = waiting.pop()
        for name in ("Content-Type", "Content-Disposition"):
            value = next((str(value) for key, value in part.raw_items() if key.lower() == name.lower()), "")
            if not value.isascii():
                part.replace_header(name, _letters(value, charset))
        if part.is_multipart() and depth >= DEEPEST:
            part.set_payload([])
        waiting += [(child, depth + 1) for _, child in _children(part, "")] if part.is_multipart() else []


def _charset_named_in(raw: bytes) -> str:
    found = _CHARSET_NAMED.search(raw, 0, 65_536)
    return found[1].decode("ascii") if found else ""


def _letters(value: str, charset: str) -> str:
    """Return a header with surrogates decoded: as UTF-8, or in the mail's charset."""
    data = value.encode("utf-8", "surrogateescape")
    for name in ("utf-8", charset, "cp1252"):
        try:
            return data.decode(_READ_AS.get(name.lower(), name) or "ascii")
        except (LookupError, ValueError):
            continue
    return data.decode("latin-1")


def payload(mail: MimeMail, message_id: str) -> dict[str, Any]:
    """Return the mail as a tree of MessagePart; the bodies of named parts are replaced by an attachmentId."""
    return {**_part(mail.message, "", message_id), "headers": [_header(key, value) for key, value in mail.headers]}


def metadata(mail: MimeMail, only: list[str]) -> dict[str, Any]:
    """Return the top MessagePart with headers only: all of them, or those in `only`."""
    wanted = {name.lower() for name in only}
    found = mail.headers
    kept = [_header(name, value) for name, value in found if not wanted or name.lower() in wanted]
    return {"mimeType": mail.message.get_content_type(), "headers": kept}


def attachment(mail: MimeMail, message_id: str, attachment_id: str) -> bytes | None:
    """Return the bytes of an attachmentId of this message, or None if there is no such part."""
    for part_id, part in _walk(mail.message, ""):
        if filename_of(part) and _attachment_id(message_id, part_id) == attachment_id:
            return payload_bytes(part)
    return None


def base64url(data: bytes) -> str:
    """Encode base64url without padding, as Gmail does."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def from_base64url(text: str) -> bytes:
    """Decode base64url or base64, with or without padding; raises ValueError."""
    letters = re.sub(r"\s", "", text).replace("+", "-").replace("/", "_").rstrip("=")
    if not re.fullmatch(r"[A-Za-z0-9_-]*", letters):
        raise ValueError("not base64url")
    try:
        return base64.urlsafe_b64decode(letters + "=" * (-len(letters) % 4))
    except binascii.Error as error:
        raise ValueError("not base64url") from error


def with_header(raw: bytes, name: str, value: str) -> bytes:
    """Return the mail with this header first, replacing others of the same name."""
    head, gap, body = _split(raw)
    fields = re.split(rb"\r?\n(?![ \t])", head)
    kept = [each for each in fields if each and each.split(b":", 1)[0].strip().lower() != name.lower().encode()]
    end = b"\r\n" if b"\r\n" in head or b"\r\n" in gap else b"\n"
    return end.join([f"{name}: {value}".encode(), *kept]) + end + end + body


def without_header(raw: bytes, name: str) -> tuple[bytes, str]:
    """Return the mail without a header, and the header's value ("" if missing)."""
    value = MimeMail.parse(raw).header(name)
    if not value:
        return raw, ""
    marked = with_header(raw, name, value)
    return marked.split(b"\n", 1)[1], value


def headers_of(part: Message, charset: str = "") -> list[tuple[str, str]]:
    """Return names and values, with encoded words (RFC 2047) and raw bytes in `charset` decoded and lines unfolded."""
    return [(name, _decoded_header(str(value), charset)) for name, value in part.raw_items()]


def filename_of(part: Message) -> str:
    """Return an attachment's name, or ""."""
    if part.is_multipart():
        return ""
    try:
        return _decoded_header(part.get_filename() or "")
    except (LookupError, ValueError, TypeError):
        return ""


def decoded_text(part: Message) -> str:
    """Return the text of a part; an unknown charset is decoded as Latin-1."""
    data = payload_bytes(part)
    charset = _charset(part)
    try:
        return data.decode(charset or "utf-8", "replace" if charset else "strict")
    except (LookupError, ValueError):
        return data.decode("latin-1")


def words_of_html(source: str) -> str:
    """Return the visible text of HTML, one line per block."""
    reader = _Words()
    # The parser fails on an unknown declaration; the end of a comment is not one.
    reader.feed(re.sub(r"<!\[(?![^>]*--)[^>]*>?", "", source))
    reader.close()
    return "\n".join(line.strip() for line in "".join(reader.parts).splitlines() if line.strip())


class _Words(HTMLParser):
    """Collects text outside of style and script."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Start a line at a block; ignore text in style, script and title."""
        del attrs
        self.silent += tag in {"style", "script", "title"}
        if tag in BLOCK_TAGS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """Stop ignoring text after style, script and title."""
        if tag in {"style", "script", "title"}:
            self.silent = max(0, self.silent - 1)

    def handle_data(self, data: str) -> None:
        """Collect text."""
        if not self.silent:
            self.parts.append(re.sub(r"\s+", " ", data))


def _part(part: Message, part_id: str, message_id: str) -> dict[str, Any]:
    name = filename_of(part)
    shown: dict[str, Any] = {
        "partId": part_id,
        "mimeType": part.get_content_type(),
        "filename": name,
        "headers": [_header(key, value) for key, value in headers_of(part)],
        "body": {"size": 0},
    }
    if part.is_multipart():
        shown["parts"] = [_part(child, child_id, message_id) for child_id, child in _children(part, part_id)]
    elif name:
        shown["body"] = {"attachmentId": _attachment_id(message_id, part_id), "size": len(payload_bytes(part))}
    else:
        data = _shown_bytes(part)
        shown["body"] = {"size": len(data), "data": base64url(data)} if data else {"size": 0}
    return shown


def _shown_bytes(part: Message) -> bytes:
    """Return the content; Gmail converts text to UTF-8, unless its charset is unknown."""
    data = payload_bytes(part)
    if part.get_content_maintype() != "text":
        return data
    try:
        return data.decode(_charset(part) or "utf-8").encode()
    except (LookupError, ValueError):
        return data


def _charset(part: Message) -> str:
    try:
        charset = str(part.get_content_charset() or "")
    except (LookupError, ValueError):
        return ""
    return _READ_AS.get(charset, charset)


def _children(part: Message, part_id: str) -> Iterator[tuple[str, Message]]:
    for index, child in enumerate(part.get_payload()):
        if isinstance(child, Message):
            yield (f"{part_id}.{index}" if part_id else str(index)), child


def _walk(part: Message, part_id: str) -> Iterator[tuple[str, Message]]:
    yield part_id, part
    if part.is_multipart():
        for child_id, child in _children(part, part_id):
            yield from _walk(child, child_id)


def payload_bytes(part: Message) -> bytes:
    """Return the content without its transfer encoding."""
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def _attachment_id(message_id: str, part_id: str) -> str:
    return f"ANGjdJ{base64url(f'{message_id}/{part_id}'.encode())}"


def _header(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value}


def _decoded_header(value: str, charset: str = "") -> str:
    """Return a header for display; encoded words in an unknown charset are kept unchanged."""
    flat = _letters(re.sub(r"\r?\n[ \t]*", " ", value).strip(), charset)
    kept: list[tuple[str, str, bytes]] = []
    place = 0
    for found in _WORD.finditer(flat):
        # RFC 2231, 5: a language may follow the charset.
        between, name = flat[place : found.start()], found[1].partition("*")[0].lower()
        if kept and not between.strip() and kept[-1][1] == name:
            words, _, data = kept.pop()
            # Senders split characters between two words, against RFC 2047, 5, so the bytes are joined first.
            kept.append((words + between + found[0], name, data + _word(found[2], found[3])))
        else:
            kept.append((between if between.strip() or not kept else "", "", b""))
            kept.append((found[0], name, _word(found[2], found[3])))
        place = found.end()
    return "".join(_decoded(*each) for each in kept) + flat[place:]


def _word(encoding: str, letters: str) -> bytes:
    if encoding in "qQ":
        return binascii.a2b_qp(letters.encode(), header=True)
    try:
        return binascii.a2b_base64(letters + "=" * (-len(letters) % 4))
    except ValueError:
        return letters.encode()


def _decoded(words: str, charset: str, data: bytes) -> str:
    if not charset:
        return words
    try:
        return data.decode(_READ_AS.get(charset, charset) or "ascii")
    except (LookupError, ValueError):
        return words


def _split(raw: bytes) -> tuple[bytes, bytes, bytes]:
    """Return head, separator and body."""
    # Mails come with either line end, and some mix them.
    match = re.search(rb"\r?\n(\r?\n)", raw)
    return (raw[: match.start()], match.group(), raw[match.end() :]) if match else (raw, b"\n\n", b"")
