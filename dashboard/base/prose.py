"""Text from outside as Markdown: bold, lists, code and tables are shown; nothing is loaded, and no link is disguised.

It becomes HTML of few known tags, made from the tokens of markdown-it, so that Streamlit's own marks (`:red[…]`,
`:material/…:`, `$…$`) mean nothing in it. A link is its whole address; its label stays text beside it. Pictures and
tags are shown as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import streamlit as st

from dashboard.base.language import t
from dashboard.base.plain import outside_code, plain, revealed

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_TAGS = {
    "blockquote": "blockquote",
    "bullet_list": "ul",
    "list_item": "li",
    "paragraph": "p",
    "thead": "thead",
    "tbody": "tbody",
    "tr": "tr",
    "strong": "strong",
    "em": "em",
    "s": "s",
}
_HEADINGS = {"h1": "h4", "h2": "h5"}
"""Below the headings of the page, so that no text can imitate one; all others are h6."""
_ALIGNED = re.compile(r"text-align:(left|right|center)")
_ADDRESS = re.compile(r"https?://[^\s<>\"'`]+", re.IGNORECASE)
_BEHIND_ADDRESS = ".,;:!?)]}*_~|"
_HOST = re.compile(r"[a-z0-9.-]+|\[[0-9a-f:.]+\]", re.IGNORECASE)
_MAIL = re.compile(r"mailto:[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9.-]+(?:\?\S*)?", re.IGNORECASE)
_LONGEST_ADDRESS = 2_000
_KEPT = 128
_MOST_BRACKETS = 1_000
"""With more, which only hostile texts have, markdown-it takes seconds: it looks behind each for its end."""
_DEEPEST = 60
"""Levels of quotes and lists inside each other; markdown-it would leave out what is deeper."""


def outside_prose(text: str, *, is_framed: bool = True) -> None:
    """Show text from outside as Markdown, by default in a frame that sets it off from the page."""
    st.html(f'<div class="prose{" prose-framed" * is_framed}" dir="auto">{prose_html(text)}</div>')


def outside_answer(text: str, key: str, label: str = "") -> None:
    """Show a model's text as Markdown, with a switch to its exact text; `label` is Markdown of ours beside it."""
    as_text = False
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        if label:
            st.markdown(label, width="content")
        if not is_simple(text):
            as_text = st.toggle(t("As text"), key=f"as-text-{key}", help=t("Show the exact characters, to copy them."))
    if as_text:
        outside_code(text)
    else:
        outside_prose(text)


def outside_description(text: str, *, is_quiet: bool = False) -> None:
    """Show the description of a file as Markdown; a simple one is a line like others."""
    if not is_simple(text):
        outside_prose(text, is_framed=False)
    elif is_quiet:
        st.caption(plain(text))
    else:
        st.markdown(plain(text))


def is_simple(text: str) -> bool:
    """Return whether a text is one line, which Markdown shows as it is."""
    return "\n" not in text.strip() and prose_html(text) in ("", _paragraph(text.strip()))


@lru_cache(_KEPT)
def prose_html(text: str) -> str:
    """Return the HTML of a Markdown text; it has only the tags of this module, and no attribute from the text."""
    if text.count("[") > _MOST_BRACKETS:
        return f"<pre><code>{_shown(text)}</code></pre>"
    tokens = _parser().parse(text)
    if any(token.level >= _DEEPEST - 1 for token in tokens):
        return _paragraph(text)
    return "".join(_block(token) for token in tokens if not token.hidden)


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    found = MarkdownIt("commonmark", {"html": False, "maxNesting": _DEEPEST})
    return found.enable(["table", "strikethrough"]).disable(["reference", "html_block", "html_inline"])


def _paragraph(text: str) -> str:
    return f'<p dir="auto">{_shown(text)}</p>'


def _shown(text: str) -> str:
    return escape(revealed(text))


def _block(token: Token) -> str:
    if token.type == "inline":
        return "".join(_inline(token.children or ()))
    if token.type in ("fence", "code_block"):
        return f"<pre><code>{_shown(token.content)}</code></pre>"
    if token.type == "hr":
        return "<hr>"
    name, _, end = token.type.rpartition("_")
    return f"</{_tag(name, token)}>{_behind(name)}" if end == "close" else _opened(name, token)


def _opened(name: str, token: Token) -> str:
    tag = _tag(name, token)
    if name == "ordered_list":
        return f'<ol start="{int(token.attrGet("start") or 1)}">'
    if name == "table":
        return '<div class="prose-table" tabindex="0"><table>'
    if name in ("th", "td"):
        aligned = _ALIGNED.fullmatch(str(token.attrGet("style") or ""))
        return f'<{tag} dir="auto" style="text-align:{aligned[1]}">' if aligned else f'<{tag} dir="auto">'
    return f'<{tag} dir="auto">'


def _tag(name: str, token: Token) -> str:
    if name == "heading":
        return _HEADINGS.get(token.tag, "h6")
    return {"ordered_list": "ol", "table": "table", "th": "th", "td": "td"}.get(name) or _TAGS[name]


def _behind(name: str) -> str:
    return "</div>" if name == "table" else ""


def _inline(tokens: Sequence[Token]) -> Iterator[str]:
    """Yield the HTML of what a line has. The label of a link is text; its address follows, as the link."""
    address, is_label = "", False
    for token in tokens:
        if token.type == "link_open":
            address, is_label = str(token.attrGet("href") or ""), token.info != "auto"
        elif token.type == "link_close":
            yield f"{' ' * is_label}{_linked(address) or f'({_shown(address)})'}"
            address = ""
        elif token.type in ("text", "text_special"):
            yield _with_links(token.content) if not address else _shown(token.content) if is_label else ""
        else:
            yield _mark(token)


def _mark(token: Token) -> str:
    if token.type == "code_inline":
        return f"<code>{_shown(token.content)}</code>"
    if token.type in ("softbreak", "hardbreak"):
        return "<br>"
    if token.type == "image":
        return _shown(f"![{token.content}]({token.attrGet('src') or ''})")
    name, _, end = token.type.rpartition("_")
    return f"<{'/' * (end == 'close')}{_TAGS[name]}>"


def _with_links(text: str) -> str:
    """Return the HTML of words; an address among them is a link to just what is read."""
    shown, begin = "", 0
    for found in _ADDRESS.finditer(text):
        written = found.group().rstrip(_BEHIND_ADDRESS)
        link = _linked(_parser().normalizeLink(written))
        if link:
            shown += _shown(text[begin : found.start()]) + link
            begin = found.start() + len(written)
    return shown + _shown(text[begin:])


def _linked(address: str) -> str:
    """Return a link whose text is its address, "" if it is not on the web, or could be read as another one."""
    if not _is_plain_address(address):
        return ""
    safe = escape(address)
    return f'<a href="{safe}" target="_blank" rel="noopener noreferrer">{safe}</a>'


def _is_plain_address(address: str) -> bool:
    if not address.isascii() or not address.isprintable() or len(address) > _LONGEST_ADDRESS:
        return False
    if _MAIL.fullmatch(address):
        return True
    try:
        parts = urlsplit(address)
        host = parts.netloc.removesuffix(f":{parts.port}" if parts.port is not None else "")
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(_HOST.fullmatch(host))
