"""A folder of named files, such as workflows: read, saved without losing edits, moved with their companions."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from engine.base.clock import Clock
from engine.base.errors import InUse, InvalidFile, StaleEdit, StorageError, UnknownName, check_again
from engine.base.names import branch_parts, checked_name, checked_workflow, child, file_stem, is_branch, is_file_name
from engine.documents.json_file import BOM, JsonFile, has_bom, parse, read_text
from engine.files.atomic import (
    PRIVATE_FOLDER,
    etag,
    make_folder,
    make_private,
    storage_errors,
    sync_folder,
    write_whole,
)
from engine.files.fingerprint import Stamp, stamp
from engine.files.new_files import FileToCreate, write_new
from engine.store.texts.folder import FolderTexts
from engine.store.texts.texts import TextStore
from engine.workspace.canonical import Kind
from engine.workspace.copies import copy, move
from engine.workspace.history import History
from engine.workspace.step_renames import RENAMES

_COMPANIONS = (".layout.json", ".versions", ".cases")
_ALL = (*_COMPANIONS, ".branches")
"""What is moved with a file; a copy has no branches."""
BASE = ".base.json"
"""The ending of the text from which a branch was made."""
OUTSIDE_EDITOR = "files"
"""The author recorded for a text that was changed on disk, outside the engine."""
# At most 50 million characters in all.
_MOST_TEXTS, _LARGEST_KEPT_TEXT = 500, 100_000


class FileStore:
    """The files of one folder: `names()`, `text()`, `read()`, `save()`, `rename()`, `duplicate()`, `delete()`.

    Changes are made under a lock, so that the second of two simultaneous saves gets StaleEdit.
    """

    def __init__(
        self,
        root: Path,
        state_dir: Path,
        kind: Kind | Literal["fragment", "environment", "tool"],
        clock: Clock,
        folder: str = "",
        suffix: str = ".json",
        texts: TextStore | None = None,
    ) -> None:
        """`folder`: the path below `root`, by default the plural of `kind`; `suffix`: how names of files end.

        `texts`: where saved texts are kept, by default in the folder of the state.
        """
        self.kind = kind
        self._shown = folder or f"{kind}s"
        self.folder = root / self._shown
        self._folder = str(self.folder)
        self._suffix = suffix
        self._kept = FolderTexts(state_dir) if texts is None else texts
        self.history = History(self._kept, f"{kind}s")
        self._trash = state_dir / "trash"
        self._clock = clock
        self.edits = 0
        """How often this process may have changed a file."""
        self._texts: dict[str, tuple[Stamp, str]] = {}
        """Texts already read, each with its stamp, because lists read all files."""

    def names(self) -> list[str]:
        """Return the names of all files, valid or not, sorted."""
        try:
            # Show a name that is not UTF-8 as well as possible: half a character would break every screen.
            names = os.listdir(os.fsencode(self.folder))  # noqa: PTH208 - it is asked often: a Path each takes longer
            found = [name.decode("utf-8", "replace") for name in names]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._unreadable(error) from error
        return sorted(
            name.removesuffix(self._suffix)
            for name in found
            if name.endswith(self._suffix)
            and not name.endswith(".layout.json")
            and not name.startswith(".")
            and "@" not in name  # would be the name of a branch
        )

    def path(self, name: str) -> Path:
        """Return the path for a name, whether the file exists or not.

        Raises InvalidInput for an invalid name, StorageError if the folder cannot be accessed.
        """
        try:
            return self.beside(name, self._suffix)
        except OSError as error:
            raise self._unreadable(error) from error

    def beside(self, name: str, suffix: str) -> Path:
        """Return the path of a file beside the one with a name. Raises InvalidInput."""
        checked = checked_workflow(name) if self.kind == "workflow" else checked_name(self.kind, name)
        path = self.folder / f"{file_stem(checked)}{suffix}"
        folder = self.folder if path.parent == self.folder else child(self.folder, path.parent.name)
        return child(folder, path.name)

    def branches(self, name: str) -> list[str]:
        """Return the names of the branches of a workflow, valid or not, sorted. Raises InvalidInput, StorageError."""
        try:
            found = [one.name for one in child(self.folder, f"{checked_name(self.kind, name)}.branches").iterdir()]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise self._unreadable(error) from error
        names = (one.removesuffix(self._suffix) for one in found if one.endswith(self._suffix))
        return sorted(filter(is_file_name, names))

    def _unreadable(self, error: OSError) -> StorageError:
        return StorageError(f"The folder {self.folder} cannot be read: {error.strerror}.")

    def file(self, name: str) -> str:
        """Return the file's name in problems, e.g. `workflows/inbox-triage.json`."""
        return f"{self._shown}/{file_stem(name)}{self._suffix}"

    def text(self, name: str) -> str:
        """Return the text. Raises UnknownName, InvalidInput, and InvalidFile if it is not a plain UTF-8 file."""
        known = self._texts.get(name)
        if known is not None and known[0] == self.stamp(name):
            return known[1]
        self.require(name)
        as_now = self.stamp(name)
        text = read_text(self.path(name), self.file(name))
        if as_now and len(self._texts) < _MOST_TEXTS and len(text) < _LARGEST_KEPT_TEXT:
            self._texts[name] = (as_now, text)  # a later change has another stamp
        else:
            self._texts.pop(name, None)
        return text

    def stamp(self, name: str) -> Stamp | None:
        """Return what changes with the file; None if it changed too recently to tell, () without a file."""
        return stamp(self._place(name))

    def _place(self, name: str) -> str:
        """Return the path of a listed file; joining paths takes longer than to look at the file."""
        return f"{self._folder}/{file_stem(name)}{self._suffix}"

    def read(self, name: str) -> JsonFile:
        """Return the parsed file. Raises as `text`, and InvalidFile with every JSON problem."""
        return parse(self.text(name), self.file(name))

    def document(self, name: str) -> dict[str, Any]:
        """Return the JSON object of a file. Raises as `read`, and InvalidFile if it contains something else."""
        value = self.read(name).value
        if not isinstance(value, dict):
            file = self.file(name)
            raise InvalidFile(f"{file} does not contain a JSON object.", remedy=check_again(file))
        return value

    def changed_at(self, name: str) -> datetime:
        """Return when a listed file was last written; 1970 if it has just vanished."""
        try:
            return datetime.fromtimestamp(os.lstat(self._place(name)).st_mtime, UTC)
        except OSError:
            return datetime.fromtimestamp(0, UTC)

    @contextmanager
    def editing(self) -> Iterator[None]:
        """Prevent all other changes to files of this workspace. Raises StorageError."""
        with self._kept.locked("edit"):
            try:
                yield
            finally:
                self.edits += 1

    def save(self, name: str, text: str, known_etag: str | None, by: str, merged_from: str = "") -> None:
        """Write `text` if the file still has `known_etag` (None: if it does not exist yet).

        `merged_from`: the branch whose changes it brings. Raises StaleEdit, InUse (it exists already), UnknownName (it
        does not exist), InvalidFile, StorageError.
        """
        self.path(name)
        with self.editing():
            self._put(name, text, self.require_unchanged(name, known_etag), by, merged_from)

    def create(self, texts: Mapping[str, str], by: str, ahead: Sequence[FileToCreate] = ()) -> None:
        """Create files by name, and before them the files `ahead` in the same folder; quicker than `save` of each.

        Raises InUse (one of them exists already; nothing is created), InvalidInput, StorageError.
        """
        with self.editing():
            for name in texts:
                self.require_free(name)
            write_new(self.folder, ahead)
            versions = self.history.keep_new(texts, by, self._clock())
            try:
                write_new(self.folder, [FileToCreate(self.path(name), text) for name, text in texts.items()])
            except BaseException:
                for name, version in versions.items():
                    if not self._exists(name):
                        self.history.forget(name, version)
                raise

    def put(self, name: str, text: str, by: str) -> None:
        """Replace the text of an existing file, for a caller that holds `editing()`. Raises as `save`."""
        self._put(name, text, self.text(name), by)

    def put_new(self, name: str, text: str, by: str) -> None:
        """Write a file that does not exist, for a caller that holds `editing()`. Raises InvalidInput, StorageError."""
        self._put(name, text, None, by)

    def _put(self, name: str, text: str, before: str | None, by: str, merged_from: str = "") -> None:
        if text == before:
            return
        if before is not None and before != self.history.latest_text(name):  # changed by another program
            self.history.keep(name, before, OUTSIDE_EDITOR, self._clock())
        version = self.history.keep(name, text, by, self._clock(), merged_from)
        try:
            path = self.path(name)
            make_folder(path.parent)
            write_whole(path, f"{BOM}{text}" if has_bom(path) else text)
        except BaseException:
            self.history.forget(name, version)
            raise

    def set_history_aside(self, name: str) -> None:
        """Move the saved texts of an earlier file with this name to the trash, for a caller that holds `editing()`.

        Raises StorageError.
        """
        if self.history.versions(name):
            target = self.trash_folder(name)
            make_folder(target, PRIVATE_FOLDER)
            self.history.set_aside(name, target / f"{name}.history")

    def rename(self, name: str, new: str, follow: Callable[[], object] = bool) -> None:
        """Rename the file together with its layout, versions, cases and history; `follow` changes its users.

        If the process dies meanwhile, repeating this completes it: the file itself is moved last. If it fails, what was
        moved is moved back. Raises as `save`.
        """
        with self.editing():
            self.require(checked_name(self.kind, name))
            self.require_free(new)
            self._require_room(name, new, _ALL)
            with storage_errors(self.folder), ExitStack() as back:
                for suffix in _ALL:
                    source, target = self.folder / f"{name}{suffix}", self.folder / f"{new}{suffix}"
                    if source.exists() or source.is_symlink():
                        move(source, target)
                        back.callback(self._move, target, source)
                sync_folder(self.folder)
                for old, other in self._with_branches(name, new):
                    if self.history.versions(old):
                        self.history.rename(old, other)
                        back.callback(self.history.rename, other, old)
                follow()
                self._move(self.path(name), self.path(new))
                back.pop_all()
                sync_folder(self.folder)

    def _with_branches(self, name: str, new: str) -> list[tuple[str, str]]:
        """Return (name, new name) of a workflow whose companions have moved, and of its branches."""
        branches = self.branches(new) if self.kind == "workflow" else []
        return [(name, new), *((f"{name}@{one}", f"{new}@{one}") for one in branches)]

    def duplicate(self, name: str, new: str, text: str, by: str) -> None:
        """Create a second file with `text`, and with the layout, versions and cases of the first. Raises as `save`."""
        with self.editing():
            self._copy(name, new, text, by)

    def rename_by_copy(self, name: str, new: str, follow: Callable[[], object], by: str) -> None:
        """Rename in an order that keeps both names usable until `follow` has changed all users to the new one.

        If interrupted, this can be repeated: an identical copy counts as the one begun before. Raises as `save`.
        """
        with self.editing():
            self.require(name)
            if not self._is_same(name, new):
                self._copy(name, new, self.text(name), by)
            follow()
            with storage_errors(self.folder):
                for suffix in (self._suffix, *_COMPANIONS):
                    _remove(self.folder / f"{name}{suffix}")
                sync_folder(self.folder)
            self.history.rename(name, new)

    def _copy(self, name: str, new: str, text: str, by: str) -> None:
        self.require(name)
        self.require_free(new)
        with storage_errors(self.folder):
            for suffix in _COMPANIONS:
                if not _is_begun(self.folder / f"{name}{suffix}", self.folder / f"{new}{suffix}"):
                    self._require_room(name, new, [suffix])
            for suffix in _COMPANIONS:
                if (self.folder / f"{name}{suffix}").exists():
                    copy(self.folder / f"{name}{suffix}", self.folder / f"{new}{suffix}")
        self._put(new, text, None, by)

    def _is_same(self, name: str, new: str) -> bool:
        return new != name and all(
            _contents(self.folder / f"{name}{suffix}") == _contents(self.folder / f"{new}{suffix}")
            for suffix in (self._suffix, *_COMPANIONS)
        )

    def delete(self, name: str, check: Callable[[], object] = bool) -> Path:
        """Move the file and its companions to a new folder in the trash; return that folder.

        `check` raises if deletion is not allowed; no file of the workspace changes between it and the end.
        """
        with self.editing():
            self.require(name)
            check()
            target = self.trash_folder(name)
            with storage_errors(target):
                make_folder(target, PRIVATE_FOLDER)
                for suffix in (self._suffix, *((".layout.json", BASE, RENAMES) if is_branch(name) else _ALL)):
                    self._move(self.folder / f"{file_stem(name)}{suffix}", target / f"{name}{suffix}")
                make_private(target)
                sync_folder(target)  # before the old names are certainly gone
                sync_folder(self.path(name).parent)
                if is_branch(name):
                    with suppress(OSError):  # other branches are left
                        self.path(name).parent.rmdir()
        return target

    def require_free(self, name: str) -> None:
        """Raise InUse if a file of this name exists, InvalidInput for an invalid name."""
        if self._exists(checked_name(self.kind, name)):
            raise InUse(f"The name {name!r} is taken by another {self.kind}.", remedy="Choose another name.")

    def layout_path(self, name: str) -> Path:
        """Return the path of the layout file."""
        return self.beside(name, ".layout.json")

    def require_unchanged(self, name: str, known_etag: str | None) -> str | None:
        """Return the text to be replaced, or None for a new file. Raises as `save`."""
        if known_etag is None:
            self.require_free(name)
            return None
        before = self.text(name)
        if etag(before) != known_etag:
            raise StaleEdit(f"Somebody changed {self.file(name)} since you opened it.")
        return before

    def require(self, name: str) -> None:
        """Raise UnknownName if there is no such file, InvalidInput for an invalid name, StorageError."""
        if not self._exists(name):
            workflow, branch = branch_parts(name)
            if branch and self._exists(workflow):
                raise UnknownName(f"branch of {workflow}", branch, self.branches(workflow))
            raise UnknownName(self.kind, workflow, self.names())

    def _require_room(self, name: str, new: str, suffixes: Sequence[str] = _COMPANIONS) -> None:
        """Refuse to mix the companions of two files: a folder moved onto another would end up inside it."""
        for suffix in suffixes:
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

    def trash_folder(self, name: str) -> Path:
        """Return a folder in the trash that is not there yet, named after the time and this name."""
        stamp = self._clock().astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        wanted = (self._trash / f"{stamp}-{name}{again}" for again in ("", *(f".{number}" for number in range(2, 100))))
        return next(folder for folder in wanted if not folder.exists())

    def _move(self, source: Path, target: Path) -> None:
        if source.exists() or source.is_symlink():
            move(source, target)  # the trash may be on another disk


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _contents(path: Path) -> Any:
    """Return a value that is equal for files, or folders of files, with equal content."""
    if path.is_dir():
        return {one.name: _contents(one) for one in path.iterdir()}
    return path.read_bytes() if path.exists() else None


def _is_begun(source: Path, target: Path) -> bool:
    """Return whether `target` can only be an interrupted copy of `source`."""
    if source.is_dir() and target.is_dir():
        return all(one.name.startswith(".") or _is_begun(source / one.name, one) for one in target.iterdir())
    return bool(_contents(source) == _contents(target))
