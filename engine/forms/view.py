"""What a page with a form shows; the dashboard's catalogue has its words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from msgspec import Struct, field

from engine.forms.fields import FormFields
from engine.forms.values import InvalidValue

Notice = Literal[
    "", "wrong", "old", "sent_before", "too_large", "often", "full", "day", "broken", "unknown", "unreadable"
]
"""What is said above the fields, or instead of them."""


class FormView(Struct, frozen=True):
    """A page: with `fields`, a form; without, only a sentence."""

    languages: str
    """What the browser asks for (Accept-Language)."""
    nonce: str
    """Allows the page's style."""
    fields: FormFields | None = None
    is_sent: bool = False
    """Whether it thanks for what was sent, instead of asking."""
    notice: Notice = ""
    minutes: int = 0
    """After how long to try again, for the notices that say so."""
    size_bytes: int = 0
    """What was sent, of what is too large; 0 if unknown."""
    most_bytes: int = 0
    """What fits."""
    page_id: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)
    """What was typed, by field."""
    wrong: Mapping[str, InvalidValue] = field(default_factory=dict)
    has_lost_files: bool = False
    """Whether files were chosen that must be chosen again."""


Render = Callable[[FormView], str]
"""Returns the page as HTML."""
