"""Reads the pages of the documentation and prepares them for Streamlit; no network is needed."""

from __future__ import annotations

import base64
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from engine.base.checkout import CHECKOUT

_FOLDER = CHECKOUT / "docs"
START = "README"
_FENCE = re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^(#{1,3}) (.+)$", re.MULTILINE)
_CODE = re.compile(r"(^ *```.*?^ *```$|`[^`\n]+`)", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\((?:([\w./-]+)\.md)?(?:#([\w-]*))?\)")
_IMAGE = re.compile(r"!\[([^\]]*)\]\((images/[\w-]+\.(svg|png))\)")
_CAMEL = re.compile(r"(?<=[a-z\d])(?=[A-Z])")
_WORDS = re.compile(r"[^\W_]+")
_TYPES = {"svg": "image/svg+xml", "png": "image/png"}


@dataclass(frozen=True)
class DocumentSection:
    """A heading of a page; `anchor` is its place in the address as Streamlit makes it, "" for the title."""

    page: str
    title: str
    anchor: str


@cache
def titles() -> Mapping[str, str]:
    """Return the title of each page by its name, such as `control` or `adr/README`, the first page first.

    {} where the documentation is not installed.
    """
    paths = (path.relative_to(_FOLDER).with_suffix("").as_posix() for path in _FOLDER.rglob("*.md"))
    names = sorted(paths, key=lambda name: (name != START, name))
    return {name: next(headings(name)).title for name in names}


@cache
def sections() -> tuple[DocumentSection, ...]:
    """Return the headings of all pages."""
    return tuple(section for name in titles() for section in headings(name))


def headings(name: str) -> Iterator[DocumentSection]:
    """Yield the headings of a page, its title first."""
    for marks, text in _HEADING.findall(_FENCE.sub("", _text(name))):
        title = text.replace("`", "")
        yield DocumentSection(name, title, "" if marks == "#" else _place(title))


def _place(title: str) -> str:
    """Return the address that Streamlit gives to a heading: it also separates words written like GitHub."""
    apart = _CAMEL.sub(" ", re.sub(r"'(?=[st]\b)", "", title))
    return "-".join(_WORDS.findall(apart.lower()))


def shown(name: str) -> str:
    """Return a page as Streamlit reads it: its links lead to pages of the dashboard, its pictures are inside."""
    parts = _CODE.split(_text(name))
    return "".join(part if index % 2 else _prose(part, name) for index, part in enumerate(parts))


def _prose(text: str, name: str) -> str:
    def link(found: re.Match[str]) -> str:
        page, anchor = found[1], found[2]
        page = page and posixpath.normpath(posixpath.join(posixpath.dirname(name), page))
        place = f"#{_places().get((page or name, anchor), anchor)}" if anchor else ""
        return f"](/help?page={page}{place})" if page else f"]({place})"

    text = _IMAGE.sub(lambda found: f"![{found[1]}]({_picture(found[2], found[3])})", text)
    return _LINK.sub(link, text).replace("$", "\\$")  # Streamlit reads formulas between dollar signs


@cache
def _places() -> Mapping[tuple[str, str], str]:
    """Return our place of each heading by its page and its place on GitHub."""
    return {(one.page, re.sub(r"[^\w\- ]", "", one.title.lower()).replace(" ", "-")): one.anchor for one in sections()}


@cache
def _text(name: str) -> str:
    return (_FOLDER / f"{name}.md").read_text(encoding="utf-8")


def _picture(path: str, kind: str) -> str:
    return f"data:{_TYPES[kind]};base64,{base64.b64encode((_FOLDER / path).read_bytes()).decode()}"
