"""The report of a compilation: problems with their places, and what is known about expressions and steps."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from engine.base.problem import Problem
from engine.compiler.analysis.missing_values import UNKNOWN, StepValue, ValuePart, ValueParts
from engine.compiler.analysis.text_flow import TextFlow
from engine.compiler.definition.identifiers import CEL_WORDS
from engine.compiler.definition.problems import SuppressedProblems, problem
from engine.documents.json_file import JsonFile, JsonPath
from engine.expressions.cel_types import Schema
from engine.expressions.origins import NOTHING, Derived, literal
from engine.expressions.results import one_schema
from engine.expressions.syntax import SyntaxNode

if TYPE_CHECKING:
    from engine.expressions.expressions import Expression

BROKEN: Any = object()
"""The compiled value of a field whose expression is wrong or cannot be checked; such a plan never runs."""
MAYBE_ABSENT = "maybe_absent"
"""The code of the only error that depends on the data of a run."""
_TO_STEPS = frozenset({"steps", "on_error", "on_failure"})
"""The keys of a file that contain steps."""


class CheckedExpression(Struct, frozen=True):
    """A valid expression: the name of its CEL type, its normalized tree, and what is known of its value."""

    kind: str
    schema: Schema
    tree: SyntaxNode
    parts: ValueParts
    expression: Expression
    derived: Derived = NOTHING
    """Where its text comes from, if the flow of text is followed."""

    @property
    def is_constant(self) -> bool:
        """Return whether it is constant."""
        return not self.expression.references


class StepName(Struct, frozen=True):
    """A reference to a step in an expression: the field, and the offset of the select in the field's text."""

    step: str
    path: JsonPath
    offset: int
    is_direct: bool
    """Whether it is `steps.<id>`, and not a field in the output of a group or loop."""
    is_asked: bool
    """Whether it is in has(): then the offset is where the bracket is."""


class StepNames(Struct, frozen=True):
    """The names that the expressions of a step may use: variables, and the outputs of earlier steps by id."""

    variables: Mapping[str, Schema]
    steps: Mapping[str, Schema]
    may_be_missing: Callable[[str], bool]
    """Returns whether an expression may have no value here."""
    is_from_outside: Callable[[Sequence[str]], bool]
    """Returns whether text of somebody else may be in the value at a path, such as ("steps", "mails", "output")."""


class Report(Struct, dict=True):
    """Collects the problems of a compilation, and what it learns on the way."""

    file: JsonFile
    groups: Mapping[str, str]
    """The id of the enclosing group of each step, or an empty string."""
    suppressed: SuppressedProblems
    renamed: dict[JsonPath, JsonPath]
    """Path that was checked -> path in the file, for misspelt keys that were corrected."""
    problems: list[Problem] = field(default_factory=list)
    steps: dict[str, StepValue] = field(default_factory=dict)
    """What is known of the steps compiled so far."""
    outputs: dict[str, Schema] = field(default_factory=dict)
    """Output schemas of compiled steps that are more precise than before."""
    types: dict[str, Schema] = field(default_factory=dict)
    """The output schema of every compiled step, by its path in the workflow."""
    wholes: dict[JsonPath, CheckedExpression] = field(default_factory=dict)
    """The compiled expression of each field that is a single expression."""
    flow: TextFlow | None = None
    """Where the text of values comes from; None if no step takes it anywhere."""
    mixed: dict[JsonPath, Derived] = field(default_factory=dict)
    """The same of each mixed text."""
    step_names: list[StepName] = field(default_factory=list)
    names: dict[JsonPath, StepNames] = field(default_factory=dict)
    """What may be named in each step, and in the outputs of the workflow."""
    unknown_steps: set[str] = field(default_factory=set)
    """Unknown step names in expressions."""
    input_names: set[str] = field(default_factory=set)
    """Inputs used by expressions; an empty text means all of them."""
    wrong_paths: set[JsonPath] = field(default_factory=set)
    """Paths in the file with an error at them or inside them."""
    certain_errors: int = 0
    """The number of errors that do not depend on the data of a run."""

    def add(
        self, path: JsonPath, message: str, code: str, remedy: str = "", offset: int = 0, severity: str = "error"
    ) -> None:
        """Add an error, or a warning, at a value of the file."""
        place = self.written(path)
        found = problem(self.file, place, message, offset=offset, code=code, remedy=remedy, severity=severity)
        self.problems.append(found)
        if severity == "error":
            self.wrong_paths.update(place[:end] for end in range(1, len(place) + 1))
            self.certain_errors += code != MAYBE_ABSENT

    def warn(self, path: JsonPath, message: str, code: str, remedy: str) -> None:
        """Add a warning: the workflow runs, but its author may not have meant this."""
        self.add(path, message, code, remedy, severity="warning")

    def written(self, path: JsonPath) -> JsonPath:
        """Return the path in the file for a path that was checked."""
        for end in range(len(path), 0, -1) if self.renamed else ():
            if path[:end] in self.renamed:
                return (*self.written(self.renamed[path[:end]]), *path[end:])
        return path

    def value_parts(self, path: JsonPath, value: Any) -> ValueParts:
        """Return what is known of a value that contains expressions."""
        if path in self.wholes:
            return self.wholes[path].parts
        if isinstance(value, dict):
            return ValueParts(
                {name: ValuePart(self.value_parts((*path, name), inner)) for name, inner in value.items()}
            )
        return UNKNOWN

    def value_derived(self, path: JsonPath, value: Any) -> Derived:
        """Return where the text of a value comes from that contains expressions."""
        if isinstance(value, str):
            return self.wholes[path].derived if path in self.wholes else self.mixed.get(path, NOTHING)
        if isinstance(value, dict) and value:
            return literal({name: self.value_derived((*path, name), inner) for name, inner in value.items()})
        if isinstance(value, list) and value:
            return literal([self.value_derived((*path, index), inner) for index, inner in enumerate(value)])
        return NOTHING

    def outputs_of(self, steps: Collection[str]) -> dict[str, Schema]:
        """Return the more precise output schemas of these steps, as far as known."""
        return {name: self.outputs[name] for name in steps if name in self.outputs}

    def value_schema(self, path: JsonPath, value: Any) -> Schema:
        """Return the schema of a value that contains expressions; `{}` if it may be anything."""
        if path in self.wholes:
            return self.wholes[path].schema
        if isinstance(value, dict) and value:
            fields = {name: self.value_schema((*path, name), inner) for name, inner in value.items()}
            return {"type": "object", "properties": fields}
        if isinstance(value, list):
            return {
                "type": "array",
                "items": one_schema([self.value_schema((*path, place), one) for place, one in enumerate(value)]),
            }
        if isinstance(value, str):
            return {} if value.startswith("{{") and value.endswith("}}") else {"type": "string"}
        kinds: dict[type, Schema] = {bool: {"type": "boolean"}, int: {"type": "integer"}, float: {"type": "number"}}
        return kinds.get(type(value), {})

    def has_errors_at(self, path: JsonPath) -> bool:
        """Return whether there is an error at a path or inside its value."""
        return self.written(path) in self.wrong_paths

    @property
    def errors(self) -> Iterator[Problem]:
        """Every problem that prevents the file from running."""
        return (one for one in self.problems if one.severity == "error")

    def words_around(self, name: str, path: JsonPath) -> tuple[str, str] | None:
        """Return (message, remedy) if an expression refers to its own step or to an enclosing one, else None."""
        value, behind = self.file.value, 0
        for depth, part in enumerate(self.written(path), 1):
            if isinstance(part, str) and part not in _TO_STEPS:
                break  # an `id` inside a value is not a step's
            value = value[part]
            if isinstance(value, dict) and value.get("id") == name:
                behind = depth
        if not behind:
            return None
        inside = self.written(path)[behind:]
        if inside[:1] == ("on_error",):
            return f"Step {name!r} has failed here; it has no output.", "Use error.message, or a step before it."
        if inside[:1] == ("steps",):
            message = f"This is inside {name!r}, which is not finished before all in it is."
            return message, "Use the steps inside that come before this one, by their own names."
        return f"Step {name!r} cannot use its own output.", "Use a step before it, or do this in a step after it."

    @cached_property
    def unspeakable(self) -> re.Pattern[str] | None:
        """A pattern for attempts to use a name that expressions cannot contain."""
        names = sorted(self.suppressed.unspeakable)
        words = [rf"(?<!\w){re.escape(name)}(?!\w)" for name in names if name not in CEL_WORDS]
        words += [rf"[.?'\"]\s*{name}(?!\w)|(?<![\w.]){name}\s*\." for name in names if name in CEL_WORDS]
        return re.compile("|".join(words)) if words else None
