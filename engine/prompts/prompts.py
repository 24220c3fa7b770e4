"""The prompts of a workspace: working texts, immutable versions, and labels that point to versions."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.base.definitions import PromptDefinition
from engine.base.errors import InvalidFile, InvalidInput, StaleEdit, StorageError, UnknownName
from engine.base.names import child
from engine.base.problem import Problem
from engine.compiler.definition.identifiers import name_fault
from engine.documents.json_file import JsonFile, parse, read_text
from engine.files.atomic import etag, make_folder, write_whole
from engine.files.state_cache import StateCache
from engine.prompts import prompt
from engine.prompts.fragment_files import FragmentStore
from engine.prompts.fragments import with_fragments
from engine.prompts.prompt import DEFAULT_LABEL, of_draft
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
from engine.workspace.blanks import titled_as_copy
from engine.workspace.canonical import as_written, canonical
from engine.workspace.references import rename_references, require_readable_users, require_unused, users, users_by_name
from engine.workspace.workspace import Workspace

_KEPT_CHECKS = 100
_NUMBER = re.compile(r"[1-9][0-9]{0,8}\Z")


class PromptStore:
    """Resolves references, saves working texts and versions, and checks and fills prompts."""

    def __init__(self, workspace: Workspace) -> None:
        self.shelf = workspace.prompts
        self.fragments = FragmentStore(workspace)
        self._users = workspace.users
        self._texts = workspace.texts
        self._checked: StateCache[list[Problem]] = StateCache(_KEPT_CHECKS)

    def resolve(self, reference: str) -> PromptDefinition:
        """Return the document for `name`, `name@label` or `name@7`, with its number as "version".

        Without a suffix, the label is `production`. Raises UnknownName, InvalidInput, InvalidFile.
        """
        name, _, suffix = reference.partition("@")
        file = self.shelf.read(name)
        suffix = suffix or DEFAULT_LABEL
        number = int(suffix) if _NUMBER.match(suffix) else self._labelled(name, file, suffix)
        version = self.version(name, number)
        return {**_usable(version.file, version.text), "version": number}

    def versions(self, name: str) -> list[int]:
        """Return the numbers of the saved versions, ascending."""
        try:
            found = [path.stem for path in self._folder(name).glob("*.json")]
        except OSError:
            return []
        return sorted(int(stem) for stem in found if _NUMBER.match(stem))

    def version(self, name: str, number: int) -> JsonFile:
        """Return one saved version. Raises UnknownName, InvalidFile."""
        return parse(self.version_text(name, number), self._version_file(name, number))

    def version_text(self, name: str, number: int) -> str:
        """Return the text of one saved version. Raises UnknownName, InvalidFile."""
        known = self.versions(name)
        if number not in known:
            remedy = "" if known else f"Save a version of {name} first."
            raise UnknownName(f"version of the prompt {name}", str(number), [str(one) for one in known], remedy=remedy)
        return read_text(self._version_path(name, number), self._version_file(name, number))

    def _version_file(self, name: str, number: int) -> str:
        return f"prompts/{name}.versions/{number}.json"

    def number_of(self, name: str, document: Mapping[str, object]) -> int | None:
        """Return the newest version with this content, whatever the labels; None if no version has it."""
        content, numbers = _content(document), reversed(self.versions(name))
        return next((one for one in numbers if _content(self.version(name, one).value) == content), None)

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
            kept = _fragments_of(self.version_text(name, number))
        except (InvalidFile, UnknownName):  # the version says so itself
            return []
        changed = [one for one, mark in kept.items() if self.fragments.mark(one) != mark]
        known = self.fragments.shelf.names() if changed else []
        others = {self.fragments.mark(one) for one in known if one not in kept} if set(changed) - set(known) else set()
        changed = [one for one in changed if one in known or kept[one] not in others]
        return [one for one in changed if self.fragments.named_in(one).isdisjoint(changed)]

    def labels(self, name: str) -> dict[str, int]:
        """Return the labels of a prompt, {} if its file cannot be read."""
        try:
            return labels_of(self.shelf.read(name).value)
        except InvalidFile:
            return {}

    def check(self, name: str, text: str) -> list[Problem]:
        """Return every problem of a working text, by line and column."""
        versions, shared = self.versions(name), self.fragments.state() if _may_have_fragments(text) else ()
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
        return None if own is None or fragments is None else (own, tuple(self.versions(name)), fragments)

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
        """Save the working text as written, with a final line break; return the text that was written.

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
        """Save the text as the next version, and as working text with `label` pointing to it; return the number.

        The version is on disk before a label names it. Raises InvalidFile if the text has an error, InvalidInput for
        what cannot be a label, and as `save`. `grounds`: why `label` may move if it is protected.
        """
        if label:
            _require_label(label)
        document = self._object(name, text)
        errors = [one for one in self.check(name, text) if one.severity == "error" and one.code != "missing_version"]
        if errors:
            raise InvalidFile.of(self.shelf.file(name), errors)
        resolved = self.draft(document)
        with self._texts.locked("prompt-versions"):
            # From here on nobody else can take the next number.
            self._must_be_current(name, known_etag)
            number = max(self.versions(name), default=0) + 1
            # A label that somebody wrote by hand for a version to come must not name this one.
            document["labels"] = {one: at for one, at in labels_of(document).items() if at < number}
            self._require_kept(name, None if known_etag is None else self._saved(name), document)
            if label:
                document = moved(name, document, label, number, by, grounds, name)
            self._write_version(name, number, resolved)
            self.shelf.save(name, canonical(document, "prompt"), known_etag, by)
        return number

    def set_label(self, name: str, label: str, number: int, by: str, grounds: Grounds | None = None) -> None:
        """Point a label to a version; `grounds`: why it may move if it is protected.

        Raises UnknownName, InvalidInput, InvalidFile, ProtectedLabel, StorageError.
        """
        _require_label(label)
        with self.shelf.editing():
            document = self._object(name, self.shelf.text(name))
            self.version(name, number)
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

    def remove_label(self, name: str, label: str, by: str) -> None:
        """Remove a label that no workflow uses with the prompt.

        Raises UnknownName, InUse, ProtectedLabel, InvalidFile.
        """
        with self.shelf.editing():
            document = self._object(name, self.shelf.text(name))
            labels = labels_of(document)
            if label not in labels:
                raise UnknownName(f"label of the prompt {name}", label, list(labels))
            require_unprotected(name, document, label)
            self._require_free_label(name, label)
            document["labels"] = {one: at for one, at in labels.items() if one != label}
            self.shelf.put(name, canonical(document, "prompt"), by)

    def tag(self, name: str, add: Sequence[str], remove: Sequence[str], by: str) -> None:
        """Add and remove tags; no version changes. Raises UnknownName, InvalidInput, InvalidFile, StorageError."""
        with self.shelf.editing():
            document = self._object(name, self.shelf.text(name))
            self.shelf.put(name, canonical(tagged(name, document, add, remove), "prompt"), by)

    def duplicate(self, name: str, new: str, by: str) -> None:
        """Create a second prompt with the versions, labels and cases of the first. Raises UnknownName, InUse."""
        text = self.shelf.text(name)
        with suppress(InvalidFile):
            text = titled_as_copy(parse(text, self.shelf.file(name)), name, "prompt")
        with self._texts.locked("prompt-versions"):
            self.shelf.duplicate(name, new, text, by)

    def rename(self, name: str, new: str, by: str) -> list[str]:
        """Rename a prompt, also in the workflows that use it; return these workflows. Raises UnknownName, InUse.

        Runs may start meanwhile: at every moment each workflow names an existing prompt.
        """

        def follow() -> None:
            changed.extend(rename_references(self._users, "prompt", name, new, by))

        changed: list[str] = []
        require_readable_users(self._users, "prompt", name)
        with self._texts.locked("prompt-versions"):
            self.shelf.rename_by_copy(name, new, follow, by)
        return changed

    def users(self, name: str) -> list[str]:
        """Return the workflows and agents that use a prompt."""
        return users(self._users, "prompt", name)

    def all_users(self) -> dict[str, list[str]]:
        """Return the workflows and agents that use each prompt, by its name."""
        return users_by_name(self._users, "prompt", self.shelf.names())

    def delete(self, name: str) -> Path:
        """Move a prompt that no workflow uses, without protected labels, to the trash; return the folder.

        Raises UnknownName, InUse, ProtectedLabel.
        """

        def check() -> None:
            require_unused(self._users, "prompt", name)
            require_deletable(name, self._saved(name))

        with self._texts.locked("prompt-versions"):
            return self.shelf.delete(name, check)

    def render(self, document: PromptDefinition, variables: Mapping[str, object]) -> list[dict[str, str]]:
        """Return the messages [{role, content}] of a prompt. Raises InvalidInput, ExpressionError."""
        return prompt.messages(document, variables)

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
            self._require_free_label(name, label)
        for label, number in now.items():
            if was.get(label) != number:
                self.version(name, number)

    def _require_free_label(self, name: str, label: str) -> None:
        suffixes = (label, "") if label == DEFAULT_LABEL else (label,)
        require_unused(self._users, "prompt", name, suffixes)

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

    def _must_be_current(self, name: str, known_etag: str | None) -> None:
        """Refuse a stale edit before the version is written, so that it leaves no version behind."""
        if known_etag is None:
            self.shelf.require_free(name)
        elif known_etag != etag(self.shelf.text(name)):
            raise StaleEdit(f"Somebody changed {self.shelf.file(name)} since you opened it.")

    def _write_version(self, name: str, number: int, document: Mapping[str, object]) -> None:
        path = self._version_path(name, number)
        make_folder(path.parent)
        if path.exists():
            raise StorageError(f"{path} is there already, and a version never changes.")
        content = {key: value for key, value in document.items() if key not in OF_THE_PROMPT}
        text = canonical(content, "prompt")
        _usable(f"{self.shelf.file(name)} with its fragments", text)
        write_whole(path, text)

    def _folder(self, name: str) -> Path:
        return child(self.shelf.folder, f"{self.shelf.path(name).stem}.versions")

    def _version_path(self, name: str, number: int) -> Path:
        return child(self._folder(name), f"{number}.json")


def _require_label(label: str) -> None:
    """Raise InvalidInput for a text that cannot be a label."""
    if not prompt.LABEL.match(label):
        raise InvalidInput(
            f"{label!r} cannot be a label.", remedy="Use lower-case letters, digits, '-' and '_', a letter first."
        )


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
