"""A raw mail (RFC 5322) as Gmail shows it: its tree of parts, its text, what search knows of it."""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from typing import Any

# Gmail keeps a Message-ID that has this form and writes its own in place of any other.
WELL_FORMED_ID = re.compile(r"^<[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+>$")
SNIPPET_LENGTH = 200
BLOCK_TAGS = {"p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "table", "ul", "ol", "blockquote"}


@dataclass(frozen=True)
class Mail:
    """A parsed mail and the bytes that it was made from."""

    raw: bytes
    message: Message

    @classmethod
    def parse(cls, raw: bytes) -> Mail:
        """Parse any bytes; what is broken in them becomes text, never an error."""
        return cls(raw, message_from_bytes(raw))

    def header(self, name: str) -> str:
        """The first header of that name, decoded and on one line; "" where there is none."""
        return next((value for key, value in headers_of(self.message) if key.lower() == name.lower()), "")

    @property
    def text(self) -> str:
        """What a person reads: the plain text, else the words of the HTML."""
        bodies = [part for part in self.message.walk() if not part.is_multipart() and not filename_of(part)]
        for kind in ("text/plain", "text/html"):
            found = [decoded_text(part) for part in bodies if part.get_content_type() == kind]
            if any(each.strip() for each in found):
                return "\n".join(found if kind == "text/plain" else map(words_of_html, found)).replace("\r\n", "\n")
        return ""

    @property
    def date_ms(self) -> int | None:
        """The Date header in milliseconds since 1970, None where it is missing or broken."""
        try:
            return int(parsedate_to_datetime(self.header("Date")).timestamp() * 1000)
        except (ValueError, OverflowError, TypeError):
            return None

    def snippet(self) -> str:
        """The beginning of the text, on one line, escaped for HTML as Gmail does."""
        return html.escape(" ".join(self.text.split())[:SNIPPET_LENGTH], quote=True).replace("&#x27;", "&#39;")

    def search_fields(self) -> dict[str, Any]:
        """What a search looks at."""
        names = [name for part in self.message.walk() if (name := filename_of(part))]
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


def payload(mail: Mail, message_id: str) -> dict[str, Any]:
    """The mail as a tree of MessagePart; parts with a name are left out and given by attachmentId."""
    return _part(mail.message, "", message_id)


def metadata(mail: Mail, only: list[str]) -> dict[str, Any]:
    """The top MessagePart with its headers alone, of all names or of those in `only`."""
    wanted = {name.lower() for name in only}
    found = headers_of(mail.message)
    kept = [_header(name, value) for name, value in found if not wanted or name.lower() in wanted]
    return {"mimeType": mail.message.get_content_type(), "headers": kept}


def attachment(mail: Mail, message_id: str, attachment_id: str) -> bytes | None:
    """The bytes behind an attachmentId of this message, None where there is no such part."""
    for part_id, part in _walk(mail.message, ""):
        if filename_of(part) and _attachment_id(message_id, part_id) == attachment_id:
            return _bytes_of(part)
    return None


def base64url(data: bytes) -> str:
    """Base64url without padding, as Gmail writes it."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def from_base64url(text: str) -> bytes:
    """Decode base64url with or without padding, also the plain alphabet; raises ValueError."""
    letters = re.sub(r"\s", "", text).replace("+", "-").replace("/", "_").rstrip("=")
    if not re.fullmatch(r"[A-Za-z0-9_-]*", letters):
        raise ValueError("not base64url")
    try:
        return base64.urlsafe_b64decode(letters + "=" * (-len(letters) % 4))
    except binascii.Error as error:
        raise ValueError("not base64url") from error


def with_header(raw: bytes, name: str, value: str) -> bytes:
    """The mail with this header on top, in place of any of the same name."""
    head, gap, body = _split(raw)
    fields = re.split(rb"\r?\n(?![ \t])", head)
    kept = [each for each in fields if each and each.split(b":", 1)[0].strip().lower() != name.lower().encode()]
    end = b"\r\n" if b"\r\n" in head or b"\r\n" in gap else b"\n"
    return end.join([f"{name}: {value}".encode(), *kept]) + end + end + body


def without_header(raw: bytes, name: str) -> tuple[bytes, str]:
    """The mail without a header, and the value it had ("" where there was none)."""
    value = Mail.parse(raw).header(name)
    if not value:
        return raw, ""
    marked = with_header(raw, name, value)
    return marked.split(b"\n", 1)[1], value


def headers_of(part: Message) -> list[tuple[str, str]]:
    """Names and values, encoded words (RFC 2047) decoded, folded lines joined."""
    return [(name, _decoded_header(str(value))) for name, value in part.raw_items()]


def filename_of(part: Message) -> str:
    """The name of an attachment, "" for a part without one."""
    if part.is_multipart():
        return ""
    try:
        return _decoded_header(part.get_filename() or "")
    except (LookupError, ValueError, TypeError):
        return ""


def decoded_text(part: Message) -> str:
    """The text of a part; of an unknown charset each byte stands for the Latin-1 letter."""
    data = _bytes_of(part)
    charset = _charset(part)
    try:
        return data.decode(charset or "utf-8", "replace" if charset else "strict")
    except (LookupError, ValueError):
        return data.decode("latin-1")


def words_of_html(source: str) -> str:
    """The visible words of HTML, a line for each block."""
    reader = _Words()
    # The parser fails on a declaration that it does not know; the end of a comment is none.
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
        """Begin a line with a block, fall silent in style, script and title."""
        del attrs
        self.silent += tag in {"style", "script", "title"}
        if tag in BLOCK_TAGS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """Speak again after style, script and title."""
        if tag in {"style", "script", "title"}:
            self.silent = max(0, self.silent - 1)

    def handle_data(self, data: str) -> None:
        """Take the words."""
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
        shown["body"] = {"attachmentId": _attachment_id(message_id, part_id), "size": len(_bytes_of(part))}
    else:
        data = _shown_bytes(part)
        shown["body"] = {"size": len(data), "data": base64url(data)} if data else {"size": 0}
    return shown


def _shown_bytes(part: Message) -> bytes:
    """The content; Gmail gives text in UTF-8 whatever its charset was, but leaves one that it does not know."""
    data = _bytes_of(part)
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
    # RFC 1554's name stands for what Windows writes under it.
    return {"gb2312": "gb18030", "us-ascii": ""}.get(charset, charset)


def _children(part: Message, part_id: str) -> Iterator[tuple[str, Message]]:
    for index, child in enumerate(part.get_payload()):
        if isinstance(child, Message):
            yield (f"{part_id}.{index}" if part_id else str(index)), child


def _walk(part: Message, part_id: str) -> Iterator[tuple[str, Message]]:
    yield part_id, part
    if part.is_multipart():
        for child_id, child in _children(part, part_id):
            yield from _walk(child, child_id)


def _bytes_of(part: Message) -> bytes:
    """The content without its transfer encoding."""
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def _attachment_id(message_id: str, part_id: str) -> str:
    return f"ANGjdJ{base64url(f'{message_id}/{part_id}'.encode())}"


def _header(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value}


def _decoded_header(value: str) -> str:
    flat = re.sub(r"\r?\n[ \t]?", " ", value).strip()
    try:
        pieces = decode_header(flat) if "=?" in flat else [(flat, None)]
        text = "".join(each if isinstance(each, str) else _decoded(each, charset) for each, charset in pieces)
    except (HeaderParseError, ValueError):
        text = flat
    # A header in raw 8-bit letters comes out of the parser as surrogates.
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _decoded(data: bytes, charset: str | None) -> str:
    try:
        return data.decode(charset or "ascii")
    except (LookupError, ValueError):
        return data.decode("latin-1")


def _split(raw: bytes) -> tuple[bytes, bytes, bytes]:
    """Head, the empty line, body."""
    match = re.search(rb"\r?\n(\r?\n)", raw)
    return (raw[: match.start()], match.group(), raw[match.end() :]) if match else (raw, b"\n\n", b"")
