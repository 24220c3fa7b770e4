"""The `versions` area: kept texts of workflows, compared and restored, and the labels that people give them."""

from __future__ import annotations

import builtins

from engine.base.errors import InvalidFile
from engine.base.names import is_file_name, require_no_branch
from engine.base.problem import Problem
from engine.compiler.definition.environment import CURRENT
from engine.documents.json_file import JsonFile
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.workflows.differences.sentences import differences
from engine.workflows.workflow_files import WorkflowFile, WorkflowFiles
from engine.workspace.versioned_files import SavedVersion, VersionedFiles
from engine.workspace.workspace import Workspace


class WorkflowVersions:
    """Kept versions of workflows, and their labels; every change writes an audit line.

    A `version` is the id of a saved text, the number of a version, a label, or `current`: the file as it is.
    """

    def __init__(
        self, workspace: Workspace, versions: VersionedFiles[JsonFile], workflows: WorkflowFiles, audit: Audit
    ) -> None:
        self._shelf, self._versions, self._workflows = workspace.workflows, versions, workflows
        self._labels, self._audit = versions.labels, audit

    @operation("workflows.versions", "view", "see workflows", "List the versions of a workflow")
    def list(self, p: Principal, name: str) -> builtins.list[SavedVersion]:
        """Return the last 20 saved texts, newest first, then the older ones that have a number.

        Raises UnknownName, InvalidInput, InvalidFile (the file of labels).
        """
        return self._versions.list(name)

    @operation("workflows.labels", "view", "see workflows", "List the labels of a workflow")
    def labels(self, p: Principal, name: str) -> builtins.list[str]:
        """Return the labels of a workflow, sorted. Raises InvalidInput, InvalidFile."""
        return sorted(self._versions.labels.all(name))

    @operation("workflows.version", "view", "see workflows", "Read a version of a workflow")
    def text(self, p: Principal, name: str, version: str) -> str:
        """Return one kept text. Raises UnknownName, InvalidFile."""
        return self._versions.find(name, version).text

    def get(self, p: Principal, name: str, version: str) -> WorkflowFile:
        """Return a kept text as a workflow file, with the problems that it would have now. Raises as `text`."""
        return self._workflows.as_file(p, name, self.text(p, name, version))

    @operation("workflows.differences", "view", "see workflows", "Compare versions of a workflow")
    def differences(self, p: Principal, name: str, old: str = "", new: str = "") -> builtins.list[str]:
        """Return in sentences what has changed from one version to another.

        Without `new` it is the file, without `old` the saved text before that one. Raises UnknownName, InvalidFile.
        """
        new = new or CURRENT
        after = self._versions.document(name, new)
        before = self._versions.document(name, old or self._before(name, new, after.text))
        return differences(before.value, after.value)

    def _before(self, name: str, new: str, after: str) -> str:
        """Return the id of the saved text before a version, or that version if it is the first."""
        saved = [(one.id, self._shelf.history.text(name, one.id)) for one in self._versions.saved(name)]
        ids, texts = [one for one, _ in saved], [text for _, text in saved]
        if new in ids:
            saved = saved[ids.index(new) + 1 :]
        elif new != CURRENT:
            saved = saved[texts.index(after) + 1 :] if after in texts else []
        return next((one for one, text in saved if text != after), new)

    @operation("workflows.restore", "edit", "change workflows", "Restore a version of a workflow")
    def restore(self, p: Principal, name: str, version: str, etag: str | None) -> WorkflowFile:
        """Save an earlier text again; the current text is kept as a version. Raises as `WorkflowFiles.save`."""
        return self._workflows.save(p, name, self.text(p, name, version), etag)

    @operation("workflows.label", "edit", "label versions", "Label a version of a workflow")
    def label(self, p: Principal, name: str, label: str, version: str = CURRENT) -> SavedVersion:
        """Give a version a label; it becomes a numbered version, which is never removed.

        Raises InvalidInput (the text cannot be a label), InUse (another version has it), UnknownName, InvalidFile,
        StorageError.
        """
        require_no_branch(name, "has no labels")
        label = self._versions.labels.checked(label)
        found = self._versions.keep(name, version, label, p.id)
        self._audit.record(p, "workflows.label", name, {"label": label, "version": found.number})
        return found

    @operation("workflows.rename_label", "edit", "label versions", "Rename a label of a workflow")
    def rename_label(self, p: Principal, name: str, label: str, new: str) -> SavedVersion:
        """Give a label another name. Raises UnknownName, InvalidInput, InUse, InvalidFile, StorageError."""
        old, new = self._versions.known_label(name, label), self._versions.labels.checked(new)
        found = self._versions.rename_label(name, old, new, p.id)
        self._audit.record(p, "workflows.rename_label", name, {"from": old, "to": new})
        return found

    @operation("workflows.remove_label", "edit", "label versions", "Remove a label of a workflow")
    def remove_label(self, p: Principal, name: str, label: str) -> SavedVersion:
        """Take a label from its version, which stays. Raises UnknownName, InvalidFile, StorageError."""
        old = self._versions.known_label(name, label)
        found = self._versions.remove_label(name, old, p.id)
        self._audit.record(p, "workflows.remove_label", name, {"label": old, "version": found.number})
        return found

    @operation("workflows.label_problems", "view", "see workflows", "List the problems of the files of labels")
    def file_problems(self, p: Principal) -> builtins.list[Problem]:
        """Return what is wrong with the files of labels."""
        found: builtins.list[Problem] = []
        for name in p.shown(filter(is_file_name, self._shelf.names())):
            try:
                labels, numbers = self._labels.all(name), self._versions.numbers(name)
            except InvalidFile as error:
                found += error.problems or [Problem(error.message, "labels", file=self._labels.file(name))]
                continue
            found += [
                Problem(
                    f"The label {label!r} names version {one.version}, which is not there.",
                    "label",
                    file=self._labels.file(name),
                    field=f"labels.{label}",
                    remedy=f'Restore it, such as with git, or `orchestra workflows label {name} "{label}" --remove`.',
                )
                for label, one in labels.items()
                if one.version not in numbers
            ]
        return found
