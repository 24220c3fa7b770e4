"""The words of a model as a person may see them: no pictures, and links only to pages of the dashboard."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.copilot.talking.records import Part

_PICTURE = re.compile(r"!\[([^\]\n]*)\](?:\([^)\n]*\)|\[[^\]\n]*\])?")
_LINK = re.compile(r"\[([^\]\n]*)\]\(\s*<?([^)\s>]*)>?[^)\n]*\)")
_REFERENCE = re.compile(r"^\s{0,3}\[[^\]\n]+\]:\s*\S+.*$", re.MULTILINE)
_ADDRESS = re.compile(
    r"(?:[a-z][a-z0-9+.-]*:)?//\S+|\b(?:javascript|data|vbscript|mailto):\S*|\bwww\.\S+", re.IGNORECASE
)
_TAG = re.compile(r"</?[a-z!][^<>]*>?", re.IGNORECASE)
_FENCE = re.compile(r"^```([\w+-]*)[^\n]*\n(.*?)(?:^```[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_IS_OWN = re.compile(r"(?:/(?!/)|\?)[^\s\\]*")
TAKEN_OUT = "(link taken out)"


def parts_of(text: str) -> list[Part]:
    """Return words as texts and blocks of code."""
    return [one for one in _parts(text) if one.text]


def cleaned(text: str) -> str:
    """Return words without pictures, tags and links of others; what a link shows stays."""
    text = _PICTURE.sub(lambda found: found[1], text)
    text = _REFERENCE.sub("", text)
    kept: list[str] = []

    def link(found: re.Match[str]) -> str:
        if not _IS_OWN.fullmatch(found[2]):
            return found[1]
        kept.append(f"[{found[1]}]({found[2]})")
        return f"\x00{len(kept) - 1}\x00"

    text = _LINK.sub(link, text.replace("\x00", ""))
    text = _TAG.sub("", text)
    text = _ADDRESS.sub(TAKEN_OUT, text)
    return re.sub(r"\x00(\d+)\x00", lambda found: _ADDRESS.sub(TAKEN_OUT, kept[int(found[1])]), text)


def _parts(text: str) -> Iterator[Part]:
    end = 0
    for found in _FENCE.finditer(text):
        yield Part("text", text=cleaned(text[end : found.start()]).strip())
        yield Part("code", text=found[2].rstrip("\n"), language=found[1])
        end = found.end()
    yield Part("text", text=cleaned(text[end:]).strip())
