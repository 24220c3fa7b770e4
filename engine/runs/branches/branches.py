"""The `branches` facet: creates, checks and merges copies of workflows."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from engine.base.errors import StaleEdit
from engine.base.names import branch_address
from engine.compiler.renaming import rename_splices
from engine.documents.json_file import JsonFile
from engine.documents.json_splice import Splice
from engine.files.atomic import etag
from engine.people.access import Principal, may, require
from engine.people.audit import Audit
from engine.runs.branches.merging import Merging, changed, refusal, undecided, with_effects
from engine.runs.branches.reader import BranchReader, BranchStatus
from engine.runs.environments.promotion import Checks
from engine.workflows.editing.applying import Renamer
from engine.workflows.environment_plans import EnvironmentPlans
from engine.workflows.merging.conflicts import Choices
from engine.workflows.merging.merging import Merge, Texts, merge
from engine.workflows.workflow_files import WorkflowFiles
from engine.workspace.drafts import Drafts
from engine.workspace.file_store import Shelf
from engine.workspace.step_renames import StepRenames

_MOST_RECORDED = 20


class Branches(BranchReader):
    """Every method checks the permission of `p`; every change writes an audit line."""

    def __init__(
        self,
        shelf: Shelf,
        workflows: WorkflowFiles,
        plans: EnvironmentPlans,
        checks: Checks,
        drafts: Drafts,
        audit: Audit,
    ) -> None:
        super().__init__(shelf)
        self._workflows, self._plans, self._checks = workflows, plans, checks
        self._drafts, self._audit = drafts, audit

    def create(self, p: Principal, workflow: str, branch: str) -> BranchStatus:
        """Create a branch from the current text of a workflow.

        Raises UnknownName, InUse, InvalidInput, StorageError.
        """
        require(p, "edit", "make branches")
        self._files.add(workflow, branch, p.id)
        self._drafts.follow("workflow", branch_address(workflow, branch))  # of an earlier branch with this name
        self._audit.record(p, "workflows.branch", workflow, {"branch": branch})
        return self._status(workflow, branch, self._shelf.text(workflow))

    def delete(self, p: Principal, workflow: str, branch: str) -> Path:
        """Move a branch to the trash; return its folder there. Raises UnknownName, InvalidInput, StorageError."""
        require(p, "edit", "delete branches")
        trash = self._shelf.delete(branch_address(workflow, branch))
        self._drafts.follow("workflow", branch_address(workflow, branch))
        self._audit.record(p, "workflows.delete_branch", workflow, {"branch": branch, "moved_to": str(trash)})
        return trash

    def check(self, p: Principal, workflow: str, branch: str, choices: Choices | None = None) -> Merging:
        """Return what merging a branch into its workflow would change, and what has to be decided or corrected first.

        `choices`: what to take, by the place of each conflict. Raises UnknownName, InvalidFile (a text cannot be read),
        InvalidInput.
        """
        require(p, "view", "see branches")
        return self._merging(p, workflow, branch, choices or {})[0]

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

        `known_etag`, `branch_etag`: of the texts that were checked, "" for any. `keep`: the branch stays, and continues
        from the merged text. If the process dies meanwhile, the file has the old or the new text; repeating the merge
        changes nothing twice. Raises InvalidFile with the `problems`, undecided conflicts among them, StaleEdit, and as
        `check` and `WorkflowFiles.save`.
        """
        require(p, "edit", "merge branches")
        found, renames = self._merging(p, workflow, branch, choices or {})
        _require_seen(self._shelf.file(workflow), known_etag, found.etag)
        _require_seen(self._shelf.file(found.name), branch_etag, found.branch_etag)
        if found.problems:
            raise refusal(found)
        saved = self._workflows.save(p, workflow, found.text, found.etag, renames, merged_from=branch)
        detail = {"branch": branch, "differences": found.differences[:_MOST_RECORDED]}
        self._audit.record(p, "workflows.merge", workflow, detail)
        if keep:
            with suppress(StaleEdit):  # somebody has changed the branch meanwhile
                self._files.rebase(workflow, branch, saved.text, found.branch_etag, p.id)
        elif self._etag(found.name) == found.branch_etag:
            self.delete(p, workflow, branch)
        return replace(found, etag=saved.etag, text=saved.text, is_done=True)

    def _merging(self, p: Principal, workflow: str, branch: str, choices: Choices) -> tuple[Merging, StepRenames]:
        """Return what a merge would change, and the steps of the workflow that it renames."""
        name = branch_address(workflow, branch)
        texts = Texts(main=self._shelf.text(workflow), branch=self._shelf.text(name), base=self._files.base(name))
        made = merge(texts, self._shelf.file(workflow), self._rename(workflow), choices)
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
            notes=self._notes(p, name, texts, made),
            problems=undecided(workflow, branch, made.conflicts),
        )
        return with_effects(found, self._plans, self._checks, self._shelf), made.renames

    def _notes(self, p: Principal, name: str, texts: Texts, made: Merge) -> builtins.list[str]:
        notes = (
            []
            if made.text != texts.main or made.conflicts
            else ["The branch has nothing that the workflow does not have."]
        )
        draft = self._drafts.get(p, "workflow", name) if may(p, "edit") else None
        if draft is not None and draft.text != texts.branch:
            notes.append("You have unsaved changes of this branch; they are not merged.")
        return notes

    def _rename(self, workflow: str) -> Renamer:
        def rename(file: JsonFile, renames: StepRenames) -> Sequence[Splice]:
            return rename_splices(file, workflow, self._plans.around_files(), renames, needs_plan=False)

        return rename

    def _etag(self, name: str) -> str:
        return etag(self._shelf.text(name))


def _require_seen(file: str, seen: str, now: str) -> None:
    """Raise StaleEdit if a text is not the one that was checked."""
    if seen and seen != now:
        raise StaleEdit(f"Somebody changed {file} since you looked.")
