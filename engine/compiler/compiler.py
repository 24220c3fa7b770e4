"""From a workflow file to a plan: names, types, order and fields are checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from engine.compiler.connectioncheck import connection_name
from engine.compiler.fieldcheck import check_fields, check_inputs_schema
from engine.compiler.fieldnames import meant_fields
from engine.compiler.loader import Loaded, load, walk
from engine.compiler.model import FallbackModel, StepModel, WorkflowModel, is_variable, loop_name_fault
from engine.compiler.order import finished_before
from engine.compiler.plan import Action, Block, Loop, Node, Plan, Retry
from engine.compiler.schemas import Outputs, Prompts, step_prompts
from engine.compiler.scope import ANYTHING, CONDITION, KEY, LIST, RUN, TEXT, Report, Scope
from engine.errors import OrchestraError, Problem
from engine.expressions.celtypes import Types
from engine.registry import step_type
from engine.step import StepType
from engine.workspace.jsonfile import JsonFile, JsonPath

_FAILURE = {"type": "object", "properties": {"type": TEXT, "message": TEXT, "step": TEXT}}


@dataclass(frozen=True)
class Surroundings:
    """What a workflow may refer to outside its file."""

    connections: Mapping[str, str]
    """The service of each connection of config.yaml, by name."""
    prompts: Prompts


@dataclass(frozen=True)
class Compiled:
    """What came of a compilation: a plan, unless one of the problems is an error."""

    plan: Plan | None
    problems: list[Problem]


def compile_workflow(file: JsonFile, name: str, around: Surroundings) -> Compiled:
    """Compile a parsed workflow file; every problem is found at once, sorted by place."""
    loaded = load(file)
    if loaded.model is None:
        return Compiled(None, _sorted(loaded.problems))
    compilation = _Compilation(file, loaded, loaded.model, around)
    plan = compilation.plan(name)
    problems = _sorted([*loaded.problems, *compilation.report.problems])
    return Compiled(None if any(one.severity == "error" for one in problems) else plan, problems)


def _sorted(problems: Sequence[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda one: (one.line, one.column, one.message))


def _groups(steps: Sequence[StepModel], around: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for step in steps:
        found[step.id] = around
        found.update(_groups(step.steps or [], step.id))
        if isinstance(step.on_error, FallbackModel):
            found.update(_groups(step.on_error.steps, step.id))
    return found


class _Compilation:
    """One pass over one file."""

    def __init__(self, file: JsonFile, loaded: Loaded, model: WorkflowModel, around: Surroundings) -> None:
        self.model = model
        self.around = around
        self.report = Report(file, _groups(model.steps), loaded.doubts, dict(loaded.renamed))
        self._outputs = Outputs(around.prompts, loaded.doubts.unsure)
        self._ids: dict[str, JsonPath] = {}
        self._connections: dict[str, None] = {}
        self._prompts: dict[str, Mapping[str, Any]] = {}

    def plan(self, name: str) -> Plan:
        model = self.model
        inputs = check_inputs_schema(model.inputs, self.report)
        self._name_fields()
        strangers = dict.fromkeys(self.report.doubts.strangers, ANYTHING)
        scope = Scope(self.report, {"inputs": inputs, "run": RUN}, strangers, Types())
        block = self._block(("steps",), model.steps, scope, "", frozenset())
        top = self._with_siblings(scope, model.steps)
        every = frozenset(step.id for step in model.steps)
        outputs = top.tree(("outputs",), model.outputs, ANYTHING, every)
        return Plan(
            name=name,
            document=self.report.file.value,
            block=block,
            outputs=outputs,
            timeout_seconds=model.timeout_seconds,
            prompts=self._prompts,
            connections=tuple(self._connections),
            inputs_schema=inputs,
        )

    def _with_siblings(self, scope: Scope, steps: Sequence[StepModel]) -> Scope:
        return scope.inner({}, self._outputs.siblings(steps))

    def _name_fields(self) -> None:
        """Put the fields of every step under their right names, before anything is derived from them."""
        for path, step in walk(("steps",), self.model.steps):
            with suppress(OrchestraError):  # an unknown step type is told where the step is compiled
                if step.uses is not None:
                    step.with_ = meant_fields((*path, "with"), step.with_, step_type(step.uses), self.report)

    def _block(
        self, path: JsonPath, steps: Sequence[StepModel], outer: Scope, prefix: str, seen: frozenset[str]
    ) -> Block:
        """Compile siblings; `seen` are the steps of outer blocks that are finished by then."""
        before = finished_before(path, steps, self.report)
        scope = self._with_siblings(outer, steps)
        nodes = [
            self._node((*path, index), step, scope, prefix, seen | before[index]) for index, step in enumerate(steps)
        ]
        return Block(tuple(nodes))

    def _node(self, path: JsonPath, step: StepModel, scope: Scope, prefix: str, seen: frozenset[str]) -> Node:
        self._check_id(path, step)
        condition = step.if_
        if isinstance(condition, str):
            condition = self._expression((*path, "if"), condition, CONDITION, scope, seen)
        loop = self._loop(path, step, scope, seen)
        inner = self._loop_scope(path, step, loop, scope)
        own_path = f"{prefix}{step.id}"
        action, body = self._content(path, step, inner, own_path, seen)
        fallback = self._fallback(path, step, scope, own_path, seen)
        return Node(
            id=step.id,
            path=own_path,
            title=step.title or _title(step),
            condition=True if condition is None else condition,
            needs=None if step.needs is None else tuple(step.needs),
            action=action,
            body=body,
            loop=loop,
            output=self._output(path, step, inner, seen),
            has_output=step.output is not None,
            timeout_seconds=step.timeout_seconds,
            on_error="continue" if step.on_error == "continue" else "fail",
            fallback=fallback,
        )

    def _check_id(self, path: JsonPath, step: StepModel) -> None:
        if step.id in self._ids:
            line, _ = self.report.file.place((*self._ids[step.id], "id"))
            message = f"The id {step.id!r} is taken by the step in line {line}."
            self.report.add((*path, "id"), message, "duplicate_id", "Give one of the two another id.")
        self._ids.setdefault(step.id, path)

    def _expression(self, path: JsonPath, text: str, schema: Any, scope: Scope, seen: frozenset[str]) -> Any:
        """Compile a field that must hold an expression."""
        if "{{" not in text:
            self.report.add(path, f"{text!r} is no expression.", "expression", f"Write {{{{ {text} }}}}.")
            return None
        return scope.template(path, text, schema, seen)

    def _loop(self, path: JsonPath, step: StepModel, scope: Scope, seen: frozenset[str]) -> Loop | None:
        if step.foreach is None:
            return None
        if step.as_ in scope.variables and loop_name_fault(step.as_) is None:
            self.report.add(
                (*path, "as"),
                f"{step.as_!r} is the name of an outer loop.",
                "loop_name",
                "Give this loop another 'as'.",
            )
        items = self._expression((*path, "foreach"), step.foreach, LIST, scope, seen)
        if items is None:
            return None
        inner = scope.inner(self._loop_variables(step, items, scope), {}, self._wrong_name(path, step))
        return Loop(
            items=items,
            name=step.as_,
            key=self._text((*path, "key"), step.key, KEY, inner, seen),
            item_title=self._text((*path, "item_title"), step.item_title, TEXT, inner.inner({"key": TEXT}, {}), seen),
            parallel=step.parallel,
            on_item_error=step.on_item_error,
        )

    def _text(self, path: JsonPath, text: str | None, schema: Any, scope: Scope, seen: frozenset[str]) -> Any:
        return None if text is None else scope.tree(path, text, schema, seen)

    def _loop_variables(self, step: StepModel, items: Any, scope: Scope) -> dict[str, Any]:
        return _speakable({step.as_: scope.item_type(items), "index": {"type": "integer"}})

    def _loop_scope(self, path: JsonPath, step: StepModel, loop: Loop | None, scope: Scope) -> Scope:
        if step.foreach is None:
            return scope
        if loop is None:  # its list did not compile; its body is still checked
            variables = _speakable({step.as_: {}, "index": {"type": "integer"}})
        else:
            variables = self._loop_variables(step, loop.items, scope)
        return scope.inner({**variables, "key": TEXT}, {}, self._wrong_name(path, step))

    def _wrong_name(self, path: JsonPath, step: StepModel) -> str | None:
        """Return the `as` of a loop where it is none; told already."""
        if (*path, "as") in self.report.doubts.lost:
            return "item"
        return step.as_ if loop_name_fault(step.as_) else None

    def _content(
        self, path: JsonPath, step: StepModel, scope: Scope, own_path: str, seen: frozenset[str]
    ) -> tuple[Action | None, Block | None]:
        block = None
        if step.steps is not None:
            block = self._block((*path, "steps"), step.steps, scope, f"{own_path}.", seen)
        if step.uses is None or block is not None:
            scope.tree((*path, "with"), step.with_, ANYTHING, seen)  # nothing, or what stands there by mistake
            return None, block
        action = self._action(path, step, step.uses, scope, seen)
        if step.foreach is None:
            return action, None
        inner = Node(
            id=step.id, path=f"{own_path}.{step.id}", title=_title(step), condition=True, needs=None, action=action
        )
        return None, Block((inner,))

    def _action(self, path: JsonPath, step: StepModel, uses: str, scope: Scope, seen: frozenset[str]) -> Action | None:
        try:
            kind = step_type(uses)
        except OrchestraError as error:
            self.report.add((*path, "uses"), error.message, "unknown_step_type", error.remedy)
            scope.tree((*path, "with"), step.with_, ANYTHING, seen)  # its expressions are checked all the same
            return None
        self._collect_prompts(path, step)
        prompts = step_prompts(step, self.around.prompts)
        return Action(
            uses=uses,
            step_type=kind,
            connection=self._connection(path, step, kind),
            arguments=check_fields((*path, "with"), step.with_, kind, prompts, scope, seen),
            once=self._text((*path, "once"), step.once, TEXT, scope, seen),
            retry=_retry(step),
            output_schema=self._outputs.action(step),
        )

    def _collect_prompts(self, path: JsonPath, step: StepModel) -> None:
        reference = step.with_.get("prompt")
        if not isinstance(reference, str):
            return
        if "{{" in reference:
            self.report.add(
                (*path, "with", "prompt"),
                "The name of a prompt is fixed; it cannot be an expression.",
                "prompt_name",
                "Write the name itself; to choose between prompts, use two steps with 'if'.",
            )
            return
        try:
            self._prompts[reference] = self.around.prompts(reference)
        except OrchestraError as error:
            self.report.add((*path, "with", "prompt"), error.message, "unknown_prompt", error.remedy)

    def _connection(self, path: JsonPath, step: StepModel, kind: StepType) -> str | None:
        name = connection_name(path, step.connection, kind, self.around.connections, self.report)
        if name is not None:
            self._connections[name] = None
        return name

    def _fallback(
        self, path: JsonPath, step: StepModel, scope: Scope, own_path: str, seen: frozenset[str]
    ) -> Block | None:
        if not isinstance(step.on_error, FallbackModel):
            return None
        inner = scope.inner({"error": _FAILURE}, {})
        return self._block((*path, "on_error", "steps"), step.on_error.steps, inner, f"{own_path}.", seen)

    def _output(self, path: JsonPath, step: StepModel, scope: Scope, seen: frozenset[str]) -> Any:
        if step.output is None:
            return None
        inner = scope.inner({}, self._outputs.siblings([step] if step.steps is None else step.steps))
        return inner.tree((*path, "output"), step.output, ANYTHING, seen | {one.id for one in step.steps or []})


def _speakable(variables: dict[str, Any]) -> dict[str, Any]:
    return {name: kind for name, kind in variables.items() if is_variable(name)}


def _title(step: StepModel) -> str:
    if step.title:
        return step.title
    try:
        return step_type(step.uses).title if step.uses else step.id.replace("_", " ").capitalize()
    except OrchestraError:
        return step.id


def _retry(step: StepModel) -> Retry | None:
    if step.retry is None:
        return None
    return Retry(step.retry.attempts, step.retry.backoff_seconds, frozenset(step.retry.on))
