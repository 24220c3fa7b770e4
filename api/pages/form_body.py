"""Reads a submission as it arrives: texts into memory up to their limits, files straight to disk."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool

from engine.forms.fields import FormField, FormFields
from engine.forms.inbox import SentFile
from engine.forms.values import InvalidValue, file_name, media_type, typed

FIELD = "field-"
PAGE_ID, TRAP = "page", "website"
_OWN_BYTES = 200
"""The most that is kept of the page's id, and of the field that only programs fill in."""
_MORE_PARTS = 8
_DRAINED_BYTES = 8 * 1024 * 1024
"""How much more than it may have is read of a request, so that the browser shows the answer."""


class UnreadableBody(Exception):
    """The request is not a submission of the form."""


class BodyTooLarge(Exception):
    """The request is much larger than any submission of the form."""


@dataclass
class _Part:
    name: str = ""
    data: bytearray = field(default_factory=bytearray)
    most_bytes: int = 0
    file: _File | None = None


@dataclass
class _File:
    of: FormField
    path: Path
    handle: BinaryIO
    name: str
    media_type: str
    digest: Any = field(default_factory=hashlib.sha256)
    size: int = 0


@dataclass
class Body:
    """What has arrived."""

    texts: dict[str, str] = field(default_factory=dict)
    """By field, as they can be shown again."""
    own: dict[str, str] = field(default_factory=dict)
    """The id of the page, and the field that only programs fill in."""
    files: dict[str, SentFile] = field(default_factory=dict)
    """In the draft, by field."""
    wrong: dict[str, InvalidValue] = field(default_factory=dict)
    """Files that cannot be taken."""
    size_bytes: int = 0
    """Of the whole request."""


async def read_body(content_type: str, chunks: AsyncIterable[bytes], form: FormFields, draft: Path) -> Body:
    """Read a whole request; its files go to `draft`. Raises UnreadableBody, BodyTooLarge, OSError (the disk)."""
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not 0 < len(boundary) <= 200:
        raise UnreadableBody
    reader = _Reader(form, draft)
    try:
        parser = MultipartParser(boundary, reader.callbacks)
        async for chunk in chunks:
            reader.body.size_bytes += len(chunk)
            if reader.body.size_bytes > form.most_bytes + _DRAINED_BYTES:
                raise BodyTooLarge
            await run_in_threadpool(parser.write, chunk)
        parser.finalize()
    except (FormParserError, KeyError, ValueError) as error:
        raise UnreadableBody from error
    finally:
        reader.close()
    if not reader.is_whole:
        raise UnreadableBody
    return reader.body


class _Reader:
    """Takes the parts of a request one after the other."""

    def __init__(self, form: FormFields, draft: Path) -> None:
        self.body, self.is_whole = Body(), False
        self._draft, self._by_name = draft, {FIELD + one.name: one for one in form.fields}
        self._parts_left = len(form.fields) + _MORE_PARTS
        self._part = _Part()
        self._header, self._value = b"", b""
        self._headers: dict[bytes, bytes] = {}

    @property
    def callbacks(self) -> Any:
        """What the parser calls."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_end,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._whole,
        }

    def close(self) -> None:
        """Close a file that was cut off."""
        if self._part.file is not None:
            self._part.file.handle.close()

    def _whole(self) -> None:
        self.is_whole = True

    def _begin(self) -> None:
        self._parts_left -= 1
        if self._parts_left < 0:
            raise ValueError("too many parts")
        self._part, self._headers = _Part(), {}

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._header.lower()] = self._value
        self._header, self._value = b"", b""

    def _headers_end(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        part = self._part
        part.name = options[b"name"].decode("utf-8", "replace")
        known = self._by_name.get(part.name)
        if known is None:
            part.most_bytes = _OWN_BYTES if part.name in (PAGE_ID, TRAP) else 0
        elif known.type != "file":
            # UTF-8 needs four bytes a character at most; four more show that a text is too long.
            part.most_bytes = 4 * known.most_characters + 4
        elif options.get(b"filename"):
            self._begin_file(known, options[b"filename"].decode("utf-8", "replace"))

    def _begin_file(self, known: FormField, name: str) -> None:
        kind = media_type(self._headers.get(b"content-type", b"").decode("latin-1"))
        path = self._draft / f"{len(self.body.files) + len(self.body.wrong)}.file"
        handle = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        self._part.file = _File(known, path, handle, file_name(name), kind)

    def _data(self, data: bytes, start: int, end: int) -> None:
        part, file = self._part, self._part.file
        if file is None:
            part.data += data[start : min(end, start + part.most_bytes - len(part.data))]
            return
        file.size += end - start
        if file.size <= file.of.most_bytes:
            file.handle.write(memoryview(data)[start:end])
            file.digest.update(memoryview(data)[start:end])

    def _end(self) -> None:
        part, body = self._part, self.body
        known = self._by_name.get(part.name)
        if part.file is not None:
            self._end_file(part.file)
            part.file = None
        elif known is not None and known.type != "file":
            body.texts.setdefault(known.name, typed(known, part.data.decode("utf-8", "replace")))
        elif known is None and part.name in (PAGE_ID, TRAP):
            body.own.setdefault(part.name, part.data.decode("utf-8", "replace"))

    def _end_file(self, file: _File) -> None:
        file.handle.close()
        name = file.of.name
        if name in self.body.files or name in self.body.wrong:
            raise ValueError("two files in one field")
        if file.size > file.of.most_bytes:
            self.body.wrong[name] = InvalidValue("too_large", file.of.largest_mb)
        elif file.size == 0:
            self.body.wrong[name] = InvalidValue("empty_file")
        else:
            sha256 = file.digest.hexdigest()
            self.body.files[name] = SentFile(file.path.name, file.name, file.media_type, file.size, sha256)
