"""The `prompts` area: everything a person or program may do with the prompts of a workspace."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

from msgspec import Struct

from engine.base.clock import Clock, timestamp, utc_now
from engine.base.definitions import PromptDefinition
from engine.base.errors import InvalidFile, InvalidInput, OrchestraError, UnknownName
from engine.base.names import checked_name
from engine.base.problem import Problem
from engine.documents.json_file import parse
from engine.files import atomic as files
from engine.files.state_cache import StateCache
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.prompts import prompt_text
from engine.prompts.examples import ExampleChoice, Examples
from engine.prompts.prompt import DEFAULT_LABEL, MarkedMessage, checked, marked
from engine.prompts.prompt_check import require_declarable
from engine.prompts.prompts import PromptStore
from engine.prompts.protected import CaseProof, Grounds, checked_reason, labels_of, protected_in
from engine.prompts.tags import tags_of
from engine.workspace.blanks import blank_prompt, checked_title, text_of_copy, title_of
from engine.workspace.canonical import canonical

# Inside the class below, `list` is the method.
Problems: TypeAlias = list[Problem]
Prove: TypeAlias = Callable[[str, PromptDefinition], CaseProof]
Names: TypeAlias = list[str]
Messages: TypeAlias = list[MarkedMessage]
_KEPT_SUMMARIES = 1_000
_TEXT = "text"
"""The file name in problems of a text that is imported."""


@dataclass(frozen=True)
class PromptSummary:
    """One line of the list of prompts; `problems` counts the errors of the draft."""

    name: str
    title: str
    description: str
    versions: list[int]
    labels: dict[str, int]
    problems: int
    used_by: list[str]
    """The workflows that use it, sorted."""
    changed_fragments: list[str]
    """The fragments that have changed since the version that `production` names was saved."""
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class PromptFile:
    """A draft, or one saved version, for display; `document` is None if it is not a JSON object."""

    name: str
    text: str
    etag: str
    document: dict[str, Any] | None
    problems: list[Problem]
    versions: list[int]
    labels: dict[str, int]
    protected: list[str] = field(default_factory=list)
    """The labels that move only if the cases pass, or with a reason."""
    changed_fragments: list[str] = field(default_factory=list)
    """The fragments that have changed since the version that `production` names was saved."""
    tags: list[str] = field(default_factory=list)

    def json_object(self) -> dict[str, Any]:
        """Return the document. Raises InvalidFile if it is not a JSON object."""
        if self.document is None:
            raise InvalidFile.of(f"prompts/{self.name}.json", self.problems)
        return self.document


@dataclass(frozen=True)
class PromptVersion:
    """A saved version, and the labels that point to it."""

    version: int
    labels: list[str]


class DeclaredText(Struct, frozen=True):
    """A text of a prompt, and the variables that were added to its declarations."""

    text: str
    names: list[str]


class Rendered(Struct, frozen=True):
    """A prompt with its variables filled in; `version` is None for an unsaved text."""

    messages: list[dict[str, str]]
    model: str | None
    version: int | None


Versions: TypeAlias = list[PromptVersion]


class PromptFiles:
    """The prompts of a workspace, with versions, labels and tags; every change writes an audit line."""

    def __init__(
        self,
        store: PromptStore,
        audit: Audit,
        follow: Callable[[str, str], None] = lambda _name, _new: None,
        prove: Prove = lambda _name, _document: CaseProof(0),
        examples: Callable[[str], Examples] = lambda _name: Examples(()),
        clock: Clock = utc_now,
    ) -> None:
        """`follow(name, new)` moves unsaved texts, tries and consents after a rename, or deletes them if `new` is "".

        `prove(name, document)` tests a text with the cases of a prompt, by recorded answers alone. `examples(name)`
        returns the cases that the model may get as examples.
        """
        self._follow, self._prove, self._examples, self._clock = follow, prove, examples, clock
        self._store = store
        self._shelf = store.shelf
        self._audit = audit
        self._summaries: StateCache[PromptSummary] = StateCache(_KEPT_SUMMARIES)

    @operation("prompts.list", "view", "see prompts", "List the prompts")
    def list(self, p: Principal, search: str = "", tags: Sequence[str] = ()) -> builtins.list[PromptSummary]:
        """Return every prompt by name; a damaged one is listed with its problems.

        `search`: only those that have this text in their name, title, description or a tag; `tags`: only those that
        have all of these.
        """
        users, wanted = self._store.naming.of_each(self._shelf.names()), search.strip().casefold()
        fragments = self._store.fragments.state()
        found = (replace(self._summary(name, fragments), used_by=p.shown(used_by)) for name, used_by in users.items())
        return [one for one in found if wanted in _words(one) and set(tags) <= set(one.tags)]

    @operation("prompts.get", "view", "see prompts", "Read a prompt")
    def get(self, p: Principal, name: str, version: int | None = None) -> PromptFile:
        """Return the draft, or one version. Raises UnknownName, InvalidInput, InvalidFile."""
        return self._file(name) if version is None else self._saved(name, version)

    @operation("prompts.check", "view", "check prompts", "Check the text of a prompt")
    def check(self, p: Principal, name: str, text: str) -> Problems:
        """Return the problems that the text would have as the prompt `name`."""
        return self._store.check(name, text)

    @operation("prompts.save", "edit", "change prompts", "Save a prompt")
    def save(self, p: Principal, name: str, text: str, etag: str | None) -> PromptFile:
        """Save the draft as written, with a final line break; `etag` None: the file must not exist yet.

        Raises InvalidFile, StaleEdit, InUse, UnknownName, StorageError.
        """
        self._store.save(name, text, etag, p.id)
        self._begun(name, etag)
        self._audit.record(p, "prompts.save", name)
        return self._file(name)

    @operation("prompts.with_declared", "view", "check prompts", "See a prompt with its variables declared")
    def with_declared(self, p: Principal, name: str, text: str) -> DeclaredText:
        """Return a text of the prompt `name` with its undeclared variables declared as strings; nothing is saved.

        Raises InvalidFile if the text is not a JSON object.
        """
        return DeclaredText(*self._store.with_declared(name, text))

    @operation("prompts.declare", "edit", "change prompts", "Declare the variables of a prompt")
    def declare(self, p: Principal, name: str) -> Names:
        """Declare the undeclared variables of the draft as strings and save it; return their names.

        Raises UnknownName, InvalidFile, StaleEdit, StorageError.
        """
        before = self._shelf.text(name)
        require_declarable(parse(before, self._shelf.file(name)))
        made = self.with_declared(p, name, before)
        if made.names:
            self.save(p, name, made.text, files.etag(before))
        return made.names

    @operation("prompts.save_version", "edit", "change prompts", "Save a version of a prompt")
    def save_version(
        self, p: Principal, name: str, text: str, etag: str | None, label: str | None, reason: str = ""
    ) -> int:
        """Save the text as the next version, with a label if given; return its number. Raises as `save`.

        `reason`: why a protected label may move although the cases do not all pass. Raises ProtectedLabel.
        """
        why = self._grounds(name, label, reason, lambda: self._store.draft(parse(text, self._shelf.file(name)).value))
        number = self._store.save_version(name, text, etag, label, p.id, why)
        self._begun(name, etag)
        self._audit.record(p, "prompts.save_version", name, {"version": number, "label": label} | _told(why))
        return number

    @operation("prompts.keep", "edit", "change prompts", "Keep the draft of a prompt as a version")
    def kept(self, p: Principal, name: str) -> int:
        """Return the number of the version that has the draft; without one, save it as the next version.

        Raises UnknownName, InvalidFile (the text has errors), StorageError.
        """
        text = self._shelf.text(name)
        value = parse(text, self._shelf.file(name)).value
        known = self._store.number_of(name, self._store.draft(value)) if isinstance(value, dict) else None
        return known if known is not None else self.save_version(p, name, text, files.etag(text), None)

    @operation("prompts.set_label", "edit", "change prompts", "Label a version of a prompt")
    def set_label(self, p: Principal, name: str, label: str, version: int, reason: str = "") -> None:
        """Point a label to a version, used by runs from now on. Raises UnknownName, InvalidInput, ProtectedLabel."""
        why = self._grounds(name, label, reason, lambda: self._store.resolve(f"{name}@{version}"))
        self._store.set_label(name, label, version, p.id, why)
        self._audit.record(p, "prompts.set_label", name, {"version": version, "label": label} | _told(why))

    @operation("prompts.protect", "edit", "change prompts", "Protect a label of a prompt")
    def protect(self, p: Principal, name: str, label: str) -> None:
        """Let a label move only to versions whose cases pass, or with a reason. Raises UnknownName, InvalidFile."""
        self._store.protect(name, label, p.id)
        self._audit.record(p, "prompts.protect", name, {"label": label})

    @operation("prompts.unprotect", "edit", "change prompts", "Unprotect a label of a prompt")
    def unprotect(self, p: Principal, name: str, label: str) -> None:
        """Let a label move freely again. Raises UnknownName, InvalidFile."""
        self._store.unprotect(name, label, p.id)
        self._audit.record(p, "prompts.unprotect", name, {"label": label})

    @operation("prompts.remove_label", "edit", "change prompts", "Remove a label of a prompt")
    def remove_label(self, p: Principal, name: str, label: str) -> None:
        """Remove a label from a prompt. Raises UnknownName, InUse (a workflow uses the prompt with it)."""
        self._store.versions.remove_label(name, label, p.id)
        self._audit.record(p, "prompts.remove_label", name, {"label": label})

    @operation("prompts.tag", "edit", "change prompts", "Add and remove tags of a prompt")
    def tag(self, p: Principal, name: str, add: Sequence[str] = (), remove: Sequence[str] = ()) -> Names:
        """Add and remove tags of a prompt, which makes no version; return its tags.

        Raises UnknownName (also for a tag to remove that it has not), InvalidInput, InvalidFile, StorageError.
        """
        self._store.tag(name, add, remove, p.id)
        self._audit.record(p, "prompts.tag", name, {"added": [*add], "removed": [*remove]})
        return tags_of(self._shelf.read(name).value)

    @operation("prompts.create", "edit", "make prompts", "Create a prompt")
    def create(self, p: Principal, name: str, title: str = "") -> PromptFile:
        """Create a prompt with one variable, to be edited. Raises InUse, InvalidInput, StorageError."""
        text = blank_prompt(checked_title(title) or title_of(checked_name("prompt", name)))
        self._shelf.save(name, text, None, p.id)
        self._follow(name, "")
        self._audit.record(p, "prompts.create", name)
        return self._file(name)

    @operation("prompts.export", "view", "see prompts", "Export a prompt")
    def exported(self, p: Principal, name: str, version: str = "") -> str:
        """Return the draft, or a version by label or number, as text with front matter, without its labels.

        The tags are those that the prompt has now.

        Raises UnknownName, InvalidInput, InvalidFile.
        """
        if not version:
            return prompt_text.written(name, self._working(name))
        tags = tags_of(self._shelf.read(name).value)
        return prompt_text.written(
            name, {**self._store.resolve(f"{name}@{version}"), **({"tags": tags} if tags else {})}
        )

    @operation("prompts.import", "edit", "make prompts", "Import a prompt")
    def imported(self, p: Principal, text: str, name: str = "", file: str = _TEXT) -> PromptFile:
        """Create a prompt from a text with front matter; `name`: by default the one in the text. Replaces nothing.

        `file` is the name used in problems. Raises InvalidFile, InUse, InvalidInput, StorageError.
        """
        found = prompt_text.read(text, file)
        name = checked_name("prompt", name or found.name or _no_name())
        self._store.save(name, canonical(dict(found.document), "prompt"), None, p.id)
        self._follow(name, "")
        self._audit.record(p, "prompts.import", name)
        return self._file(name)

    @operation("prompts.duplicate", "edit", "make prompts", "Copy a prompt")
    def duplicate(self, p: Principal, name: str, new: str) -> PromptFile:
        """Create a copy of a prompt, with its versions, labels and cases, titled "Copy of …".

        Raises UnknownName, InUse, InvalidInput, StorageError.
        """
        self._shelf.duplicate(name, new, text_of_copy(self._shelf.text(name), name, "prompt"), p.id)
        self._follow(new, "")
        self._audit.record(p, "prompts.duplicate", new, {"from": name})
        return self._file(new)

    @operation("prompts.rename", "edit", "rename prompts", "Rename a prompt")
    def rename(self, p: Principal, name: str, new: str) -> Names:
        """Rename a prompt, also in the workflows that use it; return these workflows.

        Raises UnknownName, InUse, InvalidInput, InvalidFile (a file that seems to use it cannot be read), StorageError.
        """
        changed = self._store.versions.rename(name, new, p.id)
        self._follow(name, new)
        self._audit.record(p, "prompts.rename", new, {"from": name, "workflows": changed})
        return p.shown(changed)

    @operation("prompts.delete", "edit", "delete prompts", "Delete a prompt")
    def delete(self, p: Principal, name: str) -> Path:
        """Move a prompt to the trash of the workspace's state; return the folder.

        Raises UnknownName, InUse (workflows use it; they are named), ProtectedLabel, StorageError.
        """
        trash = self._store.delete(name)
        self._follow(name, "")
        self._audit.record(p, "prompts.delete", name, {"moved_to": str(trash)})
        return trash

    @operation("prompts.versions", "view", "see prompts", "List the versions of a prompt")
    def versions(self, p: Principal, name: str) -> Versions:
        """Return the saved versions with their labels, newest first. Raises UnknownName, InvalidInput."""
        file = self._file(name)
        return [
            PromptVersion(number, [label for label, at in file.labels.items() if at == number])
            for number in sorted(file.versions, reverse=True)
        ]

    @operation("prompts.users", "view", "see prompts", "List the workflows that use a prompt")
    def users(self, p: Principal, name: str) -> Names:
        """Return the workflows that use a prompt, sorted. Raises InvalidInput."""
        return p.shown(self._store.naming.of(checked_name("prompt", name)))

    @operation("prompts.render", "view", "see prompts", "Fill in a prompt")
    def render(
        self, p: Principal, reference_or_document: str | Mapping[str, Any], variables: Mapping[str, Any]
    ) -> Rendered:
        """Fill in a prompt: `name@label` with its examples, or a document being edited. Calls no model.

        Raises UnknownName, InvalidFile, InvalidInput, ExpressionError.
        """
        if isinstance(reference_or_document, str):
            document = self._store.resolve(reference_or_document)
            chosen = self._examples(reference_or_document.partition("@")[0]).chosen(document, variables)
        else:
            document, chosen = self._store.draft(reference_or_document), ExampleChoice()
        messages = self._store.render(document, variables, chosen.examples)
        return Rendered(messages, document.get("model"), document.get("version"))

    @operation("prompts.marked", "view", "see prompts", "Fill in a prompt with its values marked")
    def marked(self, p: Principal, name: str, document: Mapping[str, Any], variables: Mapping[str, Any]) -> Messages:
        """Fill in a document being edited, with its examples and the values of variables marked. Calls no model.

        Raises as `render`.
        """
        draft = self._store.draft(document)
        return marked(draft, variables, self._examples(name).chosen(draft, variables).examples)

    @operation("prompts.resolved", "view", "see prompts", "Read a prompt with the texts of its fragments")
    def resolved(self, p: Principal, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return a document with the texts of its fragments; as it is, if that fails."""
        try:
            return dict(self._store.draft(document))
        except OrchestraError:  # `check` says why
            return dict(document)

    def _summary(self, name: str, fragments: Hashable | None) -> PromptSummary:
        state = self._store.state(name, fragments)
        return self._summaries.get(name, state, lambda: _summary(self._or_damaged(name)))

    def _working(self, name: str) -> PromptDefinition:
        return checked(self._shelf.read(name))

    def _begun(self, name: str, etag: str | None) -> None:
        """Let a new prompt inherit nothing from one that had its name."""
        if etag is None:
            self._follow(name, "")

    def _grounds(self, name: str, label: str | None, reason: str, document: Callable[[], PromptDefinition]) -> Grounds:
        """Return why a label may move: the reason, or for a protected one how the cases go."""
        reason = checked_reason(reason)
        needs_proof = label is not None and not reason and label in self._protected(name)
        return Grounds(timestamp(self._clock()), reason, self._prove(name, document()) if needs_proof else None)

    def _protected(self, name: str) -> Names:
        try:
            return protected_in(self._shelf.read(name).value)
        except (InvalidFile, UnknownName):  # what follows reports it
            return []

    def _file(self, name: str) -> PromptFile:
        try:
            text = self._shelf.text(name)
        except InvalidFile as error:  # not a text: a folder, or not UTF-8
            return PromptFile(name, "", "", None, error.problems, self._store.versions.numbers(name), {})
        return self._described(name, text)

    def _saved(self, name: str, version: int) -> PromptFile:
        text = self._store.versions.version_text(name, version)
        return self._described(name, text, self._value(name, self._shelf.text(name)) or {})

    def _described(self, name: str, text: str, working: Any = None) -> PromptFile:
        """`working`: what the file has, if `text` is a version."""
        problems = self._store.check(name, text)
        value = self._value(name, text)
        of_prompt = working if working is not None else value
        document, labels = value if isinstance(value, dict) else None, labels_of(of_prompt)
        return PromptFile(
            name,
            text,
            files.etag(text),
            document,
            problems,
            self._store.versions.numbers(name),
            labels,
            protected_in(of_prompt),
            self._store.changed_fragments(name, labels[DEFAULT_LABEL]) if DEFAULT_LABEL in labels else [],
            tags_of(of_prompt),
        )

    def _value(self, name: str, text: str) -> Any:
        try:
            return parse(text, self._shelf.file(name)).value
        except InvalidFile:
            return None

    def _or_damaged(self, name: str) -> PromptFile:
        """Return the file, or why it cannot be read, as a problem: nothing breaks the list."""
        try:
            return self._file(name)
        except OrchestraError as error:
            problem = Problem(error.message, "unusable", file=self._shelf.file(name), remedy=error.remedy)
            return PromptFile(name, "", "", None, [problem], [], {})


def _no_name() -> NoReturn:
    raise InvalidInput("The text does not name the prompt.", remedy="Give a name, or add `name:` to the front matter.")


def _told(why: Grounds) -> dict[str, Any]:
    """Return what the audit trail says of a move."""
    return {"reason": why.reason} if why.reason else {"cases": why.proof.cases} if why.proof is not None else {}


def _words(one: PromptSummary) -> str:
    """Return what a search looks at."""
    return "\n".join([one.name, one.title, one.description, *one.tags]).casefold()


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
        used_by=[],
        changed_fragments=file.changed_fragments,
        tags=tags_of(document),
    )
