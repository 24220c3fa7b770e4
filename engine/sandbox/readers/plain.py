"""Text files as they are: notes, Markdown, XML, JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.sandbox.readers.detect import FileKind
from engine.sandbox.readers.encodings import Damage, lines
from engine.sandbox.readers.source import SourceFile
from engine.sandbox.readers.texts import TextTaker


def text(source: SourceFile, kind: FileKind, options: Mapping[str, Any], into: TextTaker) -> None:
    """Take the text up to the limit; how much is left is counted in bytes."""
    del options
    parts: list[str] = []
    damage = Damage()
    length = read = 0
    for line in lines(source, kind.encoding, damage):
        room = into.most - length
        read += len(line.encode("utf-8", "replace"))
        parts.append(line[:room])
        length += len(line)
        if length >= into.most:
            break
    into.add("".join(parts))
    into.notes += damage.notes()
    if length >= into.most and source.size > read:
        into.leave_out(f"about {source.size - read:,} of {source.size:,} bytes")
    elif length > into.most:
        into.leave_out(f"{length - into.most:,} characters")
