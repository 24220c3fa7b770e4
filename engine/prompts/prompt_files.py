"""The `prompts` facet: everything a person or program may do with the prompts of a workspace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from engine.base.errors import InvalidFile, OrchestraError, Problem
from engine.base.names import checked_name
from engine.documents.json_file import parse
from engine.files import atomic as files
from engine.people.access import Principal, require
from engine.people.audit import Audit
from engine.prompts.prompt import checked
from engine.prompts.prompts import PromptStore
from engine.workspace.blanks import blank_prompt, checked_title, title_of
from engine.workspace.canonical import canonical

# Inside the class below, `list` is the method.
Problems: TypeAlias = list[Problem]
Names: TypeAlias = list[str]
_DRAFT = "prompt"
"""The file name in problems of a prompt that is not saved."""


@dataclass(frozen=True)
class PromptSummary:
    """One line of the list of prompts; `problems` counts the errors of the working text."""

    name: str
    title: str
    description: str
    versions: list[int]
    labels: dict[str, int]
    problems: int


@dataclass(frozen=True)
class PromptFile:
    """A working text, or one saved version, for display; `document` is None if it is not a JSON object."""

    name: str
    text: str
    etag: str
    document: dict[str, Any] | None
    problems: list[Problem]
    versions: list[int]
    labels: dict[str, int]


@dataclass(frozen=True)
class PromptVersion:
    """A saved version, and the labels that point to it."""

    version: int
    labels: list[str]


@dataclass(frozen=True)
class Rendered:
    """A prompt with its variables filled in; `version` is None for an unsaved text."""

    messages: list[dict[str, str]]
    model: str | None
    version: int | None


Versions: TypeAlias = list[PromptVersion]


class PromptFiles:
    """Every method checks the right of `p`; every change writes an audit line."""

    def __init__(
        self, store: PromptStore, audit: Audit, follow: Callable[[str, str], None] = lambda _name, _new: None
    ) -> None:
        """`follow(name, new)` renames unsaved texts after a rename, or deletes them if `new` is ""."""
        self._follow = follow
        self._store = store
        self._shelf = store.shelf
        self._audit = audit

    def list(self, p: Principal) -> list[PromptSummary]:
        """Return every prompt by name; a damaged one is listed with its problems."""
        require(p, "view", "see prompts")
        return [_summary(self._or_damaged(name)) for name in self._shelf.names()]

    def get(self, p: Principal, name: str, version: int | None = None) -> PromptFile:
        """Return the working text, or one version. Raises UnknownName, InvalidInput, InvalidFile."""
        require(p, "view", "see prompts")
        return self._file(name) if version is None else self._saved(name, version)

    def check(self, p: Principal, name: str, text: str) -> Problems:
        """Return the problems that the text would have as the prompt `name`."""
        require(p, "view", "check prompts")
        return self._store.check(name, text)

    def save(self, p: Principal, name: str, text: str, etag: str | None) -> PromptFile:
        """Save the working text as written, with a final line break; `etag` None: the file must not exist yet.

        Raises InvalidFile, StaleEdit, InUse, UnknownName, StorageError.
        """
        require(p, "edit", "change prompts")
        self._store.save(name, text, etag, p.id)
        self._audit.record(p, "prompts.save", name)
        return self._file(name)

    def save_version(self, p: Principal, name: str, text: str, etag: str | None, label: str | None) -> int:
        """Save the text as the next version, with a label if given; return its number. Raises as `save`."""
        require(p, "edit", "change prompts")
        number = self._store.save_version(name, text, etag, label, p.id)
        self._audit.record(p, "prompts.save_version", name, {"version": number, "label": label})
        return number

    def set_label(self, p: Principal, name: str, label: str, version: int) -> None:
        """Point a label to a version, used by runs from now on. Raises UnknownName, InvalidInput, StaleEdit."""
        require(p, "edit", "change prompts")
        self._store.set_label(name, label, version, p.id)
        self._audit.record(p, "prompts.set_label", name, {"version": version, "label": label})

    def remove_label(self, p: Principal, name: str, label: str) -> None:
        """Remove a label from a prompt. Raises UnknownName, InUse (a workflow uses the prompt with it)."""
        require(p, "edit", "change prompts")
        self._store.remove_label(name, label, p.id)
        self._audit.record(p, "prompts.remove_label", name, {"label": label})

    def create(self, p: Principal, name: str, title: str = "") -> PromptFile:
        """Create a prompt with one variable, to be edited. Raises InUse, InvalidInput, StorageError."""
        require(p, "edit", "make prompts")
        text = blank_prompt(checked_title(title) or title_of(checked_name("prompt", name)))
        self._shelf.save(name, text, None, p.id)
        self._follow(name, "")
        self._audit.record(p, "prompts.create", name)
        return self._file(name)

    def duplicate(self, p: Principal, name: str, new: str) -> PromptFile:
        """Create a copy of a prompt, with its versions, labels and cases, titled "Copy of …".

        Raises UnknownName, InUse, InvalidInput, StorageError.
        """
        require(p, "edit", "make prompts")
        self._store.duplicate(name, new, p.id)
        self._follow(new, "")
        self._audit.record(p, "prompts.duplicate", new, {"from": name})
        return self._file(new)

    def rename(self, p: Principal, name: str, new: str) -> Names:
        """Rename a prompt, also in the workflows that use it; return these workflows.

        Raises UnknownName, InUse, InvalidInput, InvalidFile (a file that seems to use it cannot be read), StorageError.
        """
        require(p, "edit", "rename prompts")
        changed = self._store.rename(name, new, p.id)
        self._follow(name, new)
        self._audit.record(p, "prompts.rename", new, {"from": name, "workflows": changed})
        return changed

    def delete(self, p: Principal, name: str) -> Path:
        """Move a prompt to the trash of the workspace's state; return the folder.

        Raises UnknownName, InUse (workflows use it; they are named), StorageError.
        """
        require(p, "edit", "delete prompts")
        trash = self._store.delete(name)
        self._follow(name, "")
        self._audit.record(p, "prompts.delete", name, {"moved_to": str(trash)})
        return trash

    def versions(self, p: Principal, name: str) -> Versions:
        """Return the saved versions with their labels, newest first. Raises UnknownName, InvalidInput."""
        require(p, "view", "see prompts")
        file = self._file(name)
        return [
            PromptVersion(number, [label for label, at in file.labels.items() if at == number])
            for number in sorted(file.versions, reverse=True)
        ]

    def users(self, p: Principal, name: str) -> Names:
        """Return the workflows that use a prompt, sorted. Raises InvalidInput."""
        require(p, "view", "see prompts")
        return self._store.users(checked_name("prompt", name))

    def render(
        self, p: Principal, reference_or_document: str | Mapping[str, Any], variables: Mapping[str, Any]
    ) -> Rendered:
        """Fill in a prompt: `name@label`, or a document being edited. Calls no model.

        Raises UnknownName, InvalidFile, InvalidInput, ExpressionError.
        """
        require(p, "view", "see prompts")
        if isinstance(reference_or_document, str):
            document = self._store.resolve(reference_or_document)
        else:
            document = checked(parse(canonical(dict(reference_or_document), "prompt"), _DRAFT))
        messages = self._store.render(document, variables)
        return Rendered(messages, document.get("model"), document.get("version"))

    def _file(self, name: str) -> PromptFile:
        try:
            text = self._shelf.text(name)
        except InvalidFile as error:  # not a text: a folder, or not UTF-8
            return PromptFile(name, "", "", None, error.problems, self._store.versions(name), {})
        return self._described(name, text)

    def _saved(self, name: str, version: int) -> PromptFile:
        return self._described(name, self._store.version(name, version).text)

    def _described(self, name: str, text: str) -> PromptFile:
        problems = self._store.check(name, text)
        try:
            value = parse(text, self._shelf.file(name)).value
        except InvalidFile:
            value = None
        document = value if isinstance(value, dict) else None
        return PromptFile(
            name, text, files.etag(text), document, problems, self._store.versions(name), self._store.labels(name)
        )

    def _or_damaged(self, name: str) -> PromptFile:
        """Return the file, or why it cannot be read, as a problem: nothing breaks the list."""
        try:
            return self._file(name)
        except OrchestraError as error:
            problem = Problem(error.message, "unusable", file=self._shelf.file(name), remedy=error.remedy)
            return PromptFile(name, "", "", None, [problem], [], {})


def _summary(file: PromptFile) -> PromptSummary:
    document = file.document or {}
    title, description = document.get("title"), document.get("description")
    return PromptSummary(
        name=file.name,
        title=title if isinstance(title, str) and title else file.name,
        description=description if isinstance(description, str) else "",
        versions=file.versions,
        labels=file.labels,
        problems=sum(one.severity == "error" for one in file.problems),
    )
