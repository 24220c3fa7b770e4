"""Mails whose sender the receiving server could not confirm: its check by DMARC has failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_DEEPEST = 4
"""A list of mails within a conversation within the inputs of a run."""


def is_unconfirmed(mail: Any) -> bool:
    """Return whether a mail, as steps and triggers give it, is one of these; false for any other value."""
    checked = mail.get("authentication") if isinstance(mail, Mapping) else None
    return isinstance(checked, Mapping) and checked.get("dmarc") == "fail"


def unconfirmed_in(value: Any, depth: int = 0) -> int:
    """Return how many such mails a value is or holds, in the first levels of its objects and lists."""
    if is_unconfirmed(value):
        return 1
    if depth > _DEEPEST or not isinstance(value, Mapping | list):
        return 0
    inner = value.values() if isinstance(value, Mapping) else value
    return sum(unconfirmed_in(one, depth + 1) for one in inner)
