"""What a request for a change says beside the change that a rule has made of it."""

from __future__ import annotations

import re

from engine.copilot.rules.requests import UnderstoodRequest
from engine.copilot.wizard.unused import CHANNEL, left_words, second_wishes, unclosed, without

_THING = re.compile(
    r"https?://\S+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+|"
    rf"{CHANNEL}|"
    r"(?<![\w./:@-])[A-Za-z0-9][\w-]*/[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?(?![\w/])|"
    r"\b(?:only|nur|(?<!at )once|(?<!auf )einmal)\b",
    re.IGNORECASE,
)
"""Places, and the words that narrow something down."""


def dropped(said: str, change: UnderstoodRequest) -> list[str]:
    """Return the words, places, numbers and wishes of a request that no operation is made of."""
    rest = without(said, change.used)
    things = [found[0] for found in _THING.finditer(rest)]
    return [*things, *unclosed(rest), *left_words(_THING.sub("…", rest)), *second_wishes(said, rest)]
