"""The `{{ }}` language at run time: CEL over plain JSON, in one pass; nothing else evaluates text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from clients.wording import nearest
from engine.base import expression_limits as limits
from engine.base.errors import ExpressionError
from engine.base.lazy_values import NotKnownYet, Opener, Unknown, complete, opened
from engine.base.statuses import StepStatus
from engine.base.wording import kind_of
from engine.expressions.cel_types import ANYTHING
from engine.expressions.cost import work_of
from engine.expressions.json_values import as_json, no_null, shown
from engine.expressions.references import Reference, references
from engine.expressions.syntax import SyntaxNode
from engine.expressions.templates import TemplatePart, parts
from engine.expressions.typed import CompiledProgram, Visible, WrongExpression, compile_typed
from engine.expressions.wording.messages import plain_failure, without_code

if TYPE_CHECKING:
    from cel_expr_python import cel

_PLAIN_PATH = re.compile(r"\s*[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*\s*\Z")
_ABSENT = object()
_LONGEST_CITED = 300


@dataclass(frozen=True)
class Expression:
    """One compiled expression: its source, the values it needs, and how to evaluate it."""

    source: str
    path: tuple[str, ...] | None
    """Set if the expression is only a path: it is looked up directly."""
    program: CompiledProgram = field(repr=False, compare=False)
    references: tuple[Reference, ...] = ()

    def value(self, names: Mapping[str, Any]) -> Any:
        """Return the JSON value; a plain path returns a Deferred value unopened. Raises ExpressionError."""
        if self.path is not None:
            return _looked_up(self.path, names)
        data = _needed(self.references, names)
        limits.require_whole(data)
        work = self._work(data)
        if work <= limits.INLINE_WORK:
            return self.worked_out(data)
        from engine.expressions.costly import costly

        if limits.size(data, limits.LARGEST_INPUT) > limits.LARGEST_INPUT:
            raise limits.too_much_input()
        return costly.worked_out(self.source, self.program.serialized, data)

    def worked_out(self, data: Mapping[str, Any]) -> Any:
        """Evaluate in this process, whatever the cost. Raises ExpressionError."""
        return evaluated(self.source, self.program.evaluable, data)

    def _work(self, data: Mapping[str, Any]) -> int:
        """Return an upper bound for the work."""
        if "(" not in self.source:  # without calls, each operator visits every value at most once
            quick = limits.size(data, limits.INLINE_WORK) * (1 + len(self.source) // 2)
            if quick <= limits.INLINE_WORK:
                return quick
        return work_of(self.written, data)

    @cached_property
    def written(self) -> SyntaxNode:
        """The syntax tree."""
        return self.program.tree


def _looked_up(path: tuple[str, ...], names: Mapping[str, Any]) -> Any:
    value: Any = names
    for position, name in enumerate(path):
        holder = value if isinstance(value, dict) else opened(value)
        value = holder.get(name, _ABSENT) if isinstance(holder, dict) else _ABSENT
        if value is _ABSENT:
            raise _missing(path, position, names)
    return value


def _missing(path: tuple[str, ...], position: int, names: Mapping[str, Any]) -> ExpressionError:
    place = ".".join(path[:position])
    status = names["steps"][path[1]].get("status") if path[0] == "steps" and position == 2 else None
    if status in (StepStatus.SKIPPED, StepStatus.FAILED):
        return ExpressionError(
            f"Step {path[1]!r} was {status} and has no {path[2]!r}.",
            remedy=f"Use default({'.'.join(path)}, …), or has({'.'.join(path)}) in `if`.",
        )
    holder = opened(_looked_up(path[:position], names)) if position else names
    if not isinstance(holder, Mapping):
        said = f"{place!r} is {kind_of(holder)}; it has no field {path[position]!r}."
        return ExpressionError(said, remedy="Take the last name off the path, or guard it in `if`.")
    hint = f"Use default({'.'.join(path)}, …) where it may be missing."
    near = nearest(path[position], [str(name) for name in holder])
    said = f"There is no {path[position]!r}" + (f" in {place}." if place else ".")
    return ExpressionError(said, remedy=f"Did you mean {near!r}? {hint}" if near else hint)


def evaluated(source: str, program: cel.Expression, data: Mapping[str, Any]) -> Any:
    """Return the JSON value of a compiled expression; `source` is cited in errors. Raises ExpressionError."""
    try:
        result = program.eval(data=data)
        kind = result.type().name()
        value = result.plain_value()
    except (RuntimeError, TypeError, ValueError) as error:
        message, remedy = plain_failure(without_code(str(error)))
        raise ExpressionError(f"{_cited(source)} has no JSON value: {message}", remedy=remedy) from error
    if kind in ("ERROR", "UNKNOWN"):
        message, remedy = plain_failure(without_code(str(value)))
        raise ExpressionError(f"{_cited(source)}: {message}", remedy=remedy)
    return as_json(value)


def _cited(source: str) -> str:
    text = source.strip()
    return repr(text if len(text) <= _LONGEST_CITED else f"{text[:_LONGEST_CITED]}…")


def _needed(wanted: Sequence[Reference], names: Mapping[str, Any]) -> dict[str, Any]:
    """Return only the values that the references name, opened: CEL copies everything passed to it."""
    data: dict[str, Any] = {}
    opener = Opener()
    paths = {reference.path for reference in wanted}
    for path in paths:
        if not any(path[:length] in paths for length in range(1, len(path))):  # a shorter path includes this one
            _copy_path(path, names, data, opener)
    return data


def _copy_path(path: tuple[str, ...], source: Any, target: dict[str, Any], opener: Opener) -> None:
    for name in path[:-1]:
        if not isinstance(source, Mapping) or name not in source:
            return
        source = source[name]
        source = source if isinstance(source, dict) else opened(source)
        if not isinstance(source, Mapping):
            target[name] = opener.complete(source)
            return
        target = target.setdefault(name, {})
    if isinstance(source, Mapping) and path[-1] in source:
        target[path[-1]] = opener.complete(source[path[-1]])


def compile_expression(source: str, roots: frozenset[str]) -> Expression:
    """Compile one expression (without its braces) against the names it may use, whose values may be anything.

    Raises ExpressionError; details: `offset` into `source`.
    """
    try:
        typed = compile_typed(source, Visible(dict.fromkeys(sorted(roots), ANYTHING)))
    except WrongExpression as error:
        raise error.errors[0] from error
    return expression_of(source, typed.program, references(typed.tree))


def expression_of(source: str, program: CompiledProgram, references: tuple[Reference, ...]) -> Expression:
    """Return a compiled expression, given the values that it uses."""
    path = tuple(source.strip().split(".")) if _PLAIN_PATH.match(source) else None
    is_path = path is not None and [one.path for one in references] == [path]
    return Expression(source, path if is_path else None, program, references)


class Fixed(Struct, frozen=True):
    """A constant expression: its value is known since the workflow was compiled."""

    source: str
    known: Any

    def value(self, names: Mapping[str, Any]) -> Any:
        """Return the value, whatever the names."""
        return self.known


@dataclass(frozen=True)
class Template:
    """A string field: literal text mixed with expressions, or a single expression that keeps its type."""

    source: str
    pieces: tuple[str | Expression | Fixed, ...]
    ranks: tuple[int, ...] = field(default=(), compare=False)
    """How far each piece may have text from outside (`Derived.rank`): 0 none, 1 what inputs have, 2 some."""
    addresses: tuple[bool, ...] = field(default=(), compare=False)
    """Which pieces are addresses of pages as their services have made them."""

    @property
    def rank(self) -> int:
        """The highest rank."""
        return max(self.ranks, default=0)

    def pieces_below(self, rank: int) -> list[str | Expression | Fixed]:
        """Return the pieces of a lower rank."""
        return [piece for piece, own in zip(self.pieces, self.ranks, strict=True) if own < rank]

    def addresses_from(self, rank: int) -> list[str | Expression | Fixed]:
        """Return the addresses of pages among the pieces of this rank or a higher one."""
        told = zip(self.pieces, self.ranks, self.addresses, strict=True)
        return [piece for piece, own, is_address in told if own >= rank and is_address]

    def value(self, names: Mapping[str, Any]) -> Any:
        """Return the value; text inside values is never expanded again. Raises ExpressionError."""
        first = self.pieces[0]
        if len(self.pieces) == 1:
            return first if isinstance(first, str) else first.value(names)
        texts, length = [], 0
        for piece in self.pieces:
            texts.append(piece if isinstance(piece, str) else _piece(piece, names))
            length += len(texts[-1])
            if length > limits.LARGEST_RESULT:
                raise limits.too_large()
        return "".join(texts)

    def parts(self, names: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
        """Yield each piece of the text with the expression whose value it is; None for literal text.

        Raises ExpressionError.
        """
        for piece in self.pieces:
            if isinstance(piece, str):
                yield piece, None
            else:
                is_alone = len(self.pieces) == 1
                yield shown(piece.value(names)) if is_alone else _piece(piece, names), piece.source.strip()

    def unknown(self, names: Mapping[str, Any]) -> Unknown:
        """Return what is known of the value while parts of it are not known yet."""
        return Unknown("".join(one if isinstance(one, str) else _known_piece(one, names) for one in self.pieces))


def _known_piece(expression: Expression | Fixed, names: Mapping[str, Any]) -> str:
    try:
        return _piece(expression, names)
    except NotKnownYet:
        return Unknown.of(expression.source).text


def _piece(expression: Expression | Fixed, names: Mapping[str, Any]) -> str:
    value = complete(expression.value(names))
    if value is None:
        source = expression.source.strip()
        raise ExpressionError(f"{source!r} is null.", remedy=no_null(source))
    return shown(value)


def compile_template(source: str, roots: frozenset[str]) -> Template:
    """Compile a text field. Raises ExpressionError; details: `offset` into `source`."""
    return Template(source, tuple(_compiled_part(part, roots) for part in parts(source)))


def _compiled_part(part: TemplatePart, roots: frozenset[str]) -> str | Expression:
    if not part.is_expression:
        return part.text
    try:
        return compile_expression(part.text, roots)
    except ExpressionError as error:
        error.details["offset"] = part.offset + error.details.get("offset", 0)
        raise


_FILLED = frozenset({Template, dict, list})
"""What may have something to fill in it: every step is filled, so constants take no call."""


class _Filling(Struct):
    """Fills the Templates of one tree, within the limit for all of them together."""

    names: Mapping[str, Any]
    first: Any = None
    count: int = 0
    size: int = 0

    def filled(self, tree: Any) -> Any:
        kind = type(tree)
        if kind is Template:
            return self._value(tree)
        if kind not in _FILLED:
            return tree
        place: Any = ""
        try:
            if kind is dict:
                members: dict[str, Any] = {}
                for place, inner in tree.items():
                    members[place] = self.filled(inner) if type(inner) in _FILLED else inner
                return members
            items: list[Any] = []
            for place, inner in enumerate(tree):  # noqa: B007 - the error names it
                items.append(self.filled(inner) if type(inner) in _FILLED else inner)
        except ExpressionError as error:
            _name(error, place)
            raise
        return items

    def _value(self, template: Template) -> Any:
        """Return a value and count it; a single one exists already, or was limited when it was evaluated."""
        try:
            value = template.value(self.names)
        except NotKnownYet:
            return template.unknown(self.names)
        self.count += 1
        if self.count == 1:
            self.first = value
            return value
        if self.count == 2:
            self.size = limits.size(self.first, limits.LARGEST_RESULT)
        self.size += limits.size(value, limits.LARGEST_RESULT)
        if self.size > limits.LARGEST_RESULT:
            raise limits.too_large()
        return value


def _name(error: ExpressionError, place: str | int) -> None:
    """Let an error say in which part of the tree it is."""
    error.details["field"] = ".".join(filter(None, [str(place), error.details.get("field")]))


def render(tree: Any, names: Mapping[str, Any]) -> Any:
    """Return a tree of dicts, lists and Templates with every Template replaced by its value.

    Raises ExpressionError; details: `field`, the dotted path of the Template inside the tree.
    """
    return _Filling(names).filled(tree)


def render_field(place: str | int, tree: Any, names: Mapping[str, Any]) -> Any:
    """Return the value of the tree of one field; errors name the field, and the place inside it."""
    try:
        return _Filling(names).filled(tree)
    except ExpressionError as error:
        _name(error, place)
        raise
