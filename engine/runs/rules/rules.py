"""The `rules` area: the rules of a workflow, how often each has answered, and those that corrections propose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any

from msgspec import Meta, Struct
from pydantic import ValidationError

from engine.base.errors import InvalidFile, InvalidInput, UnknownName
from engine.base.json_text import JsonObject
from engine.compiler.checks.rule_check import NO_MAIL, RULES, choices_of, mail_among, rule_faults
from engine.compiler.compiler import read_workflow
from engine.compiler.definition.environment import CompilerContext
from engine.compiler.definition.plan import Node, Plan
from engine.compiler.definition.step_model import MOST_RULES, RuleModel
from engine.documents.shapes import faults
from engine.files.atomic import etag
from engine.mail.rules import MailRule
from engine.people.access import Principal
from engine.people.operation import operation
from engine.record.types.step import RuleRecord
from engine.runs.rules.empty_fields import left_empty
from engine.runs.rules.past_answers import AnswerReader, PastAnswer, PastAnswers
from engine.runs.rules.proposals import RuleProposal, proposals
from engine.workflows.editing.editing import WorkflowEditing
from engine.workflows.editing.steps_in_text import StepsInText, read
from engine.workflows.workflow_files import WorkflowFiles

_SEE, _CHANGE = "see workflows", "change workflows"
Workflow = Annotated[str, Meta(description="The name of the workflow.")]
Step = Annotated[str, Meta(description="The id of the step that asks the model.")]
Number = Annotated[int, Meta(ge=1, description="The number of the rule, from 1.")]
Known = Annotated[str | None, Meta(description="The etag of the file that you have seen; left out: any.")]


@dataclass(frozen=True)
class RuleUse:
    """A rule, and how often it has answered."""

    number: int
    """Its place, from 1: the first rule that matches answers."""
    when: JsonObject
    """The text of each condition, by its name."""
    answer: JsonObject
    note: str
    answered: int
    """How often it has answered in the newest runs."""
    last_at: str
    """When it last did; empty if never."""
    last_run: str
    """The run in which it last did; empty if never."""
    left_empty: str
    """Which fields it leaves empty that other steps use, in sentences; empty if none."""


@dataclass(frozen=True)
class StepRules:
    """The rules of a step that asks a model about a mail."""

    step: str
    """Its id."""
    title: str
    choices: Mapping[str, list[Any]]
    """The fields of its answer with fixed choices, each with its choices."""
    rules: list[RuleUse]
    proposals: list[RuleProposal]


@dataclass(frozen=True)
class WorkflowRules:
    """The rules of a workflow."""

    workflow: str
    etag: str
    """Of its file."""
    runs: int
    """How many of the newest runs were looked at."""
    steps: list[StepRules]
    """The steps that ask a model about a mail."""


class _Sorting(Struct, frozen=True):
    """A step that asks a model about a mail."""

    node: Node
    mail: str
    """The name of the mail in expressions."""
    schema: JsonObject
    """Of its answer."""

    @property
    def rules(self) -> tuple[MailRule, ...]:
        assert self.node.action is not None
        return self.node.action.rules.rules if self.node.action.rules is not None else ()


class MailRules:
    """A change is an edit of the workflow's file: it has an earlier version, and an audit line."""

    def __init__(
        self,
        workflows: WorkflowFiles,
        editing: WorkflowEditing,
        context: Callable[[], CompilerContext],
        answers: AnswerReader,
    ) -> None:
        self._workflows, self._editing, self._context, self._answers = workflows, editing, context, answers

    @operation(
        "rules.list",
        "view",
        _SEE,
        "List the rules of a workflow",
        "GET /api/workflows/{workflow}/rules",
        "rules list",
        raises={InvalidFile: "The workflow cannot run."},
    )
    def of(self, p: Principal, workflow: Workflow) -> WorkflowRules:
        """List the rules of a workflow, how often each has answered, and the rules that corrections propose.

        Only the newest 200 runs are looked at; test runs and plans do not count.

        Raises UnknownName, InvalidFile.
        """
        text = self._workflows.get(p, workflow).text
        plan, sortings = self._sortings(workflow, text)
        looked, found = 0, list[StepRules]()
        for one in sortings:
            past = self._answers.of(p, plan, one.node.path, one.mail)
            looked = past.runs
            found.append(_rules_of(plan, one, past))
        return WorkflowRules(workflow, etag(text), looked, found)

    @operation(
        "rules.add",
        "edit",
        _CHANGE,
        "Add a rule",
        "POST /api/workflows/{workflow}/rules",
        "rules add",
        raises={InvalidFile: "The workflow cannot run."},
    )
    def add(
        self,
        p: Principal,
        workflow: Workflow,
        step: Step,
        rule: Annotated[Any, Meta(description="The rule, as in the file.")],
        *,
        position: Annotated[int, Meta(ge=0, description="Its number; 0: after the others.")] = 0,
        known_etag: Known = None,
    ) -> WorkflowRules:
        """Add a rule to a step that asks a model about a mail.

        Raises UnknownName, InvalidInput, InvalidFile, StaleEdit, StorageError.
        """
        text = self._workflows.get(p, workflow).text
        _, one = self._sorting(workflow, text, step)
        _require_good(rule, one.schema)
        rules = _written(workflow, text, step)
        if len(rules) >= MOST_RULES:
            raise InvalidInput(f"The step {step!r} has {MOST_RULES} rules already.", remedy="Remove one first.")
        rules.insert(position - 1 if 0 < position <= len(rules) else len(rules), rule)
        return self._saved(p, workflow, text, step, rules, known_etag, "rules.add")

    @operation(
        "rules.move",
        "edit",
        _CHANGE,
        "Move a rule",
        "PUT /api/workflows/{workflow}/rules",
        "rules move",
        raises={InvalidFile: "The workflow cannot run."},
    )
    def move(
        self,
        p: Principal,
        workflow: Workflow,
        step: Step,
        number: Number,
        to: Annotated[int, Meta(ge=1, description="Its new number.")],
        *,
        known_etag: Known = None,
    ) -> WorkflowRules:
        """Move a rule of a step: the first that matches answers.

        Raises UnknownName, InvalidFile, StaleEdit, StorageError.
        """
        text = self._workflows.get(p, workflow).text
        rules = _written(workflow, text, step)
        rules.insert(to - 1, rules.pop(_index(step, number, rules)))
        return self._saved(p, workflow, text, step, rules, known_etag, "rules.move")

    @operation(
        "rules.remove",
        "edit",
        _CHANGE,
        "Remove a rule",
        "DELETE /api/workflows/{workflow}/rules",
        "rules remove",
        raises={InvalidFile: "The workflow cannot run."},
    )
    def remove(
        self, p: Principal, workflow: Workflow, step: Step, number: Number, *, known_etag: Known = None
    ) -> WorkflowRules:
        """Remove a rule of a step; the model is asked again.

        Raises UnknownName, InvalidFile, StaleEdit, StorageError.
        """
        text = self._workflows.get(p, workflow).text
        rules = _written(workflow, text, step)
        rules.pop(_index(step, number, rules))
        return self._saved(p, workflow, text, step, rules, known_etag, "rules.remove")

    @operation("rules.left_empty", "view", _SEE, "Say which fields a rule would leave empty")
    def left_empty(self, p: Principal, workflow: Workflow, step: Step, answer: JsonObject) -> str:
        """Return in sentences which fields a rule with this answer would leave empty that other steps use.

        Raises UnknownName, InvalidInput, InvalidFile.
        """
        plan, one = self._sorting(workflow, self._workflows.get(p, workflow).text, step)
        return left_empty(plan, step, one.schema, answer)

    def _saved(
        self, p: Principal, workflow: str, text: str, step: str, rules: list[Any], known_etag: str | None, said_as: str
    ) -> WorkflowRules:
        field = {"op": "set", "step": step, "field": RULES, "value": rules}
        sent = field if rules else {"op": "unset", "step": step, "field": RULES}
        made = self._editing.applied_to(workflow, text, [sent])
        self._workflows.save(p, workflow, made.text, known_etag or etag(text), (), said_as=said_as)
        return self.of(p, workflow)

    def _sorting(self, workflow: str, text: str, step: str) -> tuple[Plan, _Sorting]:
        """Return a workflow, and a step in it that asks a model about a mail.

        Raises UnknownName, InvalidInput, InvalidFile.
        """
        read(text, workflow).node(step)
        plan, sortings = self._sortings(workflow, text)
        found = {one.node.id: one for one in sortings}
        if step not in found:
            message = f"The step {step!r} asks no model for an answer with fixed choices about a mail."
            raise InvalidInput(message, remedy=NO_MAIL[2])
        return plan, found[step]

    def _sortings(self, workflow: str, text: str) -> tuple[Plan, list[_Sorting]]:
        """Return a workflow, and its steps that ask a model about a mail. Raises InvalidFile."""
        found = read(text, f"workflows/{workflow}.json")
        compiled, report = read_workflow(found.file, workflow, self._context())
        if compiled.plan is None or report is None:
            raise InvalidFile.of(found.file.file, compiled.problems)
        sortings = list[_Sorting]()
        for node in compiled.plan.nodes():
            place = _place(found, node)
            names = report.names.get(place) if place is not None else None
            mail = mail_among(names) if names is not None else ""
            if mail and node.action is not None and node.action.asks_models and choices_of(node.action.output_schema):
                sortings.append(_Sorting(node, mail, node.action.output_schema))
        return compiled.plan, sortings


def _place(found: StepsInText, node: Node) -> tuple[str | int, ...] | None:
    return found.node(node.id).place if node.id in found.ids else None


def _rules_of(plan: Plan, one: _Sorting, past: PastAnswers) -> StepRules:
    choices = choices_of(one.schema)
    empty = partial(left_empty, plan, one.node.id, one.schema)
    uses = [_use(number, rule, past.answers, empty(rule.answer)) for number, rule in enumerate(one.rules, 1)]
    proposed = [replace(each, left_empty=empty(each.answer)) for each in proposals(past.answers, one.rules, choices)]
    return StepRules(one.node.id, one.node.title, choices, uses, proposed)


def _use(number: int, rule: MailRule, answers: list[PastAnswer], empty: str) -> RuleUse:
    """Return how often a rule has answered; one that was changed since is another rule."""
    said: RuleRecord = {"when": rule.when, "answer": rule.answer}
    answered = [one for one in answers if one.by_rule == said]
    last_at, last_run = (answered[0].at, answered[0].run_id) if answered else ("", "")
    return RuleUse(number, rule.when, rule.answer, rule.note, len(answered), last_at, last_run, empty)


def _written(workflow: str, text: str, step: str) -> list[Any]:
    """Return the rules of a step as the file has them."""
    return list(read(text, workflow).node(step).step.json.get(RULES) or [])


def _index(step: str, number: int, rules: list[Any]) -> int:
    if not 1 <= number <= len(rules):
        raise UnknownName(f"rule of the step {step}", str(number), [str(one) for one in range(1, len(rules) + 1)])
    return number - 1


def _require_good(rule: Any, schema: JsonObject) -> None:
    """Raise InvalidInput for a rule that the file must not have."""
    try:
        read_rule = RuleModel.model_validate(rule)
    except ValidationError as error:
        one = faults(error, RuleModel, rule)[0]
        where = ".".join(map(str, one.path))
        message = f"{where}: {one.message}" if where else one.message
        raise InvalidInput(message, remedy=one.remedy, field="rule") from error
    for place, message, remedy in rule_faults(read_rule, schema):
        raise InvalidInput(message, remedy=remedy, field=".".join(["rule", *map(str, place)]))
