"""What GitHub makes of Markdown, read by its own parser (cmark-gfm): links, images, mentions and what nobody sees.

markdown-it says where something stands in a text, cmark does not; but only cmark reads every text as GitHub does. So it
has the last word on what the rest of this package has rewritten.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

from engine.outgoing.addresses import DRAWN_LANGUAGES, WORD_ATTRIBUTES, IsNamed, leads_away, mentions

_MAY_LEAD = re.compile(r"<[!?]|<[^<>\s]+\s|<pre lang|@|#\d|GH-\d|/\d", re.IGNORECASE)
_MAIL = re.compile(r"mailto:[^?%]+")
"""A bare mail address, which GitHub turns into a link."""
_CODE = frozenset({"code", "pre"})
_INLINE = frozenset(
    {"em", "strong", "del", "a", "b", "i", "s", "u", "span", "sub", "sup", "ins", "kbd", "mark", "font"}
)
"""Tags that do not part words; code does."""
_APART = "\nx\n"
_HARMLESS = WORD_ATTRIBUTES | {"align", "disabled", "type", "checked"}
"""Attributes that cmark-gfm writes itself, and attributes that only hold words."""


def has_links(text: str, is_named: IsNamed) -> bool:
    """Return whether a text has a link, an image or a tag that leads to a place that is not named, or a comment.

    The same goes for a mention, and for an issue that is closed: an entity or emphasis may have hidden them.
    """
    import cmarkgfm
    from cmarkgfm.cmark import Options

    plain = text.replace("\0", "\ufffd")  # CommonMark 2.3, Insecure characters
    page: str = cmarkgfm.github_flavored_markdown_to_html(plain, Options.CMARK_OPT_UNSAFE)  # type: ignore[no-untyped-call]
    if _MAY_LEAD.search(page) is None:
        return False
    looked = _Look(is_named)
    looked.feed(page)
    looked.close()
    return looked.is_live or any(not is_named(words) for _, _, words in mentions("".join(looked.words)))


class _Look(HTMLParser):
    def __init__(self, is_named: IsNamed) -> None:
        super().__init__(convert_charrefs=True)
        self._is_named, self.is_live = is_named, False
        self._codes = 0
        self.words: list[str] = []
        """The text outside of code; a word stands for code and for what separates paragraphs."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at the attributes of a tag."""
        self._codes += tag in _CODE
        self.words += [] if tag in _INLINE else [_APART]
        for name, value in attrs:
            if tag == "pre" and name == "lang":
                self.is_live |= (value or "").lower() in DRAWN_LANGUAGES
            elif name not in _HARMLESS and value and not (name == "href" and _MAIL.fullmatch(value)):
                self.is_live |= leads_away(value, self._is_named)

    def handle_endtag(self, tag: str) -> None:
        """Note where code, or a paragraph, ends."""
        self._codes = max(self._codes - (tag in _CODE), 0)
        self.words += [] if tag in _INLINE else [_APART]

    def handle_data(self, data: str) -> None:
        """Note what people read."""
        if not self._codes:
            self.words.append(data)

    def handle_comment(self, data: str) -> None:
        """Nobody sees a comment."""
        self.is_live = True

    def handle_decl(self, decl: str) -> None:
        """Nobody sees a declaration, either."""
        self.is_live = True

    def unknown_decl(self, data: str) -> None:
        """Nor a section of CDATA."""
        self.is_live = True

    def handle_pi(self, data: str) -> None:
        """Nor an instruction for programs."""
        self.is_live = True
