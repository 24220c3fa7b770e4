"""What a test leaves open is told of that test, and never of the one that happens to run when it is cleared away.

In a file whose tests share something, what has lived for long may be told of the file's last test.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

_OF_A_FAILURE = ("last_type", "last_value", "last_traceback", "last_exc")
"""Where pytest keeps the last failure for a debugger; its frames keep all that the failed test had open."""
_YOUNG, _OLDEST = 1, 2
"""Generations of the garbage collector."""
_SHARED = ("class", "module", "package")
_FILES_WITH_FIXTURES: set[Path] = set()
"""The files whose tests share what a fixture gives."""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage while all tests are imported: little of it is, and the looks take a fifth of that time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(autouse=True)
def leaks_of_the_test(request: pytest.FixtureRequest) -> Iterator[None]:
    """Clear away what the test has dropped, as the last thing that is done for it."""
    yield
    vars(request.node).get("funcargs", {}).clear()  # else what fixtures gave lives on until this is over
    if any(one[-1].scope in _SHARED and name != leaks_of_the_module.__name__ for name, one in _fixtures(request)):
        _FILES_WITH_FIXTURES.add(request.path)
    if request.path in _FILES_WITH_FIXTURES:
        _clear_away(_YOUNG)
    else:
        _clear_away()
        gc.freeze()


@pytest.fixture(autouse=True, scope="module")
def leaks_of_the_module(request: pytest.FixtureRequest) -> Iterator[None]:
    """The same for what the fixtures of a whole file have dropped; it counts as its last test's."""
    yield
    if request.path in _FILES_WITH_FIXTURES:
        _clear_away()
        gc.freeze()


def _fixtures(request: pytest.FixtureRequest) -> Iterable[tuple[str, Sequence[pytest.FixtureDef[object]]]]:
    """Return the fixtures of a test by name, with their definitions."""
    found: Mapping[str, Sequence[pytest.FixtureDef[object]]] = request.node._fixtureinfo.name2fixturedefs
    return found.items()


def _clear_away(generation: int = _OLDEST) -> None:
    """Collect what nothing refers to: what was left open in it is an error (`filterwarnings`) of this very test.

    What lives on is then set apart (`gc.freeze`), so that the next time only what is new is looked at: 2 ms, and not
    400. Amid a file whose tests share something, it is not: nobody would look at it when they drop it. Only what is
    young is collected there, and the rest at the end of the file.
    """
    for name in _OF_A_FAILURE:
        sys.__dict__.pop(name, None)
    gc.collect(generation)


def pytest_sessionfinish() -> None:
    """Let all be looked at once more: pytest collects when it ends, and fails where that finds something open."""
    gc.unfreeze()
