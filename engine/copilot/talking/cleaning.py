"""The words of a model as a person may see them: no pictures, and links only to pages of the dashboard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.copilot.talking.records import AnswerPart
from engine.expressions.patterns import encodable, linear
from engine.outgoing.hidden_characters import shown

_PICTURE = r"!\[([^\]\n]*)\](?:\([^)\n]{0,500}\)|\[[^\]\n]{0,500}\])?"
_LINK = r"\[([^\]\n]*)\]\(\s*<?([^)\s>]*)>?[^)\n]*\)"
_REFERENCE = r"(?m)^\s{0,3}\[[^\]\n]+\]:\s*\S+.*$"
_ADDRESS = r"(?i)(?:[a-z][a-z0-9+.-]*:)?//\S+|\b(?:javascript|data|vbscript|mailto):\S*|\bwww\.\S+"
_TAG = r"(?i)</?[a-z!][^<>]*>?"
_FENCE = r"(?ms)^```([\w+-]*)[^\n]*\n(.*?)(?:^```[ \t]*$|\z)"
_KEPT = r"\x00(\d+)\x00"
_OWN = r"(?:/(?:[^/\s\\][^\s\\]*)?|\?[^\s\\]*)"
TAKEN_OUT = "(link taken out)"


def parts_of(text: str) -> list[AnswerPart]:
    """Return words as texts and blocks of code."""
    return [one for one in _parts(text) if one.text]


def cleaned(text: str) -> str:
    """Return words with hidden characters shown, without pictures, tags and links of others; a link's words stay."""
    text = linear(_PICTURE).sub(lambda found: found[1], encodable(text))
    text = linear(_REFERENCE).sub("", text)
    # Links that stay are replaced by their numbers between NULs; NULs in the words themselves are removed first.
    kept: list[str] = []

    def link(found: Any) -> str:
        if not linear(_OWN).fullmatch(found[2]):
            return str(found[1])
        kept.append(f"[{found[1]}]({found[2]})")
        return f"\x00{len(kept) - 1}\x00"

    addresses = linear(_ADDRESS)
    text = linear(_LINK).sub(link, text.replace("\x00", ""))
    text = linear(_TAG).sub("", text)
    text = addresses.sub(TAKEN_OUT, text)
    return shown(str(linear(_KEPT).sub(lambda found: addresses.sub(TAKEN_OUT, kept[int(found[1])]), text)))[0]


def _parts(text: str) -> Iterator[AnswerPart]:
    text, end = encodable(text), 0
    for found in linear(_FENCE).finditer(text):
        yield AnswerPart("text", text=cleaned(text[end : found.start()]).strip())
        yield AnswerPart("code", text=shown(found[2].rstrip("\n"))[0], language=found[1])
        end = found.end()
    yield AnswerPart("text", text=cleaned(text[end:]).strip())
