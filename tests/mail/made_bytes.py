"""Writes what mails consist of, byte for byte: encoded words, transfer encodings, OpenPGP, S/MIME, uuencode."""

from __future__ import annotations

import base64
import binascii
import quopri
import random
from urllib.parse import quote


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


def signed_data(content: bytes) -> bytes:
    """Write SignedData around a content, in DER, without signers (RFC 5652 5.1)."""
    signed, data = bytes.fromhex("06092a864886f70d010702"), bytes.fromhex("06092a864886f70d010701")
    inner = der(0x30, data, der(0xA0, der(0x04, content)))
    return der(0x30, signed, der(0xA0, der(0x30, b"\x02\x01\x01", b"\x31\x00", inner, b"\x31\x00")))


def der(tag: int, *contents: bytes) -> bytes:
    """Write a value in DER."""
    content = b"".join(contents)
    size = len(content)
    length = size.to_bytes((size.bit_length() + 7) // 8 or 1, "big")
    return bytes([tag]) + (bytes([size]) if size < 128 else bytes([0x80 | len(length)]) + length) + content


def encoded_words(data: bytes, charset: str, rng: random.Random, *, may_tear: bool) -> bytes:
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


def in_pieces(name: str) -> bytes:
    """Write the name of a file in two pieces (RFC 2231 3)."""
    first, second = quote(name[:4]), quote(name[4:])
    return f"Content-Disposition: attachment; filename*0*=utf-8''{first}; filename*1*={second}".encode()


def transfer(way: str, data: bytes, end: bytes, rng: random.Random) -> bytes:
    """Write a body in one of the transfer encodings, its lines as the mail has them."""
    if way == "quoted-printable":
        return quopri.encodestring(data.replace(b"\r\n", b"\n"), quotetabs=False).replace(b"\n", end)
    if way == "base64":
        return base64.b64encode(data) if rng.random() < 0.2 else base64.encodebytes(data).replace(b"\n", end)
    return data


def armored(kind: str, data: bytes, end: bytes, *lines: bytes) -> bytes:
    """Write the armor of OpenPGP around bytes, such as a `MESSAGE` (RFC 9580 6.2); `lines` are its headers."""
    name, letters = kind.encode(), base64.b64encode(data)
    pieces = [letters[place : place + 64] for place in range(0, len(letters), 64)]
    checked = b"=" + base64.b64encode(_crc24(data).to_bytes(3, "big"))
    around = [b"-----BEGIN PGP " + name + b"-----", b"-----END PGP " + name + b"-----"]
    return end.join([around[0], *lines, b"", *pieces, checked, around[1], b""])


def clear_signed(text: bytes, signature: bytes, end: bytes) -> bytes:
    """Write a text that is signed by OpenPGP in itself (RFC 9580 7): lines that begin with a hyphen get another."""
    lines = [b"- " + line if line.startswith((b"-", b"From ")) else line for line in text.split(end)]
    begins = [b"-----BEGIN PGP SIGNED MESSAGE-----", b"Hash: SHA512", b""]
    return end.join([*begins, *lines, armored("SIGNATURE", signature, end)])


def _crc24(data: bytes) -> int:
    """Return the checksum of an armor (RFC 9580 6.1.1)."""
    found = 0xB704CE
    for byte in data:
        found ^= byte << 16
        for _ in range(8):
            found <<= 1
            found ^= 0x1864CFB if found & 0x1000000 else 0
    return found & 0xFFFFFF


def uuencoded(name: str, data: bytes, end: bytes) -> bytes:
    """Write a file as programs did before MIME."""
    pieces = [data[place : place + 45] for place in range(0, len(data), 45)]
    lines = [binascii.b2a_uu(piece, backtick=True).strip() for piece in [*pieces, b""]]
    return end.join([b"begin 644 " + name.encode(), *lines, b"end"])
