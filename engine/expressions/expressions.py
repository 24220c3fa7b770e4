"""The `{{ }}` language at run time: CEL over plain JSON, one pass, nothing else evaluates text."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from engine.errors import ExpressionError
from engine.expressions.compile_errors import compile_error
from engine.expressions.deferred import complete, opened
from engine.expressions.loosening import Unsound, compile_in
from engine.expressions.references import Reference, references
from engine.expressions.templates import Part, parts, spelling
from engine.expressions.wording import kind_of, nearest, plain_failure, without_code
from engine.names import timestamp

if TYPE_CHECKING:
    from cel_expr_python import cel

_PLAIN_PATH = re.compile(r"\s*[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*\s*\Z")
_WORDS = {"null", "true", "false"}
_ABSENT = object()
_encoded = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def compact_json(value: Any) -> str:
    """Return JSON text without spaces, as `json(x)` and mixed text show it."""
    return _encoded(value)


def shown(value: Any) -> str:
    """Return a value as mixed text shows it: strings as they are, all else as JSON; null is an ExpressionError."""
    if isinstance(value, str):
        return value
    if value is None:
        raise ExpressionError("A null stands in the middle of text.", remedy=_no_null("x"))
    return compact_json(value)


def _no_null(source: str) -> str:
    """Return what to do about a null; default() would keep it, because it is there."""
    return f"Say what stands there instead: {source} == null ? 'text' : {source}"


def extensions() -> list[Any]:
    """Return the CEL extensions that every expression may use: strings, math, optionals, text() and json()."""
    from cel_expr_python import cel
    from cel_expr_python.ext import ext_math, ext_optional, ext_strings

    string, boxed = cel.Type.STRING, [cel.Type.List(cel.Type.DYN)]
    own = [
        cel.FunctionDecl(name, [cel.Overload(id=f"{name}_of", return_type=string, parameters=boxed, impl=impl)])
        for name, impl in (("text", _text), ("json", _json))
    ]
    return [
        ext_strings.ExtStrings(),
        ext_math.ExtMath(),
        ext_optional.ExtOptional(),
        cel.CelExtension("orchestra", own),
    ]


def _text(box: list[Any]) -> str:
    return shown(as_json(_unpacked(box[0])))


def _json(box: list[Any]) -> str:
    return compact_json(as_json(_unpacked(box[0])))


def _unpacked(value: Any) -> Any:
    """Return plain Python for what CEL hands to a function (its maps and lists are lazy views)."""
    if hasattr(value, "plain_value"):
        return value.plain_value()
    if isinstance(value, Mapping) or hasattr(value, "items"):
        return {key: _unpacked(inner) for key, inner in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | bytearray):
        return [_unpacked(inner) for inner in value]
    return value


def as_json(value: Any) -> Any:
    """Return a CEL result as a plain JSON value.

    Timestamps become RFC 3339 text, durations seconds. Raises ExpressionError for what JSON cannot hold.
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return _checked_integer(value)
    if isinstance(value, float):
        return _checked_float(value)
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        # CEL keeps no order in its maps; sorted, the same expression gives the same text in every process.
        return {key: as_json(value[key]) for key in sorted(map(_checked_key, value))}
    if isinstance(value, list):
        return [as_json(inner) for inner in value]
    raise ExpressionError(f"The result is a {type(value).__name__}, which JSON cannot hold.")


def _checked_integer(value: int) -> int:
    if not -(2**63) <= value < 2**63:
        raise ExpressionError(f"The whole number {value} does not fit into 64 bits.")
    return value


def _checked_float(value: float) -> float:
    if not math.isfinite(value):
        raise ExpressionError(f"The result is {value}, which JSON cannot hold.", remedy="Guard the division.")
    return value


def _checked_key(key: Any) -> str:
    if not isinstance(key, str):
        raise ExpressionError(f"A map key is {key!r}; JSON takes only strings.", remedy="Use string(key).")
    return key


@lru_cache(maxsize=256)
def _environment(roots: frozenset[str]) -> cel.Env:
    from cel_expr_python import cel

    return cel.NewEnv(variables=dict.fromkeys(sorted(roots), cel.Type.DYN), extensions=extensions())


@dataclass(frozen=True)
class Expression:
    """One compiled expression: what it needs and how to get its value."""

    source: str
    path: tuple[str, ...] | None
    """Set where the expression is nothing but a path: looked up directly."""
    program: Any = field(repr=False, compare=False)
    references: tuple[Reference, ...] = ()

    def value(self, names: Mapping[str, Any]) -> Any:
        """Return the JSON value; a plain path gives what is Deferred as it is. Raises ExpressionError."""
        if self.path is not None:
            return _looked_up(self.path, names)
        return _evaluated(self, _needed(self.references, names))


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
    if path[0] == "steps" and position == 2 and names["steps"][path[1]].get("status") in ("skipped", "failed"):
        status = names["steps"][path[1]]["status"]
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


def _evaluated(expression: Expression, data: dict[str, Any]) -> Any:
    try:
        result = expression.program.eval(data=data)
        kind = result.type().name()
        value = result.plain_value()
    except (RuntimeError, TypeError, ValueError) as error:
        message, remedy = plain_failure(without_code(str(error)))
        raise ExpressionError(f"{expression.source.strip()!r} has no JSON value: {message}", remedy=remedy) from error
    if kind in ("ERROR", "UNKNOWN"):
        message, remedy = plain_failure(without_code(str(value)))
        raise ExpressionError(f"{expression.source.strip()!r}: {message}", remedy=remedy)
    return as_json(value)


def _needed(wanted: Sequence[Reference], names: Mapping[str, Any]) -> dict[str, Any]:
    """Return only the values that the references name, opened: all that is passed to CEL is copied by it."""
    data: dict[str, Any] = {}
    paths = {reference.path for reference in wanted}
    for path in paths:
        if not any(path[:length] in paths for length in range(1, len(path))):  # a shorter path brings all of it
            _copy_path(path, names, data)
    return data


def _copy_path(path: tuple[str, ...], source: Any, target: dict[str, Any]) -> None:
    for name in path[:-1]:
        if not isinstance(source, Mapping) or name not in source:
            return
        source = opened(source[name])
        if not isinstance(source, Mapping):
            target[name] = complete(source)
            return
        target = target.setdefault(name, {})
    if isinstance(source, Mapping) and path[-1] in source:
        target[path[-1]] = complete(source[path[-1]])


def compile_expression(source: str, roots: frozenset[str], found: tuple[Reference, ...] | None = None) -> Expression:
    """Compile one expression (without its braces) against the names it may use.

    `found`: what it refers to, where that is known already. Raises ExpressionError; details: `offset` into `source`.
    """
    if _PLAIN_PATH.match(source) and source.strip() not in _WORDS:
        path = tuple(source.strip().split("."))
        if path[0] in roots:
            return Expression(source, path, None, (Reference(path, len(source) - len(source.lstrip())),))
    try:
        program, spelt = compile_in(_environment(roots), spelling(source))
    except Unsound as error:
        raise compile_error(error.errors, error.spelt) from error
    if found is None:
        found = tuple(
            Reference(one.path, spelt.source_of(one.offset), one.is_guarded) for one in references(program.serialize())
        )
    return Expression(source, None, program, found)


@dataclass(frozen=True)
class Fixed:
    """An expression that depends on nothing: its value, known since the workflow was compiled."""

    source: str
    known: Any

    def value(self, names: Mapping[str, Any]) -> Any:
        """Return the value, whatever the names stand for."""
        return self.known


@dataclass(frozen=True)
class Template:
    """A string field: literal text with expressions in it, or one whole expression that keeps its type."""

    source: str
    pieces: tuple[str | Expression | Fixed, ...]

    def value(self, names: Mapping[str, Any]) -> Any:
        """Return the value; what a value contains is never expanded again. Raises ExpressionError."""
        first = self.pieces[0]
        if len(self.pieces) == 1:
            return first if isinstance(first, str) else first.value(names)
        return "".join(piece if isinstance(piece, str) else _piece(piece, names) for piece in self.pieces)


def _piece(expression: Expression | Fixed, names: Mapping[str, Any]) -> str:
    value = complete(expression.value(names))
    if value is None:
        source = expression.source.strip()
        raise ExpressionError(f"{source!r} is null.", remedy=_no_null(source))
    return shown(value)


def compile_template(source: str, roots: frozenset[str]) -> Template:
    """Compile a text field. Raises ExpressionError; details: `offset` into `source`."""
    return Template(source, tuple(compile_part(part, roots) for part in parts(source)))


def compile_part(part: Part, roots: frozenset[str], found: tuple[Reference, ...] | None = None) -> str | Expression:
    """Compile a piece of a text field; arguments as of `compile_expression`. Raises ExpressionError."""
    if not part.is_expression:
        return part.text
    try:
        return compile_expression(part.text, roots, found)
    except ExpressionError as error:
        error.details["offset"] = part.offset + error.details.get("offset", 0)
        raise


def render(tree: Any, names: Mapping[str, Any]) -> Any:
    """Return a tree of dicts, lists and Templates with every Template replaced by its value.

    Raises ExpressionError; details: `field`, the dotted path of the Template inside the tree.
    """
    if isinstance(tree, Template):
        return tree.value(names)
    if isinstance(tree, dict):
        return {key: render_field(key, inner, names) for key, inner in tree.items()}
    if isinstance(tree, list):
        return [render_field(index, inner, names) for index, inner in enumerate(tree)]
    return tree


def render_field(place: str | int, tree: Any, names: Mapping[str, Any]) -> Any:
    """Return the value of the tree of one field; an error names the place, and what is inside it."""
    try:
        return render(tree, names)
    except ExpressionError as error:
        error.details["field"] = ".".join(filter(None, [str(place), error.details.get("field")]))
        raise
