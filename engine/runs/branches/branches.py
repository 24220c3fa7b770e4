"""The `branches` area: creates, checks and merges copies of workflows."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from clients.wording import listed
from engine.base.errors import OrchestraError, StaleEdit
from engine.base.names import branch_address
from engine.base.step_tree import step_nodes
from engine.compiler.definition.environment import CURRENT
from engine.compiler.renaming import rename_splices
from engine.documents.json_file import JsonFile
from engine.documents.json_splice import Splice
from engine.files.atomic import etag
from engine.people.access import Principal, may
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.runs.branches.merging import Fate, Merging, changed, refusal, undecided, with_effects, writes_again
from engine.runs.branches.reader import BranchReader, BranchStatus
from engine.workflows.editing.applying import Renamer
from engine.workflows.merging.conflicts import Choices
from engine.workflows.merging.merging import Merge, MergeTexts, merge
from engine.workflows.workflow_files import WorkflowFiles
from engine.workspace.drafts import Drafts
from engine.workspace.file_store import FileStore
from engine.workspace.step_renames import StepRenames, composed

if TYPE_CHECKING:
    from engine.runs.environments.promotion import PromotionChecks
    from engine.workflows.environment_plans import EnvironmentPlans

_MOST_RECORDED = 20


class DeletedBranch(Struct, frozen=True):
    """A branch that was moved to the trash."""

    trash: Path
    """Its folder there."""
    unsaved_by: list[str]
    """The ids of the people whose unsaved changes of it are there, too."""


class Branches(BranchReader):
    """Copies of workflows in which changes are tried; every change writes an audit line."""

    def __init__(
        self,
        file_store: FileStore,
        workflows: WorkflowFiles,
        plans: EnvironmentPlans,
        checks: PromotionChecks,
        drafts: Drafts,
        audit: Audit,
        renames_since: Callable[[str, str], StepRenames] = lambda _workflow, _at: (),
    ) -> None:
        """`renames_since(workflow, at)` returns the renames of its steps since a time, oldest first."""
        super().__init__(file_store)
        self._workflows, self._plans, self._checks = workflows, plans, checks
        self._drafts, self._audit, self._renames_since = drafts, audit, renames_since

    def list(self, p: Principal, workflow: str) -> builtins.list[BranchStatus]:
        """Return the branches of a workflow by name; a damaged one says so. Raises UnknownName, InvalidInput."""
        return [replace(one, unsaved_by=self._unsaved_by(p, one.name)) for one in super().list(p, workflow)]

    @operation("workflows.branch", "edit", "make branches", "Create a branch of a workflow")
    def create(self, p: Principal, workflow: str, branch: str, version: str = CURRENT) -> BranchStatus:
        """Create a branch from a version of a workflow, by default its current text.

        `version`: the id of a saved text, a number or a label. Raises UnknownName, InUse, InvalidInput, InvalidFile,
        StorageError.
        """
        address, from_ = branch_address(workflow, branch), self._plans.versions.find(workflow, version)
        self._files.add(workflow, branch, p.id, from_.text, self._renames(workflow, from_.made_at))
        self._drafts.follow("workflow", address)  # of an earlier branch with this name
        detail = {} if version == CURRENT else {"version": version}
        self._audit.record(p, "workflows.branch", workflow, {"branch": branch, **detail})
        return self._status(workflow, branch, self._file_store.text(workflow))

    def _renames(self, workflow: str, made_at: str) -> StepRenames:
        """Return the renames from a version made at that time to the steps that the workflow has now."""
        if not made_at:
            return ()
        ids = {node.step.id for node in step_nodes(self._file_store.document(workflow))}
        since = composed(*([one] for one in self._renames_since(workflow, made_at)))
        return [(old, new) for old, new in since if new in ids]

    @operation("workflows.delete_branch", "edit", "delete branches", "Delete a branch of a workflow")
    def delete(self, p: Principal, workflow: str, branch: str) -> DeletedBranch:
        """Move a branch and unsaved changes of it to the trash.

        Raises UnknownName, InvalidInput, StorageError.
        """
        unsaved_by = self._unsaved_by(p, branch_address(workflow, branch))
        trash = self._file_store.delete(branch_address(workflow, branch))
        self._drafts.set_aside("workflow", branch_address(workflow, branch), trash)
        self._audit.record(p, "workflows.delete_branch", workflow, {"branch": branch, "moved_to": str(trash)})
        return DeletedBranch(trash, unsaved_by)

    @operation("workflows.check_branch", "view", "see branches", "Check what merging a branch would change")
    def check(self, p: Principal, workflow: str, branch: str, choices: Choices | None = None) -> Merging:
        """Return what merging a branch into its workflow would change, and what has to be decided or corrected first.

        `choices`: what to take, by the place of each conflict. Raises UnknownName, InvalidFile (a text cannot be read),
        InvalidInput.
        """
        return self._merging(p, workflow, branch, choices or {})[0]

    @operation("workflows.merge", "edit", "merge branches", "Merge a branch into its workflow")
    def merge(
        self,
        p: Principal,
        workflow: str,
        branch: str,
        choices: Choices | None = None,
        *,
        known_etag: str = "",
        branch_etag: str = "",
        keep: bool = False,
    ) -> Merging:
        """Apply the changes of a branch to its workflow in one save, then delete the branch.

        While somebody has unsaved changes of the branch, it stays as it is.

        `known_etag`, `branch_etag`: of the texts that were checked, "" for any. `keep`: the branch stays, and continues
        from the merged text. If the process dies meanwhile, the file has the old or the new text; repeating the merge
        changes nothing twice. Raises InvalidFile with the `problems`, undecided conflicts among them, StaleEdit, and as
        `check` and `WorkflowFiles.save`.
        """
        found, followed = self._merging(p, workflow, branch, choices or {})
        _require_seen(self._file_store.file(workflow), known_etag, found.etag)
        _require_seen(self._file_store.file(found.name), branch_etag, found.branch_etag)
        if found.problems:
            raise refusal(found)
        saved = self._workflows.save(p, workflow, found.text, found.etag, followed, merged_from=branch)
        detail = {"branch": branch, "differences": found.differences[:_MOST_RECORDED]}
        self._audit.record(p, "workflows.merge", workflow, detail)
        unsaved_by = self._unsaved_by(p, found.name)
        fate: Fate = "kept"
        if keep:
            with suppress(StaleEdit):  # somebody has changed the branch meanwhile
                self._files.rebase(workflow, branch, saved.text, found.branch_etag, p.id)
                fate = "goes_on"
        elif not unsaved_by and self._etag(found.name) == found.branch_etag:
            self.delete(p, workflow, branch)
            fate = "in_trash"
        return replace(found, etag=saved.etag, text=saved.text, is_done=True, unsaved_by=unsaved_by, branch_is=fate)

    def _merging(self, p: Principal, workflow: str, branch: str, choices: Choices) -> tuple[Merging, StepRenames]:
        """Return what a merge would change, and the steps of the workflow whose receipts follow to another id."""
        name = branch_address(workflow, branch)
        texts = MergeTexts(
            main=self._file_store.text(workflow), branch=self._file_store.text(name), base=self._files.base(name)
        )
        known = self._files.renames(name)
        made = merge(texts, self._file_store.file(workflow), self._rename(workflow), choices, known)
        unsaved_by = self._unsaved_by(p, name)
        found = Merging(
            workflow=workflow,
            branch=branch,
            etag=etag(texts.main),
            branch_etag=etag(texts.branch),
            text=made.text,
            differences=changed(workflow, texts.main, made),
            conflicts=made.conflicts,
            accounts=[],
            effects=[],
            destinations=[],
            estimate="",
            notes=[*writes_again(workflow, texts.main, made), *_notes(p, unsaved_by, texts, made)],
            problems=undecided(workflow, branch, made.conflicts),
            unsaved_by=unsaved_by,
        )
        return with_effects(found, self._plans, self._checks, self._file_store), made.followed

    def _unsaved_by(self, p: Principal, name: str) -> builtins.list[str]:
        """Return who has unsaved changes of a branch; only editors may know."""
        if not may(p, "edit"):
            return []
        try:
            text = self._file_store.text(name)
        except OrchestraError:  # no text, or deleted meanwhile
            text = ""
        return self._drafts.unsaved_by("workflow", name, text)

    def _rename(self, workflow: str) -> Renamer:
        def rename(file: JsonFile, renames: StepRenames) -> Sequence[Splice]:
            return rename_splices(file, workflow, self._plans.around_files(), renames, needs_plan=False)

        return rename

    def _etag(self, name: str) -> str:
        return etag(self._file_store.text(name))


def _notes(p: Principal, unsaved_by: Sequence[str], texts: MergeTexts, made: Merge) -> list[str]:
    notes = []
    if made.text == texts.main and not made.conflicts:
        notes.append("The branch has nothing that the workflow does not have.")
    stays = "they are not merged, and the branch is kept for them."
    if p.id in unsaved_by:
        notes.append(f"You have unsaved changes of this branch; {stays}")
    others = [one for one in unsaved_by if one != p.id]
    if others:
        notes.append(
            f"{listed(others)} {'has' if len(others) == 1 else 'have'} unsaved changes of this branch; {stays}"
        )
    return notes


def _require_seen(file: str, seen: str, now: str) -> None:
    """Raise StaleEdit if a text is not the one that was checked."""
    if seen and seen != now:
        raise StaleEdit(f"Somebody changed {file} since you looked.")
