"""Notion's rich text objects, parsed from Markdown and written as Markdown and HTML."""

from __future__ import annotations

import html
import re
from typing import Any

RichText = list[dict[str, Any]]
PIECE_LENGTH = 2000
PLAIN = {
    "bold": False,
    "italic": False,
    "strikethrough": False,
    "underline": False,
    "code": False,
    "color": "default",
}
# A mark spans at most 1,000 characters, so an unclosed one in a long text is not searched to the end.
INLINE = re.compile(
    r"\\(?P<escaped>[!-/:-@\[-`{-~])"
    r"|(?<!`)`(?P<code>[^`\n]+)`(?!`)"
    r"|(?<!`)(?P<ticks>`{2,9})(?!`) ?(?P<ticked>[^\n]{1,2000}?) ?(?<!`)(?P=ticks)(?!`)"
    r"|\$(?P<equation>(?![\s$])(?:\\.|[^$\\\n]){1,1000}?(?<!\s))\$(?!\d)"
    r"|\*\*(?P<bold>(?!\s)(?:\\.|[^\\]){1,1000}?)(?<!\s)\*\*(?!\*)"
    r"|~~(?P<strikethrough>(?!\s)(?:\\.|[^\\]){1,1000}?)(?<!\s)~~"
    r"|\*(?P<italic>(?![\s*])(?:\\.|[^*\\]){1,1000}?)(?<!\s)\*"
    r"|(?<!\w)_(?P<slanted>(?![\s_])(?:\\.|[^_\\]){1,1000}?)(?<!\s)_(?!\w)"
    r"|\[(?P<label>(?:\\.|[^\[\]\\]){1,1000})\]\((?P<link>[^()\s]{0,2000}(?:\([^()\s]{0,2000}\)[^()\s]{0,2000}){0,9})\)"
    r"|(?P<address>https?://[^\s<>()\[\]]*[^\s<>()\[\].,;:!?'\"*_~])"
)
MARKDOWN_SPECIAL = re.compile(r"([\\`*_~\[\]])")
# Equation signs, and tags with a meaning of their own.
DOLLAR = re.compile(r"\$")
TAG = re.compile(r"<(?=br/?>|/?(?:details|summary|empty-block|page|database|table|tr|td)\b)")
# A beginning that would turn a paragraph into another block; its sign is escaped.
BLOCK_START = re.compile(r"^(\s*\d*)(#{1,6}(?:\s|$)|[-+*](?:\s|$)|>|[.)](?:\s|$)|-{3,}\s*$|`{3}|~{3}|\|)")
# No "javascript:" or "data:": anybody can write the text of a page.
SAFE_LINK = re.compile(r"^(https?:|mailto:|/|#)", re.IGNORECASE)
TAGS = {"bold": "strong", "italic": "em", "strikethrough": "s", "underline": "u", "code": "code"}


def piece(content: str, link: str | None = None, **annotations: Any) -> dict[str, Any]:
    """Return a rich text object of type text, with all fields of an API answer."""
    return {
        "type": "text",
        "text": {"content": content, "link": {"url": link} if link else None},
        "annotations": {**PLAIN, **annotations},
        "plain_text": content,
        "href": link,
    }


def equation(expression: str, **annotations: Any) -> dict[str, Any]:
    """Return a rich text object of type equation."""
    return {
        "type": "equation",
        "equation": {"expression": expression},
        "annotations": {**PLAIN, **annotations},
        "plain_text": expression,
        "href": None,
    }


def plain(text: str) -> RichText:
    """Return unformatted text, in pieces of at most 2,000 characters."""
    return _cut(piece(text)) if text else []


def from_markdown(text: str, link: str | None = None, **marks: bool) -> RichText:
    """Parse inline Markdown as rich text; anything else is kept literally."""
    pieces: RichText = []
    position = 0
    for found in INLINE.finditer(text):
        pieces += _marked(text[position : found.start()], link, marks)
        pieces += _found(found, link, marks)
        position = found.end()
    return _joined(pieces + _marked(text[position:], link, marks))


def _marked(text: str, link: str | None, marks: dict[str, bool]) -> RichText:
    return [piece(text, link, **marks)] if text else []


def _found(found: re.Match[str], link: str | None, marks: dict[str, bool]) -> RichText:
    kind, inner = found.lastgroup, found[found.lastgroup or 0]
    if kind == "escaped":
        return _marked(inner, link, marks)
    if kind in {"code", "ticked"}:
        return _marked(inner, link, {**marks, "code": True})
    if kind == "equation":
        return [equation(inner, **marks)]
    if kind == "link":
        return from_markdown(found["label"], found["link"] or link, **marks)
    if kind == "address":
        return _marked(inner, link or inner, marks)
    return from_markdown(inner, link, **{**marks, "italic" if kind == "slanted" else str(kind): True})


def _joined(pieces: RichText) -> RichText:
    """Merge neighbours of the same formatting, up to the length limit."""
    return [short for each in _runs(pieces) for short in _cut(each)]


def _runs(pieces: RichText) -> RichText:
    """Merge neighbours of the same formatting, at any length."""
    joined: list[list[dict[str, Any]]] = []
    for each in pieces:
        if joined and _is_alike(joined[-1][-1], each):
            joined[-1].append(each)
        else:
            joined.append([each])
    return [run[0] if len(run) == 1 else piece(text_of(run), run[0]["href"], **run[0]["annotations"]) for run in joined]


def _is_alike(one: dict[str, Any], other: dict[str, Any]) -> bool:
    are_text = one["type"] == other["type"] == "text"
    return bool(are_text and one["annotations"] == other["annotations"] and one["href"] == other["href"])


def _cut(each: dict[str, Any]) -> RichText:
    text = each["plain_text"]
    if each["type"] != "text" or len(text) <= PIECE_LENGTH // 2:
        return [each]
    # Length counts UTF-16 units; some characters take two.
    length = PIECE_LENGTH if max(text) <= "\uffff" else PIECE_LENGTH // 2
    starts = range(0, len(text), length)
    return [piece(text[start : start + length], each["href"], **each["annotations"]) for start in starts]


def text_of(rich: RichText) -> str:
    """Return the text alone."""
    return "".join(each["plain_text"] for each in rich)


def to_markdown(rich: RichText) -> str:
    """Return Markdown that parses back to the same rich text."""
    runs = _runs(rich)
    # A single dollar is literal; two might be an equation.
    has_dollars = sum(each["plain_text"].count("$") for each in runs) + sum(_is_equation(each) for each in runs) > 1
    text = "".join(_piece_markdown(each, has_dollars=has_dollars) for each in runs)
    # A paragraph that begins like a list or heading must be parsed as a paragraph again.
    return "<br>".join(BLOCK_START.sub(r"\1\\\2", line) for line in text.split("\n"))


def _is_equation(each: dict[str, Any]) -> bool:
    return bool(each["type"] == "equation")


def _piece_markdown(each: dict[str, Any], *, has_dollars: bool) -> str:
    marks, link = each["annotations"], each["href"]
    if _is_equation(each):
        text = f"${each['plain_text']}$"
    elif marks["code"]:
        text = _code(each["plain_text"])
    elif link == each["plain_text"] and not any(marks[name] for name in ("bold", "italic", "strikethrough")):
        return str(link)
    else:
        text = TAG.sub(r"\\<", MARKDOWN_SPECIAL.sub(r"\\\1", each["plain_text"]))
        text = DOLLAR.sub(r"\\$", text) if has_dollars else text
    for name, sign in (("italic", "*"), ("bold", "**"), ("strikethrough", "~~")):
        if marks[name]:
            text = f"{sign}{text}{sign}"
    return f"[{text}]({link})" if link else text


def _code(text: str) -> str:
    """Return a text as inline code, enclosed in more backticks than it has in a row."""
    if "`" not in text:
        return f"`{text}`"
    ticks = "`" * (max(len(run) for run in re.findall(r"`+", text)) + 1)
    return f"{ticks} {text} {ticks}"


def to_html(rich: RichText) -> str:
    """Return rich text as escaped HTML; links only to web and mail addresses."""
    return "".join(_piece_html(each) for each in rich)


def _piece_html(each: dict[str, Any]) -> str:
    text = html.escape(each["plain_text"]).replace("\n", "<br>")
    for name, tag in TAGS.items():
        if each["annotations"][name]:
            text = f"<{tag}>{text}</{tag}>"
    link = each["href"]
    if link and SAFE_LINK.match(link):
        text = f'<a href="{html.escape(link)}" rel="noreferrer">{text}</a>'
    return text
