"""HTML as a tree, with the end tags that HTML allows to be left out (HTML standard, 13.1.2.4: Optional tags)."""

from __future__ import annotations

from typing import Any

from bs4 import BeautifulSoup, Tag

_ROW = frozenset({"td", "th", "tr"})
_PART = _ROW | {"thead", "tbody", "tfoot", "caption", "colgroup"}
_ENDS: dict[str, frozenset[str]] = {
    **dict.fromkeys(("td", "th"), frozenset({"td", "th", "caption", "colgroup"})),
    "tr": _ROW | {"caption", "colgroup"},
    **dict.fromkeys(("thead", "tbody", "tfoot"), _PART),
    "li": frozenset({"li", "p"}),
    **dict.fromkeys(("dt", "dd"), frozenset({"dt", "dd", "p"})),
    "option": frozenset({"option"}),
    "optgroup": frozenset({"option", "optgroup"}),
}
# Not <table>: a page without a doctype has it inside of the paragraph.
_END_A_PARAGRAPH = frozenset(
    "address article aside blockquote details dialog div dl fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 "
    "header hgroup hr main menu nav ol p pre search section summary ul".split()
)
_OF_TABLES = frozenset(_PART)
_TABLE = frozenset({"table", "template"})
_SHUT = _TABLE | {"td", "th", "caption", "ul", "ol", "menu", "dl", "select", "button", "object", "blockquote"}
_DEPTH = 50
"""How many open elements are looked at for each tag: a page may nest tens of thousands."""


class _Element(Tag):
    """An element that knows at once whether it is in one of a name: the converter asks each of a deep nest."""

    def find_parent(self, name: Any = None, *given: Any, **options: Any) -> Tag | None:
        """Return the innermost element around this one with a name."""
        if not isinstance(name, str) or given or options:
            return super().find_parent(name, *given, **options)
        found = self.parent
        while found is not None and found.name != name:
            found = found.parent
        return found


class HtmlTree(BeautifulSoup):
    """The tree of HTML: `<tr><td>1<td>2` has two cells, as in a browser."""

    def __init__(self, html: str) -> None:
        super().__init__(
            html, "html.parser", element_classes={Tag: _Element}, on_duplicate_attribute="ignore"
        )  # the first one counts, as in a browser

    def handle_starttag(self, name: str, *given: Any, **options: Any) -> Any:
        """Open an element, after those that its beginning ends."""
        ends = _ENDS.get(name) or (frozenset({"p"}) if name in _END_A_PARAGRAPH else frozenset())
        ended = self._outermost(ends, _TABLE if name in _OF_TABLES else _SHUT) if ends else ""
        if ended:
            self.handle_endtag(ended)
        return super().handle_starttag(name, *given, **options)

    def _outermost(self, ends: frozenset[str], shut: frozenset[str]) -> str:
        """Return the name of the outermost open element that ends; nothing outside of one of `shut` does."""
        found = ""
        for element in reversed(self.tagStack[-_DEPTH:]):
            if element.name in ends:
                found = element.name
            elif element.name in shut:
                break
        return found
