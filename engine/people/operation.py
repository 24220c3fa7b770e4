"""An operation: a public method of an area with the right that it takes and its words, declared beside it.

Nothing is registered: `engine/rights_docs.py` finds the declarations in the classes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from msgspec import Struct

from engine.people.access import Principal, Right, require

Area = TypeVar("Area")
Given = ParamSpec("Given")
Result = TypeVar("Result")
Act = Callable[Concatenate[Area, Principal, Given], Result]

_KEPT = "declaration"


class Declaration(Struct, frozen=True):
    """What is said about an operation beside its signature and its docstring."""

    name: str
    """`things.verb`, such as `tables.save`; the line of a change in the audit trail says it, too."""
    right: Right | None
    """None: the method decides by what it finds, for example by whose session it would end."""
    what: str
    """Completes "may not …"; empty without a right."""
    title: str
    """What it does, in a few words: `Save a row of a table`."""


def operation(
    name: str, right: Right | None, what: str, title: str
) -> Callable[[Act[Area, Given, Result]], Act[Area, Given, Result]]:
    """Declare a method as an operation, and check the right of `p` before it: it then raises NotAllowed.

    The values are those of `Declaration`.
    """
    declared = Declaration(name, right, what, title)

    def declare(act: Act[Area, Given, Result]) -> Act[Area, Given, Result]:
        found = act if right is None else _checked(act, right, what)
        found.__dict__[_KEPT] = declared
        return found

    return declare


def _checked(act: Act[Area, Given, Result], right: Right, what: str) -> Act[Area, Given, Result]:
    @wraps(act)
    def checked(area: Area, p: Principal, /, *args: Given.args, **given: Given.kwargs) -> Result:
        require(p, right, what)
        return act(area, p, *args, **given)

    return checked


def declaration_of(act: Callable[..., Any]) -> Declaration:
    """Return the declaration of a method. Raises KeyError for one that is no operation."""
    found: Declaration = act.__dict__[_KEPT]
    return found


def declarations_of(area: type) -> dict[str, Declaration]:
    """Return the operations that a class itself declares, by the names of their methods and in their order."""
    return {name: one.__dict__[_KEPT] for name, one in vars(area).items() if callable(one) and _KEPT in one.__dict__}
