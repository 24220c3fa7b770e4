"""Which searches of Gmail also find drafts (https://support.google.com/mail/answer/7190)."""

from __future__ import annotations

import re

_TERM = re.compile(r'(?<![\w-])(-?)([a-z0-9_]+):\s*["({]*([^\s"(){}]*)', re.IGNORECASE)
_DRAFTS = frozenset({"draft", "drafts"})
_ANYWHERE = frozenset({"anywhere", "all"})
_OF_OTHER_MAIL = frozenset(
    {
        *("bcc", "cc", "deliveredto", "to"),
        *("before", "category", "filename", "has", "l", "label", "list", "older", "rfc822msgid"),
    }
)
"""Operators that a new draft rarely fits: it was not delivered to oneself, and has no labels, attachments or past."""


def finds_drafts(query: str) -> bool:
    """Return whether a search certainly reaches drafts: no term leaves them out, and none asks for them."""
    return not any(
        _says_which(minus, operator.lower(), value.lower()) for minus, operator, value in _TERM.findall(query)
    )


def _says_which(minus: str, operator: str, value: str) -> bool:
    """Return whether a term leaves drafts out, or is about them; in doubt it does."""
    if minus:
        return (operator in {"in", "is", "label", "l"} and value in _DRAFTS) or (operator, value) == ("from", "me")
    match operator:
        case "in":
            return value not in _ANYWHERE
        case "is":
            return value != "read"
        case "from":
            return value != "me"
    return operator in _OF_OTHER_MAIL
