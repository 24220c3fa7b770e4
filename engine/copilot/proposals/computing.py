"""Everything that is known of operations before they are accepted, computed from the two texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from engine.base.errors import OrchestraError
from engine.base.problem import Problem
from engine.compiler.definition.plan import Plan
from engine.compiler.renaming import rename_splices
from engine.copilot.proposals.facts import ProposalFacts, facts
from engine.copilot.proposals.owners import owners, step_changes
from engine.copilot.proposals.records import StepChange, Untouched
from engine.copilot.proposals.saying import diff, said, without_blank
from engine.copilot.proposals.untouched import untouched
from engine.documents.json_file import object_in, parse
from engine.documents.json_splice import spliced
from engine.people.access import Principal
from engine.workflows.compiled_files import CompiledFiles
from engine.workflows.differences.changes import changes
from engine.workflows.differences.writes_again import writes_moved
from engine.workflows.editing.applying import Applied
from engine.workflows.editing.operations import operations
from engine.workspace.step_renames import StepRenames

if TYPE_CHECKING:
    from engine.workflows.workflow_files import WorkflowFiles


class OperationFacts(Struct, frozen=True):
    """What is known of operations on a text."""

    problems: list[Problem]
    sentences: list[str]
    diff: str
    changes: list[StepChange]
    untouched: Untouched
    facts: ProposalFacts

    @property
    def errors(self) -> list[Problem]:
        """The problems for which the text does not compile."""
        return [one for one in self.problems if one.severity == "error"]


class Computing:
    """Compares two texts of a workflow."""

    def __init__(self, workflows: WorkflowFiles, compiled: CompiledFiles) -> None:
        self._workflows, self._compiled = workflows, compiled

    def of(
        self, p: Principal, name: str, base: str, made: Applied, sent: Sequence[Any], *, from_outside: bool
    ) -> OperationFacts:
        """Return what the operations `sent`, which have made one text of another, change."""
        ops = operations(list(sent))
        old, new = object_in(base), object_in(made.text)
        renamed, renames = self._renamed(name, base, made.renames)
        touched = frozenset[str]().union(*owners(ops, old))
        return OperationFacts(
            self._workflows.check(p, name, made.text),
            [*said(without_blank(changes(old, new, renames), old), new), *_again(old, new, renames)],
            diff(f"workflows/{name}.json", base, made.text),
            step_changes(ops, old, new, renames),
            untouched(renamed, made.text, touched),
            facts(
                object_in(renamed), new, (self.plan(name, base), self.plan(name, made.text)), from_outside=from_outside
            ),
        )

    def plan(self, name: str, text: str) -> Plan | None:
        """Return the plan of a text, None if it does not compile."""
        try:
            return self._compiled.plan(name, text)
        except OrchestraError:
            return None

    def _renamed(self, name: str, base: str, renames: StepRenames) -> tuple[str, StepRenames]:
        """Return a text in which steps have their later ids, and the renames that could be made.

        Without them, a renamed step counts as removed and added, for which more must be agreed to, never less.
        """
        if not renames:
            return base, ()
        try:
            file = parse(base, name)
            splices = rename_splices(file, name, self._compiled.compiler_context(), renames, needs_plan=False)
        except OrchestraError:
            return base, ()
        return spliced(base, splices), renames


def _again(old: object, new: object, renames: StepRenames) -> list[str]:
    return [f"{one.words}." for one in writes_moved(old, new, renames)]
