"""The body of a delivery as a value: JSON, a form, a form with files, XML or text."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import parse_qsl
from xml.parsers import expat

from clients.errors import BadAnswer
from engine.base.plain_values import plain_json
from engine.forms.inbox import SentFile
from engine.forms.values import file_name, media_type
from engine.hooks.signatures import DeliveryRefused, Received

MOST_FIELDS, MOST_FILES = 1000, 20
_DEEPEST, _MOST_ELEMENTS = 100, 50_000
_FORM, _MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
_CHARSETS = frozenset(
    "utf8 utf16 utf16le utf16be usascii ascii iso88591 latin1 iso885915 windows1252 windows1251".split()
)
"""What people send. Others of Python are no text, or take quadratic time."""
_CHARSET = re.compile(r"charset\s*=\s*\"?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_TAKEN = "Send JSON, a form, a form with files, XML or text."


def text_of(received: Received) -> str:
    """Return the body as text. Raises DeliveryRefused if it is not in the encoding that it names."""
    found = _CHARSET.search(received.header("content-type"))
    charset = found[1] if found else "utf-8"
    if re.sub("[-_]", "", charset.lower()) not in _CHARSETS:
        raise DeliveryRefused("type", f"The encoding {charset} is not taken. Send UTF-8.")
    try:
        return received.body.decode(charset).removeprefix("\ufeff")
    except (LookupError, UnicodeError):
        raise DeliveryRefused("body", f"The body is not text in {charset}.") from None


def value_of(media: str, text: str) -> Any:
    """Return the value of a body that is text. Raises DeliveryRefused if it is not what its type says."""
    if media == "application/json" or media.endswith("+json"):
        return _json(text)
    if media == _FORM:
        return _form(text)
    if media in ("application/xml", "text/xml") or media.endswith("+xml"):
        return _xml(text)
    return text


def read(received: Received, draft: Path) -> tuple[str, Mapping[str, Any] | None, dict[str, SentFile]]:
    """Return (text, fields, files) of a body; files are written to `draft`, and only a form with files has fields.

    Raises DeliveryRefused for a type that is not taken and for a body that is not what its type says; OSError.
    """
    media = received.media_type
    if media == _MULTIPART:
        fields, files = _multipart(received, draft)
        return "", fields, files
    is_known = media in ("application/json", "application/xml", _FORM) or media.endswith(("+json", "+xml"))
    if received.body and not is_known and not media.startswith("text/"):
        raise DeliveryRefused("type", f"The type {media[:80] or '(none)'} is not taken. {_TAKEN}")
    text = text_of(received)
    value_of(media, text)
    return text, None, {}


def _json(text: str) -> Any:
    if not text.strip():
        return None
    try:
        return plain_json(json.loads(text, parse_constant=_no_number))
    except (ValueError, RecursionError, BadAnswer):
        raise DeliveryRefused("body", "The body is not JSON, or nested too deeply.") from None


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)


def _form(text: str) -> dict[str, Any]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise DeliveryRefused("body", f"The form has more than {MOST_FIELDS} fields.") from None
    return _grouped(pairs)


def _grouped(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Return the texts by name; a name that comes several times has a list."""
    found: dict[str, list[str]] = {}
    for name, text in pairs:
        found.setdefault(name, []).append(text)
    return {name: texts[0] if len(texts) == 1 else texts for name, texts in found.items()}


def _multipart(received: Received, draft: Path) -> tuple[dict[str, Any], dict[str, SentFile]]:
    from python_multipart import parse_form
    from python_multipart.exceptions import FormParserError

    pairs: list[tuple[str, str]] = []
    files: dict[str, SentFile] = {}

    def on_field(field: Any) -> None:
        pairs.append((_name(field.field_name), (field.value or b"").decode("utf-8", "replace")))
        if len(pairs) > MOST_FIELDS:
            raise DeliveryRefused("body", f"The form has more than {MOST_FIELDS} fields.")

    def on_file(file: Any) -> None:
        if len(files) >= MOST_FILES:
            raise DeliveryRefused("body", f"The form has more than {MOST_FILES} files.")
        content = file.file_object
        content.seek(0)
        kind = media_type(str(file.content_type or ""))
        files[str(len(files))] = _stored(draft, str(len(files)), content.read(), _name(file.file_name), kind)

    headers = {"Content-Type": received.header("content-type").encode("latin-1", "replace")}
    try:
        parse_form(headers, io.BytesIO(received.body), on_field, on_file)
    except (FormParserError, ValueError, KeyError) as error:
        raise DeliveryRefused("body", "The form with files cannot be read.") from error
    return _grouped(pairs), files


def _name(name: bytes | None) -> str:
    return (name or b"").decode("utf-8", "replace")


def _stored(draft: Path, name: str, content: bytes, called: str, kind: str) -> SentFile:
    stored = f"{name}.file"
    handle = os.open(draft / stored, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    return SentFile(stored, file_name(called), kind, len(content), hashlib.sha256(content).hexdigest())


class _Element:
    def __init__(self, attributes: Mapping[str, str]) -> None:
        self.members: dict[str, Any] = {f"@{name}": text for name, text in attributes.items()}
        self.found: dict[str, list[Any]] = {}
        self.texts: list[str] = []

    def add(self, name: str, value: Any) -> None:
        self.found.setdefault(name, []).append(value)

    @property
    def value(self) -> Any:
        text = "".join(self.texts).strip()
        self.members.update((name, one[0] if len(one) == 1 else one) for name, one in self.found.items())
        if not self.members:
            return text
        return {**self.members, "#text": text} if text else self.members


class _Reader:
    """Makes a value of XML as it is read; nothing that a DOCTYPE could declare is ever looked at."""

    def __init__(self) -> None:
        self.top, self._count = _Element({}), 0
        self._open: list[_Element] = [self.top]

    def start(self, _name: str, attributes: Mapping[str, str]) -> None:
        self._count += 1
        if len(self._open) > _DEEPEST or self._count > _MOST_ELEMENTS:
            raise DeliveryRefused("body", "The XML is nested too deeply, or has too many elements.")
        self._open.append(_Element(attributes))

    def end(self, name: str) -> None:
        closed = self._open.pop()
        self._open[-1].add(name, closed.value)

    def text(self, text: str) -> None:
        self._open[-1].texts.append(text)


def _no_doctype(*_: Any) -> NoReturn:
    raise DeliveryRefused("body", "The XML has a DOCTYPE, which could declare entities.")


def _xml(text: str) -> Any:
    """Return {name of the root: value}: members by name, attributes with `@`, text beside them as `#text`."""
    reader, parser, isfinal = _Reader(), expat.ParserCreate(), True
    parser.StartDoctypeDeclHandler = _no_doctype
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler = reader.text
    parser.buffer_text = True
    try:
        # The text is decoded already: what its first line says of an encoding no longer counts.
        parser.Parse(re.sub(r"^\s*<\?xml[^>]*\?>", "", text).encode(), isfinal)
    except (expat.ExpatError, ValueError):
        raise DeliveryRefused("body", "The body is not XML.") from None
    return reader.top.value
