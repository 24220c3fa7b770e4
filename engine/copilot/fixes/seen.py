"""What a rule looks at: one problem, its place in the text, and what the text may refer to."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from msgspec import Struct, field

from engine.base.errors import OrchestraError
from engine.base.problem import Problem
from engine.base.step_tree import StepDefinition, StepNode, step_nodes
from engine.compiler.checks.report import Report, StepNames
from engine.compiler.definition.environment import CompilerContext
from engine.copilot.fixes.records import Idea, Operation
from engine.documents.json_file import JsonFile, JsonPath
from engine.plugins.registry import step_type, trigger_type
from engine.plugins.step import PluginType
from engine.workflows.editing.writing import value_at

_LONGEST_SHOWN = 60
_WORDS = re.compile(r"[\w.]+|\s+|.", re.DOTALL)


class FixContext(Struct, frozen=True, dict=True):
    """A text of a workflow, and what it may refer to."""

    name: str
    file: JsonFile
    compiler_context: CompilerContext
    report: Report | None
    """What the compiler knows of the names in it; None if it cannot be loaded."""
    saved: Mapping[str, Any] = field(default_factory=dict)
    """The document of the saved file."""
    workflows: Sequence[str] = ()
    """The names of the workflows."""
    prompts: Sequence[str] = ()
    """The names of the prompts."""

    @cached_property
    def nodes(self) -> Sequence[StepNode[StepDefinition]]:
        """All steps, outer before inner."""
        return list(step_nodes(self.file.value))

    @cached_property
    def ids(self) -> Sequence[str]:
        """The ids of all steps."""
        return [one.step.id for one in self.nodes]


class SeenProblem(Struct, frozen=True, dict=True):
    """A problem of a text."""

    problem: Problem
    around: FixContext
    path: JsonPath
    """The nearest place in the file that is there."""
    offset: int
    """Where the problem is, in the text at that place."""

    @classmethod
    def of(cls, problem: Problem, around: FixContext) -> SeenProblem:
        """Return a problem with its place in the file."""
        part = around.file.part_at(problem.line, problem.column)
        return cls(problem, around, part.path, part.offset)

    @cached_property
    def value(self) -> Any:
        """What is at the place."""
        return value_at(self.around.file.value, self.path)

    @property
    def key(self) -> str:
        """The last part of the path."""
        return str(self.path[-1]) if self.path else ""

    @cached_property
    def node(self) -> StepNode[StepDefinition] | None:
        """The innermost step at the place."""
        found = [one for one in self.around.nodes if self.path[: len(one.place)] == one.place]
        return max(found, key=lambda one: len(one.place), default=None)

    @cached_property
    def in_scope(self) -> Sequence[StepNode[StepDefinition]]:
        """The steps that expressions at the place may name, wherever they are in the order."""
        return [one for one in self.around.nodes if self.path[: len(one.place) - 1] == one.place[:-1]]

    @property
    def inside(self) -> JsonPath:
        """The path in the step, or in the workflow outside of steps."""
        return self.path if self.node is None else self.path[len(self.node.place) :]

    @cached_property
    def kind(self) -> PluginType | None:
        """The type of the step or the trigger; None if it is not known."""
        try:
            if self.node is not None:
                return step_type(self.node.step.uses)
            if self.path[:1] == ("triggers",) and len(self.path) > 1:
                return trigger_type(str(value_at(self.around.file.value, (*self.path[:2], "uses"))))
        except (OrchestraError, LookupError, TypeError):
            pass
        return None

    @cached_property
    def names(self) -> StepNames | None:
        """The names that an expression at the place may use."""
        report = self.around.report
        ends = range(len(self.path), 0, -1)
        if report is None:
            return None
        return next((report.names[self.path[:end]] for end in ends if self.path[:end] in report.names), None)

    def near(self, path: JsonPath, default: Any = None) -> Any:
        """Return the value at a path of the file."""
        try:
            return value_at(self.around.file.value, path)
        except (LookupError, TypeError):
            return default

    def set(self, path: JsonPath, value: Any) -> Operation:
        """Return the operation that sets a value of the file."""
        return {"op": "set", **self._place(path), "value": value}

    def unset(self, path: JsonPath) -> Operation:
        """Return the operation that removes a value of the file."""
        return {"op": "unset", **self._place(path)}

    def called(self, path: JsonPath, name: str) -> list[Operation]:
        """Return the operations that give the value at a path another key."""
        return [self.set((*path[:-1], name), self.near(path)), self.unset(path)]

    def writing(self, value: Any, label: str = "", *, is_certain: bool = True) -> Idea:
        """Return the idea of another value at the place."""
        said = label or f"Write {shown(value)} as {self.field}"
        return Idea(said, [self.set(self.path, value)], is_certain)

    @property
    def field(self) -> str:
        """The field at the place, as people call it."""
        names = [str(one) for one in self.inside if isinstance(one, str) and one != "with"]
        return repr(names[-1]) if names else "it"

    def _place(self, path: JsonPath) -> dict[str, Any]:
        node = self.node
        if node is None or path[: len(node.place)] != node.place:
            return {"field": _dotted(path)}
        return {"step": node.step.id, "field": _dotted(path[len(node.place) :])}


Rule = Callable[[SeenProblem], Iterator[Idea]]
"""Yields changes that may mend a problem, the likeliest first. Only those are offered that do when they are tried."""


def shown(value: Any) -> str:
    """Return a value for a label, shortened."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"


def changed(old: str, new: str) -> str:
    """Return what is written instead of what, for a label: the words that differ."""
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    shorter = min(len(before), len(after))
    begin = next((n for n in range(shorter) if before[n] != after[n]), shorter)
    end = next((n for n in range(shorter - begin) if before[-1 - n] != after[-1 - n]), shorter - begin)
    was = "".join(before[begin : len(before) - end]).strip()
    now = "".join(after[begin : len(after) - end]).strip()
    if was and now and len(was) + len(now) <= _LONGEST_SHOWN:
        return f"Write {now} instead of {was}"
    text = new.strip()
    return f"Write {text if len(text) <= _LONGEST_SHOWN else f'{text[: _LONGEST_SHOWN - 1]}…'}"


def _dotted(path: JsonPath) -> str | list[str | int]:
    """Return a path as operations name it: a text, unless a key would be misread."""
    odd = any(isinstance(one, str) and (not one or "." in one or one.isdecimal()) for one in path)
    return [*path] if odd else ".".join(map(str, path))
