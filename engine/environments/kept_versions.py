"""Finds a kept text of a workflow or agent by what a person calls it: a saved version, a number, a label, `current`."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from msgspec import Struct

from clients.wording import did_you_mean
from engine.base.errors import InvalidFile, OrchestraError, UnknownName
from engine.base.names import is_branch
from engine.compiler.definition.environment import CURRENT
from engine.environments.environment_files import EnvironmentFiles
from engine.environments.version_labels import VersionLabel, VersionLabels
from engine.environments.versions import Versions
from engine.workspace.file_store import OUTSIDE_EDITOR, FileStore
from engine.workspace.history import TextVersion

ALWAYS = "1970-01-01T00:00:00.000Z"
"""The time of a version whose time is unknown: every rename of a step counts as later."""


class KeptVersion(Struct, frozen=True):
    """A kept text of a file."""

    text: str
    made_at: str
    """A time at which the file was this text, RFC 3339; "" if it is now."""
    words: str
    """What to call it: `version 3`, `version before May`, `the file as it is`."""


@dataclass(frozen=True)
class SavedVersion:
    """One line of the list of versions. `id` names it; so do each of its labels, and its number."""

    id: str
    saved_at: str
    """RFC 3339; "" if unknown."""
    saved_by: str
    """The id of a principal; "" if unknown."""
    merged_from: str
    """The branch whose changes came in with this text."""
    number: int | None
    """The number that a label or a promotion gave it; None if neither did."""
    labels: list[str]

    @property
    def words(self) -> str:
        """Who saved it: "local:ann", "local:ann, merged from branch labels"."""
        return TextVersion(self.id, self.saved_at, self.saved_by, self.merged_from).words


class KeptVersions:
    """The saved texts of the files of a folder, the numbered ones, and their labels."""

    def __init__(self, shelf: FileStore, numbered: Versions, environments: EnvironmentFiles | None = None) -> None:
        """`environments`: the ones that name versions; None if no environment does (agents)."""
        self._shelf, self.numbered, self._environments = shelf, numbered, environments
        self.labels = VersionLabels(shelf)

    def list(self, name: str) -> builtins.list[SavedVersion]:
        """Return the last 20 saved texts of a file, newest first, then its other numbered versions.

        Raises InvalidInput, InvalidFile.
        """
        self._shelf.path(name)
        history = self._shelf.history.versions(name)
        if is_branch(name):
            return [_row(one, [], {}) for one in history]
        labels, texts = self.labels.all(name), self._texts(name)
        rows, listed = list[SavedVersion](), set[int]()
        for one in history:
            numbers = texts.get(self._history_text(name, one), [])
            rows.append(_row(one, numbers, labels))
            listed.update(numbers)
        others = [one for one in reversed(self.numbered.numbers(name)) if one not in listed]
        return rows + [_numbered_row(number, labels) for number in others]

    def row(self, name: str, number: int) -> SavedVersion:
        """Return the newest line that has a number. Raises InvalidInput, InvalidFile."""
        labels = self.labels.all(name)
        return next((one for one in self.list(name) if one.number == number), _numbered_row(number, labels))

    def find(self, name: str, version: str) -> KeptVersion:
        """Return the text that a person means by `version`. Raises UnknownName, InvalidFile, InvalidInput."""
        self._shelf.path(name)
        if version == CURRENT:
            return KeptVersion(self._shelf.text(name), "", "the file as it is")
        history = self._shelf.history.versions(name)
        for place, one in enumerate(history):
            if one.id == version:
                words = f"version of {one.saved_at}"
                return KeptVersion(self._shelf.history.text(name, one.id), _made_at(history[place:]), words)
        labels = {} if is_branch(name) else self.labels.all(name)
        wanted = version.casefold()
        for label, named in labels.items():
            if label.casefold() == wanted:
                text = self.numbered.text(name, named.version)
                return KeptVersion(text, named.made_at or self._known_time(name, named.version), f"version {label}")
        return self._by_number(name, version, [*labels, *(one.id for one in history)])

    def _by_number(self, name: str, version: str, others: builtins.list[str]) -> KeptVersion:
        numbers = [] if is_branch(name) else self.numbered.numbers(name)
        if not version.isdecimal() or int(version) not in numbers:
            hint = did_you_mean(version, [*others, *map(str, numbers)])
            listed = f"`orchestra {self._shelf.kind}s versions {name}` lists them."
            raise UnknownName(f"version of {name}", version, remedy=f"{hint} {listed}".strip())
        number = int(version)
        return KeptVersion(self.numbered.text(name, number), self._known_time(name, number), f"version {number}")

    def _known_time(self, name: str, number: int) -> str:
        """Return a time at which the file was a numbered version."""
        try:
            files = {} if self._environments is None else self._environments.all()
            entries = [one.workflows[name] for one in files.values() if name in one.workflows]
        except OrchestraError:
            entries = []
        known = [one.made_at for entry in entries for one in (entry, *entry.earlier) if one.version == number]
        known += [one.made_at for one in self.labels.all(name).values() if one.version == number]
        return max(known, default="") or ALWAYS

    def _texts(self, name: str) -> dict[str, builtins.list[int]]:
        """Return the numbers of the readable numbered versions, by their texts."""
        found: dict[str, builtins.list[int]] = {}
        for number in self.numbered.numbers(name):
            with suppress(InvalidFile):
                found.setdefault(self.numbered.text(name, number), []).append(number)
        return found

    def _history_text(self, name: str, version: TextVersion) -> str:
        try:
            return self._shelf.history.text(name, version.id)
        except (InvalidFile, UnknownName):
            return ""


def _made_at(versions: list[TextVersion]) -> str:
    """Return a time at which the file was the first of these versions, which are listed newest first.

    A text that was changed outside the engine is kept when it is replaced. If that save renames steps, this is too
    late, so the time of the version before it counts.
    """
    first, *earlier = versions
    if first.saved_by != OUTSIDE_EDITOR:
        return first.saved_at
    return earlier[0].saved_at if earlier else ALWAYS


def _row(version: TextVersion, numbers: list[int], labels: Mapping[str, VersionLabel]) -> SavedVersion:
    named = [label for label, one in labels.items() if one.version in numbers]
    number = max(numbers, default=None)
    return SavedVersion(version.id, version.saved_at, version.saved_by, version.merged_from, number, named)


def _numbered_row(number: int, labels: Mapping[str, VersionLabel]) -> SavedVersion:
    named = {label: one for label, one in labels.items() if one.version == number}
    first = min(named.values(), key=lambda one: one.labelled_at, default=None)
    saved_at = first.made_at if first is not None else ""
    return SavedVersion(str(number), saved_at, "", "", number, [*named])
