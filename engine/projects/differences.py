"""How two contents of a file differ, as a unified diff; also where they are large, or no text."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

_CONTEXT = 3
_MOST_PAIRS = 25_000_000
"""Pairs of lines that are compared; for more, which would take seconds, all lines between are replaced."""


def unified(path: str, before: bytes, after: bytes) -> str:
    """Return a unified diff; that of a file that is no text says only that it differs."""
    if b"\0" in before + after:
        return f"Binary files a/{path} and b/{path} differ"
    try:
        old, new = before.decode(), after.decode()
    except UnicodeDecodeError:
        return f"Binary files a/{path} and b/{path} differ"
    return "\n".join(_lines(path, _split(old), _split(new)))


def _split(text: str) -> list[str]:
    lines = text.split("\n")
    return lines if lines[-1] else lines[:-1]


def _lines(path: str, old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    begin = _same(old, new)
    end = _same(old[begin:][::-1], new[begin:][::-1])
    if (len(old) - begin - end) * (len(new) - begin - end) <= _MOST_PAIRS:
        yield from difflib.unified_diff(old, new, f"a/{path}", f"b/{path}", lineterm="")
        return
    first, last = max(0, begin - _CONTEXT), max(0, end - _CONTEXT)
    was, now = len(old) - first - last, len(new) - first - last
    yield from (f"--- a/{path}", f"+++ b/{path}", f"@@ -{first + 1},{was} +{first + 1},{now} @@")
    yield from (f" {line}" for line in old[first:begin])
    yield from (f"-{line}" for line in old[begin : len(old) - end])
    yield from (f"+{line}" for line in new[begin : len(new) - end])
    yield from (f" {line}" for line in old[len(old) - end : len(old) - last])


def _same(old: Sequence[str], new: Sequence[str]) -> int:
    """Return how many lines at the beginning are the same."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(old), len(new)))
