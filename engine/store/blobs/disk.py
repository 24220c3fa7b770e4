"""Blobs in a folder of the local disk, which people may read, copy and back up."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from itertools import count
from pathlib import Path

from engine.base.errors import StorageError
from engine.base.threads import shared_property
from engine.documents.json_file import unreadable
from engine.files.atomic import (
    PRIVATE_FILE,
    PRIVATE_FOLDER,
    AtomicFileBatch,
    make_folder,
    storage_errors,
    sync_folder,
    write_hashed,
    write_whole,
)
from engine.files.copying import copy_hashed
from engine.files.fingerprint import Stamp, stamp
from engine.files.group_sync import GroupSync

_FEWEST = 4
"""From this number of blobs on, one sync of the file system is faster than a sync per file."""


class DiskBlobs:
    """Each blob is a file, and each folder a folder.

    A process that may be shut out writes each file in a folder of its own (`.drafts/<process>`) first, and then moves
    it into place. Once another process has removed that folder, nothing can be moved into place.
    """

    def __init__(self, folder: Path, drafts: DraftFolders | None = None) -> None:
        self._folder, self._drafts = folder, drafts

    @shared_property
    def _group(self) -> GroupSync:
        return GroupSync(self._folder)

    def close(self) -> None:
        """Do nothing: no file stays open."""

    def where(self, name: str) -> str:
        """Return the path of a blob."""
        return str(self._path(name))

    def get(self, name: str) -> bytes | None:
        """Return a blob, or None if it does not exist. Raises InvalidFile if it cannot be read, StorageError."""
        path = self._path(name)
        try:
            return path.read_bytes()
        except OSError as error:
            if isinstance(error, FileNotFoundError) and not path.is_symlink():  # a dangling link is damage, not absence
                return None
            unreadable(str(path), path, error)

    @contextmanager
    def opened(self, name: str) -> Iterator[Path | None]:
        """Give the file itself; None if it does not exist."""
        path = self._path(name)
        yield path if path.is_file() and not path.is_symlink() else None

    def exists(self, name: str) -> bool:
        """Return whether there is such a file."""
        return self._path(name).exists()

    def version(self, name: str) -> Stamp | None:
        """Return a fingerprint of the file's metadata; None for a link, and right after a change."""
        return stamp(self._path(name)) or None

    def names(self, folder: str = "") -> list[str]:
        """Return the full names of the blobs and folders directly in a folder, sorted. Raises StorageError."""
        path = self._path(folder)
        try:
            with os.scandir(path) as entries:  # knows what is a folder without asking for each
                found = [f"{folder}{one.name}{'/' * _is_folder(one)}" for one in entries if one.name[0] != "."]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise StorageError(f"{path} cannot be read: {error.strerror}.") from error
        return sorted(found)

    def size_bytes(self, *names: str) -> int:
        """Return the total size of these files and of the files directly in these folders; 0 for what is missing."""
        files = [self._path(name) for name in names if not name.endswith("/")]
        inside = [one for name in names if name.endswith("/") for one in self._path(name).glob("*")]
        return sum(map(_size_bytes, [*files, *inside]))

    def put(self, name: str, data: bytes) -> None:
        """Replace a file atomically; it is on disk when this returns. Raises StorageError, Fenced."""
        with self._drafting() as drafts:
            self._made(name.rpartition("/")[0])
            write_whole(self._path(name), data, PRIVATE_FILE, drafts)

    def put_all(self, blobs: Iterable[tuple[str, bytes]], count: int) -> dict[str, Exception]:
        """Replace files that share one sync, if that is faster; return {name: error} for those not on disk."""
        errors: dict[str, Exception] = {}
        with self._drafting() as folder:
            group = self._group if count >= _FEWEST and self._group.is_worth_it() else None
            drafts, names, folders = AtomicFileBatch(folder, group), dict[Path, str](), dict[str, Path]()
            for name, data in blobs:
                inside, _, file_name = name.rpartition("/")
                try:
                    path = (folders.get(inside) or folders.setdefault(inside, self._made(inside))) / file_name
                    drafts.write(path, data)
                except StorageError as error:  # the others are written all the same
                    errors[name] = error
                else:
                    names[path] = name
            return errors | {names[path]: error for path, error in drafts.put().items()}

    def put_hashed(self, folder: str, data: bytes) -> str:
        """Write a file named by its SHA-256, and return the hash, which is computed meanwhile. Raises StorageError."""
        return write_hashed(self._path(folder), data).name

    def put_file_hashed(self, folder: str, source: Path) -> str:
        """Copy a file to one that is named by its SHA-256, and return the hash. Raises StorageError."""
        return copy_hashed(self._path(folder), source).name

    def remove(self, names: Iterable[str]) -> None:
        """Delete files and folders, and the folders that are empty then. Raises StorageError."""
        left = set[Path]()
        for name in names:
            path = self._path(name)
            left.add(path.parent)
            with storage_errors(path), suppress(FileNotFoundError):  # another process may be removing it, too
                if name.endswith("/"):
                    shutil.rmtree(path)
                else:
                    path.unlink()
        for folder in sorted(left - {self._folder}):
            with suppress(OSError):  # others remain in it, or one has just been put there
                folder.rmdir()
        for folder in {one if one.is_dir() else self._folder for one in left}:
            with storage_errors(folder), suppress(FileNotFoundError):  # another process may have removed it, too
                sync_folder(folder)

    def admit(self, process: str) -> None:
        """Make the folder for the drafts of a process. Raises StorageError."""
        make_folder(self._drafts_of(process), PRIVATE_FOLDER)

    def shut_out(self, process: str) -> None:
        """Remove the folder for the drafts of a process. Raises StorageError.

        It is renamed first: while its files are being removed, the process could make another folder in it.
        """
        folder, gone = self._drafts_of(process), self._drafts_of(f".gone-{os.urandom(4).hex()}")
        with storage_errors(folder), suppress(FileNotFoundError):  # it has none, or was shut out before
            folder.rename(gone)
        for left in folder.parent.glob(".gone-*"):  # also what a crash has left here
            shutil.rmtree(left, ignore_errors=True)

    def put_by(self, process: str, admit: Callable[[], None]) -> DiskBlobs:
        """Return these blobs, put through the folder of a process."""
        return DiskBlobs(self._folder, DraftFolders(self._drafts_of(process), admit))

    def _path(self, name: str) -> Path:
        return self._folder / name

    def _made(self, folder: str) -> Path:
        """Return the path of a folder that exists."""
        path = self._path(folder)
        make_folder(path, PRIVATE_FOLDER)
        return path

    def _drafts_of(self, process: str) -> Path:
        return self._folder / ".drafts" / process

    def _drafting(self) -> AbstractContextManager[Path]:
        if self._drafts is not None:
            return self._drafts.one()
        make_folder(self._folder, PRIVATE_FOLDER)
        return nullcontext(self._folder)


class DraftFolders:
    """The folders in which a process writes files before they are in place.

    Threads that create files in the same folder block each other, so each that writes has one for itself.
    """

    def __init__(self, folder: Path, admit: Callable[[], None]) -> None:
        self._folder, self._admit = folder, admit
        self._free: list[Path] = []
        self._numbers = count()

    @contextmanager
    def one(self) -> Iterator[Path]:
        """Use a folder that no other thread is using; all may be missing. Raises StorageError, Fenced."""
        try:
            folder = self._free.pop()
        except IndexError:
            folder = self._folder / str(next(self._numbers))
        try:
            if not folder.is_dir():
                self._make(folder)
            yield folder
        finally:
            self._free.append(folder)

    def _make(self, folder: Path) -> None:
        with storage_errors(folder):
            try:
                folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
            except FileNotFoundError:
                self._admit()
                folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a folder; a link that leads in a circle is not."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _size_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
