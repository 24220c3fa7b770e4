"""What charts, diagrams and comments of Office documents say, as text (ECMA-376, part 1, 21.2 and 21.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from xml.etree.ElementTree import Element

from engine.sandbox.readers.documents.formulas import local_name

_SAYING = ("p", "t", "v", "text")


def chart_text(chart: Element) -> str:
    """Return the titles of a chart, and a line for each series: `North: Q1 = 4.3; Q2 = 2.5`, as they are stored."""
    series = [_series(one) for one in _named(chart, "ser")]
    return "\n".join(filter(None, [*map(_words, _named(chart, "title")), *series]))


def diagram_text(diagram: Element) -> str:
    """Return a line for each paragraph of a diagram (SmartArt)."""
    return "\n".join(filter(None, map(_words, _named(diagram, "p"))))


def comments_text(comments: Element) -> str:
    """Return a line for each comment of a slide, with the answers to it."""
    return "\n".join(f"Comment: {words}" for words in map(_words, _named(comments, "cm")) if words)


def cell_comments(comments: Element) -> dict[str, str]:
    """Return {cell: what is said about it} of a sheet, from the old form of its comments or the newer one."""
    found: dict[str, str] = {}
    for one in (*_named(comments, "comment"), *_named(comments, "threadedComment")):
        found[one.get("ref", "")] = f"{found.get(one.get('ref', ''), '')} {_words(one)}".strip()
    return found


WRITTEN: Mapping[str, Callable[[Element], str]] = {
    "chart": chart_text,
    "diagramData": diagram_text,
    "comments": comments_text,
}
"""{the kind of a relationship: how such a part is written}."""


def _series(series: Element) -> str:
    found: dict[str, dict[str, str]] = {local_name(one): _points(one) for one in series}
    categories = found.get("cat") or found.get("xVal") or {}
    values = found.get("val") or found.get("yVal") or {}
    said = "; ".join(f"{categories.get(at, at)} = {value}" for at, value in values.items())
    return ": ".join(filter(None, [" ".join(found.get("tx", {}).values()), said]))


def _points(part: Element) -> dict[str, str]:
    """Return the stored values by their places; of categories with several levels, the innermost is the first."""
    found: dict[str, str] = {}
    for point in _named(part, "pt"):
        found.setdefault(point.get("idx", ""), _words(point))
    return found


def _words(part: Element) -> str:
    """Return the text of a part in one line: its paragraphs, which are split into runs, stay apart."""
    said = ("\n" if local_name(one) == "p" else one.text or "" for one in part.iter() if local_name(one) in _SAYING)
    return " ".join("".join(said).split())


def _named(part: Element, name: str) -> Iterator[Element]:
    return (one for one in part.iter() if local_name(one) == name)
