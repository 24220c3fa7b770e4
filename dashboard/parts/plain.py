"""Text from anywhere as itself: no Markdown, no image, no colour, no disguised link."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import quote, urlsplit

import streamlit as st

_MARKS = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>$^=&])")
_WAKING = re.compile(r":(?=[\w+-])|(?=://)|@(?=\w)|www(?=\.)|[-<>~](?=[-=>])", re.IGNORECASE)
_CODE = re.compile(r"`([^`\n]*[^`\s][^`\n]*)`")
_SAFE_IN_URL = "/:?#@!$&'*+,;=%~-._"


def plain(text: str) -> str:
    """Return Markdown that shows `text` as it is; Streamlit reads labels and titles as Markdown.

    Line breaks become spaces. What backslashes do not stop, an invisible word joiner does: `:name:` becoming an icon
    or a colour, `->` an arrow, addresses of mail and web links that nobody made.
    """
    one_line = " ".join(str(text).split())
    return _MARKS.sub(r"\\\1", _WAKING.sub("\\g<0>\u2060", one_line))


def plain_with_code(text: str) -> str:
    """Return the same for a sentence of ours, in which a command or a name stands between backticks: that is code."""
    parts = enumerate(_CODE.split(text))
    return "".join(f"`{' '.join(part.split())}`" if index % 2 else _plain_part(part) for index, part in parts)


def _plain_part(text: str) -> str:
    """Keep the space that stood between the part and the code beside it."""
    before, after = text[:1].isspace(), text[-1:].isspace()
    return f"{' ' * before}{plain(text)}{' ' * (after and bool(text.strip()))}"


def outside_text(text: str, *, empty: str = "(empty)") -> None:
    """Show text from outside: as it is, wrapped, nothing in it rendered or loaded."""
    st.text(text if text.strip() else empty)


def outside_code(text: str, language: str | None = None, height: int | Literal["content"] = "content") -> None:
    """Show long or structured text from outside, in a box with fixed width letters that wraps.

    A box of a `height` in pixels scrolls.
    """
    st.code(text, language=language, wrap_lines=True, height=height)


def outside_link(label: str, url: str) -> None:
    """Show a link given by a service: the label as plain text, and the host that it leads to.

    What is no http(s) address is shown, but is no link.
    """
    st.markdown(link_markdown(label, url))


def link_markdown(label: str, url: str) -> str:
    """Return the Markdown of `outside_link`."""
    host = host_of(url)
    if not host:
        return plain(f"{label} ({url})") if url else plain(label)
    return f"[{plain(label)}]({quote(url, safe=_SAFE_IN_URL)}) :small[:gray[{plain(host)}]]"


def host_of(url: str) -> str:
    """Return the host (and port) of an http(s) address, an empty text for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    return f"{parts.hostname}:{port}" if port else parts.hostname
