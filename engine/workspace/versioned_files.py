"""What workflows, prompts, fragments, agents and tools have in common: drafts, versions, labels, trash and renames.

The draft is the file as it is; the last texts that were saved are kept beside it (`history.py`). A version is a text
with a number, which never changes: `<name>.versions/<number>.json`. A label names a version (`version_labels.py`).
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Generic, Protocol, TypeVar

from msgspec import Meta, Struct

from clients.wording import did_you_mean
from engine.base.clock import Clock, timestamp, utc_now
from engine.base.errors import InUse, InvalidFile, StaleEdit, StorageError, UnknownName
from engine.base.names import checked_name, child, is_branch
from engine.compiler.definition.environment import CURRENT
from engine.documents.json_file import read_text
from engine.files.atomic import etag as etag_of
from engine.files.atomic import make_folder, write_whole
from engine.files.fingerprint import Stamp, stamp
from engine.workspace.file_store import OUTSIDE_EDITOR, FileStore
from engine.workspace.history import TextVersion
from engine.workspace.version_labels import VersionLabel, VersionLabels, same_label

ALWAYS = "1970-01-01T00:00:00.000Z"
"""The time of a version whose time is unknown: every rename of a step counts as later."""
_NUMBER = re.compile(r"[1-9][0-9]{0,8}\Z")
_MOST_TEXTS = 200
Document = TypeVar("Document")
NewName = Annotated[
    str, Meta(min_length=1, max_length=64, description="The new name: lower-case letters, digits, '-' and '_'.")
]


class FileUsers(Protocol):
    """The files that name those of one kind."""

    def require_none(self, name: str) -> None:
        """Raise InUse if a file uses the name."""

    def require_readable(self, name: str) -> None:
        """Raise InvalidFile if a file that seems to use the name cannot be read."""

    def rename(self, name: str, new: str, by: str) -> list[str]:
        """Replace the name in every file that uses it, for a caller that holds `editing()`; return those to show."""


class DeletedItem(Struct, frozen=True):
    """What was deleted, and its folder in the trash."""

    name: str
    trash: str
    """The name of the folder, such as `20261120T073000Z-inbox-triage`."""

    @staticmethod
    def of(folder: Path, given: Mapping[str, Any]) -> DeletedItem:
        """Return the answer for a folder in the trash."""
        return DeletedItem(given["name"], folder.name)


class FoundVersion(Struct, frozen=True):
    """A text of a file that somebody named."""

    text: str
    made_at: str
    """A time at which the file was this text, RFC 3339; "" if it is now."""
    words: str
    """What to call it: `version 3`, `version before May`, `the file as it is`."""
    file: str = ""
    """Its name in problems."""
    number: int | None = None
    """Its number, if it was found by that or by a label."""


@dataclass(frozen=True)
class SavedVersion(TextVersion):
    """One line of the list of versions. `id` names it; so do each of its labels, and its number."""

    number: int | None = None
    """The number that a label or a promotion gave it; None if neither did."""
    labels: list[str] = field(default_factory=list)


class VersionedFiles(Generic[Document]):
    """The files of one kind with their versions and labels. Any thread.

    A `version` is the id of a saved text, a number, a label, or `current`: the draft.
    """

    def __init__(
        self,
        drafts: FileStore,
        parsed: Callable[[str, str], Document],
        users: FileUsers,
        labels: VersionLabels | None = None,
        times: Callable[[str, int], Iterable[str]] = lambda _name, _number: (),
        clock: Clock = utc_now,
    ) -> None:
        """`parsed(text, file)` returns what is in a text; `file` is its name in problems.

        `times(name, number)`: when the file was a version, as others know it.
        """
        self.drafts, self.users, self.labels = drafts, users, labels or VersionLabels(drafts)
        self._parsed, self._times, self._clock = parsed, times, clock
        self._texts: dict[tuple[str, int], tuple[Stamp, str, str]] = {}
        """Texts already read, each with its stamp and hash: every start of a run asks for one."""

    def numbers(self, name: str) -> builtins.list[int]:
        """Return the numbers of the versions of a file, ascending. Raises InvalidInput."""
        try:
            found = [path.stem for path in self._folder(name).glob("*.json")]
        except OSError:
            return []
        return sorted(int(stem) for stem in found if _NUMBER.match(stem))

    def version_file(self, name: str, number: int) -> str:
        """Return the name of a version's file in problems."""
        return f"{self.drafts.file(name).rpartition('.')[0]}.versions/{number}.json"

    def version_text(self, name: str, number: int, known_hash: str = "") -> str:
        """Return the text of a version. Raises UnknownName, and InvalidFile if it has another hash."""
        text, its_hash = self._text(name, number)
        if known_hash and its_hash != known_hash:
            raise InvalidFile(
                f"{self.version_file(name, number)} was changed after it was promoted.",
                remedy=f"Restore it, such as with git, or promote the {self.drafts.kind} again.",
            )
        return text

    def version(self, name: str, number: int) -> Document:
        """Return what is in a version. Raises UnknownName, InvalidFile."""
        return self._parsed(self.version_text(name, number), self.version_file(name, number))

    def _text(self, name: str, number: int) -> tuple[str, str]:
        """Return the text of a version and its hash. Raises as `version_text`."""
        as_now = stamp(f"{self.drafts.folder}/{name}.versions/{number}.json")
        found = self._texts.get((name, number))
        if found is None or not as_now or found[0] != as_now:  # no stamp: the file is gone, or has only just changed
            known = self.numbers(name)
            if number not in known:
                raise self._unknown(name, str(number), map(str, known))
            text = read_text(self._path(name, number), self.version_file(name, number))
            found = as_now or (), text, etag_of(text)
            if len(self._texts) >= _MOST_TEXTS:
                self._texts.clear()
            self._texts[name, number] = found
        return found[1:]

    def number_of(self, name: str, text: str) -> int | None:
        """Return the number of the newest version with this text, None if no version has it."""
        return next((one for one in reversed(self.numbers(name)) if self._readable(name, one) == text), None)

    def next_number(self, name: str) -> int:
        """Return the number of the next version to be made."""
        return max(self.numbers(name), default=0) + 1

    def make(self, name: str, text: str) -> int:
        """Return the number of the version with this text, and make one if no version has it.

        For a caller that holds `editing()` of the drafts. Raises StorageError.
        """
        number = self.number_of(name, text)
        return self.add(name, text) if number is None else number

    def add(self, name: str, text: str) -> int:
        """Make the next version; return its number. For a caller that holds `editing()`. Raises StorageError."""
        number = self.next_number(name)
        path = self._path(name, number)
        make_folder(path.parent)
        if path.exists():
            raise StorageError(f"{path} is there already, and a version never changes.")
        write_whole(path, text)
        return number

    def saved(self, name: str) -> builtins.list[TextVersion]:
        """Return the last 20 saved texts of a file, newest first. Raises UnknownName, InvalidInput."""
        self.drafts.require(name)
        return self.drafts.history.versions(name)

    def list(self, name: str) -> builtins.list[SavedVersion]:
        """Return the last 20 saved texts of a file, newest first, then its other versions that have a number.

        Raises UnknownName, InvalidInput, InvalidFile.
        """
        saved, labels, texts = self.saved(name), self._labels(name), self._numbers_by_text(name)
        rows, listed = list[SavedVersion](), set[int]()
        for one in saved:
            same = texts.get(self._saved_text(name, one), [])
            named = [label for label, at in labels.items() if at.version in same]
            number = max(same, default=None)
            rows.append(SavedVersion(one.id, one.saved_at, one.saved_by, one.merged_from, number, named))
            listed.update(same)
        others = [one for one in reversed(self._numbers(name)) if one not in listed]
        return rows + [_numbered_row(one, labels) for one in others]

    def row(self, name: str, number: int) -> SavedVersion:
        """Return the newest line that has a number. Raises InvalidInput, InvalidFile."""
        found = (one for one in self.list(name) if one.number == number)
        return next(found, None) or _numbered_row(number, self._labels(name))

    def document(self, name: str, version: str = CURRENT) -> Document:
        """Return what is in the text that a person means by `version`. Raises as `find`, InvalidFile."""
        found = self.find(name, version)
        return self._parsed(found.text, found.file)

    def find(self, name: str, version: str) -> FoundVersion:
        """Return the text that a person means by `version`. Raises UnknownName, InvalidFile, InvalidInput."""
        if version == CURRENT:
            return FoundVersion(self.drafts.text(name), "", "the file as it is", self.drafts.file(name))
        self.drafts.path(name)
        saved = self.drafts.history.versions(name)
        for place, one in enumerate(saved):
            if one.id == version:
                text = self.drafts.history.text(name, one.id)
                return FoundVersion(text, _made_at(saved[place:]), f"version of {one.saved_at}", self.drafts.file(name))
        labels = self._labels(name)
        if label := same_label(version, labels):
            named = labels[label]
            return self._found(name, named.version, named.made_at, f"version {label}")
        numbers = self._numbers(name)
        if not version.isdecimal() or int(version) not in numbers:
            raise self._unknown(name, version, [*labels, *(one.id for one in saved), *map(str, numbers)])
        return self._found(name, int(version), "", f"version {int(version)}")

    def keep(
        self,
        name: str,
        version: str,
        label: str,
        by: str,
        etag: str | None = None,
        check: Callable[[FoundVersion], object] = bool,
    ) -> SavedVersion:
        """Make a text a version that has a number, and give it the label, "" for none; return its line.

        `etag`: of the text that is meant; `check` raises if the text must not be a version. Raises UnknownName,
        InvalidInput (it cannot be a label), InUse (another version has it, and it does not move), InvalidFile,
        StaleEdit, StorageError.
        """
        label = self.labels.checked(label) if label else ""
        with self.drafts.editing():
            found, labels = self.find(name, version), self.labels.all(name)
            if etag is not None and etag != etag_of(found.text):
                raise StaleEdit(f"Somebody changed {found.file} since you opened it.")
            check(found)
            number = found.number or self.number_of(name, found.text)
            taken = same_label(label, labels)
            if taken and not self.labels.move and labels[taken].version != number:
                raise _taken(name, taken, labels[taken])
            number = number or self.add(name, found.text)
            if label and (not taken or self.labels.move):
                now = timestamp(self._clock())
                made_at = "" if found.made_at == ALWAYS else found.made_at or now
                one = VersionLabel(version=number, made_at=made_at, labelled_at=now, labelled_by=by)
                if self.labels.move:  # runs use the version that it names
                    one = one.model_copy(update={"hash": etag_of(found.text)})
                self.labels.put(name, {**_without(labels, taken), label: one}, by)
        return self.row(name, number)

    def rename_label(self, name: str, label: str, new: str, by: str) -> SavedVersion:
        """Give a label another name. Raises UnknownName, InvalidInput, InUse, InvalidFile, StorageError."""
        new = self.labels.checked(new)
        with self.drafts.editing():
            labels, old = self.labels.all(name), self.known_label(name, label)
            taken = same_label(new, labels)
            if taken not in ("", old):  # a change of case alone is allowed
                raise _taken(name, taken, labels[taken])
            self.labels.put(name, {**_without(labels, old), new: labels[old]}, by)
        return self.row(name, labels[old].version)

    def remove_label(self, name: str, label: str, by: str) -> SavedVersion:
        """Take a label from its version, which stays. Raises UnknownName, InUse, InvalidFile, StorageError."""
        with self.drafts.editing():
            self.drafts.require(name)
            labels, old = self.labels.all(name), self.known_label(name, label)
            self.labels.require_removable(name, old)
            self.labels.put(name, _without(labels, old), by)
        return self.row(name, labels[old].version)

    def rename(self, name: str, new: str, by: str) -> builtins.list[str]:
        """Rename a file with its versions, also in the files that use it; return these.

        At every moment each of them names a file that is there. Raises UnknownName, InUse, InvalidInput, InvalidFile (a
        file that seems to use it cannot be read), StorageError.
        """
        changed: builtins.list[str] = []
        self.users.require_readable(checked_name(self.drafts.kind, name))
        self.drafts.rename_by_copy(name, new, lambda: changed.extend(self.users.rename(name, new, by)), by)
        return changed

    def delete(self, name: str, check: Callable[[], object] = bool) -> Path:
        """Move a file with its versions to the trash; return the folder there.

        `check` raises if it must stay for another reason than its users. Raises UnknownName, InUse, StorageError.
        """

        def checks() -> None:
            self.users.require_none(name)
            check()

        return self.drafts.delete(name, checks)

    def label_numbers(self, name: str) -> dict[str, int]:
        """Return the labels of a file with the numbers of their versions. Raises InvalidFile, InvalidInput."""
        return {label: one.version for label, one in self.labels.all(name).items()}

    def known_label(self, name: str, label: str) -> str:
        """Return a label as it is stored. Raises UnknownName, InvalidFile."""
        labels = self.labels.all(name)
        found = same_label(" ".join(label.split()), labels)
        if not found:
            raise UnknownName(f"label of the {self.drafts.kind} {name}", label, [*labels])
        return found

    def _labels(self, name: str) -> dict[str, VersionLabel]:
        return {} if is_branch(name) else self.labels.all(name)

    def _found(self, name: str, number: int, made_at: str, words: str) -> FoundVersion:
        made_at = made_at or self._known_time(name, number)
        return FoundVersion(self.version_text(name, number), made_at, words, self.version_file(name, number), number)

    def _unknown(self, name: str, version: str, known: Iterable[str]) -> UnknownName:
        kind, names = self.drafts.kind, [*known]
        listed = f"{did_you_mean(version, names)} `orchestra {kind}s versions {name}` lists them."
        return UnknownName(f"version of the {kind} {name}", version, remedy=listed.strip() if names else "")

    def _known_time(self, name: str, number: int) -> str:
        """Return a time at which the file was a version that has a number."""
        labelled = (one.made_at for one in self.labels.all(name).values() if one.version == number)
        return max([*self._times(name, number), *labelled], default="") or ALWAYS

    def _numbers(self, name: str) -> builtins.list[int]:
        return [] if is_branch(name) else self.numbers(name)

    def _numbers_by_text(self, name: str) -> dict[str | None, builtins.list[int]]:
        """Return the numbers of the readable versions by their texts."""
        found: dict[str | None, builtins.list[int]] = {}
        for number in self._numbers(name):
            found.setdefault(self._readable(name, number), []).append(number)
        found.pop(None, None)
        return found

    def _readable(self, name: str, number: int) -> str | None:
        with suppress(InvalidFile):
            return self.version_text(name, number)
        return None

    def _saved_text(self, name: str, version: TextVersion) -> str | None:
        with suppress(InvalidFile, UnknownName):
            return self.drafts.history.text(name, version.id)
        return None

    def _folder(self, name: str) -> Path:
        return child(self.drafts.folder, f"{checked_name(self.drafts.kind, name)}.versions")

    def _path(self, name: str, number: int) -> Path:
        return self._folder(name) / f"{number}.json"


def _without(labels: Mapping[str, VersionLabel], label: str) -> dict[str, VersionLabel]:
    return {one: named for one, named in labels.items() if one != label}


def _taken(name: str, label: str, named: VersionLabel) -> InUse:
    return InUse(
        f"The label {label!r} names version {named.version} of {name}.",
        remedy="Choose another one, or remove or rename that label first.",
    )


def _made_at(versions: list[TextVersion]) -> str:
    """Return a time at which the file was the first of these versions, which are listed newest first.

    A text that was changed outside the engine is kept when it is replaced. If that save renames steps, this is too
    late, so the time of the version before it counts.
    """
    first, *earlier = versions
    if first.saved_by != OUTSIDE_EDITOR:
        return first.saved_at
    return earlier[0].saved_at if earlier else ALWAYS


def _numbered_row(number: int, labels: Mapping[str, VersionLabel]) -> SavedVersion:
    named = {label: one for label, one in labels.items() if one.version == number}
    first = min(named.values(), key=lambda one: one.labelled_at, default=None)
    return SavedVersion(str(number), "" if first is None else first.made_at, "", "", number, [*named])
