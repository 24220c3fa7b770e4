"""Reads winmail.dat, where Outlook puts the text and the files of a mail (MS-OXTNEF)."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeAlias

from msgspec import Struct, field

from clients.mail_formats.rtf import codec_of, decompressed, read_rtf

SIGNATURE = b"\x78\x9f\x3e\x22"
_LEVELS_MOST = 5
"""Mails within mails."""
_FILES_MOST = 500
_PROPERTIES_MOST = 5000
_BODY, _CODE_PAGE, _PROPERTIES, _SUBJECT = 0x2800C, 0x69007, 0x69003, 0x18004
_FILE_BEGINS, _FILE_NAME, _FILE_CONTENT, _FILE_PROPERTIES = 0x69002, 0x18010, 0x6800F, 0x69005
_MESSAGE_CLASS = 0x78008
_EMBEDDED = bytes.fromhex("0703020000000000c000000000000046")
"""IID_IMessage: the attachment is a mail."""
_FIXED = {0: 4, 1: 4, 2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 0xA: 4, 0xB: 4, 0x14: 8, 0x40: 8, 0x48: 16}
"""Bytes of a value by its type, with what fills them up to four."""
_STRING, _UNICODE, _OBJECT, _BINARY = 0x1E, 0x1F, 0x0D, 0x102
_IS_LIST = 0x1000
_NAMED = 0x8000
_MEETINGS = {0x820D: "starts", 0x820E: "ends", 0x8208: "location", 0x8215: "all_day"}
"""Named properties of appointments (MS-OXPROPS)."""
_APPOINTMENT = bytes.fromhex("0220060000000000c000000000000046")
Method: TypeAlias = Literal["", "REQUEST", "CANCEL", "REPLY"]
_METHODS: Mapping[str, Method] = {
    "mtgreq": "REQUEST",
    "mtgcncl": "CANCEL",
    "mtgresp": "REPLY",
    "meeting.request": "REQUEST",
    "meeting.canceled": "CANCEL",
    "meeting.resp": "REPLY",
}
"""Parts of a message's class, in old and in present words."""


class TnefFile(Struct, frozen=True):
    """A file that is attached."""

    name: str
    media_type: str
    content_id: str
    content: bytes


class TnefMail(Struct):
    """The content of a winmail.dat."""

    subject: str = ""
    sender: str = ""
    text: str = ""
    html: str | bytes = ""
    files: list[TnefFile] = field(default_factory=list)
    mails: list[TnefMail] = field(default_factory=list)
    """Mails that are attached."""
    method: Method = ""
    """The method of an invitation, as iCalendar calls it."""
    meeting: dict[str, Any] = field(default_factory=dict)
    """{starts, ends: aware times, location, all_day} of an invitation, as far as they are known."""
    is_cut: bool = False
    """Whether the data end before they should, or have more than is read."""


def read_tnef(data: bytes, level: int = 0) -> TnefMail | None:
    """Return the content of a winmail.dat; None for anything else."""
    if not data.startswith(SIGNATURE):
        return None
    found = TnefMail()
    reader = _Reader(found, level)
    for name, content in _attributes(data, found):
        reader.take(name, content)
    reader.end_file()
    return found


def _attributes(data: bytes, found: TnefMail) -> Iterator[tuple[int, bytes]]:
    place = 6  # after the signature, and a key of two bytes
    while place + 9 <= len(data):
        _, name, size = struct.unpack_from("<BII", data, place)
        place += 9
        found.is_cut |= place + size > len(data)
        yield name, data[place : place + size]
        place += size + 2  # a checksum follows


class _Reader:
    """Takes the attributes in order: a file's follow its beginning."""

    def __init__(self, mail: TnefMail, level: int) -> None:
        self._mail, self._level, self._codec = mail, level, "cp1252"
        self._file: dict[str, Any] | None = None

    def take(self, name: int, content: bytes) -> None:
        """Take an attribute."""
        mail = self._mail
        if name == _FILE_BEGINS:
            self.end_file()
            self._file = {}
        elif self._file is not None and name in (_FILE_NAME, _FILE_CONTENT):
            self._file[str(name)] = content
        elif self._file is not None and name == _FILE_PROPERTIES:
            self._file["properties"] = _properties(content, self._codec)
        elif name == _CODE_PAGE:
            self._codec = codec_of(int.from_bytes(content[:4], "little"))
        elif name == _SUBJECT:
            mail.subject = mail.subject or self._text(content)
        elif name == _BODY:
            mail.text = mail.text or self._text(content)
        elif name == _MESSAGE_CLASS:
            mail.method = mail.method or _method_of(self._text(content))
        elif name == _PROPERTIES:
            self._take_properties(_properties(content, self._codec))

    def _text(self, content: bytes) -> str:
        return content.decode(self._codec, "replace").rstrip("\0")

    def _take_properties(self, known: Mapping[Any, Any]) -> None:
        mail = self._mail
        # MS-OXPROPS: 0x37 subject; 0x5D01, 0xC1F and 0xC1A the sender's address by SMTP, address and name; 0x1000 text;
        # 0x1013 HTML; 0x1A class; 0x1009 compressed RTF.
        mail.subject = _words(known.get(0x37)) or mail.subject
        sender = _words(known.get(0x5D01)) or _words(known.get(0xC1F))
        mail.sender = f"{_words(known.get(0xC1A))} <{sender}>".strip() if "@" in sender else _words(known.get(0xC1A))
        mail.text = _words(known.get(0x1000)) or mail.text
        mail.html = known.get(0x1013) or mail.html
        mail.method = _method_of(_words(known.get(0x1A))) or mail.method
        mail.meeting = {name: known[number] for number, name in _MEETINGS.items() if known.get(number) is not None}
        if not mail.html and not mail.text and isinstance(known.get(0x1009), bytes):
            rich = read_rtf(decompressed(known[0x1009]))
            if rich and rich.form == "html":
                mail.html = rich.text
            elif rich:
                mail.text = rich.text

    def end_file(self) -> None:
        """Keep the file that has ended."""
        file, self._file = self._file, None
        if file is None:
            return
        if len(self._mail.files) + len(self._mail.mails) >= _FILES_MOST:
            self._mail.is_cut = True
            return
        known = file.get("properties", {})
        # MS-OXPROPS: 0x3701 content; 0x3707 and 0x3704 long and short name; 0x3001 display name; 0x370E media type;
        # 0x3712 Content-ID.
        content = known.get(0x3701) if isinstance(known.get(0x3701), bytes) else b""
        name = _words(known.get(0x3707)) or _words(known.get(0x3704)) or self._text(file.get(str(_FILE_NAME), b""))
        if content.startswith(_EMBEDDED):
            self._take_mail(content[len(_EMBEDDED) :], _words(known.get(0x3001)) or name)
            return
        media_type, content_id = _words(known.get(0x370E)), _words(known.get(0x3712))
        kept = file.get(str(_FILE_CONTENT)) or content
        self._mail.files.append(TnefFile(name or _words(known.get(0x3001)), media_type, content_id, kept))

    def _take_mail(self, data: bytes, name: str) -> None:
        inner = read_tnef(data, self._level + 1) if self._level < _LEVELS_MOST else None
        if inner is None:
            self._mail.is_cut = True
            return
        inner.subject = inner.subject or name
        self._mail.is_cut |= inner.is_cut
        self._mail.mails.append(inner)


def _words(value: Any) -> str:
    return value.strip("\0").strip() if isinstance(value, str) else ""


def _method_of(message_class: str) -> Method:
    said = message_class.lower()
    return next((method for part, method in _METHODS.items() if part in said), "")


def _properties(data: bytes, codec: str) -> dict[int, Any]:
    """Return the properties that are known here: {id: text, bytes, number, truth or time}."""
    found: dict[int, Any] = {}
    place = 4
    try:
        for _ in range(min(int.from_bytes(data[:4], "little"), _PROPERTIES_MOST)):
            kind, number = struct.unpack_from("<HH", data, place)
            place += 4
            if number >= _NAMED:
                number, place = _name(data, place)
            values, place = _values(data, place, kind)
            if values and number not in found and not kind & _IS_LIST:
                found[number] = _value(values[0], kind, codec)
    except (struct.error, KeyError, OverflowError):  # the rest cannot be found
        pass
    return found


def _name(data: bytes, place: int) -> tuple[int, int]:
    """Return the number of a named property, -1 for one that is not known here, and where its value begins."""
    space = data[place : place + 16]
    [kind, number] = struct.unpack_from("<II", data, place + 16)
    place += 24
    if kind:
        return -1, place + _padded(number)
    return (number if space == _APPOINTMENT and number in _MEETINGS else -1), place


def _values(data: bytes, place: int, kind: int) -> tuple[list[bytes], int]:
    """Return the first value of a property, and where the next one begins."""
    single = kind & ~_IS_LIST
    has_length = single in (_STRING, _UNICODE, _OBJECT, _BINARY)
    count = 1
    if has_length or kind & _IS_LIST:
        [count] = struct.unpack_from("<I", data, place)
        place += 4
    found: list[bytes] = []
    for _ in range(count):
        if has_length:
            [size] = struct.unpack_from("<I", data, place)
            place += 4
        else:
            size = _FIXED[single]
        if place + size > len(data) + 3:
            raise OverflowError
        if not found:
            found.append(data[place : place + size])
        place += _padded(size)
    return found, place


def _padded(size: int) -> int:
    return size + -size % 4


def _value(value: bytes, kind: int, codec: str) -> Any:
    if kind == _UNICODE:
        return value.decode("utf-16-le", "replace").rstrip("\0")
    if kind == _STRING:
        return value.decode(codec, "replace").rstrip("\0")
    if kind == 0x40:
        ticks = int.from_bytes(value, "little")  # tenths of a microsecond
        return datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=ticks // 10)
    if kind == 0xB:
        return value[:2] != b"\0\0"
    return value if kind in (_BINARY, _OBJECT) else int.from_bytes(value, "little")
