"""Everything a person or program may do with the prompts of a workspace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from engine.errors import InvalidFile, OrchestraError, Problem
from engine.people.access import Principal, require
from engine.people.audit import Audit
from engine.prompts.prompt import checked
from engine.prompts.prompts import PromptStore
from engine.workspace import files
from engine.workspace.canonical import canonical
from engine.workspace.jsonfile import parse

Problems: TypeAlias = list[Problem]
"""Inside the class below, `list` is the method."""
_DRAFT = "prompt"
"""What problems call a prompt that is no file yet."""


@dataclass(frozen=True)
class PromptSummary:
    """One line of the list of prompts; `problems` counts the errors of the working text."""

    name: str
    title: str
    description: str
    versions: list[int]
    labels: dict[str, int]
    problems: int = 0


@dataclass(frozen=True)
class PromptFile:
    """A working text, or one saved version, as it is shown; `document` is None where it is no JSON object."""

    name: str
    text: str
    etag: str
    document: dict[str, Any] | None
    problems: list[Problem]
    versions: list[int]
    labels: dict[str, int]


@dataclass(frozen=True)
class Rendered:
    """A prompt with its variables filled in; `version` is None for a text that is no version."""

    messages: list[dict[str, str]]
    model: str | None
    version: int | None


class PromptFiles:
    """The `prompts` facet: every method checks the right of `p`; every change writes an audit line."""

    def __init__(self, store: PromptStore, audit: Audit) -> None:
        self._store = store
        self._shelf = store.shelf
        self._audit = audit

    def list(self, p: Principal) -> list[PromptSummary]:
        """Return every prompt by name; one that is damaged is listed with its problems."""
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
        """Save the working text in canonical form; `etag` None means that there must be none yet.

        Raises InvalidFile, StaleEdit, InUse, UnknownName, StorageError.
        """
        require(p, "edit", "change prompts")
        self._store.save(name, text, etag, p.id)
        self._audit.record(p, "prompts.save", name)
        return self._file(name)

    def save_version(self, p: Principal, name: str, text: str, etag: str | None, label: str | None) -> int:
        """Save the text as the next version, labelled if so wished; return its number. Raises as `save`."""
        require(p, "edit", "change prompts")
        number = self._store.save_version(name, text, etag, label, p.id)
        self._audit.record(p, "prompts.save_version", name, {"version": number, "label": label})
        return number

    def set_label(self, p: Principal, name: str, label: str, version: int) -> None:
        """Let a label point at a version: what runs from now on. Raises UnknownName, InvalidInput, StaleEdit."""
        require(p, "edit", "change prompts")
        self._store.set_label(name, label, version, p.id)
        self._audit.record(p, "prompts.set_label", name, {"version": version, "label": label})

    def render(
        self, p: Principal, reference_or_document: str | Mapping[str, Any], variables: Mapping[str, Any]
    ) -> Rendered:
        """Fill in a prompt: `name@label`, or a document that is being edited. Calls no model.

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
        except InvalidFile as error:  # no text at all: a folder, not UTF-8
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
        """Return the file, or what stands in its way as a problem: nothing breaks the list."""
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
