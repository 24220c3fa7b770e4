"""Converts inline Markdown to Notion's rich text, each piece within Notion's limits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from clients.listing import Json
from clients.notion.text.equations import equation_at

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

TEXT_UNITS = 2000
"""UTF-16 units per text object, or per link (developers.notion.com, request limits)."""
EQUATION_CHARACTERS = 1000
_MARKS = {"strong": "bold", "em": "italic", "s": "strikethrough"}
_ADDRESS = re.compile(r"https?://[^\s<>()\[\]]*[^\s<>()\[\].,;:!?'\"*_~]")
_LINK = re.compile(
    r"!?\[((?:\\.|[^\[\]\\\n])*)\]"
    r"\(<?((?:https?://|mailto:)[^()\s<>]*(?:\([^()\s<>]*\)[^()\s<>]*)*)>?(?:[^\S\n]+\"[^\"\n]*\")?\)"
)
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


def pieces_of(text: str) -> list[Json]:
    """Parse inline Markdown (emphasis, code, links, `$equations$`, `<br>`) as text objects, merging neighbours."""
    return in_one_line(_pieces(inline_tokens(long_links_shown(text))))


def inline_tokens(text: str) -> list[Token]:
    """Parse inline Markdown."""
    return _parser().parseInline(text)[0].children or []


def long_links_shown(text: str) -> str:
    """Return Markdown with each link that is too long for Notion shown as code after its text."""
    return text if len(text) <= TEXT_UNITS else _LINK.sub(_shown_if_long, text)


def _shown_if_long(link: re.Match[str]) -> str:
    address = link[2].replace("`", "%60")
    return link[0] if len(address) <= TEXT_UNITS else f"{link[1]} (`{address}`)".lstrip()


def in_one_line(pieces: Iterable[Json]) -> list[Json]:
    """Merge adjacent text objects of the same formatting, and split them again by size."""
    return [short for piece in _joined(pieces) for short in cut(piece)]


def plain_pieces(text: str) -> list[Json]:
    """Return a text without formatting as text objects."""
    return cut({"type": "text", "text": {"content": text}}) if text else []


def cut(piece: Json) -> list[Json]:
    """Split a text object into several, each within the limit; a surrogate pair counts as two units."""
    if piece["type"] != "text":
        return [piece]
    content = piece["text"]["content"]
    step = TEXT_UNITS if content.isascii() or max(content) <= "\uffff" else TEXT_UNITS // 2
    starts = range(0, len(content), step)
    return [{**piece, "text": {**piece["text"], "content": content[start : start + step]}} for start in starts]


def written(piece: Json) -> str:
    """Return the text that a person reads in a text object."""
    return str(piece["equation"]["expression"] if piece["type"] == "equation" else piece["text"]["content"])


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable("strikethrough").disable("image")
    parser.inline.ruler.before("escape", "equation", _equation)
    return parser


def _equation(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - markdown-it calls it so
    """Parse `$…$` (a markdown-it rule), unless the signs belong to two prices."""
    found = equation_at(state.src, state.pos, state.posMax) if state.src[state.pos] == "$" else None
    if found is None:
        return False
    if not silent:
        state.push("equation", "", 0).content = found["expression"]
    state.pos = found.end()
    return True


def _pieces(tokens: Sequence[Token]) -> Iterator[Json]:
    marks: list[str] = []
    links: list[str] = []
    for token in tokens:
        name = _MARKS.get(token.tag, "")
        if token.type == "link_open":
            links.append(str(token.attrs.get("href", "")))
        elif token.type == "link_close":
            links.pop()
        elif token.nesting == 1 and name:
            marks.append(name)
        elif token.nesting == -1 and name:
            marks.remove(name)
        else:
            yield from _of_token(token, marks, links[-1] if links else "")


def _of_token(token: Token, marks: Sequence[str], link: str) -> Iterator[Json]:
    if token.type == "equation":
        yield {"type": "equation", "equation": {"expression": token.content}, **_annotated(marks)}
    elif token.type == "code_inline":
        yield _text(token.content, [*marks, "code"], link)
    elif token.type in {"softbreak", "hardbreak"} or _BREAK.fullmatch(token.content):
        yield _text("\n", marks, link)
    elif token.content and link:
        yield _text(token.content, marks, link)
    elif token.content:
        yield from _with_addresses(token.content, marks)


def _with_addresses(text: str, marks: Sequence[str]) -> Iterator[Json]:
    """Yield a text with bare web addresses as links."""
    position = 0
    for found in _ADDRESS.finditer(text):
        if found.start() > position:
            yield _text(text[position : found.start()], marks, "")
        yield _text(found[0], marks, found[0])
        position = found.end()
    if position < len(text):
        yield _text(text[position:], marks, "")


def _text(content: str, marks: Sequence[str], link: str) -> Json:
    """Return one text object; a link that is too long (a bare address), or not a web address, is dropped."""
    is_link = link.startswith(("http://", "https://", "mailto:")) and len(link) <= TEXT_UNITS
    return {
        "type": "text",
        "text": {"content": content, **({"link": {"url": link}} if is_link else {})},
        **_annotated(marks),
    }


def _annotated(marks: Sequence[str]) -> Json:
    return {"annotations": dict.fromkeys(sorted(set(marks)), True)} if marks else {}


def _joined(pieces: Iterable[Json]) -> list[Json]:
    """Merge neighbours that differ only in their text."""
    runs: list[list[Json]] = []
    for piece in pieces:
        if runs and piece["type"] == "text" and _looks(runs[-1][-1]) == _looks(piece):
            runs[-1].append(piece)
        else:
            runs.append([piece])
    return [_one(run) for run in runs]


def _looks(piece: Json) -> Any:
    return piece["type"], piece.get("annotations"), piece.get("text", {}).get("link")


def _one(run: Sequence[Json]) -> Json:
    if len(run) == 1:
        return run[0]
    return {**run[0], "text": {**run[0]["text"], "content": "".join(piece["text"]["content"] for piece in run)}}
