"""What merging a branch would change, checked before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from shlex import quote
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from engine.base.errors import InvalidFile, OrchestraError
from engine.base.names import branch_address
from engine.base.problem import Problem
from engine.compiler.definition.plan import Plan
from engine.documents.json_file import parse
from engine.files.fingerprint import Stamp
from engine.runs.environments.outside_reach import OutsideReach, outside
from engine.workflows.compiled_files import CompiledFiles
from engine.workflows.differences.changes import changes_with, renames_between
from engine.workflows.differences.sentences import sentence
from engine.workflows.differences.writes_again import steps_that_may_write, writes_moved
from engine.workflows.merging.conflicts import MergeConflict
from engine.workflows.merging.merging import Merge
from engine.workspace.file_store import FileStore

if TYPE_CHECKING:
    from engine.runs.environments.promotion import PromotionChecks
    from engine.workflows.environment_plans import EnvironmentPlans

Fate = Literal["", "in_trash", "goes_on", "kept"]
"""What became of a branch; "" before it is merged."""
CONFLICT = "merge_conflict"
"""The code of the problem for an undecided conflict."""


@dataclass(frozen=True)
class Merging:
    """What merging a branch changes in its workflow."""

    workflow: str
    branch: str
    etag: str
    """Of the file of the workflow."""
    branch_etag: str
    text: str
    """The merged text of the workflow; undecided conflicts are as in the file."""
    differences: list[str]
    """What changes in the workflow, in sentences."""
    conflicts: list[MergeConflict]
    """Places that both have changed differently, with the decisions about them."""
    accounts: list[str]
    """Accounts that the workflow did not use before."""
    effects: list[str]
    """Writes that it did not make before."""
    destinations: list[str]
    """Places to which it did not write before."""
    estimate: str
    """What a run may cost, "" if it asks no model."""
    notes: list[str]
    """What else is worth knowing; none of it prevents the merge."""
    problems: list[Problem] = field(default_factory=list)
    """What must be decided or corrected first."""
    is_done: bool = False
    unsaved_by: list[str] = field(default_factory=list)
    """The ids of the people who have unsaved changes of the branch: it is kept for them."""
    branch_is: Fate = ""
    """What became of the branch: it is in the trash, goes on from the merged text, or was kept as it is."""

    @property
    def name(self) -> str:
        """The name under which the branch is read."""
        return branch_address(self.workflow, self.branch)


class _WithText(Struct, frozen=True):
    """The workflow files, with a changed text of one of them."""

    file_store: FileStore
    name: str
    changed: str

    def text(self, name: str) -> str:
        """Return a text by its name."""
        return self.changed if name == self.name else self.file_store.text(name)

    def file(self, name: str) -> str:
        """Return the name of its file in problems."""
        return self.file_store.file(name)

    def stamp(self, name: str) -> Stamp | None:
        """Return a fingerprint of the file's metadata."""
        return self.file_store.stamp(name)


def with_effects(found: Merging, plans: EnvironmentPlans, checks: PromotionChecks, file_store: FileStore) -> Merging:
    """Return a merge with its new accounts, writes and destinations, and the problems of its text."""
    compiled = CompiledFiles(_WithText(file_store, found.workflow, found.text), plans.around_files)
    try:
        plan = compiled.plan(found.workflow)
    except InvalidFile as error:
        errors = [one for one in error.problems if one.severity == "error"]
        return replace(found, problems=[*found.problems, *(errors or [_problem(found, error)])])
    except OrchestraError as error:
        return replace(found, problems=[*found.problems, _problem(found, error)])
    services = checks.services()
    old = _plan_now(plans.as_they_are.plan, found.workflow)
    new = outside(plan, services).new_since(OutsideReach() if old is None else outside(old, services))
    return replace(
        found,
        accounts=list(new.accounts),
        effects=list(new.effects),
        destinations=list(new.destinations),
        estimate=checks.estimate(plan),
    )


def _plan_now(plan: Callable[[str], Plan], workflow: str) -> Plan | None:
    try:
        return plan(workflow)
    except OrchestraError:
        return None


def _problem(found: Merging, error: OrchestraError) -> Problem:
    return Problem(error.message, type(error).__name__, file=f"workflows/{found.workflow}.json", remedy=error.remedy)


def undecided(workflow: str, branch: str, conflicts: list[MergeConflict]) -> list[Problem]:
    """Return a problem for each undecided conflict."""
    merge = f"orchestra workflows merge {workflow} {branch}"
    return [
        Problem(
            f"Both have changed {one.place}. In {workflow}: {one.in_main}. In the branch: {one.in_branch}.",
            CONFLICT,
            file=f"workflows/{workflow}.json",
            field=one.place,
            remedy=f"Decide with `{merge} --take {quote(one.place)}=main|branch`.",
        )
        for one in conflicts
        if not one.taken
    ]


def changed(workflow: str, main: str, merge: Merge) -> list[str]:
    """Return in sentences what a merge changes in a workflow."""
    old, new = (parse(text, workflow).value for text in (main, merge.text))
    return [sentence(one) for one in changes_with(old, new, dict(merge.renames))]


def writes_again(workflow: str, main: str, merge: Merge) -> list[str]:
    """Return in sentences which steps write again what the workflow has written before."""
    old, new = (parse(text, workflow).value for text in (main, merge.text))
    found = [f"{one.words}." for one in writes_moved(old, new, merge.followed)]
    writing = steps_that_may_write(old) | steps_that_may_write(new)
    for before, now in renames_between(old, new, merge.renames).items():
        if (before, now) not in merge.followed and {before, now} & writing:
            found.append(
                f"Step {now} is in the place of {before}, but nobody has renamed it with the operation 'rename': it "
                f"counts as new, and writes again what {before} has written."
            )
    return found


def refusal(found: Merging) -> InvalidFile:
    """Return the error for a merge that is not possible."""
    first, *more = found.problems
    others = f" ({len(more)} more)" if more else ""
    message = f"{found.branch!r} cannot be merged into {found.workflow!r}: {first.message}{others}"
    remedy = first.remedy or f"`orchestra workflows merge {found.workflow} {found.branch} --check` shows all."
    return InvalidFile(message, found.problems, remedy=remedy)
