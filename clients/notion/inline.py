"""Inline Markdown as Notion's rich text, each piece within Notion's limits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

Json = dict[str, Any]

TEXT_UNITS = 2000
"""UTF-16 units that one text object takes (developers.notion.com, request limits); so do links."""
EQUATION_CHARACTERS = 1000
_MARKS = {"strong": "bold", "em": "italic", "s": "strikethrough"}
_EQUATION = re.compile(r"\$(?![\s$])((?:\\.|[^$\\\n]){1,1000}?)(?<!\s)\$(?!\d)")
_ADDRESS = re.compile(r"https?://[^\s<>()\[\]]*[^\s<>()\[\].,;:!?'\"*_~]")
_LINK = re.compile(
    r"!?\[((?:\\.|[^\[\]\\\n])*)\]"
    r"\(<?((?:https?://|mailto:)[^()\s<>]*(?:\([^()\s<>]*\)[^()\s<>]*)*)>?(?:[^\S\n]+\"[^\"\n]*\")?\)"
)
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


def pieces_of(text: str) -> list[Json]:
    """Read inline Markdown (marks, code, links, `$equations$`, `<br>`) as text objects, neighbours joined."""
    tokens = _parser().parseInline(long_links_shown(text))[0].children or []
    return in_one_line(_pieces(tokens))


def long_links_shown(text: str) -> str:
    """Markdown in which the address of a link that is too long for Notion stands behind its words, as code."""
    return text if len(text) <= TEXT_UNITS else _LINK.sub(_shown_if_long, text)


def _shown_if_long(link: re.Match[str]) -> str:
    address = link[2].replace("`", "%60")
    return link[0] if len(address) <= TEXT_UNITS else f"{link[1]} (`{address}`)".lstrip()


def in_one_line(pieces: Iterable[Json]) -> list[Json]:
    """Text objects as they are where they follow each other: neighbours that look the same joined, and cut anew."""
    return [short for piece in _joined(pieces) for short in cut(piece)]


def plain_pieces(text: str) -> list[Json]:
    """A text without any marks as text objects."""
    return cut({"type": "text", "text": {"content": text}}) if text else []


def cut(piece: Json) -> list[Json]:
    """A text object as several, each within its limit; surrogate pairs count as two."""
    if piece["type"] != "text":
        return [piece]
    content = piece["text"]["content"]
    step = TEXT_UNITS if content.isascii() or max(content) <= "\uffff" else TEXT_UNITS // 2
    starts = range(0, len(content), step)
    return [{**piece, "text": {**piece["text"], "content": content[start : start + step]}} for start in starts]


def written(piece: Json) -> str:
    """What a person reads of a text object that is sent."""
    return str(piece["equation"]["expression"] if piece["type"] == "equation" else piece["text"]["content"])


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable("strikethrough").disable("image")
    parser.inline.ruler.before("escape", "equation", _equation)
    return parser


def _equation(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - markdown-it calls it so
    """A rule of markdown-it: `$…$`, but not between two prices."""
    found = _EQUATION.match(state.src, state.pos, state.posMax) if state.src[state.pos] == "$" else None
    if found is None:
        return False
    if not silent:
        state.push("equation", "", 0).content = found[1]
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
    """A text in which bare web addresses are links."""
    position = 0
    for found in _ADDRESS.finditer(text):
        if found.start() > position:
            yield _text(text[position : found.start()], marks, "")
        yield _text(found[0], marks, found[0])
        position = found.end()
    if position < len(text):
        yield _text(text[position:], marks, "")


def _text(content: str, marks: Sequence[str], link: str) -> Json:
    """One text object; a link that is too long (a bare address), or no web address, is none."""
    is_link = link.startswith(("http://", "https://", "mailto:")) and len(link) <= TEXT_UNITS
    return {
        "type": "text",
        "text": {"content": content, **({"link": {"url": link}} if is_link else {})},
        **_annotated(marks),
    }


def _annotated(marks: Sequence[str]) -> Json:
    return {"annotations": dict.fromkeys(sorted(set(marks)), True)} if marks else {}


def _joined(pieces: Iterable[Json]) -> list[Json]:
    """Neighbours that differ in nothing but what they say as one."""
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
