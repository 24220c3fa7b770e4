"""Chooses the parameters that `make test` tries; `make assurance` tries the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import pytest
from hypothesis import settings

_Test = TypeVar("_Test", bound=Callable[..., object])
_WIDE, _DAILY = 20, 3


def few(values: Iterable[Any], *kept: Any) -> list[Any]:
    """Return parameters of which only `kept` are of `make test`. Raises AssertionError if one of these is not there."""
    found = list(values)
    assert all(one in found for one in kept), kept
    return [one if one in kept else _rare(one) for one in found]


def every(nth: int, values: Iterable[Any]) -> list[Any]:
    """Return parameters of which only each `nth`, from the first on, is of `make test`."""
    return [_rare(one) if number % nth else one for number, one in enumerate(values)]


def rare(*values: Any, id: str | None = None) -> Any:
    """Return a parameter of `make assurance`."""
    return pytest.param(*values, id=id, marks=pytest.mark.chaos)


def examples(count: int, **more: Any) -> Callable[[_Test], _Test]:
    """Let a property be tried with a third of so many examples; `make assurance` tries twenty times as many."""
    how = settings(max_examples=-(-count // _DAILY) if settings().derandomize else _WIDE * count, **more)
    return lambda test: pytest.mark.wide(how(test))


def _rare(one: Any) -> Any:
    if isinstance(one, type(pytest.param())):
        return pytest.param(*one.values, id=one.id, marks=[*one.marks, pytest.mark.chaos])
    return rare(*one) if isinstance(one, tuple) else rare(one)
