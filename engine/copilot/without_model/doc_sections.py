"""Passages of the documentation that fit a question."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from engine.base.checkout import CHECKOUT
from engine.base.synonyms import MEANINGS
from engine.base.text_index import TextIndex

_FOLDER = CHECKOUT / "docs"
_LEFT_OUT = frozenset({"README", "steps", "glossary", "architecture", "extending", "performance", "services"})
"""Lists that have every word, and pages for developers."""
_OF_DEVELOPERS = re.compile(
    r"(?<![\w/.])(?:tests|bench|evals)/|python -m (?:bench|evals)|\bmake (?:chaos|[\w-]+-eval)\b"
)
"""What a paragraph has that is about the tests of this program."""
_TESTED = re.compile(r"how (?:it is tested|good it is)", re.IGNORECASE)
"""The heading of a section for developers."""
_HEADING = re.compile(r"^(#{1,4}) (.+)$")
_FENCE = re.compile(r"^\s*```")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_EMPHASIS = re.compile(r"(?<![\w*`])\*([^\s*`](?:[^*`]*[^\s*`])?)\*(?![\w*`])")
_NOT_OF_ANCHORS = re.compile(r"[^\w\- ]")
_SHOWN = 400


@dataclass(frozen=True)
class DocSection:
    """A section of a page."""

    page: str
    """The name of its file without `.md`."""
    page_title: str
    title: str
    anchor: str
    """The anchor of its heading, as GitHub and the site make it; "" for the top of the page."""
    excerpt: str
    score: float = 0.0


def passages(query: str, most: int = 3) -> list[DocSection]:
    """Return the sections that fit best; [] where the documentation is not installed, or no word is in common."""
    sections, index = _index()
    found = index.best(query, most)
    return [_with_score(sections[place], score) for place, score in found]


def _with_score(passage: DocSection, score: float) -> DocSection:
    return DocSection(passage.page, passage.page_title, passage.title, passage.anchor, passage.excerpt, round(score, 2))


@cache
def _index() -> tuple[list[DocSection], TextIndex]:
    pages = sorted(path for path in _FOLDER.glob("*.md") if path.stem not in _LEFT_OUT)
    found = [one for path in pages for one in _sections(path.stem, path.read_text(encoding="utf-8"))]
    titles = [f"{passage.page_title} {passage.title}" for passage, _ in found]
    return [passage for passage, _ in found], TextIndex(titles, [text for _, text in found], MEANINGS)


def _sections(page: str, text: str) -> Iterator[tuple[DocSection, str]]:
    """Yield each section with its whole text."""
    title = heading = ""
    lines: list[str] = []
    is_code = False
    for line in [*text.splitlines(), "# "]:
        is_code ^= bool(_FENCE.match(line))
        found = None if is_code else _HEADING.match(line) or (line == "# " or None)
        if not found:
            lines.append(line)
            continue
        told = _for_users("\n".join(lines)).strip()
        if told and title and not _TESTED.fullmatch(heading):
            anchor = "" if heading == title else _NOT_OF_ANCHORS.sub("", heading.lower()).replace(" ", "-")
            yield DocSection(page, title, heading, anchor, _excerpt(told)), told
        lines = []
        if isinstance(found, re.Match):
            heading = found[2].replace("`", "")
            title = title or heading


def _for_users(text: str) -> str:
    """Return a section without the paragraphs, and the rows of tables, that are about the tests of this program."""
    paragraphs = (one for one in text.split("\n\n") if one.lstrip().startswith("|") or not _OF_DEVELOPERS.search(one))
    lines = "\n\n".join(paragraphs).splitlines()
    return "\n".join(one for one in lines if not (one.startswith("|") and _OF_DEVELOPERS.search(one)))


def _excerpt(text: str) -> str:
    """Return the beginning of a section without tables and code, as plain text."""
    parts = [part for part in text.split("\n\n") if not part.lstrip().startswith(("|", "```", "!", "{"))]
    told = _EMPHASIS.sub(r"\1", _LINK.sub(r"\1", " ".join(parts)).replace("**", ""))
    plain = " ".join(told.replace("`", "").split())
    return plain if len(plain) <= _SHOWN else f"{plain[:_SHOWN].rsplit(' ', 1)[0]} …"
