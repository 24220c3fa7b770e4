"""Conflicts, places that both sides have changed differently, and what people decide about them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from msgspec import Struct

from engine.base.errors import InvalidInput, UnknownName

Side = Literal["main", "branch"]
SIDES: tuple[Side, Side] = ("main", "branch")


class Value(Struct, frozen=True):
    """A value that a person has typed for a field."""

    value: Any


Choice = Side | Value
_PLAIN = re.compile(r"""[^\s.\[\]"'=@][^\s.\[\]"'=]*""")
Choices = Mapping[str, Choice]
"""What to take, by the place of the conflict."""


@dataclass(frozen=True)
class MergeConflict:
    """A place that both sides have changed differently."""

    place: str
    """`steps.issue.with.title` for a field, `steps.issue` for a whole step, `steps.issue.@place` for where it is.

    A key that is no plain word is in brackets: `steps.issue.with["a.b"]`.
    """
    in_main: str
    """What was changed there, as a sentence."""
    in_branch: str
    base: Any
    """The value before both changes; null if there was no value."""
    main: Any
    branch: Any
    is_field: bool
    """Whether another value may be given."""
    taken: str = ""
    """The decision: `main`, `branch` or `value`; "" while it is open."""


def conflict(place: str, texts: Iterable[str], values: Iterable[Any], *, is_field: bool = False) -> MergeConflict:
    """Return a conflict; `texts`: of main and the branch, `values`: of the base, main and the branch."""
    in_main, in_branch = texts
    base, main, branch = values
    return MergeConflict(place, in_main, in_branch, base, main, branch, is_field)


def place(*keys: str) -> str:
    """Return the place that keys lead to; different keys never have the same place."""
    first, *more = (key if _PLAIN.fullmatch(key) else f"[{json.dumps(key, ensure_ascii=False)}]" for key in keys)
    return first + "".join(key if key.startswith("[") else f".{key}" for key in more)


class MergeDecisions:
    """Collects the conflicts of one merge, with what was decided about each."""

    def __init__(self, choices: Choices) -> None:
        self._choices = choices
        self.found: dict[str, MergeConflict] = {}

    def side(self, conflict: MergeConflict) -> Side:
        """Keep a conflict about a whole step or its place; return the side that is taken, main until it is decided.

        Raises InvalidInput if a value was given.
        """
        choice = self._choices.get(conflict.place)
        if isinstance(choice, Value):
            raise InvalidInput(
                f"{conflict.place} is not one field, so no value can be given for it.",
                remedy="Take main or branch.",
                field=conflict.place,
            )
        self._keep(conflict, choice or "")
        return choice or "main"

    def value(self, conflict: MergeConflict, main: Any, branch: Any) -> Any:
        """Keep a conflict about a field; return the value that is taken, the one of main until it is decided."""
        choice = self._choices.get(conflict.place)
        self._keep(conflict, "value" if isinstance(choice, Value) else choice or "")
        if isinstance(choice, Value):
            return choice.value
        return branch if choice == "branch" else main

    def require_known(self) -> None:
        """Raise UnknownName if a choice names a place without a conflict."""
        unknown = [place for place in self._choices if place not in self.found]
        if unknown:
            raise UnknownName("conflict", unknown[0], list(self.found))

    def _keep(self, conflict: MergeConflict, taken: str) -> None:
        self.found.setdefault(conflict.place, replace(conflict, taken=taken))
