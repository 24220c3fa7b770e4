"""Compile expressions with CEL: each text once for the types of the names in it.

All expressions of the process share one CEL environment, whose pool of types grows (engine/expressions/roots.py). What
is checked here is also what is evaluated: CEL evaluates a checked expression with plain JSON, too.
"""

from __future__ import annotations

import threading
from collections import ChainMap
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.base import expression_limits as limits
from engine.base.errors import ExpressionError
from engine.expressions.cel_types import CelTypes, Schema
from engine.expressions.compile_errors import compile_errors
from engine.expressions.evaluable import named
from engine.expressions.extensions import extensions
from engine.expressions.function_table import BY_NAME, packaged_functions
from engine.expressions.results import result_schema
from engine.expressions.roots import ALL_STEPS, STEPS, Path, roots_in
from engine.expressions.syntax import Names, SyntaxNode, checked, tree, with_names
from engine.expressions.templates import Spelling, Token, expression_tokens, spelling
from engine.expressions.type_relaxation import Edit, RelaxationFailed, compile_in, edited

if TYPE_CHECKING:
    from cel_expr_python import cel

_MOST_TEXTS = 4_000
_MOST_TYPES = 8_000
"""With more, the environment is given up for a new one."""
_STATUS: Schema = {"type": "string", "enum": ["succeeded", "skipped", "failed"]}
_ERROR: Schema = {"type": "object", "properties": {"type": {"type": "string"}, "message": {"type": "string"}}}
_QUOTES = "'\""


def step_entry(output: Schema) -> Schema:
    """Return the schema of `steps.<id>` for a step with this output."""
    return {"type": "object", "properties": {"status": _STATUS, "output": output, "error": _ERROR}}


class CompiledProgram(Struct, frozen=True, dict=True):
    """A compiled expression: a `cel.expr.CheckedExpr`, and the names that are to be put back into it."""

    checked: bytes
    names: Names

    @property
    def tree(self) -> SyntaxNode:
        """The syntax tree."""
        return with_names(tree(checked(self.checked)), self.names)

    @property
    def serialized(self) -> bytes:
        """The expression with its names, for `loaded`."""
        return named(self.checked, self.names)

    @cached_property
    def evaluable(self) -> cel.Expression:
        """The expression as CEL evaluates it."""
        return loaded(self.serialized)


def loaded(serialized: bytes) -> cel.Expression:
    """Return a serialized expression ready to be evaluated with plain JSON."""
    return _evaluator().deserialize(serialized)


@cache
def _evaluator() -> cel.Env:
    from cel_expr_python import cel

    return cel.NewEnv(extensions=extensions())


class TypedExpression(Struct, frozen=True):
    """A compiled expression, and what is known of its value."""

    program: CompiledProgram
    tree: SyntaxNode
    """Its offsets refer to `spelling`."""
    kind: str
    """The name of the CEL type of its value."""
    schema: Schema
    spelling: Spelling
    """What was passed to CEL."""


class WrongExpression(Exception):
    """An expression does not compile; `errors` come from `compile_errors`."""

    def __init__(self, errors: Sequence[ExpressionError]) -> None:
        super().__init__(errors[0].message)
        self.errors = errors


class Visible(Struct, frozen=True):
    """The names that an expression may use."""

    variables: Mapping[str, Schema]
    steps: Mapping[str, Schema] | None = None
    """The outputs of the steps that may be named; None where `steps` is not a name."""


def compile_typed(source: str, visible: Visible) -> TypedExpression:
    """Compile an expression (without its braces) for the types of its names. Raises WrongExpression."""
    global _compiler  # noqa: PLW0603 - one for the process
    try:
        with _lock:
            if _compiler is None or _compiler.is_full:
                _compiler = _Compiler()
            return _compiler.typed(source, visible)
    except ExpressionError as error:
        raise WrongExpression([error]) from error


class _Compiled(Struct, frozen=True):
    serialized: bytes
    tree: SyntaxNode
    """Without its names."""
    kind: str
    schema: Schema
    edits: Sequence[Sequence[Edit]]


class _Compiler:
    """A CEL environment, its types, and the texts compiled so far."""

    def __init__(self) -> None:
        from cel_expr_python import cel

        self._types = CelTypes()
        self._environment = cel.NewEnv(descriptor_pool=self._types.pool, extensions=extensions())
        self._functions = {**{one.name: one for one in packaged_functions()}, **BY_NAME}
        self._texts: dict[str, _Compiled] = {}
        self._entries: dict[int, tuple[Schema, Schema]] = {}
        """The entry of a step by the identity of its output, which is kept with it."""

    @property
    def is_full(self) -> bool:
        """Return whether it holds so much that a new one should take its place."""
        kept = len(self._types.fields), len(self._entries)
        return len(self._texts) > _MOST_TEXTS or max(kept) > _MOST_TYPES

    def typed(self, source: str, visible: Visible) -> TypedExpression:
        """Compile an expression. Raises ExpressionError, WrongExpression."""
        run = expression_tokens(source)
        roots = roots_in(run, visible.variables, visible.steps)
        schemas = {field: self._schema(path, run, visible) for path, field in roots.fields.items()}
        spelt = spelling(run, roots.replaced(self._types.message(schemas) if schemas else ""), self._functions)
        if len(spelt.text) > limits.LONGEST_TEXT:
            raise limits.too_many_names(len(roots.offsets))
        try:
            compiled = self._compiled(spelt)
        except RelaxationFailed as error:
            raise WrongExpression(self._errors(error, source, visible, schemas)) from error
        for edits in compiled.edits:
            spelt = edited(spelt, edits)
        names = {field: path for path, field in roots.fields.items()}
        program = CompiledProgram(compiled.serialized, names)
        return TypedExpression(program, with_names(compiled.tree, names), compiled.kind, compiled.schema, spelt)

    def _schema(self, path: Path, run: Sequence[Token], visible: Visible) -> Schema:
        if path[0] in visible.variables:
            return visible.variables[path[0]]
        steps = {} if visible.steps is None else visible.steps
        if len(path) == 2:
            return self._entry(steps[path[1]])
        entries = {name: self._entry(steps[name]) for name in _named_steps(run, steps)}
        return {"type": "object", "properties": entries, "additionalProperties": False}

    def _entry(self, output: Schema) -> Schema:
        if id(output) not in self._entries:
            self._entries[id(output)] = (output, step_entry(output))
        return self._entries[id(output)][1]

    def _errors(
        self, error: RelaxationFailed, source: str, visible: Visible, schemas: Mapping[str, Schema]
    ) -> list[ExpressionError]:
        roots = [*visible.variables, STEPS] if visible.steps is not None else [*visible.variables]
        own: dict[str, Sequence[str]] = {"": sorted(roots)}
        steps = schemas.get(ALL_STEPS)
        if steps is not None:
            own[self._types.object(steps, steps)] = sorted(() if visible.steps is None else visible.steps)
        found = compile_errors(error.errors, error.spelt, source, ChainMap(own, self._types.fields))
        for one in found:
            if one.details.get("holder") in own:
                one.details["unknown"] = "step"
        return found

    def _compiled(self, spelt: Spelling) -> _Compiled:
        """Return what a text was compiled to. Raises RelaxationFailed."""
        known = self._texts.get(spelt.text)
        if known is None:
            program, edits = compile_in(self._environment, spelt)
            serialized, kind = program.serialize(), str(program.return_type().name())
            found = checked(serialized)
            known = _Compiled(serialized, tree(found), kind, result_schema(found, self._types.schemas), edits)
            self._texts[spelt.text] = known
        return known


def _named_steps(run: Sequence[Token], steps: Mapping[str, Schema]) -> list[str]:
    """Return the steps that an expression may be about."""
    behind = {run[place + 1].text if place + 1 < len(run) else "" for place, one in enumerate(run) if one.text == STEPS}
    if behind - {".", "["}:
        return list(steps)  # it is about all of them
    named = dict.fromkeys(one.text.strip(_QUOTES) for one in run if one.kind in ("name", "string"))
    return [name for name in named if name in steps]


_compiler: _Compiler | None = None
_lock = threading.RLock()
