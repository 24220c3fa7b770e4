"""Values that Python accepts as JSON but no file or database can store."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from clients.in_workspace.levels import LEVELS_MOST, is_deep

_LONG_NUMBER = re.compile(r"[0-9]{19}")  # 2**63 has as many digits


def unstorable(value: Any) -> Iterator[str]:
    """Yield the reasons why a value cannot be stored, each phrased to follow the value's name in a sentence."""
    try:
        if isinstance(value, str):  # may be long: can be checked without writing its JSON
            if not value.isascii():
                value.encode()
            if "\0" in value:
                yield "holds a NUL character."
            return
        if is_deep(value):
            yield f"is nested deeper than {LEVELS_MOST} levels."
            return
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode()
        if "\\u0000" in text and _has(value, _is_nul):
            yield "holds a NUL character."
        if _LONG_NUMBER.search(text) and _has(value, _is_too_large):
            yield "holds a whole number that does not fit into 64 bits; write it as text."
    except UnicodeEncodeError:
        yield "holds half of a surrogate pair, which is not a character."
    except ValueError:
        yield "holds NaN or infinity, which JSON does not have."


def _has(value: Any, is_it: Callable[[Any], bool]) -> bool:
    if isinstance(value, dict):
        return any(_has(key, is_it) or _has(inner, is_it) for key, inner in value.items())
    return any(_has(inner, is_it) for inner in value) if isinstance(value, list) else is_it(value)


def _is_nul(value: Any) -> bool:
    return isinstance(value, str) and "\0" in value


def _is_too_large(value: Any) -> bool:
    return isinstance(value, int) and not -(2**63) <= value < 2**63
