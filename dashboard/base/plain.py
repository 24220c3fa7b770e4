"""Text from outside, shown literally: no Markdown, no image, no colour, no disguised link, no hidden character."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Literal
from unicodedata import bidirectional
from urllib.parse import quote, urlsplit

import streamlit as st

from dashboard.base.language import t
from engine.outgoing import hidden_characters

_MARKS = r"[\\`*_{}\[\]()#+\-.!|~<>$^=&]"
_WAKING = r":(?=[\w+-])|(?=://)|@(?=\w)|www(?=\.)|[-<>~](?=[-=>])"
_SPECIAL = re.compile(f"(?P<waking>{_WAKING})|{_MARKS}", re.IGNORECASE)
_ALONE = r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|&(?=#?\w+;)|\A[#+\-=>]"
_SPECIAL_IN_LABEL = re.compile(rf"(?P<waking>{_WAKING})|[\\`*{{}}\[\]|~<$^]|{_ALONE}", re.IGNORECASE)
"""What Markdown could read in a line whose brackets are escaped."""
_NUMBERED = re.compile(r"\A(\d{1,9})([.)])(?= |\Z)")
_NOTHING = ":color[]"
"""Streamlit's mark for coloured text, with no colour and no content: it separates two adjacent texts."""
_CODE = re.compile(r"`([^`\n]*[^`\s][^`\n]*)`")
_BEGINNING = 400
_TO_THE_LEFT = frozenset({"R", "AL", "AN"})
_SAFE_IN_URL = "/:?#@!$&'*+,;=%~-._"


def revealed(text: str) -> str:
    """Return a text with the characters that nobody sees as marks, such as `[U+202E]`, so that it reads as it is."""
    return hidden_characters.shown(str(text))[0]


def one_line(text: str) -> str:
    """Return a text on one line as `revealed`, for what Streamlit does not read as Markdown: the choices of a list."""
    return revealed(" ".join(str(text).split()))


def plain(text: str) -> str:
    """Return Markdown that shows `text` literally; Streamlit reads labels and titles as Markdown.

    Line breaks become spaces. Where backslashes do not help, an empty mark in the middle does: against `:name:`
    becoming an icon or colour, `->` an arrow, and addresses links. Copying what is shown yields `text` again, except
    for hidden characters, which are shown as marks.
    """
    return _SPECIAL.sub(_escaped, one_line(text))


def _escaped(found: re.Match[str]) -> str:
    sign = found.group()
    escaped = sign if sign.isalpha() or sign in ("", "@") else f"\\{sign}"
    return escaped if found["waking"] is None else f"{escaped}{_NOTHING}"


def isolated(text: str, shown: str) -> str:
    """Return what shows `text` within a sentence; letters that run to the left do not turn what is beside them.

    Unicode isolates (UAX 9, 2.4) are put around it only where it has such letters.
    """
    return f"\u2068{shown}\u2069" if any(bidirectional(one) in _TO_THE_LEFT for one in text) else shown


def field_label(text: str) -> str:
    """Return Markdown for the label of a field that shows `text` literally, with as few marks as that takes.

    Streamlit shows a label as Markdown, and gives its source to screen readers.
    """
    return _NUMBERED.sub(r"\1\\\2", _SPECIAL_IN_LABEL.sub(_escaped, one_line(text)))


def plain_with_code(text: str) -> str:
    """Return the same for a sentence of ours in which backticks mark a command or a name: those are shown as code."""
    parts = enumerate(_CODE.split(text))
    return "".join(f"`{' '.join(part.split())}`" if index % 2 else _plain_part(part) for index, part in parts)


def _plain_part(text: str) -> str:
    """Keep the space between the part and the code beside it."""
    before, after = text[:1].isspace(), text[-1:].isspace()
    return f"{' ' * before}{plain(text)}{' ' * (after and bool(text.strip()))}"


def outside_text(text: str, *, empty: str = "") -> None:
    """Show text from outside literally and wrapped; nothing in it is rendered or loaded."""
    st.text(revealed(text) if text.strip() else empty or t("(empty)"))


def beginning(text: str) -> str:
    """Return the beginning of a text that may be too long for its place; `rest` shows all of it."""
    return text if len(text) <= _BEGINNING else f"{text[:_BEGINNING].rstrip()} …"


def first_words(text: str, most: int) -> str:
    """Return how a text begins, on one line of at most so many characters."""
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[:most].rstrip()} …"


def rest(text: str, key: str) -> None:
    """Offer the whole of a text whose `beginning` is shown; it is sent to the browser once it is opened."""
    if len(text) <= _BEGINNING:
        return
    opened = st.expander(t("More"), key=key, type="compact", on_change="rerun")
    if opened.open:
        with opened:
            outside_text(text)


def outside_code(text: str, language: str | None = None, height: int | Literal["content"] = "content") -> None:
    """Show long or structured text from outside in a monospaced box that wraps.

    A box with a `height` in pixels scrolls.
    """
    st.code(revealed(text), language=language, wrap_lines=True, height=height)


def outside_marked(parts: Sequence[tuple[str, str]]) -> None:
    """Show a text from outside in parts; those with a name are marked, and the name is shown on pointing at them."""
    shown = (f'<mark title="{escape(name)}">{_html(text)}</mark>' if name else _html(text) for text, name in parts)
    st.html(f'<div class="marked" tabindex="0">{"".join(shown)}</div>')


def outside_changes(parts: Iterable[tuple[str, str]]) -> None:
    """Show a text from outside in parts, each with its change: `added`, `removed`, or anything else."""
    tags = {"added": "ins", "removed": "del"}
    shown = (f"<{tags[how]}>{_html(text)}</{tags[how]}>" if how in tags else _html(text) for text, how in parts)
    st.html(f'<div class="marked" tabindex="0">{"".join(shown)}</div>')


def outside_lines(lines: Iterable[tuple[str, str]]) -> None:
    """Show the head of a letter: lines of a name and a text from outside."""
    shown = "".join(f"<dt>{_html(name)}</dt><dd>{_html(text)}</dd>" for name, text in lines)
    st.html(f'<dl class="letter-lines">{shown}</dl>')


def outside_letter(text: str, *, is_marked: bool = False, gaps: Sequence[str] = ()) -> None:
    """Show the text of a letter as its reader sees it: as it is, wrapped, with quoted lines in grey.

    `is_marked`: it may have text from outside, which has a soft background. `gaps` stand out.
    """
    lines = (f"<i>{escape(one)}</i>" if one.startswith(">") else escape(one) for one in revealed(text).split("\n"))
    shown, kind = "\n".join(lines), "letter letter-outside" if is_marked else "letter"
    for gap in map(_html, gaps):
        shown = shown.replace(gap, f"<mark>{gap}</mark>")
    st.html(f'<div class="{kind}" tabindex="0">{shown}</div>')


def _html(text: str) -> str:
    return escape(revealed(text))


def outside_badge(text: str, icon: str = "", *, color: Literal["gray", "green", "orange", "violet"] = "gray") -> None:
    """Show text from outside as a badge. `st.badge` would escape the brackets that `plain` has escaped, once more."""
    st.markdown(f":{color}-badge[{icon} {plain(text)}]", width="content")


def outside_link(label: str, url: str) -> None:
    """Show a link from a service: the label as plain text, and the host of its target.

    An address that is not http(s) is shown, but not as a link.
    """
    st.markdown(link_markdown(label, url))


def link_markdown(label: str, url: str) -> str:
    """Return the Markdown of `outside_link`."""
    host = host_of(url)
    if not host:
        return plain(f"{label} ({url})") if url else plain(label)
    return f"[{plain(label)}]({quote(url, safe=_SAFE_IN_URL)}) :small[:gray[{plain(host)}]]"


def host_of(url: str) -> str:
    """Return the host (and port) of an http(s) address, an empty string for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    return f"{parts.hostname}:{port}" if port else parts.hostname
