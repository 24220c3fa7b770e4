"""The error of a function of ours, in a form that survives CEL: it hands on only a text."""

from __future__ import annotations

import re

REFUSED = re.compile(r"(?s)\A(.*?) \[remedy: (.*)\]")


class RefusedValue(ValueError):
    """A function cannot work with this value; the text has the message and the remedy (`REFUSED`)."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message} [remedy: {remedy}]")


def cited(text: str) -> str:
    """Return the beginning of a value as messages quote it."""
    return repr(text if len(text) <= 40 else f"{text[:40]}…")
