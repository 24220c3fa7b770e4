"""The prompts of a workspace: drafts, immutable versions, and labels that point to versions."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.base.definitions import PromptDefinition
from engine.base.errors import InvalidFile, UnknownName
from engine.base.problem import Problem
from engine.compiler.definition.identifiers import name_fault
from engine.documents.json_file import JsonFile, parse
from engine.files.state_cache import StateCache
from engine.prompts import prompt
from engine.prompts.fragment_files import FragmentStore
from engine.prompts.fragments import with_fragments
from engine.prompts.prompt import DEFAULT_LABEL, CaseExample, of_draft
from engine.prompts.prompt_check import problems_of, undeclared, version_errors
from engine.prompts.protected import (
    OF_THE_PROMPT,
    Grounds,
    labels_of,
    moved,
    protecting,
    require_deletable,
    require_kept,
    require_unprotected,
    unprotecting,
)
from engine.prompts.tags import tagged
from engine.workspace.canonical import as_written, canonical
from engine.workspace.references import NamingFiles
from engine.workspace.version_labels import VersionLabel, VersionLabels, checked_pointer
from engine.workspace.versioned_files import VersionedFiles
from engine.workspace.workspace import Workspace

_KEPT_CHECKS = 100
_NUMBER = re.compile(r"[1-9][0-9]{0,8}\Z")


class PromptLabels(VersionLabels):
    """The labels in the file of a prompt, which steps name and which move."""

    def all(self, name: str) -> dict[str, VersionLabel]:
        """Return the labels of a prompt. Raises UnknownName, InvalidInput, InvalidFile."""
        labels = labels_of(self._shelf.document(name))
        # The numbers are as somebody wrote them.
        return {label: VersionLabel.model_construct(version=number) for label, number in labels.items()}

    def put(self, name: str, labels: Mapping[str, VersionLabel], by: str) -> None:
        """Write the labels, for a caller that holds `editing()`. Raises StorageError."""
        document = {**self._shelf.document(name), "labels": {label: one.version for label, one in labels.items()}}
        self._shelf.put(name, canonical(document, "prompt"), by)

    def checked(self, label: str) -> str:
        """Return a label. Raises InvalidInput."""
        return checked_pointer(label)

    def require_removable(self, name: str, label: str, *same: str) -> None:
        """Raise ProtectedLabel, or InUse if a workflow or an agent uses the prompt with it."""
        require_unprotected(name, self._shelf.document(name), label)
        super().require_removable(name, label, *same, *([""] if label == DEFAULT_LABEL else []))


class PromptStore:
    """Resolves references, saves drafts and versions, and checks and fills prompts."""

    def __init__(self, workspace: Workspace) -> None:
        self.shelf = workspace.prompts
        self.fragments = FragmentStore(workspace)
        self.naming = NamingFiles(workspace.users, "prompt")
        labels = PromptLabels(self.shelf, self.naming)
        self.versions = VersionedFiles(self.shelf, parse, self.naming, labels, clock=workspace.clock)
        self._checked: StateCache[list[Problem]] = StateCache(_KEPT_CHECKS)

    def resolve(self, reference: str) -> PromptDefinition:
        """Return the document for `name`, `name@label` or `name@7`, with its number as "version".

        Without a suffix, the label is `production`. Raises UnknownName, InvalidInput, InvalidFile.
        """
        name, _, suffix = reference.partition("@")
        file = self.shelf.read(name)
        suffix = suffix or DEFAULT_LABEL
        number = int(suffix) if _NUMBER.match(suffix) else self._labelled(name, file, suffix)
        version = self.versions.version(name, number)
        return {**_usable(version.file, version.text), "version": number}

    def number_of(self, name: str, document: Mapping[str, object]) -> int | None:
        """Return the newest version with this content, whatever the labels; None if no version has it."""
        content, versions = _content(document), self.versions
        numbers = reversed(versions.numbers(name))
        return next((one for one in numbers if _content(versions.version(name, one).value) == content), None)

    def draft(self, document: Mapping[str, object]) -> PromptDefinition:
        """Return a document being edited as a version of it would be, if it has the form of a prompt.

        Raises InvalidFile, ExpressionError (a fragment).
        """
        return with_fragments(of_draft(document), self.fragments.text)

    def changed_fragments(self, name: str, number: int) -> list[str]:
        """Return the fragments whose text is another one now than in a version, or that are gone.

        A fragment that is gone counts as renamed if another one, which the version does not name, has its text. Where
        one has changed only because a fragment in it has, the inner one is returned.
        """
        try:
            kept = _fragments_of(self.versions.version_text(name, number))
        except (InvalidFile, UnknownName):  # the version says so itself
            return []
        changed = [one for one, mark in kept.items() if self.fragments.mark(one) != mark]
        known = self.fragments.shelf.names() if changed else []
        others = {self.fragments.mark(one) for one in known if one not in kept} if set(changed) - set(known) else set()
        changed = [one for one in changed if one in known or kept[one] not in others]
        return [one for one in changed if self.fragments.named_in(one).isdisjoint(changed)]

    def check(self, name: str, text: str) -> list[Problem]:
        """Return every problem of a draft, by line and column."""
        versions, shared = self.versions.numbers(name), self.fragments.state() if _may_have_fragments(text) else ()
        state = None if shared is None else (tuple(versions), shared)
        return [*self._checked.get((name, text), state, lambda: self._problems(name, text, versions))]

    def _problems(self, name: str, text: str, versions: list[int]) -> list[Problem]:
        try:
            file = parse(text, self.shelf.file(name))
        except InvalidFile as error:
            return error.problems
        return problems_of(file, versions, self.fragments.text)

    def state(self, name: str, fragments: Hashable | None) -> Hashable | None:
        """Return what changes with what a list shows of a prompt; None if that is not known, as just after a change.

        `fragments`: their state.
        """
        own = self.shelf.stamp(name)
        return None if own is None or fragments is None else (own, tuple(self.versions.numbers(name)), fragments)

    def with_declared(self, name: str, text: str) -> tuple[str, list[str]]:
        """Return a text with each undeclared variable declared as a string, and the names of these.

        Raises InvalidFile if the text is not a JSON object.
        """
        document = self._object(name, text)
        declared = document.get("variables", {})
        if not isinstance(declared, dict) or not (names := self._undeclared(name, text)):
            return text, []
        variables = {**declared, **{one: {"type": "string"} for one in names}}
        return canonical({**document, "variables": variables}, "prompt"), names

    def _undeclared(self, name: str, text: str) -> list[str]:
        found = undeclared(parse(text, self.shelf.file(name)), self.fragments.text)
        return [one for one in found if name_fault(one) is None]  # another name would be the next problem

    def save(self, name: str, text: str, known_etag: str | None, by: str) -> str:
        """Save the draft as written, with a final line break; return the text that was written.

        A text with problems can be saved if it is a JSON object: no run uses it until it is a version.
        Its labels must be as `set_label` and `remove_label` would allow, its history as in the file.
        Raises InvalidFile, StaleEdit, InUse, UnknownName, ProtectedLabel, StorageError.
        """
        document = self._object(name, text)
        self._require_kept(name, None if known_etag is None else self._saved(name), document)
        written = as_written(text)
        self.shelf.save(name, written, known_etag, by)
        return written

    def save_version(
        self, name: str, text: str, known_etag: str | None, label: str | None, by: str, grounds: Grounds | None = None
    ) -> int:
        """Save the text as the next version, and as draft with `label` pointing to it; return the number.

        The version is on disk before a label names it. Raises InvalidFile if the text has an error, InvalidInput for
        what cannot be a label, and as `save`. `grounds`: why `label` may move if it is protected.
        """
        if label:
            checked_pointer(label)
        document = self._object(name, text)
        errors = [one for one in self.check(name, text) if one.severity == "error" and one.code != "missing_version"]
        if errors:
            raise InvalidFile.of(self.shelf.file(name), errors)
        resolved = self.draft(document)
        with self.shelf.editing():
            before = self.shelf.require_unchanged(name, known_etag)
            number = self.versions.next_number(name)
            # A label that somebody wrote by hand for a version to come must not name this one.
            document["labels"] = {one: at for one, at in labels_of(document).items() if at < number}
            self._require_kept(name, None if known_etag is None else self._saved(name), document)
            if label:
                document = moved(name, document, label, number, by, grounds, name)
            self.versions.add(name, self._version_text(name, resolved))
            put = self.shelf.put_new if before is None else self.shelf.put
            put(name, canonical(document, "prompt"), by)
        return number

    def _version_text(self, name: str, document: Mapping[str, object]) -> str:
        """Return the text of a version. Raises InvalidFile if no run could use it."""
        text = canonical({key: value for key, value in document.items() if key not in OF_THE_PROMPT}, "prompt")
        _usable(f"{self.shelf.file(name)} with its fragments", text)
        return text

    def set_label(self, name: str, label: str, number: int, by: str, grounds: Grounds | None = None) -> None:
        """Point a label to a version; `grounds`: why it may move if it is protected.

        Raises UnknownName, InvalidInput, InvalidFile, ProtectedLabel, StorageError.
        """
        checked_pointer(label)
        with self.shelf.editing():
            document = self._object(name, self.shelf.text(name))
            self.versions.version(name, number)
            document = moved(name, document, label, number, by, grounds, f"{name}@{number}")
            self.shelf.put(name, canonical(document, "prompt"), by)

    def protect(self, name: str, label: str, by: str) -> None:
        """Protect a label. Raises UnknownName, InvalidFile, StorageError."""
        with self.shelf.editing():
            document = self._object(name, self.shelf.text(name))
            self.shelf.put(name, canonical(protecting(name, document, label), "prompt"), by)

    def unprotect(self, name: str, label: str, by: str) -> None:
        """Take the protection of a label off. Raises UnknownName, InvalidFile, StorageError."""
        with self.shelf.editing():
            document = self._object(name, self.shelf.text(name))
            self.shelf.put(name, canonical(unprotecting(name, document, label), "prompt"), by)

    def tag(self, name: str, add: Sequence[str], remove: Sequence[str], by: str) -> None:
        """Add and remove tags; no version changes. Raises UnknownName, InvalidInput, InvalidFile, StorageError."""
        with self.shelf.editing():
            document = self._object(name, self.shelf.text(name))
            self.shelf.put(name, canonical(tagged(name, document, add, remove), "prompt"), by)

    def delete(self, name: str) -> Path:
        """Move a prompt that no workflow uses, without protected labels, to the trash; return the folder.

        Raises UnknownName, InUse, ProtectedLabel.
        """
        return self.versions.delete(name, lambda: require_deletable(name, self._saved(name)))

    def render(
        self, document: PromptDefinition, variables: Mapping[str, object], examples: Sequence[CaseExample] = ()
    ) -> list[dict[str, str]]:
        """Return the messages [{role, content}] of a prompt. Raises InvalidInput, ExpressionError."""
        return prompt.messages(document, variables, examples)

    def _labelled(self, name: str, file: JsonFile, label: str) -> int:
        labels = labels_of(file.value)
        if label not in labels:
            remedy = "" if labels else f"Save a version of {name} with the label {label}."
            raise UnknownName(f"label of the prompt {name}", label, list(labels), remedy=remedy)
        return labels[label]

    def _require_kept(self, name: str, before: object, after: Mapping[str, object]) -> None:
        """Refuse what saving a text must not change. Raises ProtectedLabel, InUse, UnknownName."""
        require_kept(name, before, after)
        if before is None:
            return
        was, now = labels_of(before), labels_of(after)
        for label in was.keys() - now.keys():
            self.versions.labels.require_removable(name, label)
        for label, number in now.items():
            if was.get(label) != number:
                self.versions.version(name, number)

    def _saved(self, name: str) -> object:
        """Return what the file holds, None if that is not JSON."""
        try:
            return self.shelf.read(name).value
        except InvalidFile:
            return None

    def _object(self, name: str, text: str) -> dict[str, object]:
        file = parse(text, self.shelf.file(name))
        if not isinstance(file.value, dict):
            raise InvalidFile.of(file.file, problems_of(file, ()))
        return dict(file.value)


def _may_have_fragments(text: str) -> bool:
    return "fragment" in text or "\\u" in text  # an escaped name


@lru_cache(maxsize=256)
def _fragments_of(text: str) -> Mapping[str, str]:
    """Return the fragments that a version has, with their hashes. Raises InvalidFile."""
    if not _may_have_fragments(text):
        return {}
    document = parse(text, "version").value
    found = document.get("fragments") if isinstance(document, dict) else None
    return found if isinstance(found, dict) else {}


def _content(document: Any) -> Any:
    """Return what makes a version what it is; whatever is not an object, as it is."""
    if not isinstance(document, Mapping):
        return document
    return {key: value for key, value in document.items() if key not in (*OF_THE_PROMPT, "version", "fragments")}


@lru_cache(maxsize=256)
def _usable(file: str, text: str) -> PromptDefinition:
    """Return the document of a version, which must not be changed; cached, as runs ask for it often."""
    parsed = parse(text, file)
    errors = version_errors(parsed)
    if errors:
        raise InvalidFile.of(file, errors)
    checked: PromptDefinition = parsed.value
    return checked
