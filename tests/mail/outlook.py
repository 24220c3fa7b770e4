"""Writes winmail.dat as Outlook does, attribute for attribute (MS-OXTNEF 2.1), and compresses its RTF."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import UTC, datetime

_IID_MESSAGE = bytes.fromhex("0703020000000000c000000000000046")
_APPOINTMENT = bytes.fromhex("0220060000000000c000000000000046")


def attribute(level: int, name: int, content: bytes) -> bytes:
    """One attribute, with its checksum."""
    return struct.pack("<BII", level, name, len(content)) + content + struct.pack("<H", sum(content) % 65536)


def text(number: int, value: str) -> bytes:
    """A property that is text, in UTF-16 with the zero at its end."""
    return _long(number, 0x1F, value.encode("utf-16-le") + b"\0\0")


def binary(number: int, value: bytes) -> bytes:
    """A property of bytes."""
    return _long(number, 0x102, value)


def embedded(stream: bytes) -> bytes:
    """The property of an attachment that is a mail: its interface, then a TNEF stream."""
    return _long(0x3701, 0x0D, _IID_MESSAGE + stream)


def number(name: int, value: int) -> bytes:
    """A property that is a number."""
    return struct.pack("<HHi", 3, name, value)


def appointment(name: int, kind: int, value: bytes) -> bytes:
    """A named property of appointments."""
    head = struct.pack("<HH", kind, 0x8001) + _APPOINTMENT + struct.pack("<II", 0, name)
    return head + (value if kind != 0x1F else struct.pack("<II", 1, len(value)) + _filled(value))


def filetime(moment: datetime) -> bytes:
    """A time, as Windows counts it."""
    return struct.pack("<Q", int((moment - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds()) * 10_000_000)


def named(name: str, value: bytes) -> bytes:
    """A property whose name is a text, which nobody here knows."""
    written = name.encode("utf-16-le") + b"\0\0"
    head = struct.pack("<HH", 0x102, 0x8002) + bytes(16) + struct.pack("<II", 1, len(written)) + _filled(written)
    return head + struct.pack("<II", 1, len(value)) + _filled(value)


def properties(*given: bytes) -> bytes:
    """The properties of a mail or a file."""
    return struct.pack("<I", len(given)) + b"".join(given)


def file(short_name: str, content: bytes, *given: bytes) -> bytes:
    """The attributes of an attached file."""
    begin = struct.pack("<HIHHi", 1, 0xFFFFFFFF, 32, 32, 0)
    return b"".join(
        [
            attribute(2, 0x69002, begin),
            attribute(2, 0x18010, short_name.encode("cp1252") + b"\0"),
            *([attribute(2, 0x6800F, content)] if content else []),
            attribute(2, 0x69005, properties(number(0x3705, 1), *given)),
        ]
    )


def winmail(*attributes: bytes, of: Sequence[bytes] = (), message_class: str = "IPM.Microsoft Mail.Note") -> bytes:
    """A stream: its version, its code page, its class, the properties of the mail, then the files."""
    return b"".join(
        [
            b"\x78\x9f\x3e\x22\x01\x00",
            attribute(1, 0x89006, b"\0\0\1\0"),
            attribute(1, 0x69007, struct.pack("<II", 1252, 0)),
            attribute(1, 0x78008, message_class.encode() + b"\0"),
            attribute(1, 0x69003, properties(*of)),
            *attributes,
        ]
    )


def compressed(rtf: bytes) -> bytes:
    """RTF in the compressed form (MS-OXRTFCP): letters as they are, and references where one is found nearby."""
    window = (
        rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans "
        rb"SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0" + b"\r\n"
        rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
    )
    start, place, tokens = len(window), 0, []
    said = window + rtf
    while place < len(rtf):
        here, best, where = start + place, 0, 0
        for length in range(min(17, len(rtf) - place), 1, -1):
            found = said.find(rtf[place : place + length], max(0, here - 4000), here + length - 1)
            if 0 <= found < here:
                best, where = length, found
                break
        tokens.append((1, struct.pack(">H", (where % 4096) << 4 | best - 2)) if best else (0, rtf[place : place + 1]))
        place += best or 1
    tokens.append((1, struct.pack(">H", ((start + len(rtf)) % 4096) << 4)))
    body = b""
    for begin in range(0, len(tokens), 8):
        eight = tokens[begin : begin + 8]
        body += bytes([sum(bit << index for index, (bit, _) in enumerate(eight))]) + b"".join(one for _, one in eight)
    return struct.pack("<IIII", len(body) + 12, len(rtf), 0x75465A4C, 0) + body


def _long(number: int, kind: int, value: bytes) -> bytes:
    return struct.pack("<HHII", kind, number, 1, len(value)) + _filled(value)


def _filled(value: bytes) -> bytes:
    return value + b"\0" * (-len(value) % 4)
