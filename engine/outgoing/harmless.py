"""Make a value harmless that goes to a service: hidden characters are shown, links to strangers become text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any

from msgspec import Struct, field

from clients.wording import counted
from engine.base.lazy_values import Unknown
from engine.base.run_file import place_of
from engine.outgoing.addresses import IsNamed, without_mentions, without_orders_of_commit
from engine.outgoing.hidden_characters import shown
from engine.outgoing.markdown import MarkdownChanges, without_links
from engine.plugins.step import Markup

_MOST_PLACES = 3  # named in a sentence, the most frequent ones


class Harmless(Struct):
    """Rewrites the values of one call, and counts what it changes."""

    is_named: IsNamed
    """Whether the workflow names the place to which a link leads."""
    changes: MarkdownChanges = field(default_factory=MarkdownChanges)
    hidden: int = 0
    """How many hidden characters were shown."""

    def value(self, value: Any, own: Collection[str], markup: Markup) -> Any:
        """Return a value with its texts made harmless; `own`: hidden characters that the author uses. Files stay."""
        if isinstance(value, str):
            return self._text(value, own, markup)
        if isinstance(value, Unknown):
            return Unknown(self._text(value.text, own, markup))
        if isinstance(value, dict):
            if place_of(value) is not None:
                return value
            return {name: self.value(one, own, markup) for name, one in value.items()}
        if isinstance(value, list):
            return [self.value(one, own, markup) for one in value]
        return value

    def _text(self, text: str, own: Collection[str], markup: Markup) -> str:
        text, count = shown(text, own)
        self.hidden += count
        if markup == "commit":
            text, mentions = without_mentions(text, self.is_named)
            text, orders = without_orders_of_commit(text, self.is_named)
            self.changes.mentions += mentions
            self.changes.orders += orders
        elif markup == "markdown":
            text, found = without_links(text, self.is_named)
            self.changes.links += found.links
            self.changes.images += found.images
            self.changes.tags += found.tags
            self.changes.mentions += found.mentions
            self.changes.orders += found.orders
            self.changes.languages += found.languages
            self.changes.signs += found.signs
            self.changes.is_code |= found.is_code
        return text

    @property
    def note(self) -> str:
        """What was changed, for people; empty if nothing was."""
        return " ".join(self._sentences())

    def _sentences(self) -> Iterator[str]:
        links, images = self.changes.links, self.changes.images
        shown = f"{counted(images.total(), 'image')} at {_named(images)}"
        if links:
            beside = f" and {shown}" if images else ""
            yield f"{counted(links.total(), 'link')} to {_named(links)}{beside} became text."
        elif images:
            yield f"{shown} became text."
        if self.changes.tags:
            yield f"{counted(self.changes.tags, 'piece')} of HTML became text."
        if self.changes.mentions:
            yield f"{counted(self.changes.mentions, 'mention')} became text."
        if self.changes.orders:
            yield f"{counted(self.changes.orders, 'order')} to bots became text."
        if self.changes.languages:
            yield f"{counted(self.changes.languages, 'block')} of code lost what was behind its marks."
        if self.changes.signs:
            yield f"{counted(self.changes.signs, 'unclear sign')} of formatting changed."
        if self.changes.is_code:
            yield "A text is a block of code now, because its links could not be distinguished."
        if self.hidden:
            yield f"{counted(self.hidden, 'hidden character')} made visible."


def _named(places: Counter[str]) -> str:
    names = [place or "an unclear address" for place, _ in places.most_common(_MOST_PLACES)]
    more = len(places) - len(names)
    if more:
        return f"{', '.join(names)} and {counted(more, 'other host')}"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
