"""Compile a workflow file to a plan: names, types, order and fields are checked before anything runs."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from msgspec import structs

from clients.wording import counted
from engine.base.definitions import RunEnvironment
from engine.base.errors import OrchestraError
from engine.base.expression_limits import SECONDS_OF_CONSTANTS, costly
from engine.base.names import is_branch
from engine.base.problem import Problem
from engine.base.step_tree import AGENT, CALL, agent_workflow
from engine.compiler.analysis.missing_values import UNKNOWN
from engine.compiler.analysis.text_flow import TextFlow, TextPassage
from engine.compiler.checks.approval_check import check_rules
from engine.compiler.checks.called_workflows import Callees
from engine.compiler.checks.endings import Endings, endings
from engine.compiler.checks.field_check import check_inputs_schema
from engine.compiler.checks.field_names import meant_fields
from engine.compiler.checks.link_check import check_links
from engine.compiler.checks.outside_text import OUTSIDE, OutsideCheck, takes_text
from engine.compiler.checks.reach import check_privacy, known_sources, reaches
from engine.compiler.checks.recursion import warn_of_endless_calls
from engine.compiler.checks.report import MAYBE_ABSENT, Report
from engine.compiler.checks.scope import Scope
from engine.compiler.checks.unused_names import UsedNames, warn
from engine.compiler.definition.complexity import TooComplex, limited, require_few
from engine.compiler.definition.environment import Compiled, CompilerContext, never_seen
from engine.compiler.definition.loader import Loaded, load
from engine.compiler.definition.model import ParallelModel, WorkflowModel
from engine.compiler.definition.plan import Block, Concurrency, Plan, Reach, Tree
from engine.compiler.definition.problems import problem
from engine.compiler.own_drafts import warn_of_own_drafts
from engine.compiler.self_feeding import with_own_writes
from engine.compiler.sightings import Sightings
from engine.compiler.steps import ERROR, StepPlace, Steps
from engine.compiler.triggers import TriggerPlace, triggers
from engine.documents.json_file import JsonFile
from engine.expressions.cel_types import ANYTHING, Schema
from engine.expressions.patterns import TooManyPatterns
from engine.plugins.registry import step_type, tools_from

_RUN: Schema = {"type": "object", "properties": {"id": {"type": "string"}, "started_at": {"type": "string"}}}
_MOST_TOLD = 1_000
_TOO_DEEP = "The values of its steps are nested too deep to be checked."
_TOO_DEEP_REMEDY = "Let later steps use parts of an output, such as `steps.a.output.name`, instead of all of it."
__all__ = ["Compiled", "CompilerContext", "compile_workflow", "read_workflow"]


def compile_workflow(file: JsonFile, name: str, around: CompilerContext) -> Compiled:
    """Compile a parsed workflow file; all problems are found at once, sorted by place."""
    return read_workflow(file, name, around)[0]


def read_workflow(file: JsonFile, name: str, around: CompilerContext) -> tuple[Compiled, Report | None]:
    """Compile a parsed workflow file; also return the report of the pass, or None if the file could not be loaded.

    An error that follows only from what an account was last seen to have says so, and stops the workflow only if that
    was just now.
    """
    sightings = Sightings(around.seen)
    found = _read(file, name, structs.replace(around, seen=sightings.of))
    if not sightings.noted or all(one.severity != "error" for one in found[0].problems):
        return found
    # What is also wrong without that knowledge is wrong for certain.
    sure = _read(file, name, structs.replace(around, seen=never_seen))
    doubtful = sightings.told(found[0].problems, sure[0].problems)
    if not doubtful:
        return found
    compiled, report = found if sightings.are_fresh else sure
    certain = [one for one in sure[0].problems if one not in doubtful]
    return structs.replace(compiled, problems=_sorted([*certain, *doubtful])), report


def _read(file: JsonFile, name: str, around: CompilerContext) -> tuple[Compiled, Report | None]:

    def compiled(other: JsonFile, other_name: str, called: Callees) -> Compiled:
        return _compiled(other, other_name, around, called)[0]

    try:
        with limited(), costly(SECONDS_OF_CONSTANTS), tools_from(around.tools):
            return _compiled(file, name, around, Callees(around.workflows, compiled))
    except (TooComplex, TooManyPatterns) as error:
        return Compiled(None, [problem(file, (), error.message, code="too_involved", remedy=error.remedy)]), None
    except RecursionError:  # each step puts the output of the one before into its own
        return Compiled(None, [problem(file, (), _TOO_DEEP, code="too_involved", remedy=_TOO_DEEP_REMEDY)]), None


def _compiled(file: JsonFile, name: str, around: CompilerContext, called: Callees) -> tuple[Compiled, Report | None]:
    loaded = load(file)
    require_few(sum(1 for _ in loaded.model.nodes()) if loaded.model is not None else 0)
    if loaded.model is None:
        return Compiled(None, _sorted(loaded.problems)), None
    compilation = _Compilation(file, name, loaded, loaded.model, around, called)
    plan = compilation.plan(name)
    report = compilation.report
    problems = _sorted([*loaded.problems, *report.problems])
    errors = {one.code for one in problems if one.severity == "error"}
    accepted = plan if errors <= {MAYBE_ABSENT, OUTSIDE} else None
    ends = compilation.endings()
    valid, told = None if errors else plan, _first(problems)
    found = compilation.passage, compilation.reach, compilation.breaches
    return Compiled(valid, told, accepted, ends.schema, ends.maybe_absent, *found), report


def _concurrency(model: WorkflowModel) -> Concurrency:
    given = model.concurrency
    return Concurrency("queue", given.parallel) if isinstance(given, ParallelModel) else Concurrency(given)


def _sorted(problems: Sequence[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda one: (one.line, one.column, one.message))


def _first(problems: list[Problem]) -> list[Problem]:
    """Return the problems; if there are too many, the first errors and how many more there are."""
    if len(problems) <= _MOST_TOLD:
        return problems
    told = _sorted(sorted(problems, key=lambda one: one.severity != "error")[:_MOST_TOLD])
    last = told[-1]
    hidden = len(problems) - _MOST_TOLD
    left_out = counted(hidden, "more problem")
    more = f"{left_out} is not shown." if hidden == 1 else f"{left_out} are not shown."
    said = "Correct those above first."
    return [*told, replace(last, message=more, code="more", severity="warning", step=None, field=None, remedy=said)]


def _groups(model: WorkflowModel) -> dict[str, str]:
    """Return the id of the step around each step, "" at the top level; ids in `on_failure` give way to others."""
    nodes = sorted(model.nodes(), key=lambda node: not node.is_after_failure)
    return {node.step.id: "" if node.parent is None else node.parent.step.id for node in nodes}


def _call_agents(model: WorkflowModel, report: Report) -> None:
    """Turn each `agent.run` into a call of its agent's workflow; problems are reported where the fields are written."""
    for node in model.nodes():
        step, place = node.step, (*node.place, "with")
        if step.uses != AGENT:
            continue
        given = step.with_
        agent = given.get("agent")
        if not isinstance(agent, str) or not agent:
            report.add(place, "agent.run needs 'agent'.", "missing_field", "Name one of the files in agents/.")
        if "task" not in given:
            report.add(place, "agent.run needs 'task'.", "missing_field", "Say what the agent is to do.")
        inputs = {"task": given.get("task", "…"), "variables": given.get("variables", {})}
        step.uses = CALL
        step.with_ = {"workflow": agent_workflow(agent) if isinstance(agent, str) else "", "inputs": inputs}
        report.renamed[*place, "workflow"] = (*place, "agent")
        report.renamed.update({(*place, "inputs", name): (*place, name) for name in inputs})


class _Compilation:
    """One pass over one file."""

    def __init__(
        self, file: JsonFile, name: str, loaded: Loaded, model: WorkflowModel, around: CompilerContext, called: Callees
    ) -> None:
        self._model, self._callees, self._around = model, called, around
        self.report = Report(file, _groups(model), loaded.suppressed, dict(loaded.renamed))
        self._faults = loaded.problems
        self.reach: tuple[Reach, ...] = ()
        self.passage = TextPassage()
        """What becomes of the text of its inputs, once the plan is made."""
        self._outside = OutsideCheck(self.report, called, name, "reply_to_sender" in model.allow)
        links = check_links(model, self.report, around)
        self._steps = Steps(around, self.report, called, self._outside, model.approvals, links)

    def plan(self, name: str) -> Plan:
        """Compile the complete file; the plan may run if no error was reported."""
        model, actions = self._model, self._steps.actions
        inputs = check_inputs_schema(model.inputs, self.report)
        self._name_fields()
        _call_agents(model, self.report)
        if self._callees.is_called or takes_text(model):
            self.report.flow = TextFlow(inputs)
        self._callees.begin(name, self.report.file.value, inputs)
        check_rules(model.approvals, self._around.is_user, self.report)
        for path, said, remedy in model.access.strangers(self._around.is_user):
            self.report.warn(("access", *path), said, "access", remedy)
        scope = self._scope(inputs)
        block = self._steps.block(model.steps, StepPlace(("steps",), scope))
        on_failure = self._on_failure(scope)
        outputs = self._outputs(scope)
        self._callees.end(name)
        plan = Plan(
            name=name,
            document=self.report.file.value,
            block=block,
            outputs=outputs,
            timeout_seconds=model.timeout_seconds,
            prompts=actions.prompts,
            tools=actions.tools,
            connections=tuple(actions.connections),
            calls_openly=actions.calls_openly,
            inputs_schema=inputs,
            on_failure=on_failure,
            failure_place=model.failure_place,
            triggers=triggers(model, TriggerPlace(name, inputs, self._around, self._outside), self.report),
            concurrency=_concurrency(model),
            priority=model.priority,
            workflows=dict(self._callees.documents),
            environment=self._environment(name),
        )
        return self._checked(plan)

    def _checked(self, plan: Plan) -> Plan:
        """Return a plan with what it reaches, after the checks that need the whole of it."""
        self.passage = self._outside.passage(self._model)
        reach = reaches(plan, self._callees.plans, self._around)
        plan = structs.replace(plan, reach=reach, decided_by_inputs=self.passage.decided_by(plan.inputs_schema))
        self.reach = known_sources(plan)
        check_privacy(self._model, structs.replace(plan, reach=self.reach), self._around, self.report)
        self._require_own_id(plan)
        plan = with_own_writes(self._model, plan, self._callees.plans, self.report)
        warn(self._model, plan, self.report, UsedNames.of(self.report, self._faults))
        warn_of_own_drafts(self._model, plan, self.report)
        warn_of_endless_calls(plan, self._callees.plans, self.report)
        return plan

    def _outputs(self, scope: Scope) -> Tree:
        """Compile the outputs: they may use each step of the top level."""
        steps = self._model.steps
        top = self._steps.with_siblings(scope, steps)
        finished = frozenset(step.id for step in steps)
        self.report.names["outputs",] = top.names(finished)
        return top.tree(("outputs",), self._model.outputs, ANYTHING, finished)

    def _require_own_id(self, plan: Plan) -> None:
        """Report another workflow with the same id: the two would share receipts and triggers.

        The file that states its own name as its id is the original; a copy made by hand does not stop it.
        """
        if plan.document.get("id") == plan.name or is_branch(plan.name):
            return
        others = [name for name in self._around.with_id(plan.id) if name != plan.name]
        if others:
            named = " and ".join(f"{name!r}" for name in others)
            self.report.add(
                ("id",),
                f"{plan.name!r} has the same id as {named}: {plan.id!r}.",
                "same_id",
                f'Change it in the copy alone, such as to "id": "{plan.id}-2". '
                "The file that keeps the id keeps its receipts and triggers.",
            )

    @property
    def breaches(self) -> tuple[tuple[str, ...], ...]:
        """The steps on the way of each text from outside that arrives where it must not."""
        return tuple(self._outside.breaches)

    def endings(self) -> Endings:
        """Return the possible ends of a run, once the plan is made."""
        return endings(self._model, self.report.value_schema)

    def _scope(self, inputs: Schema) -> Scope:
        strangers = ChainMap(dict.fromkeys(self.report.suppressed.strangers, ANYTHING))
        variables = {"inputs": inputs, "run": _RUN}
        if self._around.environment is not None:
            variables["env"] = self._around.environment.schema()
        return Scope(self.report, variables, strangers, environment=self._around.environment)

    def _environment(self, name: str) -> RunEnvironment | None:
        if self._around.environment is None:
            return None
        return self._around.environment.kept({name: self.report.file.value, **self._callees.documents})

    def _on_failure(self, scope: Scope) -> Block | None:
        """Compile the steps of `on_failure`, which can use the inputs, the run, the error and each other."""
        steps = self._model.failure_steps
        if not steps:
            return None
        self._outside.begin_fallback("on_failure")
        inner = scope.inner({"error": ERROR}, {}).bound("on_failure", {"error": UNKNOWN})
        return self._steps.block(steps, StepPlace(self._model.failure_place, inner, "on_failure."))

    def _name_fields(self) -> None:
        """Correct the field names of every step, before anything is derived from them."""
        for node in self._model.nodes():
            step = node.step
            with suppress(OrchestraError):  # reported when the step is compiled
                if step.uses is not None:
                    step.with_ = meant_fields((*node.place, "with"), step.with_, step_type(step.uses), self.report)
