"""One folder of named JSON files, workflows or prompts: read, saved without losing edits, moved with all they own."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.clock import Clock
from engine.errors import InUse, InvalidFile, StaleEdit, StorageError, UnknownName
from engine.names import checked_name, child
from engine.workspace.canonical import Kind
from engine.workspace.copies import move
from engine.workspace.files import etag, exclusive, make_folder, storage_errors, sync_folder, write_whole
from engine.workspace.history import History
from engine.workspace.jsonfile import JsonFile, parse, read_text

_COMPANIONS = (".layout.json", ".versions", ".cases")
_OUTSIDE_EDITOR = "files"
"""Who saved a text that was changed on disk, past the engine."""


class Shelf:
    """`names()`, `text()`, `read()`, `save()`, `rename()`, `duplicate()`, `delete()` of one folder's files.

    Changes are made under an OS lock, so that of two people who save at once one is told.
    """

    def __init__(self, root: Path, state_dir: Path, kind: Kind, clock: Clock) -> None:
        self.kind = kind
        self.folder = root / f"{kind}s"
        self.history = History(state_dir / "versions" / f"{kind}s")
        self._trash = state_dir / "trash"
        self._lock = state_dir / "edit.lock"
        self._clock = clock

    def names(self) -> list[str]:
        """Return the names of all files that are there, good or broken, sorted."""
        try:
            # A name that is not UTF-8 is shown as well as it can be: half a character would break every screen.
            found = [os.fsencode(path.name).decode("utf-8", "replace") for path in self.folder.iterdir()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._unreadable(error) from error
        return sorted(
            name.removesuffix(".json")
            for name in found
            if name.endswith(".json") and not name.endswith(".layout.json") and not name.startswith(".")
        )

    def path(self, name: str) -> Path:
        """Return where a thing of this name lies or would lie.

        Raises InvalidInput for a name that may not be, StorageError where the folder may not be looked into.
        """
        try:
            return child(self.folder, f"{checked_name(self.kind, name)}.json")
        except OSError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: OSError) -> StorageError:
        return StorageError(f"The folder {self.folder} cannot be read: {error.strerror}.")

    def file(self, name: str) -> str:
        """Return how problems call the file, e.g. `workflows/inbox-triage.json`."""
        return f"{self.folder.name}/{name}.json"

    def text(self, name: str) -> str:
        """Return the text. Raises UnknownName, InvalidInput, InvalidFile where it is no plain UTF-8 file."""
        self._must_exist(name)
        return read_text(self.path(name), self.file(name))

    def read(self, name: str) -> JsonFile:
        """Return the parsed file. Raises as `text`, and InvalidFile with every problem of its JSON."""
        return parse(self.text(name), self.file(name))

    def document(self, name: str) -> dict[str, Any]:
        """Return the JSON object of a file. Raises as `read`, and InvalidFile where it holds something else."""
        value = self.read(name).value
        if not isinstance(value, dict):
            raise InvalidFile(f"{self.file(name)} holds no JSON object.")
        return value

    def changed_at(self, name: str) -> datetime:
        """Return when a file of the list was last written; 1970 where it has just vanished."""
        try:
            return datetime.fromtimestamp((self.folder / f"{name}.json").lstat().st_mtime, UTC)
        except OSError:
            return datetime.fromtimestamp(0, UTC)

    def save(self, name: str, text: str, known_etag: str | None, by: str) -> None:
        """Put `text` on disk if the file still has `known_etag` (None: if there is none yet).

        Raises StaleEdit, InUse (there is one already), UnknownName (there is none), InvalidFile, StorageError.
        """
        path = self.path(name)
        with exclusive(self._lock):
            before = self._unchanged(name, known_etag)
            if text == before:
                return
            if before is not None and before != self.history.latest_text(name):
                self.history.keep(name, before, _OUTSIDE_EDITOR, self._clock())
            version = self.history.keep(name, text, by, self._clock())
            try:
                make_folder(self.folder)
                write_whole(path, text)
            except BaseException:
                self.history.forget(name, version)
                raise

    def rename(self, name: str, new: str) -> None:
        """Give the thing another name, with its layout, versions, cases and history. Raises as `save`."""
        with exclusive(self._lock):
            self._must_exist(name)
            self.require_free(new)
            self._require_room(name, new)
            with storage_errors(self.folder):
                for suffix in (*_COMPANIONS, ".json"):  # the file itself last: cut short, it can be done again
                    self._move(self.folder / f"{name}{suffix}", self.folder / f"{new}{suffix}")
                sync_folder(self.folder)
            self.history.rename(name, new)

    def duplicate(self, name: str, new: str, text: str, by: str) -> None:
        """Make a second thing with `text` and the layout of the first. Raises as `save`."""
        self.save(new, text, None, by)
        layout = self.folder / f"{name}.layout.json"
        if layout.is_file():
            write_whole(self.folder / f"{new}.layout.json", read_text(layout, layout.name))

    def delete(self, name: str) -> Path:
        """Move the thing and all it owns to a folder of its own in the trash; return that folder."""
        with exclusive(self._lock):
            self._must_exist(name)
            target = self._trash_folder(name)
            with storage_errors(target):
                make_folder(target)
                for suffix in (".json", *_COMPANIONS):
                    self._move(self.folder / f"{name}{suffix}", target / f"{name}{suffix}")
                sync_folder(target)  # before the old names are surely gone
                sync_folder(self.folder)
        return target

    def require_free(self, name: str) -> None:
        """Raise InUse where a thing of this name is there already, InvalidInput for a name that may not be."""
        if self._exists(name):
            raise InUse(f"There is already a {self.kind} named {name!r}.", remedy="Choose another name.")

    def layout_path(self, name: str) -> Path:
        """Return where the positions of a drawing lie."""
        return child(self.folder, f"{checked_name(self.kind, name)}.layout.json")

    def _unchanged(self, name: str, known_etag: str | None) -> str | None:
        """Return the text that will be replaced, None for a new file."""
        if known_etag is None:
            self.require_free(name)
            return None
        before = self.text(name)
        if etag(before) != known_etag:
            raise StaleEdit(f"Somebody changed {self.file(name)} since you opened it.")
        return before

    def _must_exist(self, name: str) -> None:
        if not self._exists(name):
            raise UnknownName(self.kind, name, self.names())

    def _require_room(self, name: str, new: str) -> None:
        """Refuse to mix what two things own: a folder moved onto another would land inside it."""
        for suffix in _COMPANIONS:
            source, target = self.folder / f"{name}{suffix}", self.folder / f"{new}{suffix}"
            if source.exists() and target.exists():
                raise InUse(
                    f"{target} is left over from something else.", remedy="Move it away, or choose another name."
                )

    def _exists(self, name: str) -> bool:
        path = self.path(name)
        try:
            return path.exists()
        except OSError as error:
            raise StorageError(f"{path} cannot be read: {error.strerror}.") from error

    def _trash_folder(self, name: str) -> Path:
        stamp = self._clock().astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        wanted = (self._trash / f"{stamp}-{name}{again}" for again in ("", *(f".{number}" for number in range(2, 100))))
        return next(folder for folder in wanted if not folder.exists())

    def _move(self, source: Path, target: Path) -> None:
        if source.exists() or source.is_symlink():
            move(source, target)  # the trash may lie on another disk
