"""Compile steps to nodes: siblings in order of completion, each with what is certain when it starts."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from engine.base.errors import OrchestraError
from engine.compiler.actions import Actions
from engine.compiler.analysis.missing_values import UNKNOWN, ValueParts
from engine.compiler.checks import called_workflows as callees
from engine.compiler.checks.called_workflows import Callees
from engine.compiler.checks.connection_check import account_seen
from engine.compiler.checks.order import finished_before
from engine.compiler.checks.report import BROKEN, Report
from engine.compiler.checks.scope import Scope
from engine.compiler.checks.step_facts import handed_on, learn
from engine.compiler.definition.approval_rules import Rules
from engine.compiler.definition.complexity import require_time
from engine.compiler.definition.environment import CompilerContext
from engine.compiler.definition.identifiers import is_variable, loop_name_fault
from engine.compiler.definition.plan import Action, Block, Loop, Node, strongest
from engine.compiler.definition.schemas import OutputSchemas
from engine.compiler.definition.step_model import FallbackModel, StepModel
from engine.documents.json_file import JsonPath
from engine.expressions.cel_types import ANYTHING, TEXT, Schema
from engine.expressions.expressions import Fixed, Template
from engine.plugins.registry import step_type
from engine.plugins.step import Effect

if TYPE_CHECKING:
    from engine.compiler.checks.outside_text import OutsideCheck

_CONDITION: Schema = {"type": "boolean"}
_LIST: Schema = {"type": "array"}
_KEY: Schema = {"type": ["string", "integer"]}
ERROR = {"type": "object", "properties": {"type": TEXT, "message": TEXT, "step": TEXT}}
"""The type of `error` in a fallback and in `on_failure`."""


class StepPlace(Struct, frozen=True):
    """The context of steps: their path in the file, the names in scope, and the steps finished when they start."""

    path: JsonPath
    scope: Scope
    prefix: str = ""
    """Prefix of paths in a run: `each_mail.` inside that loop."""
    seen: AbstractSet[str] = frozenset()
    """Ids of the steps of this and outer blocks that are finished by then."""

    def within(self, *path: str | int, scope: Scope | None = None, prefix: str | None = None) -> StepPlace:
        """Return a place inside this one."""
        return replace(
            self,
            path=(*self.path, *path),
            scope=self.scope if scope is None else scope,
            prefix=self.prefix if prefix is None else prefix,
        )


class Steps:
    """Compiles the steps of one file."""

    def __init__(
        self,
        around: CompilerContext,
        report: Report,
        called: Callees,
        outside: OutsideCheck,
        approvals: Rules,
        links: frozenset[str],
    ) -> None:
        self._report, self._callees, self._outside = report, called, outside
        self._outputs = OutputSchemas(
            around.prompts,
            lambda fields: callees.output_of(fields, called),
            lambda step, kind: account_seen(step, kind, around),
            report.suppressed.unsure,
        )
        self.actions = Actions(around, report, called, self._outputs, outside, approvals, links)
        self._ids: dict[str, JsonPath] = {}

    def block(self, steps: Sequence[StepModel], at: StepPlace) -> Block:
        """Compile siblings; the ones that others wait for come first, so that their types are known."""
        before = finished_before(at.path, steps, self._report)
        scope = self.with_siblings(at.scope, steps)
        for index, step in enumerate(steps):
            self._check_id((*at.path, index), step)
        nodes: dict[int, Node] = {}
        for index in sorted(range(len(steps)), key=lambda one: len(before[one])):
            place = StepPlace((*at.path, index), scope, at.prefix, at.seen | before[index])
            nodes[index] = self._node(steps[index], place)
        return Block(tuple(nodes[index] for index in range(len(steps))))

    def with_siblings(self, scope: Scope, steps: Sequence[StepModel]) -> Scope:
        """Return a scope that includes the names of these steps."""
        return scope.inner({}, self._outputs.siblings(steps))

    def _check_id(self, path: JsonPath, step: StepModel) -> None:
        if step.id in self._ids:
            line, _ = self._report.file.place((*self._ids[step.id], "id"))
            message = f"The id {step.id!r} is taken by the step in line {line}."
            self._report.add((*path, "id"), message, "duplicate_id", "Give one of the two another id.")
        self._ids.setdefault(step.id, path)

    def _node(self, step: StepModel, at: StepPlace) -> Node:
        require_time()
        own_path = f"{at.prefix}{step.id}"
        condition = self._condition(step, at)
        guarded = at.within(scope=at.scope.given(condition, (*at.path, "if")), prefix=f"{own_path}.")
        loop = self._loop(step, guarded)
        inner = guarded.within(scope=self._loop_scope(step, guarded))
        self._report.names[at.path] = inner.scope.names(at.seen)
        action, body, effect = self._content(step, inner)
        fallback = self._fallback(step, guarded)
        output = self._output(step, inner)
        learn(step, at.path, condition, body, self._callees, at.scope)
        self._keep_output(step, at)
        self._outside.finish(at.path, step, action or (body.nodes[0].action if body and not step.steps else None))
        return Node(
            id=step.id,
            path=own_path,
            title=step.title or _title(step),
            condition=condition,
            needs=None if step.needs is None else tuple(step.needs),
            action=action,
            body=body,
            loop=loop,
            output=output,
            has_output=step.output is not None,
            timeout_seconds=step.timeout_seconds,
            on_error="continue" if step.on_error == "continue" else "fail",
            fallback=fallback,
            effect=Effect.PURE if condition is False else strongest([effect, fallback.effect if fallback else effect]),
        )

    def _keep_output(self, step: StepModel, at: StepPlace) -> None:
        """Store the output type of a step, now that the types of its expressions are known."""
        written = handed_on(step, at.path)
        if step.id in self._report.suppressed.twice:
            return
        if written is not None:
            self._outputs.compiled[step.id] = self._report.value_schema(*written)
        schema = self._outputs.of(step)
        self._report.types[f"{at.prefix}{step.id}"] = schema
        if schema != at.scope.steps.get(step.id):
            self._report.outputs[step.id] = schema

    def _condition(self, step: StepModel, at: StepPlace) -> Any:
        if isinstance(step.if_, str):
            return self._expression(step.if_, _CONDITION, at.within("if"))
        return True if step.if_ is None else step.if_

    def _expression(self, text: str, schema: Any, at: StepPlace) -> Any:
        """Compile a field that must be an expression."""
        if "{{" not in text:
            self._report.add(at.path, f"{text!r} is not an expression.", "expression", f"Write {{{{ {text} }}}}.")
            return BROKEN
        return at.scope.template(at.path, text, schema, at.seen)

    # --- loops

    def _loop(self, step: StepModel, at: StepPlace) -> Loop | None:
        if step.foreach is None:
            return None
        if step.as_ in at.scope.variables and loop_name_fault(step.as_) is None:
            message = f"{step.as_!r} is the name of an outer loop."
            self._report.add((*at.path, "as"), message, "loop_name", "Give this loop another 'as'.")
        items = self._expression(step.foreach, _LIST, at.within("foreach"))
        if items is BROKEN:
            return None
        self._outside.begin_loop(at.path, step)
        keyed = self._item_scope(step, at, at.scope)  # in its own expression, `key` means the enclosing loop's
        key = _text(step.key, _KEY, at.within("key", scope=keyed))
        self._outside.begin_items(at.path, step)
        return Loop(
            items=items if isinstance(items, Template) else Template(step.foreach, (Fixed(step.foreach, items),)),
            name=step.as_,
            key=key,
            item_title=_text(step.item_title, TEXT, at.within("item_title", scope=_with_key(step, keyed))),
            parallel=step.parallel,
            on_item_error=step.on_item_error,
        )

    def _loop_scope(self, step: StepModel, at: StepPlace) -> Scope:
        return at.scope if step.foreach is None else _with_key(step, self._item_scope(step, at, at.scope))

    def _item_scope(self, step: StepModel, at: StepPlace, scope: Scope) -> Scope:
        """Return the scope of one item; if the list did not compile, the item may be anything."""
        checked = self._report.wholes.get((*at.path, "foreach"))
        items = {} if checked is None else checked.schema.get("items", {})
        variables = {step.as_: items, "index": {"type": "integer"}}
        speakable = {name: kind for name, kind in variables.items() if is_variable(name)}
        item = UNKNOWN if checked is None else checked.parts.items or UNKNOWN
        wrong = step.as_ if loop_name_fault(step.as_) else None
        if (*at.path, "as") in self._report.suppressed.lost:
            wrong = "item"
        parts: dict[str, ValueParts] = {step.as_: item, "index": UNKNOWN}
        return scope.inner(speakable, {}, wrong).bound(step.id, parts)

    # --- what a step does

    def _content(self, step: StepModel, at: StepPlace) -> tuple[Action | None, Block | None, Effect]:
        if step.steps is not None:
            block = self.block(step.steps, at.within("steps"))
            at.scope.tree((*at.path, "with"), step.with_, ANYTHING, at.seen)  # reports what is there by mistake
            return None, block, block.effect
        compiled = None
        if step.uses is None:
            at.scope.tree((*at.path, "with"), step.with_, ANYTHING, at.seen)
        else:
            compiled = self.actions.action(at.path, step, step.uses, at.scope, at.seen)
        action, effect = compiled or (None, Effect.PURE)
        if step.uses is None or step.foreach is None:
            return action, None, effect
        path = f"{at.prefix}{step.id}"
        body = Node(step.id, path, _title(step), condition=True, needs=None, action=action, effect=effect)
        return None, Block((body,)), effect

    def _fallback(self, step: StepModel, at: StepPlace) -> Block | None:
        if not isinstance(step.on_error, FallbackModel):
            return None
        self._outside.begin_fallback(step.id)
        scope = at.scope.inner({"error": ERROR}, {}).bound(step.id, {"error": UNKNOWN})
        return self.block(step.on_error.steps, at.within("on_error", "steps", scope=scope))

    def _output(self, step: StepModel, at: StepPlace) -> Any:
        if step.output is None:
            return None
        scope = self.with_siblings(at.scope, [step] if step.steps is None else step.steps)
        return scope.tree((*at.path, "output"), step.output, ANYTHING, at.seen | {one.id for one in step.steps or []})


def _with_key(step: StepModel, scope: Scope) -> Scope:
    return scope.inner({"key": TEXT}, {}).bound(step.id, {"key": UNKNOWN})


def _text(text: str | None, schema: Any, at: StepPlace) -> Any:
    return None if text is None else at.scope.tree(at.path, text, schema, at.seen)


def _title(step: StepModel) -> str:
    if step.title:
        return step.title
    try:
        return step_type(step.uses).title if step.uses else step.id.replace("_", " ").capitalize()
    except OrchestraError:
        return step.id
