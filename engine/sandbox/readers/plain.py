"""Text files as they are: notes, Markdown, XML, JSON."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import Any

from engine.sandbox.readers.encodings import Damage, lines
from engine.sandbox.readers.file_kinds import FileKind
from engine.sandbox.readers.source import SourceFile
from engine.sandbox.readers.texts import TextBuilder


def text(source: SourceFile, kind: FileKind, options: Mapping[str, Any], into: TextBuilder) -> None:
    """Take the text up to the limit; how much is left is counted in bytes."""
    del options
    parts: list[str] = []
    damage = Damage()
    length = 0
    for line in lines(source, kind.encoding, damage):
        parts.append(line)
        length += len(line)
        if length > into.most:
            break
    found = "".join(parts)[: into.most]
    into.add(found)
    into.notes += damage.notes()
    if length > into.most:
        into.leave_out(_rest(source.size, found, kind.encoding))


def _rest(size: int, found: str, encoding: str) -> str:
    """Return how much follows what was found; bytes that could not be read count as one each, which may not be so."""
    encoder = codecs.getincrementalencoder(encoding)("replace")
    left = size - len(encoder.encode(found.replace("\ufffd", "?")))
    about = "about " if "\ufffd" in found else ""
    return f"{about}{max(left, 1):,} of {size:,} bytes"
