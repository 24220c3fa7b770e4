"""The `versions` area: kept texts of workflows, compared and restored, and the labels that people give them."""

from __future__ import annotations

import builtins

from engine.base.clock import Clock, timestamp
from engine.base.errors import InUse, InvalidFile, UnknownName
from engine.base.names import is_file_name, require_no_branch
from engine.base.problem import Problem
from engine.compiler.definition.environment import CURRENT
from engine.documents.json_file import parse
from engine.environments.kept_versions import ALWAYS, KeptVersions, SavedVersion
from engine.environments.version_labels import VersionLabel, checked_label
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.workflows.differences.sentences import differences
from engine.workflows.workflow_files import WorkflowFile, WorkflowFiles
from engine.workspace.workspace import Workspace


class WorkflowVersions:
    """Kept versions of workflows, and their labels; every change writes an audit line.

    A `version` is the id of a saved text, the number of a version, a label, or `current`: the file as it is.
    """

    def __init__(
        self, workspace: Workspace, kept: KeptVersions, workflows: WorkflowFiles, audit: Audit, clock: Clock
    ) -> None:
        self._shelf, self._kept, self._workflows = workspace.workflows, kept, workflows
        self._audit, self._clock = audit, clock

    @operation("workflows.versions", "view", "see workflows", "List the versions of a workflow")
    def list(self, p: Principal, name: str) -> builtins.list[SavedVersion]:
        """Return the last 20 saved texts, newest first, then the older ones that have a number.

        Raises InvalidInput, InvalidFile (the file of labels).
        """
        return self._kept.list(name)

    @operation("workflows.labels", "view", "see workflows", "List the labels of a workflow")
    def labels(self, p: Principal, name: str) -> builtins.list[str]:
        """Return the labels of a workflow, sorted. Raises InvalidInput, InvalidFile."""
        return sorted(self._kept.labels.all(name))

    @operation("workflows.version", "view", "see workflows", "Read a version of a workflow")
    def text(self, p: Principal, name: str, version: str) -> str:
        """Return one kept text. Raises UnknownName, InvalidFile."""
        return self._kept.find(name, version).text

    def get(self, p: Principal, name: str, version: str) -> WorkflowFile:
        """Return a kept text as a workflow file, with the problems that it would have now. Raises as `text`."""
        return self._workflows.as_file(p, name, self.text(p, name, version))

    def differences(self, p: Principal, name: str, old: str = "", new: str = "") -> builtins.list[str]:
        """Return in sentences what has changed from one version to another.

        Without `new` it is the file, without `old` the saved text before that one. Raises UnknownName, InvalidFile.
        """
        after = self.text(p, name, new or CURRENT)
        before = self.text(p, name, old) if old else self._before(p, name, new, after)
        file = self._shelf.file(name)
        return differences(parse(before, file).value, parse(after, file).value)

    def _before(self, p: Principal, name: str, new: str, after: str) -> str:
        """Return the saved text before a version, or that version if it is the first."""
        history = [self.text(p, name, one.id) for one in self._shelf.history.versions(name)]
        ids = [one.id for one in self._shelf.history.versions(name)]
        if new in ids:
            history = history[ids.index(new) + 1 :]
        elif new and new != CURRENT:
            history = history[history.index(after) + 1 :] if after in history else []
        return next((one for one in history if one != after), after)

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
        label = checked_label(label)
        with self._shelf.editing():
            found, labels = self._kept.find(name, version), self._kept.labels.all(name)
            taken = _same(label, labels)
            number = self._kept.numbered.number_of(name, found.text)
            if taken and labels[taken].version != number:
                raise _taken(name, taken, labels[taken])
            number = self._kept.numbered.make(name, found.text)
            if not taken:
                now = timestamp(self._clock())
                made_at = "" if found.made_at == ALWAYS else found.made_at or now
                one = VersionLabel(version=number, made_at=made_at, labelled_at=now, labelled_by=p.id)
                self._kept.labels.put(name, {**labels, label: one})
                self._audit.record(p, "workflows.label", name, {"label": label, "version": number})
        return self._kept.row(name, number)

    @operation("workflows.rename_label", "edit", "label versions", "Rename a label of a workflow")
    def rename_label(self, p: Principal, name: str, label: str, new: str) -> SavedVersion:
        """Give a label another name. Raises UnknownName, InvalidInput, InUse, InvalidFile, StorageError."""
        new = checked_label(new)
        with self._shelf.editing():
            labels = self._kept.labels.all(name)
            old, taken = _known(name, label, labels), _same(new, labels)
            if taken not in ("", old):  # a change of case alone is allowed
                raise _taken(name, taken, labels[taken])
            rest = {one: named for one, named in labels.items() if one != old}
            self._kept.labels.put(name, {**rest, new: labels[old]})
        self._audit.record(p, "workflows.rename_label", name, {"from": old, "to": new})
        return self._kept.row(name, labels[old].version)

    @operation("workflows.remove_label", "edit", "label versions", "Remove a label of a workflow")
    def remove_label(self, p: Principal, name: str, label: str) -> SavedVersion:
        """Take a label from its version, which stays. Raises UnknownName, InvalidFile, StorageError."""
        with self._shelf.editing():
            labels = self._kept.labels.all(name)
            old = _known(name, label, labels)
            self._kept.labels.put(name, {one: named for one, named in labels.items() if one != old})
        self._audit.record(p, "workflows.remove_label", name, {"label": old, "version": labels[old].version})
        return self._kept.row(name, labels[old].version)

    @operation("workflows.label_problems", "view", "see workflows", "List the problems of the files of labels")
    def file_problems(self, p: Principal) -> builtins.list[Problem]:
        """Return what is wrong with the files of labels."""
        found: builtins.list[Problem] = []
        for name in p.shown(filter(is_file_name, self._shelf.names())):
            try:
                labels, numbers = self._kept.labels.all(name), self._kept.numbered.numbers(name)
            except InvalidFile as error:
                found += error.problems or [Problem(error.message, "labels", file=self._kept.labels.file(name))]
                continue
            found += [
                Problem(
                    f"The label {label!r} names version {one.version}, which is not there.",
                    "label",
                    file=self._kept.labels.file(name),
                    field=f"labels.{label}",
                    remedy=f'Restore it, such as with git, or `orchestra workflows label {name} "{label}" --remove`.',
                )
                for label, one in labels.items()
                if one.version not in numbers
            ]
        return found


def _same(label: str, labels: dict[str, VersionLabel]) -> str:
    """Return the label that differs from this one in case only; "" if no label does."""
    return next((one for one in labels if one.casefold() == label.casefold()), "")


def _known(name: str, label: str, labels: dict[str, VersionLabel]) -> str:
    found = _same(" ".join(label.split()), labels)
    if not found:
        raise UnknownName(f"label of {name}", label, list(labels))
    return found


def _taken(name: str, label: str, named: VersionLabel) -> InUse:
    return InUse(
        f"The label {label!r} names version {named.version} of {name}.",
        remedy="Choose another one, or remove or rename that label first.",
    )
