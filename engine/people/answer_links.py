"""Keeps links that answer a question (engine/runs/approval_links.py) from people who may answer none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.people.access import NOTIFIER, Principal, may, require

LINK_FORM = r"([a-z2-7]{8})\.([0-9]{10})\.([A-Za-z0-9_-]{43})"
"""The secret part of a link: the question, when the link ends, and the signature."""
LINK_LIKE = "%.__________.%"
"""A pattern of SQL's LIKE that every text with such a link matches, and few others."""
_TOKEN = re.compile(rf"(?<![a-z2-7]){LINK_FORM}(?![A-Za-z0-9_-])")
_WHAT = "see what has a link in it with which anybody can answer a question"


def require_no_link(p: Principal, run: Mapping[str, Any]) -> None:
    """Raise NotAllowed if `p` may answer no question and the document of a run has a link to one.

    A message to people has it, and so do a run that is started again with its inputs, and a mail that was read back.
    """
    if not may(p, "run") and (run["started_by"] == NOTIFIER.id or has_link(run)):
        require(p, "run", _WHAT)


def has_link(value: Any) -> bool:
    """Return whether a text anywhere in a JSON value has a link that answers a question."""
    if isinstance(value, str):
        return _TOKEN.search(value) is not None
    if isinstance(value, Mapping):
        return any(map(has_link, value.values()))
    return isinstance(value, list | tuple) and any(map(has_link, value))


def without_links(text: str) -> str:
    """Return a text with the secret part of such links left out."""
    return _TOKEN.sub("…", text)
