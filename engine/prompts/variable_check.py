"""Check a prompt's expressions against the schemas of its variables: names, fields and types, as in a workflow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property

from msgspec import Struct

from engine.base.errors import ExpressionError
from engine.compiler.analysis.failing import failing
from engine.documents.schema_check import schema_faults
from engine.expressions.cel_types import Schema
from engine.expressions.references import references
from engine.expressions.typed import Visible, WrongExpression, compile_typed


class VariableChecker(Struct, frozen=True, dict=True):
    """Checks expressions that use these variables."""

    visible: Visible

    @classmethod
    def of(cls, variables: Mapping[str, Schema]) -> VariableChecker:
        """Return a checker for variables with these schemas; a variable with an invalid schema may be anything."""
        return cls(Visible({name: {} if any(schema_faults(schema)) else schema for name, schema in variables.items()}))

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of the variables."""
        return frozenset(self.visible.variables)

    def check(self, source: str) -> tuple[frozenset[str], list[ExpressionError]]:
        """Return the variables in an expression, and its errors, with `offset` in their details."""
        try:
            typed = compile_typed(source, self.visible)
        except WrongExpression as error:
            return self._named_in(source), list(error.errors)
        wrong = [
            ExpressionError(one.message, remedy=one.remedy, offset=typed.spelling.source_of(one.offset))
            for one in failing(typed.tree)
        ]
        return frozenset(one.path[0] for one in references(typed.tree)) & self.names, wrong

    def _named_in(self, source: str) -> frozenset[str]:
        return frozenset(name for name in self.names if re.search(rf"\b{name}\b", source))
