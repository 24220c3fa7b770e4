"""The branches of workflows, for reading only."""

from __future__ import annotations

import builtins
from dataclasses import dataclass, field

from engine.base.clock import timestamp
from engine.base.errors import OrchestraError
from engine.base.names import branch_address, checked_name
from engine.documents.json_file import parse
from engine.people.access import Principal
from engine.people.operation import operation
from engine.workflows.differences.sentences import differences
from engine.workspace.branch_files import BranchFiles
from engine.workspace.file_store import FileStore


@dataclass(frozen=True)
class BranchStatus:
    """A branch of a workflow."""

    workflow: str
    branch: str
    name: str
    """The name under which it is read, edited and run: `inbox-triage@labels`."""
    changed_at: str
    """RFC 3339, in UTC."""
    ahead: list[str]
    """What it has changed since it was made, in sentences."""
    behind: list[str]
    """What has changed in the workflow since then."""
    error: str = ""
    """Why it cannot be compared."""
    unsaved_by: list[str] = field(default_factory=list)
    """The ids of the people who have unsaved changes of it; if the branch is deleted, those go to the trash, too."""


class BranchReader:
    """What the branches of workflows hold."""

    def __init__(self, file_store: FileStore) -> None:
        self._file_store, self._files = file_store, BranchFiles(file_store)

    @operation("workflows.branches", "view", "see branches", "List the branches of a workflow")
    def list(self, p: Principal, workflow: str) -> builtins.list[BranchStatus]:
        """Return the branches of a workflow by name; a damaged one says so. Raises UnknownName, InvalidInput."""
        main = self._file_store.text(checked_name("workflow", workflow))
        return [self._status(workflow, branch, main) for branch in self._files.names(workflow)]

    def _status(self, workflow: str, branch: str, main: str) -> BranchStatus:
        name = branch_address(workflow, branch)
        changed_at = timestamp(self._files.changed_at(name))
        try:
            base, mine = self._files.base(name), self._file_store.text(name)
            ahead, behind = (_changes(name, base, text) for text in (mine, main))
        except OrchestraError as error:
            return BranchStatus(workflow, branch, name, changed_at, [], [], f"{error.message} {error.remedy}".strip())
        return BranchStatus(workflow, branch, name, changed_at, ahead, behind)


def _changes(name: str, old: str, new: str) -> builtins.list[str]:
    return [] if old == new else differences(parse(old, name).value, parse(new, name).value)
