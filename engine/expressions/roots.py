"""Find the names that an expression begins with, and pass CEL their types without an environment for each expression.

An environment takes CEL a millisecond to set up, and its variables are fixed from then on. So all expressions share one
without variables (engine/expressions/typed.py). Each name is written as a field of an empty message: `inputs.limit` as
`wf.T7{}.v0.limit`, and `steps.read.output` as `wf.T9{}.s0.output`. The message type is made from the schemas of exactly
these names, and types may be added at any time. The fields are numbered, so that equal expressions about different
steps are one text. When the checked expression is read, the names are put back (engine/expressions/syntax.py).
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence

from msgspec import Struct

from engine.expressions.templates import Token, closing_bracket

STEPS = "steps"
ALL_STEPS = "s"
"""The field for `steps` where no id follows."""
_BINDING = frozenset({"all", "exists", "exists_one", "existsOne", "filter", "map", "optMap", "optFlatMap"})
"""Macros that name a variable of their own."""

Path = tuple[str, ...]
"""A variable, ("steps",) or ("steps", id)."""


class Roots(Struct, frozen=True):
    """The roots of an expression: the field of each, and the offsets of the tokens that are written otherwise."""

    fields: Mapping[Path, str]
    offsets: Sequence[tuple[Path, tuple[int, ...]]]

    def replaced(self, message: str) -> dict[int, tuple[str, ...]]:
        """Return the texts to write in place of each token, given the name of the message type."""
        written: dict[int, tuple[str, ...]] = {}
        for path, (first, *more) in self.offsets:
            field = f".{self.fields[path]}"
            if more:  # `steps`, the dot and the id: CEL's positions are the positions of the dots
                dot, name = more
                written.update({first: (f"{message}{{}}",), dot: (field,), name: ()})
            else:
                written[first] = (f"{message}{{}}", field)
        return written


def roots_in(run: Sequence[Token], variables: Container[str], steps: Container[str] | None) -> Roots:
    """Return the roots in the tokens of an expression.

    `steps` has the ids that may follow `steps`, which is not a name if it is None.
    """
    hidden = list(_hidden(run))
    fields: dict[Path, str] = {}
    offsets: list[tuple[Path, tuple[int, ...]]] = []
    for position, token in enumerate(run):
        is_variable = token.text in variables
        if token.kind != "name" or not (is_variable or (token.text == STEPS and steps is not None)):
            continue
        if not _is_root(run, position) or any(token.text == name and position in where for name, where in hidden):
            continue
        is_entry = not is_variable and steps is not None and _is_entry(run, position, steps)
        found = run[position : position + 3 if is_entry else position + 1]
        path = tuple(one.text for one in found[::2])
        fields.setdefault(path, _field(path, len(fields), is_variable=is_variable))
        offsets.append((path, tuple(one.offset for one in found)))
    return Roots(fields, offsets)


def _field(path: Path, number: int, *, is_variable: bool) -> str:
    if path == (STEPS,) and not is_variable:
        return ALL_STEPS
    return f"v{number}" if len(path) == 1 else f"s{number}"


def _is_root(run: Sequence[Token], position: int) -> bool:
    """Return whether a name is not a field or a function, and not all that has() is about."""
    before = [one.text for one in run[max(position - 2, 0) : position]]
    behind = run[position + 1].text if position + 1 < len(run) else ""
    if behind == "(" or (before == ["has", "("] and behind == ")"):
        return False
    if before[-1:] == ["?"]:
        return before[-2:-1] != ["."]
    return before[-1:] != ["."] or (position > 1 and run[position - 2].kind not in ("name", "string", "close"))


def _is_entry(run: Sequence[Token], position: int, steps: Container[str]) -> bool:
    """Return whether the tokens are `steps.<id>.`, and no first argument of default(), where each dot is optional."""
    if [one.text for one in run[max(position - 2, 0) : position]] == ["default", "("]:
        return False
    dots = [one.text for one in run[position + 1 : position + 4 : 2]]
    return dots == [".", "."] and run[position + 2].kind == "name" and run[position + 2].text in steps


def _hidden(run: Sequence[Token]) -> Iterator[tuple[str, range]]:
    """Yield each variable of a macro, and the positions at which it hides a name of the workflow."""
    for position in range(len(run) - 3):
        called, opening, variable, comma = run[position : position + 4]
        if called.text in _BINDING and opening.text == "(" and variable.kind == "name" and comma.text == ",":
            yield variable.text, range(position + 2, closing_bracket(run, position + 1))
