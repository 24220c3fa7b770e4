"""The `copilot.restoring` area: what a draft was before a proposal was accepted, and how it becomes that again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.base.clock import Clock, timestamp
from engine.base.errors import UnknownName
from engine.base.names import checked_workflow
from engine.copilot.keeping.lists import KeptLists
from engine.copilot.proposals.records import Before
from engine.copilot.proposals.saying import diff
from engine.documents.json_file import object_in
from engine.people.access import Principal
from engine.people.operation import operation
from engine.workflows.differences.sentences import differences
from engine.workspace.step_renames import StepRenames, composed, reversed_renames

if TYPE_CHECKING:
    from engine.workflows.editing.editing import Edited, TriedEdit, WorkflowEditing


@dataclass(frozen=True)
class Restoration:
    """What restoring would change in the draft as it is now; no sentences and no difference: nothing."""

    rev: str
    """The etag of the draft."""
    sentences: list[str]
    diff: str
    """Unified, of the text."""


class Restoring:
    """Keeps the text from before each acceptance for its person, and puts it into their draft when asked."""

    def __init__(
        self,
        store: KeptLists[Before],
        editing: WorkflowEditing,
        clock: Clock,
        renames_since: Callable[[str, str], StepRenames],
    ) -> None:
        """`renames_since(workflow, at)` returns the steps renamed in the file since a time, oldest first."""
        self._store, self._editing, self._clock, self._renames_since = store, editing, clock, renames_since

    def keep(self, p: Principal, workflow: str, proposal_id: str, tried: TriedEdit) -> None:
        """Keep the text that a proposal is about to change; it replaces an earlier one of the same proposal."""
        renames = tried.draft.renames if tried.draft is not None else ()
        new = Before(proposal_id, timestamp(self._clock()), tried.base, tuple(renames))
        try:
            self._store.change(p, workflow, proposal_id, lambda _old: new)
        except UnknownName:
            self._store.add(p, workflow, new)

    @operation("copilot.before", "edit", "restore drafts", "See what restoring a draft would change")
    def look(self, p: Principal, workflow: str, proposal_id: str) -> Restoration:
        """Return what restoring would change. Raises UnknownName (never accepted, or no longer kept)."""
        before = self._store.get(p, checked_workflow(workflow), proposal_id)
        now = self._editing.draft_text(p, workflow)
        said = [f"{one}." for one in differences(object_in(now.text), object_in(before.text))]
        return Restoration(now.state.rev, said, diff(f"workflows/{workflow}.json", now.text, before.text))

    @operation("copilot.restore", "edit", "restore drafts", "Restore the draft from before a proposal")
    def restore(self, p: Principal, workflow: str, proposal_id: str, base_rev: str) -> Edited:
        """Put the text from before into the draft, as one change that undo reverts.

        `base_rev`: of the draft that was looked at. Raises EditConflict (it has changed since), UnknownName.
        """
        before = self._store.get(p, checked_workflow(workflow), proposal_id)
        saved = [[one] for one in self._renames_since(workflow, before.at)]
        since_file = composed(reversed_renames(composed(*saved)), before.renames)
        words = f"restore what was before the co-pilot's proposal {proposal_id}"
        return self._editing.put_back(p, workflow, base_rev, before.text, words, since_file)
