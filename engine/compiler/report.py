"""What a compilation has found: problems with their places, and what its expressions use and give."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from engine.compiler.loader import Doubts, problem
from engine.compiler.model import CEL_WORDS
from engine.compiler.presence import UNKNOWN, Part, Parts, Step
from engine.errors import Problem
from engine.expressions.celtypes import Schema
from engine.expressions.references import Reference
from engine.expressions.results import one_schema
from engine.expressions.syntax import Node
from engine.workspace.jsonfile import JsonFile, JsonPath

_TO_STEPS = frozenset({"steps", "on_error", "on_failure"})
"""The keys of a file that lead to steps."""


@dataclass(frozen=True)
class Checked:
    """One expression that is right: its CEL type by name, its tree in normal form, what is known of its value."""

    kind: str
    schema: Schema
    tree: Node
    parts: Parts
    references: tuple[Reference, ...]

    @property
    def is_constant(self) -> bool:
        """Tell whether its value depends on nothing."""
        return not self.references


@dataclass(frozen=True)
class StepName:
    """Where a step is named in an expression: the field, the offset of the name's select in the field's text."""

    step: str
    path: JsonPath
    offset: int
    is_direct: bool
    """Named as `steps.<id>`, else as a field of what a group or loop puts out."""
    is_asked: bool
    """Named by has(): then the offset is that of its bracket."""


@dataclass
class Report:
    """Where a compilation writes down what is wrong, and what it learns on the way."""

    file: JsonFile
    groups: Mapping[str, str]
    """For each step id of the file: the id of the group around it, or an empty string."""
    doubts: Doubts
    renamed: dict[JsonPath, JsonPath]
    """Path that was checked -> path in the file, where a misspelt key was taken for the one meant."""
    problems: list[Problem] = field(default_factory=list)
    steps: dict[str, Step] = field(default_factory=dict)
    """What is known of the steps compiled so far."""
    outputs: dict[str, Schema] = field(default_factory=dict)
    """What a compiled step puts out, where more is known of it than before."""
    wholes: dict[JsonPath, Checked] = field(default_factory=dict)
    """Of each field that is one whole expression."""
    step_names: list[StepName] = field(default_factory=list)
    unknown_steps: set[str] = field(default_factory=set)
    """Names that expressions take for those of steps."""
    input_names: set[str] = field(default_factory=set)
    """Inputs that expressions use; an empty text stands for all of them."""

    def add(
        self, path: JsonPath, message: str, code: str, remedy: str = "", offset: int = 0, severity: str = "error"
    ) -> None:
        """Write down an error, or a warning, at a value of the file."""
        found = problem(
            self.file, self.written(path), message, offset=offset, code=code, remedy=remedy, severity=severity
        )
        self.problems.append(found)

    def warn(self, path: JsonPath, message: str, code: str, remedy: str) -> None:
        """Write down what the workflow runs with, though its author may not have meant it."""
        self.add(path, message, code, remedy, severity="warning")

    def written(self, path: JsonPath) -> JsonPath:
        """Return the path in the file of a path that was checked."""
        for end in range(len(path), 0, -1) if self.renamed else ():
            if path[:end] in self.renamed:
                return (*self.written(self.renamed[path[:end]]), *path[end:])
        return path

    def value_parts(self, path: JsonPath, value: Any) -> Parts:
        """Return what is known of a value written with expressions in it."""
        if path in self.wholes:
            return self.wholes[path].parts
        if isinstance(value, dict):
            return Parts({name: Part(self.value_parts((*path, name), inner)) for name, inner in value.items()})
        return UNKNOWN

    def outputs_of(self, steps: Collection[str]) -> dict[str, Schema]:
        """Return what is known better by now of the outputs of some steps."""
        return {name: self.outputs[name] for name in steps if name in self.outputs}

    def value_schema(self, path: JsonPath, value: Any) -> Schema:
        """Return the schema of a value written with expressions in it; `{}` where it may be anything."""
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
        """Tell whether the value at a path, or something inside it, is wrong."""
        field = ".".join(map(str, self.written(path)))
        return any(f"{one.field}.".startswith(f"{field}.") for one in self.errors if one.step is None)

    @property
    def errors(self) -> Iterator[Problem]:
        """Every problem that stops the file from running."""
        return (one for one in self.problems if one.severity == "error")

    def words_around(self, name: str, path: JsonPath) -> tuple[str, str] | None:
        """Return (message, remedy) for a field that names the step it is part of, or one around it; else None."""
        value, behind = self.file.value, 0
        for depth, part in enumerate(self.written(path), 1):
            if isinstance(part, str) and part not in _TO_STEPS:
                break  # what is called `id` in a value is the id of no step
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
        """What shows that an expression tries to name something whose name it cannot hold."""
        names = sorted(self.doubts.unspeakable)
        words = [rf"(?<!\w){re.escape(name)}(?!\w)" for name in names if name not in CEL_WORDS]
        words += [rf"[.?'\"]\s*{name}(?!\w)|(?<![\w.]){name}\s*\." for name in names if name in CEL_WORDS]
        return re.compile("|".join(words)) if words else None
