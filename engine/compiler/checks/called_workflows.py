"""Called workflows: each is compiled once, with everything that its callers must know."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from clients.wording import did_you_mean
from engine.base.definitions import WorkflowDefinition
from engine.base.errors import InvalidFile, OrchestraError
from engine.base.names import require_no_branch
from engine.base.problem import Problem
from engine.base.step_tree import agent_reference
from engine.compiler.analysis.conditions import STOPPED, SUCCEEDED, Ends
from engine.compiler.analysis.missing_values import UNKNOWN, ValuePart, ValueParts
from engine.compiler.analysis.text_flow import TextPassage
from engine.compiler.definition.environment import Compiled, Workflows
from engine.compiler.definition.plan import Plan
from engine.documents.json_file import JsonFile, JsonPath, parse
from engine.expressions.cel_types import Schema
from engine.plugins.step import Effect

if TYPE_CHECKING:
    from engine.compiler.checks.report import Report

_DEEPEST = 32
"""The depth to which nested calls are followed; runs are limited to far less."""


class CalledWorkflow(Struct, frozen=True):
    """A workflow as its callers see it; little is known while it is being compiled itself."""

    inputs_schema: Schema
    problems: list[Problem] = field(default_factory=list)
    output: Schema = field(default_factory=dict)
    maybe_absent: frozenset[str] = frozenset()
    plan: Plan | None = None
    passage: TextPassage | None = None
    """What becomes of the text of its inputs; None while it is being compiled itself."""

    @property
    def effect(self) -> Effect:
        """The effect of a run on the world."""
        return Effect.PURE if self.plan is None else self.plan.effect


class Callees:
    """All workflows that one compilation calls, directly or indirectly."""

    def __init__(self, workflows: Workflows, compiled: Callable[[JsonFile, str, Callees], Compiled]) -> None:
        self.documents: dict[str, WorkflowDefinition] = {}
        self._workflows, self._compiled = workflows, compiled
        self._open: dict[str, tuple[WorkflowDefinition, Schema]] = {}
        self._known: dict[str, CalledWorkflow] = {}

    def begin(self, name: str, document: WorkflowDefinition, inputs: Schema) -> None:
        """Register a workflow that is being compiled: a workflow that it calls may call it again."""
        self._open[name] = document, inputs

    def end(self, name: str) -> None:
        """Unregister a workflow after its compilation."""
        del self._open[name]

    @property
    def plans(self) -> dict[str, Plan]:
        """Return the plans of the called workflows that compiled without errors."""
        return {name: one.plan for name, one in self._known.items() if one.plan is not None}

    @property
    def is_called(self) -> bool:
        """Whether a workflow is being compiled, so that the next one is called by it."""
        return bool(self._open)

    def passage(self, name: str) -> TextPassage | None:
        """Return what becomes of the text that a workflow is given; None if that is not known."""
        known = self._known.get(name)
        return None if known is None else known.passage

    def called(self, name: str) -> CalledWorkflow:
        """Return what a caller must know of a workflow. Raises UnknownName."""
        if name in self._open:
            document, inputs = self._open[name]
            self.documents[name] = document
            return CalledWorkflow(inputs)
        if len(self._open) > _DEEPEST:
            return CalledWorkflow({}, [Problem(f"Workflows call each other more than {_DEEPEST} levels deep.")])
        if name not in self._known:
            self._known[name] = self._found(name)
        return self._known[name]

    def _found(self, name: str) -> CalledWorkflow:
        where = f"workflows/{name}.json"
        try:
            document = self._workflows(name)
            compiled = self._compiled(parse(json.dumps(document, ensure_ascii=False, indent=2), where), name, self)
        except InvalidFile as error:
            return CalledWorkflow({}, error.problems or [Problem(error.message, file=where)])
        errors = [one for one in compiled.problems if one.severity == "error"]
        if compiled.plan is None:
            return CalledWorkflow({}, errors)
        self.documents[name] = compiled.plan.document
        inputs = compiled.plan.inputs_schema
        return CalledWorkflow(inputs, [], compiled.outputs, compiled.maybe_absent, compiled.plan, compiled.passage)


def name_of(fields: Mapping[str, object]) -> str | None:
    """Return the name of the workflow that a step calls, or None if it is invalid or an expression."""
    name = fields.get("workflow")
    return name if isinstance(name, str) and name and "{{" not in name else None


def find(path: JsonPath, fields: Mapping[str, object], callees: Callees, report: Report) -> CalledWorkflow | None:
    """Return the workflow that a step with these fields calls; problems go to the report."""
    place = (*path, "workflow")
    written = fields.get("workflow")
    if isinstance(written, str) and "{{" in written:
        message = "The name of a workflow is fixed; it cannot be an expression."
        remedy = "Write the name itself; to choose between workflows, use two steps with 'if'."
        report.add(place, message, "workflow_name", remedy)
    name = name_of(fields)
    if name is None:
        return None
    try:
        require_no_branch(name, "is never called by other workflows")
        called = callees.called(name)
    except OrchestraError as error:
        report.add(place, error.message, "unknown_workflow", error.remedy)
        return None
    if called.problems:
        count = len(called.problems)
        agent = agent_reference(name)
        thing = "workflow" if agent == name else "agent"
        said = f"The {thing} {agent!r} has {count} problem{'s' * (count != 1)}: {called.problems[0].message}"
        remedy = f"Correct it first: `orchestra validate {name}`."
        if agent != name:
            said += f" ({called.problems[0].file}:{called.problems[0].line})"
            remedy = called.problems[0].remedy or "Correct its file first."
        report.add(place, said, "called_workflow", remedy)
        return None
    return called


def check_inputs(path: JsonPath, given: Any, schema: Schema, report: Report) -> None:
    """Compare the names in `with.inputs` with the inputs of the called workflow."""
    if not isinstance(given, Mapping) or "properties" not in schema:
        return  # one expression for all inputs: its value is checked when the run is accepted
    known = list(schema["properties"])
    for name in given:
        if name not in known:
            remedy = did_you_mean(name, known) or "Take it out: the workflow has no inputs."
            report.add((*path, name), f"The workflow has no input {name!r}.", "workflow_input", remedy)
    if any(name not in known for name in given):
        return  # one of those probably is the missing one
    for name in schema.get("required", ()):
        if name not in given:
            message = f"The workflow needs the input {name!r}."
            report.add(path, message, "workflow_input", f"Add {name!r} to 'inputs'.")


def output_of(fields: Mapping[str, object], callees: Callees) -> Schema:
    """Return the output schema of a step with these fields; `find` reports their problems."""
    called = _called(fields, callees)
    return {} if called is None else called.output


def parts_of(fields: Mapping[str, object], callees: Callees) -> ValueParts:
    """Return the outputs of the called workflow that may be missing."""
    called = _called(fields, callees)
    if called is None:
        return UNKNOWN
    stopped = Ends(frozenset({SUCCEEDED, STOPPED}))
    return ValueParts({name: ValuePart(UNKNOWN, ends=stopped) for name in sorted(called.maybe_absent)})


def _called(fields: Mapping[str, object], callees: Callees) -> CalledWorkflow | None:
    name = name_of(fields)
    try:
        return None if name is None else callees.called(name)
    except OrchestraError:
        return None
