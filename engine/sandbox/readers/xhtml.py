"""XHTML for a parser of HTML, to which `<script src="x.js"/>` is a script that begins, and swallows what follows."""

from __future__ import annotations

import re

_NAMESPACE = "http://www.w3.org/1999/xhtml"
_WITHIN = 4096
# In a value, `<` is not well-formed (XML 1.0, 3.1): no quote that is left open is searched for beyond one.
_ATTRIBUTES = r"(?>(?:\s(?>(?:[^\"'<>/]++|/(?!>)|\"[^\"<]*+\"|'[^'<]*+')*))?)"
_PLACE = re.compile(
    r"<!--|<!\[CDATA\["
    r"|<(?P<name>title|script|style|textarea|iframe|noscript|noembed|noframes|xmp|template|object|select)"
    rf"(?P<rest>{_ATTRIBUTES})(?P<end>/?>)",
    re.IGNORECASE,
)
_ENDS = {"<!--": "-->", "<![cdata[": "]]>", "script": "</script", "style": "</style"}
"""Where content ends that has no tags inside."""


def expanded(page: str) -> str:
    """Return a page with an end tag for each empty element that HTML does not allow to be closed in its own tag.

    A page that does not say that it is XHTML stays as it is.
    """
    head = page[:_WITHIN]
    if not head.lstrip("\ufeff \t\r\n").startswith("<?xml") and _NAMESPACE not in head:
        return page
    kept, done, place = list[str](), 0, 0
    while found := _PLACE.search(page, place):
        place = found.end()
        if found["end"] == "/>":
            kept += [page[done : found.start()], f"<{found['name']}{found['rest']}></{found['name']}>"]
            done = place
        elif end := _ENDS.get((found["name"] or found[0]).lower()):
            place = page.find(end, place)
            if place < 0:
                break
    return "".join([*kept, page[done:]])
