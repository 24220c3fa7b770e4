"""Compile what a step calls: its type, connection, prompts, called workflow and fields."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from engine.base.definitions import PromptDefinition, WorkspaceTool
from engine.base.errors import OrchestraError
from engine.base.services import is_in_workspace
from engine.base.step_tree import CALL
from engine.compiler.checks import called_workflows as callees
from engine.compiler.checks.allow_check import check_allowed
from engine.compiler.checks.approval_check import check_approval
from engine.compiler.checks.called_workflows import CalledWorkflow, Callees
from engine.compiler.checks.connection_check import connection_name
from engine.compiler.checks.embedding_check import check_embedding
from engine.compiler.checks.fallback_check import check_fallback
from engine.compiler.checks.field_check import check_fields
from engine.compiler.checks.report import Report
from engine.compiler.checks.retry_check import check_retry
from engine.compiler.checks.rule_check import check_rules
from engine.compiler.definition.approval_rules import Rules
from engine.compiler.definition.environment import CompilerContext
from engine.compiler.definition.plan import Action
from engine.compiler.definition.schemas import OutputSchemas, step_prompts
from engine.compiler.definition.step_model import StepModel
from engine.documents.json_file import JsonPath
from engine.expressions.cel_types import ANYTHING, TEXT
from engine.plugins.registry import is_of_workspace, step_type
from engine.plugins.step import Effect, StepType

if TYPE_CHECKING:
    from engine.compiler.checks.outside_text import OutsideCheck
    from engine.compiler.checks.scope import Scope


class Actions:
    """Compiles the calls of one file; collects the connections and prompts that they need."""

    def __init__(
        self,
        around: CompilerContext,
        report: Report,
        called: Callees,
        outputs: OutputSchemas,
        outside: OutsideCheck,
        approvals: Rules,
        links: frozenset[str],
    ) -> None:
        self.connections: dict[str, None] = {}  # by first use: a set has no order
        self.prompts: dict[str, PromptDefinition] = {}
        self.tools: dict[str, WorkspaceTool] = {}
        self.calls_openly = False
        self._around, self._report, self._callees, self._outputs = around, report, called, outputs
        self._outside, self._approvals, self._links = outside, approvals, links

    def action(
        self, path: JsonPath, step: StepModel, uses: str, scope: Scope, seen: AbstractSet[str]
    ) -> tuple[Action, Effect] | None:
        """Compile the call of a step and return its effect, too; None if its type is unknown (reported)."""
        kind = self._known_type((*path, "uses"), uses)
        if kind is None:
            scope.tree((*path, "with"), step.with_, ANYTHING, seen)  # its expressions are checked in any case
            return None
        if is_of_workspace(uses):
            self.tools[uses] = self._around.tools(uses)
        called = self._called(path, step) if uses == CALL else None
        narrower = {} if called is None else {"inputs": called.inputs_schema}
        self._collect_prompts(path, step)
        prompts = step_prompts(step, self._around.prompts)
        arguments = check_fields((*path, "with"), step.with_, kind, prompts, scope, seen, narrower)
        self._check_machine(path, step, kind)
        is_needed = not scope.facts.is_impossible
        named = connection_name(path, step.connection, kind, self._around, self._report)
        connection = self._connection(named, kind, step, is_needed=is_needed)
        schema = self._outputs.action(step)
        action = Action(
            uses=uses,
            step_type=kind,
            connection=connection,
            arguments=arguments,
            once=None if step.once is None else scope.tree((*path, "once"), step.once, TEXT, seen),
            retry=check_retry(path, step, self._report),
            output_schema=schema,
            allow=check_allowed(path, step, kind, self._report),
            links=self._links,
            outside_fields={} if scope.facts.is_impossible else self._outside.fields(path, step, kind, prompts),
            approval=check_approval(path, step, kind, self._approvals, self._around.is_user, self._report),
            other_models=check_fallback(path, step, kind, named, prompts, self._around, self._report),
            embedding=check_embedding(path, step, kind, self._around, self._report),
            rules=check_rules(path, step, kind, schema, scope, seen),
        )
        if is_needed:
            self.connections.update(dict.fromkeys(action.beside))
            self._warn_of_lack((*path, "uses"), connection)
        if called is not None:
            self._outside.call(path, step, called)
        return action, kind.effect_of(step.with_)[0] if called is None else called.effect

    def _known_type(self, path: JsonPath, uses: str) -> StepType | None:
        try:
            return step_type(uses)
        except OrchestraError as error:
            self._report.add(path, error.message, "unknown_step_type", error.remedy)
            return None

    def _check_machine(self, path: JsonPath, step: StepModel, kind: StepType) -> None:
        """Report what this machine lacks: an error, unless the workflow can do its work without this step."""
        can_do_without = step.if_ is not None or step.on_error != "fail"
        severity = "warning" if can_do_without else "error"
        if said := kind.absence():
            self._report.add((*path, "uses"), said, "absent_program", severity=severity)
        settings = self._around.own_settings(kind.service or "")
        for name, said in () if settings is None else kind.unfit(step.with_, settings):
            self._report.add((*path, "with", name), said, "absent_program", severity=severity)

    def _warn_of_lack(self, path: JsonPath, connection: str | None) -> None:
        """Warn of a package that the connection needs: runs on the demo do without."""
        lack, remedy = ("", "") if connection is None else self._around.lacks(connection)
        if lack:
            self._report.warn(path, f"The connection {connection!r} cannot be used: {lack}", "absent_program", remedy)

    def _called(self, path: JsonPath, step: StepModel) -> CalledWorkflow | None:
        found = callees.find((*path, "with"), step.with_, self._callees, self._report)
        if found is None:
            return None
        given = step.with_.get("inputs", {})
        where = (*path, "with", "inputs") if "inputs" in step.with_ else (*path, "with")
        callees.check_inputs(where, given, found.inputs_schema, self._report)
        if found.plan is not None:
            self.connections.update(dict.fromkeys(found.plan.connections))
            self.prompts.update(found.plan.prompts)
            self.tools.update(found.plan.tools)
            self.calls_openly |= found.plan.calls_openly
        return found

    def _collect_prompts(self, path: JsonPath, step: StepModel) -> None:
        reference = step.with_.get("prompt")
        if not isinstance(reference, str):
            return
        if "{{" in reference:
            self._report.add(
                (*path, "with", "prompt"),
                "The name of a prompt is fixed; it cannot be an expression.",
                "prompt_name",
                "Write the name itself; to choose between prompts, use two steps with 'if'.",
            )
            return
        try:
            self.prompts[reference] = self._around.prompts(reference)
        except OrchestraError as error:
            self._report.add((*path, "with", "prompt"), error.message, "unknown_prompt", error.remedy)

    def _connection(self, named: str | None, kind: StepType, step: StepModel, *, is_needed: bool) -> str | None:
        name = None if named is None else self._around.stands_for(named)
        if name is not None and is_needed:  # a step that never runs needs no account
            self.connections[name] = None
        stays_here = is_in_workspace(kind.service, name) and not kind.hosts(step.with_)
        is_open = name is None and bool(kind.service) and not stays_here
        self.calls_openly |= is_open and is_needed
        return name
