"""The `fragments` area: texts that several prompts share, files in `prompts/fragments`, and who uses them."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, TypeAlias

from clients.wording import did_you_mean
from engine.base.errors import ExpressionError, InUse, InvalidFile, InvalidInput, OrchestraError, UnknownName
from engine.base.problem import Problem
from engine.documents.json_file import JsonPath, parse
from engine.documents.json_reader import Lines
from engine.expressions.templates import parts
from engine.files.atomic import etag as etag_of
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.prompts.fragments import (
    Expander,
    FragmentReference,
    fingerprint,
    misuse,
    reference_in,
    references,
    renamed,
    texts_of,
)
from engine.workspace.canonical import as_written
from engine.workspace.history import TextVersion
from engine.workspace.versioned_files import VersionedFiles
from engine.workspace.workspace import Workspace

LARGEST_BYTES = 100_000
# Inside the class below, `list` is the method.
Problems: TypeAlias = list[Problem]
Names: TypeAlias = list[str]
Versions: TypeAlias = list[TextVersion]


@dataclass(frozen=True)
class FragmentSummary:
    """One line of the list of fragments; `problems` counts its own."""

    name: str
    text: str
    """The text, as prompts get it."""
    problems: int
    used_by: list[str]
    """The prompts that name it, sorted."""
    used_in: list[str]
    """The fragments that name it, sorted."""


@dataclass(frozen=True)
class Fragment:
    """A fragment, for display."""

    name: str
    text: str
    """The text of the file."""
    etag: str
    problems: list[Problem]
    used_by: list[str]
    """The prompts that name it, sorted."""
    used_in: list[str]
    """The fragments that name it, sorted."""


class FragmentUsers(NamedTuple):
    """Who names a fragment: prompts, and other fragments, sorted."""

    prompts: list[str]
    fragments: list[str]


class FragmentStore:
    """Reads fragments, checks them and finds their users."""

    def __init__(self, workspace: Workspace) -> None:
        self.shelf, self._prompts = workspace.fragments, workspace.prompts
        self.versions = VersionedFiles(self.shelf, lambda text, _file: text, self)

    def text(self, name: str) -> str:
        """Return the text that takes the place of a reference. Raises UnknownName, InvalidFile."""
        try:
            return self.shelf.text(name).removesuffix("\n")
        except (UnknownName, InvalidInput) as error:
            known = self.shelf.names()
            remedy = f"{did_you_mean(name, known)} Create it with `orchestra fragments set NAME FILE`.".strip()
            raise UnknownName("fragment", name, remedy=remedy) from error

    def state(self) -> Hashable | None:
        """Return what changes when a fragment is made, changed or removed; None if one has changed just now."""
        stamps = {name: self.shelf.stamp(name) for name in self.shelf.names()}
        return None if None in stamps.values() else tuple(stamps.items())

    def mark(self, name: str) -> str:
        """Return the hash of a fragment's text, fragments in it included, as versions keep it; "" if it has errors."""
        try:
            return fingerprint(Expander(self.text).fragment(FragmentReference(name, 0, 0, 0)))
        except OrchestraError:
            return ""

    def named_in(self, name: str) -> frozenset[str]:
        """Return the fragments that a fragment names; an empty set if it cannot be read."""
        return frozenset(one.name for one in references(_read(self.shelf.text, name)))

    def check(self, name: str, text: str) -> list[Problem]:
        """Return what is wrong with a text as the fragment `name`, by place."""
        lines, file = Lines(text), self.shelf.file(name)

        def problem(error: ExpressionError) -> Problem:
            line, column = lines.place(int(error.details.get("offset", 0)))
            return Problem(error.message, "fragment", file=file, line=line, column=column, remedy=error.remedy)

        return [problem(one) for one in self._errors(name, text)]

    def _errors(self, name: str, text: str) -> Iterator[ExpressionError]:
        expander = Expander(self.text)
        try:
            found = parts(text)
        except ExpressionError as error:
            yield error
            return
        for part in found:
            wrong, reference = misuse(part), reference_in(part)
            if wrong is not None:
                yield wrong
            if reference is not None:
                try:
                    expander.fragment(reference, (name,))
                except ExpressionError as error:
                    yield error

    def users(self, *names: str) -> dict[str, FragmentUsers]:
        """Return who names each of these fragments, reading each file once; a damaged prompt if it seems to."""
        prompts = {one: _read(self._prompts.text, one) for one in self._prompts.names()}
        inside = {one: {found.name for found in references(_read(self.shelf.text, one))} for one in self.shelf.names()}
        return {
            name: FragmentUsers(
                [user for user, text in prompts.items() if name in _named_in_prompt(text, name)],
                [user for user, named in inside.items() if name in named and user != name],
            )
            for name in names
        }

    def require_none(self, name: str) -> None:
        """Raise InUse if a prompt or another fragment names a fragment."""
        found = self.users(name)[name]
        users = [*found.prompts, *(f"the fragment {one}" for one in found.fragments)]
        if users:
            raise InUse(
                f"The fragment {name!r} is used by {', '.join(users)}.", remedy="Remove these references first."
            )

    def require_readable(self, name: str) -> None:
        """Raise InvalidFile if a prompt that seems to name a fragment cannot be read."""
        for user in self.users(name)[name].prompts:
            self._prompts.read(user)

    def rename(self, name: str, new: str, by: str) -> list[str]:
        """Rename a fragment in the prompts and fragments that name it; return these prompts.

        For a caller that holds `editing()`. Raises InvalidFile, StorageError.
        """
        found = self.users(name)[name]
        for user in found.prompts:
            self._rename_in_prompt(user, name, new, by)
        for user in found.fragments:
            self.shelf.put(user, renamed(self.shelf.text(user), name, new), by)
        return found.prompts

    def _rename_in_prompt(self, user: str, name: str, new: str, by: str) -> None:
        file = self._prompts.read(user)
        changed: dict[JsonPath, str] = {}
        for number, text in texts_of(file.value):
            path: JsonPath = ("messages", number, "content")
            if isinstance(file.value["messages"][number]["content"], str):
                changed[path] = renamed(text, name, new)
                continue
            left = renamed(text, name, new).split("\n")
            for at, line in enumerate(file.value["messages"][number]["content"]):
                size = line.count("\n") + 1
                changed[*path, at], left = "\n".join(left[:size]), left[size:]
        self._prompts.put(user, file.replaced(changed), by)


class FragmentFiles:
    """The texts that several prompts share; every change writes an audit line."""

    def __init__(
        self, store: FragmentStore, audit: Audit, follow: Callable[[str, str], None] = lambda _name, _new: None
    ) -> None:
        """`follow(name, new)` moves unsaved texts after a rename, or deletes them if `new` is ""."""
        self._store, self._audit, self._follow = store, audit, follow

    @operation("fragments.list", "view", "see fragments", "List the fragments")
    def list(self, p: Principal) -> builtins.list[FragmentSummary]:
        """Return every fragment by name; a damaged one has problems."""
        names = self._store.shelf.names()
        return [self._summary(name, users) for name, users in self._store.users(*names).items()]

    @operation("fragments.get", "view", "see fragments", "Read a fragment")
    def get(self, p: Principal, name: str) -> Fragment:
        """Return a fragment. Raises UnknownName, InvalidInput, InvalidFile."""
        return self._fragment(name, self._store.users(name)[name])

    @operation("fragments.names", "view", "see fragments", "List the names of fragments")
    def names(self, p: Principal) -> Names:
        """Return the names of all fragments."""
        return self._store.shelf.names()

    @operation("fragments.check", "view", "check fragments", "Check the text of a fragment")
    def check(self, p: Principal, name: str, text: str) -> Problems:
        """Return the problems that a text would have as the fragment `name`."""
        return self._store.check(name, text)

    @operation("fragments.save", "edit", "change fragments", "Save a fragment")
    def save(self, p: Principal, name: str, text: str, etag: str | None) -> Fragment:
        """Save a text with one line break at its end; `etag` None: the fragment must not exist yet.

        Versions of prompts keep the text that they were saved with. Raises StaleEdit, InUse, UnknownName, InvalidInput
        (also for a text over 100,000 bytes).
        """
        require_storable(text)
        self._store.shelf.save(name, as_written(text), etag, p.id)
        if etag is None:  # it inherits nothing from one that had its name
            self._follow(name, "")
        self._audit.record(p, "fragments.save", name)
        return self._fragment(name, self._store.users(name)[name])

    @operation("fragments.versions", "view", "see fragments", "List the versions of a fragment")
    def versions(self, p: Principal, name: str) -> Versions:
        """Return the last 20 saved texts, newest first; the first may be the current one.

        Raises UnknownName, InvalidInput.
        """
        return self._store.versions.saved(name)

    @operation("fragments.version", "view", "see fragments", "Read a version of a fragment")
    def version_text(self, p: Principal, name: str, version_id: str) -> str:
        """Return one saved text. Raises UnknownName, InvalidInput, InvalidFile."""
        self._store.shelf.require(name)
        return self._store.versions.document(name, version_id)

    @operation("fragments.restore", "edit", "change fragments", "Restore a version of a fragment")
    def restore(self, p: Principal, name: str, version_id: str, etag: str) -> Fragment:
        """Save an earlier text again; the current one is kept, too. `etag`: of the current text.

        Raises UnknownName, StaleEdit, InvalidInput, InvalidFile.
        """
        return self.save(p, name, self.version_text(p, name, version_id), etag)

    @operation("fragments.rename", "edit", "rename fragments", "Rename a fragment")
    def rename(self, p: Principal, name: str, new: str) -> Names:
        """Rename a fragment, also where it is named; return the prompts that changed.

        Raises UnknownName, InUse, InvalidInput, InvalidFile.
        """
        changed = self._store.versions.rename(name, new, p.id)
        self._follow(name, new)
        self._audit.record(p, "fragments.rename", new, {"from": name, "prompts": changed})
        return changed

    @operation("fragments.delete", "edit", "delete fragments", "Delete a fragment")
    def delete(self, p: Principal, name: str) -> Path:
        """Move a fragment to the trash of the workspace's state; return the folder. Raises UnknownName, InUse."""
        trash = self._store.versions.delete(name)
        self._follow(name, "")
        self._audit.record(p, "fragments.delete", name, {"moved_to": str(trash)})
        return trash

    def _fragment(self, name: str, users: FragmentUsers) -> Fragment:
        text = self._store.shelf.text(name)
        return Fragment(name, text, etag_of(text), self._store.check(name, text), users.prompts, users.fragments)

    def _summary(self, name: str, users: FragmentUsers) -> FragmentSummary:
        try:
            found = self._fragment(name, users)
        except OrchestraError:  # not a text
            return FragmentSummary(name, "", 1, [], [])
        return FragmentSummary(name, found.text.removesuffix("\n"), len(found.problems), found.used_by, found.used_in)


def require_storable(text: str) -> None:
    """Raise InvalidInput if a text is too long for a fragment, or is not Unicode text."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        said = f"Character {error.start + 1:,} of the text is half of one."
        raise InvalidInput(said, remedy="Remove it.") from error
    if size > LARGEST_BYTES:
        said = f"The text has {size:,} bytes; at most {LARGEST_BYTES:,} are allowed."
        raise InvalidInput(said, remedy="Make several fragments of it.")


def _read(text: object, name: str) -> str:
    try:
        return str(text(name))  # type: ignore[operator]
    except OrchestraError:  # not a text: it names nothing
        return ""


def _named_in_prompt(text: str, name: str) -> frozenset[str]:
    """Return the fragments that the text of a prompt names; {name} if it is damaged and seems to."""
    if "fragment" not in text and "\\u" not in text:
        return frozenset()
    try:
        return _all_named(text)
    except InvalidFile:
        return frozenset({name}) if name in text else frozenset()


@lru_cache(maxsize=256)
def _all_named(text: str) -> frozenset[str]:
    found = texts_of(parse(text, "").value)
    return frozenset(one.name for _, message in found for one in references(message))
