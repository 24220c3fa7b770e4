"""The visible text of an HTML mail, as Markdown; nothing is loaded, and what a reader would not see is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag
    from markdownify import MarkdownConverter

_HTML_MOST = 1_000_000
_NOT_TEXT = ["script", "style", "title", "template", "noscript", "object", "svg", "iframe", "img", "input"]
_HIDING = re.compile(
    r"display\s*:\s*none"
    r"|visibility\s*:\s*(hidden|collapse)"
    r"|mso-hide\s*:\s*all"
    r"|(?<![\w-])opacity\s*:\s*0*(\.0+)?\s*(!|;|$)"
    r"|font-size\s*:\s*(0*(\.0+)?(px|pt|em|rem|%)?|[012](\.\d+)?(px|pt))\s*(!|;|$)"
    r"|max-height\s*:\s*0+(px|pt|em)?\s*(!|;|$)"
    r"|text-indent\s*:\s*-\d{3,}"
    r"|(?<![\w-])(left|top)\s*:\s*-\d{3,}",
    re.IGNORECASE,
)
# "<![odd ...]>" outside of a comment: the parser refuses the whole mail for a declaration that it does not know.
_DECLARATION = re.compile(r"<!\[(?![^>]*--)[^>]*>?")
_SIMPLE_SELECTOR = re.compile(r"[\w\s.,#*>-]{1,200}")
_SELECTORS_MOST = 50
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u180e\u200b\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)


def visible_text(html: str) -> str:
    """Turn HTML into Markdown text: links and lists stay, pictures, scripts and hidden parts go.

    Takes any input, however broken or deep; looks at the first 1,000,000 characters.
    """
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(_DECLARATION.sub("", html[:_HTML_MOST]), "html.parser")
    hidden = _hidden_selectors(soup)
    _remove_comments(soup)
    _remove_hidden(soup, hidden)
    return tidy(_markdown(soup))


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

    return MailText(heading_style="ATX", escape_asterisks=False, escape_underscores=False)


def _remove_comments(soup: BeautifulSoup) -> None:
    from bs4.element import PreformattedString

    for found in soup.find_all(string=lambda string: isinstance(string, PreformattedString)):
        found.extract()


def _remove_hidden(soup: BeautifulSoup, selectors: list[str]) -> None:
    unwanted = [*soup.find_all(_NOT_TEXT), *soup.find_all(hidden=True)]
    unwanted += soup.find_all(style=lambda style: bool(style) and bool(_HIDING.search(str(style))))
    for selector in selectors:
        unwanted += _select(soup, selector)
    for element in unwanted:
        element.extract()


def _hidden_selectors(soup: BeautifulSoup) -> list[str]:
    """Selectors that the mail's own style sheets hide on every screen (rules inside @media are left alone)."""
    sheets = "\n".join(sheet.get_text() for sheet in soup.find_all("style"))
    selectors = [selector for selector, body in _rules(_without_comments(sheets)) if _HIDING.search(body)]
    return [selector for selector in selectors if _SIMPLE_SELECTOR.fullmatch(selector)][:_SELECTORS_MOST]


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
