"""Tells inline equations from sums of money: both are written between dollar signs."""

from __future__ import annotations

import re

_BETWEEN = re.compile(
    r"(?<![A-Za-z0-9$])(?P<sign>\${1,2})(?![\s$])(?P<expression>(?:\\.|[^$\\\n]){1,1000}?)(?<!\s)(?P=sign)(?![A-Za-z0-9$])"
)
_COMMAND = re.compile(r"\\[A-Za-z]+\s*(?:\{[^{}]*\})?|[_^]\{[^{}]*\}")
_WORD = re.compile(r"[^\W\d_]{2,}")
_SENTENCE = re.compile(r"[€£¥₹]|[.,;:!?]\s")
_CURRENCY = re.compile(r"(?<![A-Za-z])(?:US|AU?|CA?|R|NZ|HK|SG?|MX|NT)\Z")
"""Letters before a country's dollar sign, which opens a sum of money there and does not close an equation."""

_AMOUNT_ENDS = re.compile(r"[\d.][kKmMbB]?\Z")
"""As in `$100-$200` and `$5k-$6k`: what comes before the next sign is a sum, not `2x`."""


def equation_at(text: str, position: int, end: int | None = None) -> re.Match[str] | None:
    """Return the equation that begins at a dollar sign, with its group `expression`.

    When in doubt it is money: as text it loses nothing, as an equation its signs.
    """
    found = _BETWEEN.match(text, position, len(text) if end is None else end)
    if found is None or (found["sign"] == "$" and not _is_math(found["expression"])):
        return None
    return found if any(sign.isalnum() for sign in found["expression"]) else None


def _is_math(expression: str) -> bool:
    rest = _COMMAND.sub(" ", expression)
    has_words = _WORD.search(rest) is not None
    if not expression.lstrip("+-.").startswith(tuple("0123456789")):
        return not has_words or re.search(r"\\[A-Za-z]|[\^_=]", expression) is not None
    if has_words or _SENTENCE.search(rest) or _CURRENCY.search(rest):
        return False
    if re.search(r"\\[A-Za-z]|\^", expression):
        return True
    if not any(sign.isalpha() for sign in rest):
        return False
    is_amount = " " in rest or _AMOUNT_ENDS.search(rest) is not None
    return "=" in rest or "_" in rest or not is_amount
