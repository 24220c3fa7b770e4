"""What a reader sees of an HTML mail; nothing is loaded, and hidden content is left out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct

from clients.mail.quoting.citations import CITED, mark_citations

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag
    from bs4.element import PageElement
    from markdownify import MarkdownConverter

WriteTable: TypeAlias = "Callable[[Tag, Sequence[Sequence[str]]], str]"
"""Returns the text of a table, given its element and its rows of cells."""
HTML_MOST = 2_000_000
"""Characters of HTML that are read."""
TAGS_MOST = 60_000
"""Tags of HTML that are read."""
_CELL, _END_OF_ROW = "\ufdd0", "\ufdd1"
"""Marks within a table: noncharacters (Unicode 23.7), which `visible_tree` removes from its input."""
_WITHOUT_MARKS = dict.fromkeys(map(ord, _CELL + _END_OF_ROW + CITED))
_MATCHES_MOST = 100_000
"""Limit on elements times selectors."""
_NOT_TEXT = frozenset({"script", "style", "title", "template", "object", "svg", "iframe", "input", "datalist"})
# Possessive where blanks may occur: a megabyte of them, from an untrusted sender, must not cause backtracking.
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
_MARK = re.compile(r"<(?:!--|[!?]|/?[A-Za-z])")
# A tag as browsers read it (HTML standard, 13.2.5): within quotes, `>` and `<!--` are text of the attribute.
_TAG = re.compile(
    r"</?+(?P<name>[A-Za-z][^\s/>]*+)"
    r"(?>(?:[\s/]++|=|[^\s/>=]++(?>(?:\s*+=\s*+(?>(?:\"[^\"]*+\"|'[^']*+'|[^\s>\"'][^\s>]*+)?))?))*)>"
)
_REFERENCE = re.compile(r"&(#[0-9]{1,7};?|#[xX][0-9a-fA-F]{1,6};?|[A-Za-z][A-Za-z0-9]{1,31}(?:;|(?![A-Za-z0-9=])))?")
_VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
_TAG_BEGINS = re.compile(r"<[A-Za-z/!?]")
_COMMENT_ENDS = re.compile(r"--!?>")
_READ_WITHOUT_END = frozenset({"title", "textarea"})
_TEXT_TO_ITS_END = _READ_WITHOUT_END | {"script", "style"}
_SIMPLE_SELECTOR = re.compile(r"[\w\s.,#*>-]{1,200}")
_SELECTORS_MOST = 50
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_MARKING = frozenset({"blockquote", "ul", "ol", "li", "pre"})
_MARKS_MOST = 8
_STEPS_MOST = 1_000_000
_NAMES = re.compile(r"[.#]([\w-]+)")
_BLANKS = re.compile(r"[\t \r\n]{2,}|[\t\r]")
_QUOTED_LINE = re.compile(r"^(?=>)", re.MULTILINE)
_DIGITS_MOST = 9
"""Digits of the number that a list starts at, at most."""
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u180e\u200b\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)
_FILLER = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u180e\u2007\u200b-\u200f\u2060-\u2064\u2800\u3164\ufeff\u00a0 ]{6,}"
)
_ZERO_WIDTH = re.compile("[^\u00a0 ]")
"""Found in the filler of newsletters, which keeps further text out of a list of mails; mere blanks are not filler."""


def visible_text(html: str) -> str:
    """Convert HTML to Markdown: links and lists are kept, pictures, scripts and hidden parts dropped.

    A picture's description is used if the picture is a link or the mail has no other text. Accepts any input, however
    broken or deep; reads the first 2,000,000 characters and 60,000 tags.
    """
    return text_of(visible_tree(html), _in_lines)


def mail_text(html: str) -> str:
    """Convert the HTML of a mail as `visible_text` does; lines that its author cites begin with `CITED`."""
    tree = visible_tree(html)
    mark_citations(tree)
    return text_of(tree, _in_lines)


def text_of(tree: BeautifulSoup, write_table: WriteTable) -> str:
    """Convert a tree of visible elements to Markdown, as `visible_text` does, with tables in this module's form."""
    is_deep = _flatten(tree) > _STEPS_MOST
    text = tidy(tree.get_text("\n", strip=True) if is_deep else _markdown(tree, write_table))
    return text or tidy("\n".join(map(_description, tree.find_all("img"))))


def visible_tree(html: str) -> BeautifulSoup:
    """Return the tree of HTML, which may be anything, without what a reader does not see."""
    from clients.mail.html_tree import HtmlTree

    soup = HtmlTree(_REFERENCE.sub(_referring, bounded(html).translate(_WITHOUT_MARKS)))
    _remove_hidden(soup)
    return soup


def bounded(html: str) -> str:
    """Return HTML, of any origin, that the parser reads in seconds: its beginning, without comments, whole tags."""
    return _whole_tags(_uncommented(shortened(html, TAGS_MOST)))


def shortened(html: str, tags: int) -> str:
    """Return the beginning of HTML, with at most 2,000,000 characters and `tags` tags."""
    html = html[:HTML_MOST]
    pieces = html.split("<", tags + 1)
    return html if len(pieces) <= tags + 1 else html[: -len(pieces[-1]) - 1]


def is_longer(html: str) -> bool:
    """Return whether HTML has more than the part that is read."""
    return len(shortened(html, TAGS_MOST)) < len(html)


def _uncommented(html: str) -> str:
    """Remove comments, declarations and scripts in one pass, and keep what only looks like a comment.

    For an unterminated comment the parser takes quadratic time, and for an unknown declaration (`<![odd ...]>`) it
    rejects the whole mail.
    """
    kept, place, endless = list[str](), 0, set[str]()
    while found := _MARK.search(html, place):
        begin = found.start()
        kept.append(html[place:begin])
        if found[0] == "<!--":
            place = _end_of(_COMMENT_ENDS.search(html, begin + 2), html)  # "<!-->" is a comment, too
        elif found[0] in ("<!", "<?"):
            place = html.find(">", begin) + 1 or len(html)
        elif tag := _TAG.match(html, begin):
            kept.append("<" + tag[0][1:].replace("<", "&lt;"))
            if tag["name"].lower() in _VOID:
                kept[-1] = f"{kept[-1][:-1]} />"  # otherwise the parser looks for its end among all such tags
            place = _end_of_text(html, tag, kept, endless)
        else:  # it has no end
            return "".join(kept)
    return "".join([*kept, html[place:]])


def _end_of(found: re.Match[str] | None, html: str) -> int:
    return found.end() if found else len(html)


def _end_of_text(html: str, tag: re.Match[str], kept: list[str], endless: set[str]) -> int:
    """Return where the parser goes on after a tag; text up to an end tag is kept, even if it looks like tags."""
    name, begin = tag["name"].lower(), tag.end()
    if name not in _TEXT_TO_ITS_END or tag[0].startswith("</") or name in endless:
        return begin
    found = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(html, begin)
    if found is None and name in _READ_WITHOUT_END:
        endless.add(name)
        return begin
    end = found.start() if found else len(html)
    if name == "style":
        kept.append(html[begin:end].replace("<!--", "").replace("-->", ""))
    elif name != "script":
        kept.append(html[begin:end].replace("<", "&lt;"))
    return end


def _whole_tags(html: str) -> str:
    """Drop an unterminated tag at the end, which would take the parser quadratic time as well."""
    cut = _TAG_BEGINS.search(html, html.rfind(">") + 1)
    return html if cut is None else html[: cut.start()]


def _referring(found: re.Match[str]) -> str:
    """Treat an ampersand as browsers do: `AT&T` and `?a=1&copy=2` contain no entity."""
    from html import unescape
    from html.entities import html5

    name = found[1] or ""
    if name.startswith("#") and not unescape(found[0]):  # it means no character, or a forbidden one
        return ""
    return found[0] if name.startswith("#") or name in html5 else f"&amp;{name}"


def _description(picture: Tag) -> str:
    return " ".join(str(picture.get("alt") or "").split())


def tidy(text: str) -> str:
    """Drop zero-width characters (they hide words, or fill lines), blanks at line ends, and repeated empty lines."""
    text = _FILLER.sub(lambda run: " " if _ZERO_WIDTH.search(run[0]) else run[0], text)
    seen = _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\xa0", " ").replace("\0", ""))
    lines = "\n".join(line.rstrip() for line in seen.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", lines).strip()


def _markdown(soup: BeautifulSoup, write_table: WriteTable) -> str:
    try:
        return str(_converter(write_table).convert_soup(soup))
    except RecursionError:  # thousands of nested elements: fall back to plain text
        return soup.get_text("\n", strip=True)


def _in_lines(_table: Tag, rows: Sequence[Sequence[str]]) -> str:
    """Write each row on a line: mails use tables for layout."""
    return "\n".join(" ".join(row).strip() for row in rows)


class _ShortBlanks(Struct, frozen=True):
    """A text, as the converter looks at it, with one blank or line end for several.

    For a run of blanks without a line end the library takes quadratic time.
    """

    parent: Tag | None
    previous_sibling: PageElement | None
    next_sibling: PageElement | None
    text: str

    @classmethod
    def of(cls, node: PageElement) -> _ShortBlanks:
        """Return the text of a node, with its neighbours."""
        short = _BLANKS.sub(lambda run: "\n" if "\n" in run[0] or "\r" in run[0] else " ", str(node))
        return cls(node.parent, node.previous_sibling, node.next_sibling, short)

    def __str__(self) -> str:
        return self.text


class _InLinearTime:
    """Replaces steps of the library that take quadratic time."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._counts: dict[int, int] = {}

    def process_text(self, el: PageElement, parent_tags: set[str] | None = None) -> str:
        is_exact = "pre" in (parent_tags or ())
        return str(super().process_text(el if is_exact else _ShortBlanks.of(el), parent_tags))  # type: ignore[misc]

    def convert_pre(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """Write preformatted text, where each blank counts, without the empty lines around it."""
        begin = text[: len(text) - len(text.lstrip(" \n"))].rfind("\n") + 1
        kept = text[begin:].rstrip(" \n")
        if "moz-signature" in str(el.get("class") or ""):
            return f"\n\n{kept}\n\n"
        return f"\n\n```\n{kept}\n```\n\n" if text else ""

    def convert_li(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return _numbered(el, text, self._counts) or str(super().convert_li(el, text, parent_tags))  # type: ignore[misc]


def _numbered(item: Tag, text: str, counts: dict[int, int]) -> str:
    """Write an item of a list with numbers, its further lines below its text; return "" for one of another list.

    `counts`: the number of the last item of each list. To find it, the library goes through all items before this one.
    """
    above = item.parent
    if above is None or above.name != "ol":
        return ""
    number = counts[id(above)] = counts.get(id(above), _start_of(above) - 1) + 1
    mark = f"{number}. "
    first, *more = text.strip().split("\n")
    return "\n".join(
        [mark + first if first else "", *(f"{' ' * len(mark)}{line}" if line else "" for line in more), ""]
    )


def _start_of(numbers: Tag) -> int:
    start = str(numbers.get("start") or "")
    return int(start) if start.isdecimal() and len(start) <= _DIGITS_MOST else 1


def _converter(write_table: WriteTable) -> MarkdownConverter:
    from markdownify import MarkdownConverter

    class SeenText(_InLinearTime, MarkdownConverter):
        """Collects the rows of each table, and keeps lines in cells apart."""

        def process_element(self, node: PageElement, parent_tags: set[str] | None = None) -> str:
            """Convert the content of a cell as elsewhere: the library writes it on one line, except in headings."""
            around = parent_tags or set()
            around = around if around & _HEADINGS else around - {"_inline"}
            return str(super().process_element(node, around))  # type: ignore[misc]

        def convert_table(self, el: Tag, text: str, parent_tags: set[str]) -> str:
            rows = [row.removeprefix(_CELL).split(_CELL) for row in text.split(_END_OF_ROW)]
            written = write_table(el, rows if any(rows[-1]) else rows[:-1])
            return "\n\n" + written.strip("\n") + "\n\n"

        def convert_tr(self, el: object, text: str, parent_tags: set[str]) -> str:
            return text.strip() + (_END_OF_ROW if "table" in parent_tags else "\n")

        def convert_td(self, el: object, text: str, parent_tags: set[str]) -> str:
            return (_CELL if "table" in parent_tags else " ") + text.strip()

        convert_th = convert_td

        def convert_a(self, el: Tag, text: str, parent_tags: set[str]) -> str:
            """Write a mail address that links to itself as plain text."""
            address = text.strip().lower()
            if "@" in address and str(el.get("href")).lower() == f"mailto:{address}":
                return text
            return str(super().convert_a(el, text, parent_tags))  # type: ignore[misc]

        def convert_blockquote(self, el: Tag, text: str, parent_tags: set[str]) -> str:
            quoted = str(super().convert_blockquote(el, text, parent_tags))  # type: ignore[misc]
            return _QUOTED_LINE.sub(CITED, quoted) if el.get(CITED) else quoted

        def convert_img(self, el: Tag, text: str, parent_tags: set[str]) -> str:
            return _description(el) if "a" in parent_tags else ""

    return SeenText(heading_style="ATX", strip_pre=None, escape_asterisks=False, escape_underscores=False)


def _flatten(soup: BeautifulSoup) -> int:
    """Turn deeply nested quotes and lists into plain blocks: each level would prefix every line.

    Returns the sum of all elements' depths, which is the cost of converting them.
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
    elements = list(_elements(soup))
    sheets = "\n".join(one.get_text() for one in elements if one.name == "style")
    unwanted = [one for one in elements if one.name in _NOT_TEXT or _hides_itself(one)]
    unwanted += _hidden_by(_hiding_selectors(sheets), soup, elements)
    _extract(_outermost(soup, {id(element) for element in unwanted}))


def _hides_itself(element: Tag) -> bool:
    if element.get("hidden") is not None or (element.name == "dialog" and element.get("open") is None):
        return True
    style = element.get("style")
    return bool(style) and _HIDING.search(_without_comments(str(style))) is not None


def _extract(elements: list[PageElement]) -> None:
    """Take elements, given in document order, out of their tree, without a search among their siblings for each."""
    parents = {id(one.parent): one.parent for one in elements if one.parent is not None}
    places = {id(one): place for parent in parents.values() for place, one in enumerate(parent.contents)}
    for element in reversed(elements):  # from the end, so that the noted places stay right
        element.extract(places.get(id(element)))


def _outermost(soup: BeautifulSoup, wanted: set[int]) -> list[PageElement]:
    """Return those wanted elements (by identity) that are in no other: removing each of a deep nest takes minutes."""
    found: list[PageElement] = []
    element: PageElement | None = soup.contents[0] if soup.contents else None
    while element is not None:
        if id(element) in wanted:
            found.append(element)
            element = element._last_descendant() or element  # noqa: SLF001 - the library has no public name for it
        element = element.next_element
    return found


def _hiding_selectors(sheets: str) -> list[str]:
    """Return the selectors that the mail's own style sheets hide on every screen (rules inside @media are ignored)."""
    selectors = [selector for selector, body in _rules(_without_comments(sheets)) if _HIDING.search(body)]
    return [selector for selector in selectors if _SIMPLE_SELECTOR.fullmatch(selector)][:_SELECTORS_MOST]


def _hidden_by(selectors: list[str], soup: BeautifulSoup, elements: list[Tag]) -> list[Tag]:
    """Return the elements that the selectors hide; in a very large mail, all with a class or id they end with."""
    if not selectors:
        return []
    if len(elements) * len(selectors) <= _MATCHES_MOST:
        return [found for selector in selectors for found in _select(soup, selector)]
    names = {name for each in ",".join(selectors).split(",") for name in _NAMES.findall(each.rpartition(" ")[2])}
    return [element for element in elements if names & {*element.get_attribute_list("class"), element.get("id")}]


def _without_comments(sheets: str) -> str:
    first, *rest = sheets.replace("<!--", "").replace("-->", "").split("/*")
    return first + "".join(part.partition("*/")[2] for part in rest)


def _rules(sheets: str) -> Iterator[tuple[str, str]]:
    """Yield (selector, declarations) outside of @-blocks, in one pass: a mail may contain a megabyte of nonsense."""
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
    except (SelectorSyntaxError, NotImplementedError, ValueError):  # `:hover` and similar select nothing here
        return []
