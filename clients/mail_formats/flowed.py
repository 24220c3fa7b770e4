"""Rejoins text that was wrapped for transport (RFC 3676, `format=flowed`)."""

from __future__ import annotations

import re
from collections.abc import Iterator

_QUOTES = re.compile(r">*+")


def unflowed(text: str, *, deletes_blank: bool) -> str:
    """Join each line that ends with a blank to the next of the same quote level; a signature separator stays a line.

    `deletes_blank`: the trailing blank is not part of the text (`delsp=yes`).
    """
    return "\n".join(_paragraphs(text.replace("\r\n", "\n").split("\n"), deletes_blank=deletes_blank))


def _paragraphs(lines: list[str], *, deletes_blank: bool) -> Iterator[str]:
    open_depth, kept = -1, [""]
    for line in lines:
        depth = len(_QUOTES.match(line)[0])  # type: ignore[index]
        words = line[depth:].removeprefix(" ")  # space-stuffing (RFC 3676 4.4)
        if open_depth >= 0 and (depth != open_depth or words == "-- "):
            yield "".join(kept)
            open_depth = -1
        if open_depth < 0:
            kept = [">" * depth + " " * bool(depth and words)]
        is_open = words.endswith(" ") and words != "-- "
        kept.append(words[:-1] if is_open and deletes_blank else words)
        open_depth = depth if is_open else -1
        if not is_open:
            yield "".join(kept)
    if open_depth >= 0:
        yield "".join(kept)
