"""The expressions of a prompt against the schemas of its variables: names, fields and types, as in a workflow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.compiler.constants import failing
from engine.compiler.schemacheck import schema_faults
from engine.errors import ExpressionError
from engine.expressions.celtypes import Schema, Types
from engine.expressions.compile_errors import compile_errors
from engine.expressions.expressions import extensions
from engine.expressions.loosening import Unsound, compile_in
from engine.expressions.references import uses
from engine.expressions.syntax import tree
from engine.expressions.templates import spelling


@dataclass(frozen=True)
class VariableChecker:
    """Checks expressions that may name these variables."""

    names: frozenset[str]
    environment: Any
    types: Types

    @classmethod
    def of(cls, variables: Mapping[str, Schema]) -> VariableChecker:
        """Return a checker for variables with these schemas; one whose schema is wrong may be anything."""
        from cel_expr_python import cel

        types = Types()
        known = {
            name: types.variable({} if any(schema_faults(schema)) else schema) for name, schema in variables.items()
        }
        environment = cel.NewEnv(descriptor_pool=types.pool(), variables=known, extensions=extensions())
        return cls(frozenset(variables), environment, types)

    def check(self, source: str) -> tuple[frozenset[str], list[ExpressionError]]:
        """Return the variables that an expression names, and what is wrong with it; details: `offset` into it."""
        try:
            compiled, spelt = compile_in(self.environment, spelling(source))
        except Unsound as error:
            known = {**self.types.fields, "": sorted(self.names)}
            return self._named_in(source), compile_errors(error.errors, error.spelt, source, known)
        except ExpressionError as error:
            return self._named_in(source), [error]
        written = tree(compiled.serialize())
        wrong = [
            ExpressionError(one.message, remedy=one.remedy, offset=spelt.source_of(one.offset))
            for one in failing(written)
        ]
        return frozenset(one.path[0] for one in uses(written)) & self.names, wrong

    def _named_in(self, source: str) -> frozenset[str]:
        return frozenset(name for name in self.names if re.search(rf"\b{name}\b", source))
