"""The visible text of an HTML mail, as Markdown; nothing is loaded, and what a reader would not see is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag
    from bs4.element import PageElement
    from markdownify import MarkdownConverter

_HTML_MOST = 1_000_000
TAGS_MOST = 20_000
_MATCHES_MOST = 100_000
"""Elements times selectors that are tried."""
_NOT_TEXT = ["script", "style", "title", "template", "noscript", "object", "svg", "iframe", "img", "input"]
# Possessive where blanks may stand: a megabyte of them must not be tried in every way (the text is from anybody).
_HIDING = re.compile(
    r"display\s*:\s*none"
    r"|visibility\s*:\s*(hidden|collapse)"
    r"|mso-hide\s*:\s*all"
    r"|(?<![\w-])opacity\s*+:\s*+0*(\.0+)?\s*+(!|;|$)"
    r"|font-size\s*+:\s*+(0*(\.0+)?(px|pt|em|rem|%)?|[012](\.\d+)?(px|pt))\s*+(!|;|$)"
    r"|max-height\s*:\s*0+(px|pt|em)?\s*(!|;|$)"
    r"|text-indent\s*:\s*-\d{3,}"
    r"|(?<![\w-])(left|top)\s*:\s*-\d{3,}",
    re.IGNORECASE,
)
# "<!DOCTYPE>", "<![odd ...]>", "<?xml ?>": the parser refuses a whole mail for a declaration that it does not know.
_DECLARATION = re.compile(r"<[!?][^>]*>?")
_SIMPLE_SELECTOR = re.compile(r"[\w\s.,#*>-]{1,200}")
_SELECTORS_MOST = 50
_MARKING = frozenset({"blockquote", "ul", "ol", "li", "pre"})
_MARKS_MOST = 8
_STEPS_MOST = 1_000_000
_NAMES = re.compile(r"[.#]([\w-]+)")
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u180e\u200b\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)


def visible_text(html: str) -> str:
    """Turn HTML into Markdown text: links and lists stay, pictures, scripts and hidden parts go.

    Takes any input, however broken or deep; looks at the first 1,000,000 characters and 20,000 tags.
    """
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(_whole_tags(_DECLARATION.sub("", _uncommented(shortened(html, TAGS_MOST)))), "html.parser")
    _remove_hidden(soup)
    return tidy(_markdown(soup) if _flatten(soup) <= _STEPS_MOST else soup.get_text("\n", strip=True))


def shortened(html: str, tags: int) -> str:
    """Give the beginning of HTML, with at most 1,000,000 characters and so many tags."""
    html = html[:_HTML_MOST]
    pieces = html.split("<", tags + 1)
    return html if len(pieces) <= tags + 1 else html[: -len(pieces[-1]) - 1]


def _uncommented(html: str) -> str:
    """Leave comments out in one pass: for one that does not end, the parser takes time by the square of its length."""
    kept, place = [], 0
    while (begin := html.find("<!--", place)) >= 0:
        kept.append(html[place:begin])
        end = html.find("-->", begin + 2)  # "<!-->" is one, too
        place = end + 3 if end >= 0 else len(html)
    return "".join([*kept, html[place:]])


def _whole_tags(html: str) -> str:
    """Leave out a tag at the end that is not closed, for the same reason."""
    last = html.rfind(">")
    cut = html.find("<", last + 1)
    return html if cut < 0 else html[:cut]


def tidy(text: str) -> str:
    """Drop characters without width (they hide words), blanks at line ends, and more than one empty line in a row."""
    seen = _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\xa0", " ").replace("\0", ""))
    lines = "\n".join(line.rstrip() for line in seen.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", lines).strip()


def _markdown(soup: BeautifulSoup) -> str:
    try:
        return str(_converter().convert_soup(soup))
    except RecursionError:  # thousands of nested elements: the plain words then
        return soup.get_text("\n", strip=True)


def _converter() -> MarkdownConverter:
    from markdownify import MarkdownConverter

    class MailText(MarkdownConverter):
        """Tables lay mails out, so that their cells are read as text and not drawn."""

        def convert_table(self, el: object, text: str, parent_tags: set[str]) -> str:
            return f"\n\n{text.strip()}\n\n"

        def convert_tr(self, el: object, text: str, parent_tags: set[str]) -> str:
            return f"{text.strip()}\n"

        def convert_td(self, el: object, text: str, parent_tags: set[str]) -> str:
            return f" {text.strip()}"

        convert_th = convert_td

        def convert_a(self, el: Tag, text: str, parent_tags: set[str]) -> str:
            """A mail address that leads to itself is no link worth words."""
            address = text.strip().lower()
            if "@" in address and str(el.get("href")).lower() == f"mailto:{address}":
                return text
            return str(super().convert_a(el, text, parent_tags))  # type: ignore[misc]

    return MailText(heading_style="ATX", escape_asterisks=False, escape_underscores=False)


def _flatten(soup: BeautifulSoup) -> int:
    """Take quotes and lists within many others for plain blocks: each level would write its mark into every line.

    Gives how many steps it is from all elements to the top, which is what drawing them takes.
    """
    depths, marks, steps = {id(soup): 0}, {id(soup): 0}, 0
    for element in list(_elements(soup)):
        depth = depths[id(element)] = depths[id(element.parent)] + 1
        level = marks[id(element)] = marks[id(element.parent)] + (element.name in _MARKING)
        steps += depth
        if level > _MARKS_MOST and element.name in _MARKING:
            element.name = "div"
    return steps


def _elements(soup: BeautifulSoup) -> Iterator[Tag]:
    from bs4 import Tag

    return (element for element in soup.descendants if isinstance(element, Tag))


def _remove_hidden(soup: BeautifulSoup) -> None:
    sheets = "\n".join(sheet.get_text() for sheet in soup.find_all("style"))
    unwanted = [*soup.find_all(_NOT_TEXT), *soup.find_all(hidden=True)]
    unwanted += soup.find_all(style=lambda style: bool(style) and bool(_HIDING.search(str(style))))
    unwanted += _hidden_by(_hiding_selectors(sheets), soup)
    for element in _outermost(soup, {id(element) for element in unwanted}):
        element.extract()


def _outermost(soup: BeautifulSoup, wanted: set[int]) -> list[PageElement]:
    """Give the elements wanted (by identity) that are in no other one: taking out each of a deep nest takes minutes."""
    found: list[PageElement] = []
    element: PageElement | None = soup.contents[0] if soup.contents else None
    while element is not None:
        if id(element) in wanted:
            found.append(element)
            element = element._last_descendant() or element  # noqa: SLF001 - the library has no public name for it
        element = element.next_element
    return found


def _hiding_selectors(sheets: str) -> list[str]:
    """Selectors that the mail's own style sheets hide on every screen (rules inside @media are left alone)."""
    selectors = [selector for selector, body in _rules(_without_comments(sheets)) if _HIDING.search(body)]
    return [selector for selector in selectors if _SIMPLE_SELECTOR.fullmatch(selector)][:_SELECTORS_MOST]


def _hidden_by(selectors: list[str], soup: BeautifulSoup) -> list[Tag]:
    """Give what the selectors hide; in a very large mail, rather too much: all of the classes and ids they end with."""
    if not selectors:
        return []
    elements = list(_elements(soup))
    if len(elements) * len(selectors) <= _MATCHES_MOST:
        return [found for selector in selectors for found in _select(soup, selector)]
    names = {name for each in ",".join(selectors).split(",") for name in _NAMES.findall(each.rpartition(" ")[2])}
    return [element for element in elements if names & {*element.get_attribute_list("class"), element.get("id")}]


def _without_comments(sheets: str) -> str:
    first, *rest = sheets.replace("<!--", "").replace("-->", "").split("/*")
    return first + "".join(part.partition("*/")[2] for part in rest)


def _rules(sheets: str) -> Iterator[tuple[str, str]]:
    """Yield (selector, declarations) outside of @-blocks, in one pass: a mail may hold a megabyte of nonsense."""
    depth = 0
    for block in sheets.split("}"):
        opened = block.count("{")
        selector, _, body = block.partition("{")
        if depth == 0 and opened == 1 and "@" not in selector:
            yield selector.strip(), body
        depth = max(0, depth + opened - 1)


def _select(soup: BeautifulSoup, selector: str) -> list[Tag]:
    from soupsieve import SelectorSyntaxError

    try:
        return list(soup.select(selector))
    except (SelectorSyntaxError, NotImplementedError, ValueError):  # `:hover` and the like select nothing here
        return []
