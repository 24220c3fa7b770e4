"""Limits on the size and time of expressions, fields and steps, and the errors that name them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from msgspec import Struct

from engine.base.errors import ExpressionError
from engine.base.wording import number_text

Result = TypeVar("Result")

LONGEST_SOURCE = 50_000
"""Characters of one expression."""
LONGEST_TEXT = 100_000
"""Characters that CEL reads: an expression with the types of its names."""
LARGEST_RESULT = 8_000_000
"""Characters in the result of an expression, in a field, or in all fields of a step."""
LARGEST_INPUT = 32_000_000
"""Characters of the values that an expression or a call needs in memory at once."""
SECONDS = 5
"""Computing time of one expression."""
MEMORY_BYTES = 256 * 1024 * 1024
"""Working memory of one expression."""
SECONDS_OF_CONSTANTS = 10.0
"""Computing time of all costly constant expressions of a file."""
SECONDS_TOGETHER = 60.0
"""Computing time of all costly expressions of one field: of `key`, for example, for all items of a loop."""
MOST_EXPRESSIONS = 1_000
"""Expressions in one text."""
INLINE_WORK = 4_000_000
"""Work that is done in this process, in a few milliseconds; more is done in a child process."""
MOST_GROWTH = 6
"""Characters in the result of a function of ours for each one of its argument: JSON writes one as up to six."""
A_VALUE = 16
"""The minimum size of a value, in addition to its characters."""

_NARROWER = "Take less at once: filter first, cut texts with substring(), or go through the items with foreach."


class _Allowance(Struct):
    seconds: float
    left: float


_NOTHING = _Allowance(0, 0)
_allowance: ContextVar[_Allowance | None] = ContextVar("time for costly expressions", default=None)


class ExpressionTooCostly(Exception):
    """The expression takes too long for the current context; nothing is wrong with it."""


def too_long(source: str) -> ExpressionError:
    """Return the error for an expression with too many characters."""
    return ExpressionError(
        f"The expression has {len(source):,} characters; at most {LONGEST_SOURCE:,} are read.",
        remedy="Put long texts into the field itself or into an input, and parts into flow.set.",
    )


def too_many_names(count: int) -> ExpressionError:
    """Return the error for an expression with more names than CEL would read."""
    return ExpressionError(
        f"The expression names values in {count:,} places; it is too long with so many.",
        remedy="Put parts of it into flow.set, and use those.",
    )


def too_large(characters: int | None = None) -> ExpressionError:
    """Return the error for a result that is too large."""
    seen = "over" if characters is None else f"{characters:,} characters, over"
    return ExpressionError(f"The result has {seen} the limit of {LARGEST_RESULT:,} characters.", remedy=_NARROWER)


def too_much_input() -> ExpressionError:
    """Return the error for input values that are too large."""
    return ExpressionError(
        f"The values that are needed here at once have over {LARGEST_INPUT:,} characters.", remedy=_NARROWER
    )


def too_slow() -> ExpressionError:
    """Return the error for an expression that computes too long."""
    return ExpressionError(f"It computes for longer than the limit of {SECONDS} s.", remedy=_NARROWER)


def too_hungry() -> ExpressionError:
    """Return the error for an expression that needs too much memory."""
    said = f"It needs more working memory than the limit of {MEMORY_BYTES // 1024**2} MB."
    return ExpressionError(said, remedy=_NARROWER)


def require_whole(data: Any) -> None:
    """Raise ExpressionError if a text contains U+0000: CEL would treat it as the end of the text."""
    ahead = [data]
    while ahead:
        one = ahead.pop()
        kind = type(one)
        if kind is str:
            if "\0" in one:
                raise ExpressionError(
                    f"A text holds the character U+0000, which expressions cannot read: {one[:40]!r}.",
                    remedy="Hand the text on whole, as {{ path }}, or take the character out where it comes from.",
                )
        elif kind is dict:
            ahead += one
            ahead += one.values()
        elif kind is list:
            ahead += one


def require_small(value: Any) -> None:
    """Raise ExpressionError if a result exceeds the limit."""
    if size(value, LARGEST_RESULT) > LARGEST_RESULT:
        raise too_large()


def size(value: Any, most: int) -> int:
    """Return the approximate number of characters of a JSON value; if over `most`, any number above it."""
    kind = type(value)
    if kind is str:
        return len(value) + A_VALUE
    if kind is not dict and kind is not list:
        return A_VALUE
    total, ahead = 0, [value]
    while ahead and total <= most:
        one = ahead.pop()
        kind = type(one)
        total += A_VALUE
        if kind is str:
            total += len(one)
        elif kind is dict:
            total += sum(map(len, one)) + A_VALUE * len(one)
            ahead += one.values()
        elif kind is list:
            ahead += one
            if len(ahead) * A_VALUE > most:
                return total + len(ahead) * A_VALUE
    return total


def cheaply(work: Callable[[], Result]) -> Result:
    """Return the result of `work`, in which a costly expression raises ExpressionTooCostly.

    Every field of every step is evaluated in here; entering `costly(0)` would take as long as most of them.
    """
    token = _allowance.set(_NOTHING)
    try:
        return work()
    finally:
        _allowance.reset(token)


@contextmanager
def costly(seconds: float) -> Iterator[None]:
    """Limit the total time for costly expressions inside the block; with 0, they raise ExpressionTooCostly at once."""
    token = _allowance.set(_Allowance(seconds, seconds))
    try:
        yield
    finally:
        _allowance.reset(token)


def require_allowed() -> None:
    """Raise ExpressionTooCostly if costly expressions are not allowed here."""
    allowance = _allowance.get()
    if allowance is not None and allowance.seconds == 0:
        raise ExpressionTooCostly


@contextmanager
def counted() -> Iterator[None]:
    """Charge the time of a costly expression to the limit of the block. Raises ExpressionTooCostly, ExpressionError."""
    allowance = _allowance.get()
    if allowance is None:
        yield
        return
    require_allowed()
    if allowance.left <= 0:
        most = number_text(allowance.seconds)
        said = f"The expressions up to here have computed for longer than the limit of {most} s together."
        raise ExpressionError(said, remedy="Write constants as values, and take less at once.")
    began = time.monotonic()
    try:
        yield
    finally:
        allowance.left -= time.monotonic() - began
