"""Decodes a text (escapes, line breaks, case), and maps each decoded byte back to its position in the original.

Services spell what they echo in many ways. Instead of searching for every spelling, escapes are decoded, twice if
nested, and everything that may break a word across lines is dropped. All of it takes time linear in the text.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable
from itertools import compress

_LOWER = bytes(range(256)).lower()
_DROPPED = bytes(range(33)) + b"\\\x7f"
"""Spaces, line ends, other control characters (in UTF-16 every other byte of plain text is 0), and backslashes."""
_KEPT = bytes(code not in _DROPPED for code in range(256))
_ESCAPES = re.compile(
    rb"""
    \\u(?P<high>[dD][89abAB][0-9a-fA-F]{2})\\+u(?P<low>[dD][c-fC-F][0-9a-fA-F]{2})
    | \\u(?P<unit>[0-9a-fA-F]{4}) | \\x(?P<byte>[0-9a-fA-F]{2}) | %(?:25)*(?P<percent>[0-9a-fA-F]{2})
    | &(?:amp;)*(?P<entity>(?:\#[0-9]{1,9} | \#[xX][0-9a-fA-F]{1,8} | [a-zA-Z][a-zA-Z0-9]{1,30});)
    | \\[nrt] | <[bB][rR]\s*/?> | \xe2\x80[\x8b-\x8f] | \xe2\x81\xa0 | \xef\xbb\xbf | \xc2\xad
    """,
    re.VERBOSE,
)
"""Escapes of JSON, URLs and HTML; escapes of line ends and invisible characters are dropped."""
_QUOTED_PRINTABLE = re.compile(rb"=(?:(?P<byte>[0-9a-fA-F]{2})|\r?\n)")
_ROUNDS = (_ESCAPES, _ESCAPES, _QUOTED_PRINTABLE)
"""Quoted-printable comes last and alone: `=ab` is often just the beginning of a value."""

Steps = tuple[re.Pattern[bytes], ...]


def plain(content: bytes) -> bytes:
    """Return bytes in lower case, without what may break a word across lines."""
    return content.translate(_LOWER, _DROPPED)


def readings(content: bytes) -> list[tuple[bytes, Steps]]:
    """Return readings of a content, each with the steps that decoded it: no step first, then more as more decodes."""
    steps: Steps = ()
    found = [(plain(content), steps)]
    for escapes in _ROUNDS:
        content, count = escapes.subn(_decoded, content)
        if count:
            steps = (*steps, escapes)
            found.append((plain(content), steps))
    return found


def traced(content: bytes, steps: Steps) -> tuple[array[int], array[int]]:
    """Return where each byte of a reading begins and ends in the content."""
    begins, ends = array("I", range(len(content))), array("I", range(1, len(content) + 1))
    for escapes in steps:
        content, begins, ends = _step(content, begins, ends, escapes)
    kept = content.translate(_KEPT)
    return array("I", compress(begins, kept)), array("I", compress(ends, kept))


def _step(
    content: bytes, begins: array[int], ends: array[int], escapes: re.Pattern[bytes]
) -> tuple[bytes, array[int], array[int]]:
    read, read_begins, read_ends, done = bytearray(), array("I"), array("I"), 0
    for found in escapes.finditer(content):
        begin, end = found.span()
        sign = _decoded(found)
        read += content[done:begin] + sign
        read_begins += begins[done:begin]
        read_ends += ends[done:begin]
        read_begins.extend([begins[begin]] * len(sign))
        read_ends.extend([ends[end - 1]] * len(sign))
        done = end
    return bytes(read) + content[done:], read_begins + begins[done:], read_ends + ends[done:]


def _decoded(found: re.Match[bytes]) -> bytes:
    kind = found.lastgroup
    if kind is None:
        return b""
    text = found[kind]
    if kind in {"byte", "percent"}:
        return bytes.fromhex(text.decode())
    if kind == "unit":
        return chr(int(text, 16)).encode("utf-8", "surrogatepass")
    if kind == "low":
        return (bytes.fromhex(found["high"].decode()) + bytes.fromhex(text.decode())).decode("utf-16-be").encode()
    import html  # here: its table of names takes half a mebibyte, and most texts have none

    return html.unescape(f"&{text.decode()}").encode("utf-8", "replace")


def merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return spans in order, with touching ones merged."""
    found: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((begin, end))
    return found
