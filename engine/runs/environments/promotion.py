"""What the promotion of a workflow would change and needs, checked before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.base.errors import InvalidFile, InvalidInput, OrchestraError
from engine.base.problem import Problem
from engine.compiler.definition.plan import Plan
from engine.documents.json_file import parse
from engine.environments.environment_file import EnvironmentFile, Promoted, WorkflowEntry, changed
from engine.files.atomic import etag
from engine.runs.environments.outside_reach import OutsideReach, outside
from engine.workflows.compiled_files import CompiledFiles
from engine.workflows.differences.sentences import differences
from engine.workspace.versioned_files import FoundVersion

if TYPE_CHECKING:
    from engine.workflows.environment_plans import EnvironmentPlans

_MOST_EARLIER = 20
_KEPT = set(Promoted.model_fields)


@dataclass(frozen=True)
class Promotion:
    """A version of a workflow on its way into an environment."""

    workflow: str
    source: str
    """The environment that it comes from, or the `version …` that was named; "" if an earlier version comes back."""
    target: str
    before: int | str | None
    """The version that is there now; None if the workflow is not."""
    version: int | str
    hash: str
    """Of the text that is promoted."""
    differences: list[str]
    """What changes, in sentences."""
    accounts: list[str]
    """Accounts that it did not use there before."""
    effects: list[str]
    """Writes that it did not make there before."""
    destinations: list[str]
    """Places that it did not write to before, in this environment."""
    estimate: str
    """What a run may cost, "" if it asks no model."""
    notes: list[str]
    """What else is worth knowing; none of it prevents the promotion."""
    problems: list[Problem] = field(default_factory=list)
    """What has to be corrected first."""
    is_done: bool = False


class PromotionChecks(Struct, frozen=True):
    """What a promotion is checked with."""

    require_ready: Callable[[Plan], None]
    """Raises InvalidInput if an account of a plan lacks a key or is refused."""
    estimate: Callable[[Plan], str]
    is_agreed: Callable[[Plan], bool]
    """Returns whether somebody has agreed to the accounts of a plan."""
    services: Callable[[], Mapping[str, str]]


class Candidate(Struct, frozen=True):
    """The content that an environment would have."""

    target: str
    content: EnvironmentFile
    entry: WorkflowEntry
    text: str


def arriving(target: str, old: EnvironmentFile, workflow: str, new: Promoted, text: str) -> Candidate:
    """Return an environment with another version of a workflow; the one before is kept for rolling back.

    A version that is there already does not take the place of an earlier one.
    """
    before = old.workflows.get(workflow)
    earlier = () if before is None else before.earlier
    if before is not None and (before.version, before.hash) != (new.version, new.hash):
        earlier = (*earlier, Promoted(**before.model_dump(include=_KEPT)))
    has_triggers = before is not None and before.triggers
    entry = WorkflowEntry(**new.model_dump(), triggers=has_triggers, earlier=earlier[-_MOST_EARLIER:])
    return Candidate(target, changed(old, workflows={**old.workflows, workflow: entry}), entry, text)


def returning(target: str, old: EnvironmentFile, workflow: str, text_of: Callable[[Promoted], str]) -> Candidate:
    """Return an environment with the version of a workflow that was there before. Raises InvalidInput."""
    before = old.workflows.get(workflow)
    if before is None or not before.earlier:
        raise InvalidInput(
            f"There is no earlier version of {workflow!r} in {target!r}.",
            remedy=f"`orchestra env show {target}` shows what was promoted.",
        )
    last = before.earlier[-1]
    entry = WorkflowEntry(**last.model_dump(), triggers=before.triggers, earlier=before.earlier[:-1])
    return Candidate(target, changed(old, workflows={**old.workflows, workflow: entry}), entry, text_of(last))


def promotion(
    plans: EnvironmentPlans, checks: PromotionChecks, workflow: str, source: str, candidate: Candidate
) -> Promotion:
    """Return what a candidate changes, with everything that forbids it."""
    target, text = candidate.target, candidate.text
    now = plans.files.get(target)
    compiled = plans.candidate(target, candidate.content, {workflow: text})
    before = now.workflows.get(workflow)
    old_text, old_plan = _as_it_is(plans, target, workflow)
    found = Promotion(
        workflow=workflow,
        source=source,
        target=target,
        before=None if before is None else before.version,
        version=candidate.entry.version,
        hash=etag(text),
        differences=_differences(old_text, text, workflow),
        accounts=[],
        effects=[],
        destinations=[],
        estimate="",
        notes=[],
        problems=_problems_around(plans, now, compiled, workflow, target),
    )
    try:
        plan = compiled.plan(workflow)
    except InvalidFile as error:
        errors = [one for one in error.problems if one.severity == "error"]
        return replace(found, problems=[*errors, *found.problems] or [_problem(target, error)])
    except OrchestraError as error:
        return replace(found, problems=[_problem(target, error), *found.problems])
    return _with_plan(found, checks, plan, old_plan, plans.of_triggers(workflow))


def _with_plan(found: Promotion, checks: PromotionChecks, plan: Plan, old: Plan | None, triggers_in: str) -> Promotion:
    services = checks.services()
    new = outside(plan, services).new_since(OutsideReach() if old is None else outside(old, services))
    problems = [*found.problems]
    try:
        checks.require_ready(plan)
    except OrchestraError as error:
        problems.append(_problem(found.target, error))
    return replace(
        found,
        accounts=list(new.accounts),
        effects=list(new.effects),
        destinations=list(new.destinations),
        estimate=checks.estimate(plan),
        notes=list(_notes(found, checks, plan, triggers_in)),
        problems=problems,
    )


def _notes(found: Promotion, checks: PromotionChecks, plan: Plan, triggers_in: str) -> list[str]:
    notes = []
    if plan.triggers and triggers_in != found.target:
        move = f"`orchestra env triggers {plan.name} {found.target}` moves them"
        notes.append(f"Its triggers start runs in {triggers_in}; {move}.")
    if not checks.is_agreed(plan):
        notes.append("Nobody has agreed to all of its accounts yet: the first run asks.")
    return notes


def _as_it_is(plans: EnvironmentPlans, target: str, workflow: str) -> tuple[str | None, Plan | None]:
    """Return the text and the plan of a workflow in an environment now, each None if there is no usable one."""
    try:
        text = plans.text(workflow, target)
    except OrchestraError:
        return None, None
    try:
        return text, plans.plan(workflow, target)
    except OrchestraError:
        return text, None


def _differences(old: str | None, new: str, workflow: str) -> list[str]:
    if old is None:
        return [f"{workflow} is new here"]
    try:
        return differences(parse(old, workflow).value, parse(new, workflow).value)
    except InvalidFile:
        return []  # the compiler reports it


def _problems_around(
    plans: EnvironmentPlans, now: EnvironmentFile, compiled: CompiledFiles, workflow: str, target: str
) -> list[Problem]:
    """Return a problem for each other workflow of the environment that would no longer compile."""
    others = [name for name in now.workflows if name != workflow]
    before = plans.compiled(target)
    return [
        Problem(
            f"{other} in {target} would no longer run: {errors[0]}",
            "called_workflow",
            file=_file(target),
            remedy=f"Promote {other} first, or change {workflow} so that it still fits.",
        )
        for other in others
        if (errors := compiled.errors(other)) and not before.errors(other)
    ]


def _problem(target: str, error: OrchestraError) -> Problem:
    return Problem(error.message, type(error).__name__, file=_file(target), remedy=error.remedy)


def _file(target: str) -> str:
    return f"environments/{target}.json"


def refusal(found: Promotion) -> InvalidFile:
    """Return the error for a promotion that is not possible."""
    first, *more = found.problems
    others = f" ({len(more)} more)" if more else ""
    what = f"{found.workflow!r} cannot be promoted to {found.target!r}"
    if not found.source:
        what = f"{found.workflow!r} cannot be rolled back in {found.target!r}"
    remedy = first.remedy or f"`orchestra env promote {found.workflow} --to {found.target} --check` shows all."
    return InvalidFile(f"{what}: {first.message}{others}", found.problems, remedy=remedy)


def require_own_id(workflow: str, version: FoundVersion, id_: str) -> None:
    """Raise InvalidInput if a version has the id of another workflow, whose receipts it would then use."""
    try:
        document = parse(version.text, workflow).value
    except InvalidFile:
        return  # the compiler reports it
    other = document.get("id", id_) if isinstance(document, dict) else id_
    if other != id_:
        raise InvalidInput(
            f"The {version.words} of {workflow} has the id {other!r} of another workflow; its own is {id_!r}.",
            remedy="It came with a copy. Make the change in the file, and promote that.",
        )
