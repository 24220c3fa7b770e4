"""Atomic files: complete or absent, even after a crash during a write.

A file is written under a temporary name in the same file system, synced, and then renamed into place; the folder is
synced last, because syncing a file does not make its name durable.
"""

from __future__ import annotations

import os
import stat
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import cast

from engine.base.errors import StorageError, storage_remedy
from engine.files.group_sync import GroupSync

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
"""Everything in `logs/` and the state folder is private to its owner, whatever the umask."""
SHARED_FILE = 0o664
SHARED_FOLDER = 0o775
"""Workflows, prompts and settings decide what happens to somebody's accounts: they are never world-writable."""
_making = threading.Lock()
"""Held while folders are made: a thread that finds a folder being made waits until its name is on disk."""


def etag(text: str) -> str:
    """Return 16 hex digits that change when `text` does."""
    import hashlib  # 4 MB, which the process that holds the port does without

    # JSON can hold half a character (a lone surrogate), which plain UTF-8 refuses.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def write_whole(path: Path, content: str | bytes, mode: int = SHARED_FILE, drafts: Path | None = None) -> None:
    """Replace `path` with `content` (text as UTF-8) atomically; it is on disk when this returns.

    An existing file keeps its permissions, as far as `mode` allows; a new one gets `mode` less the umask. Raises
    StorageError: then the old file is unchanged, and no temporary file remains. `drafts` is the folder for the
    temporary file; default: the folder of `path`.
    """
    with storage_errors(path):
        data = content if isinstance(content, bytes) else content.encode()
        before = _mode_of(path)
        _put(path, data, drafts or path.parent, mode, None if before is None else before & (mode | 0o111))
        sync_folder(path.parent)


def remove(path: Path) -> None:
    """Delete a file, if it exists; its name is gone from the disk when this returns. Raises StorageError."""
    with storage_errors(path):
        if path.exists():
            path.unlink()
            sync_folder(path.parent)


class AtomicFileBatch:
    """Private files that are put in place together: all are written, then synced, then renamed.

    A file gets its name only once its content is on disk. Every system call counts, since logs are written hundreds at
    a time: `group` syncs all of them with one call; without it each is synced separately.
    """

    def __init__(self, folder: Path, group: GroupSync | None = None) -> None:
        self._folder, self._group, self._mark = folder, group, os.urandom(4).hex()
        self._written: list[tuple[str, Path]] = []
        self._first: int | None = None
        """The first file stays open: the sync reports write errors that occurred since it was opened."""

    def write(self, path: Path, data: bytes) -> None:
        """Write the future content of `path` to a temporary file. Raises StorageError, and then leaves nothing."""
        temporary = f"{self._folder}{os.sep}.{path.name}.{self._mark}.tmp"
        try:
            if self._group is None:
                _write_synced(temporary, data, PRIVATE_FILE)
            else:
                self._write_unsynced(temporary, data)
        except OSError as error:
            _remove(temporary)
            raise _unwritten(path, error) from error
        self._written.append((temporary, path))

    def put(self) -> dict[Path, StorageError]:
        """Put all files in place, with names and contents on disk when this returns; return the errors by file."""
        written, self._written = self._written, []
        try:
            is_synced = self._is_synced()
        finally:
            self._close()
        errors: dict[Path, StorageError] = {}
        for temporary, path in written:
            try:
                if not is_synced:
                    sync_file(temporary)
                os.replace(temporary, path)  # noqa: PTH105 - a Path of each temporary file would take longer
            except OSError as error:
                _remove(temporary)
                errors[path] = _unwritten(path, error)
        named = [path for _, path in written if path not in errors]
        return errors | _unsynced_names(named)

    def _write_unsynced(self, temporary: str, data: bytes) -> None:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
        is_first, self._first = self._first is None, handle if self._first is None else self._first
        try:
            _write(handle, data)
        finally:
            if not is_first:
                os.close(handle)

    def _is_synced(self) -> bool:
        if self._group is None or self._first is None:
            return True
        try:
            self._group.sync(self._first)
        except OSError:  # the error may be about any file of the disk: sync each of ours separately
            return False
        return True

    def _close(self) -> None:
        if self._first is not None:
            os.close(self._first)
            self._first = None


def sync_file(path: Path | str) -> None:
    """Make the content of a file durable. Raises OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        _sync(handle)
    finally:
        os.close(handle)


def _unsynced_names(paths: Sequence[Path]) -> dict[Path, StorageError]:
    """Sync the folders of files; return an error for each file whose name may not be on disk."""
    errors: dict[Path, StorageError] = {}
    for folder in {path.parent for path in paths}:
        try:
            sync_folder(folder)
        except OSError as error:
            errors.update({path: _unwritten(path, error) for path in paths if path.parent == folder})
    return errors


def _remove(temporary: str | Path) -> None:
    with suppress(OSError):
        os.unlink(temporary)  # noqa: PTH108


def _put(path: Path, data: bytes, drafts: Path, new_mode: int, kept_mode: int | None) -> None:
    temporary = f"{drafts}{os.sep}.{path.name}.{os.urandom(4).hex()}.tmp"
    try:
        _write_synced(temporary, data, new_mode, kept_mode)
        os.replace(temporary, path)  # noqa: PTH105 - a Path of each temporary file would take longer than this call
    except BaseException:
        _remove(temporary)
        raise


def write_hashed(folder: Path, data: bytes) -> Path:
    """Write `data` to a private file in `folder`, named by its SHA-256; it is on disk when this returns.

    The folder is made if missing. A separate thread computes the hash during the write. Raises StorageError.
    """
    temporary = folder / f".{os.urandom(8).hex()}.tmp"
    hashed = _Hash(data)
    make_folder(folder, PRIVATE_FOLDER)
    with storage_errors(folder):
        try:
            _write_synced(temporary, data, PRIVATE_FILE)
            path = temporary.replace(folder / hashed.hexdigest())
        except BaseException:
            _remove(temporary)
            raise
        sync_folder(folder)
    return path


class _Hash(threading.Thread):
    """The SHA-256 of some data; hashlib lets other threads run meanwhile."""

    def __init__(self, data: bytes) -> None:
        import hashlib

        super().__init__(name="hash", daemon=True)
        self._data, self._hash = data, hashlib.sha256()
        self.start()

    def run(self) -> None:
        self._hash.update(self._data)

    def hexdigest(self) -> str:
        self.join()
        return self._hash.hexdigest()


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the OS lock of the file `path` (made if missing, folder 0700): one thread of one process at a time.

    The system releases it when the process dies. Raises StorageError.
    """
    import fcntl

    make_folder(path.parent, PRIVATE_FOLDER)
    with storage_errors(path):
        handle = os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def open_private(path: Path, mode: str) -> TextIOWrapper:
    """Open a text file; if this creates it, it is private to its owner. Raises OSError."""
    return cast("TextIOWrapper", open(path, mode, encoding="utf-8", opener=_private_opener))


def _private_opener(path: str, flags: int) -> int:
    return os.open(path, flags, PRIVATE_FILE)


def make_private(folder: Path) -> None:
    """Remove other users' rights from a folder and its contents, as set by an earlier release.

    The folder itself comes last: if it has no such rights, all of it was done. Links are not followed; files of other
    users are left unchanged.
    """
    for entry in _entries(folder):
        if entry.is_dir(follow_symlinks=False):
            make_private(Path(entry.path))
        elif not entry.is_symlink():
            close_to_others(entry.path)
    close_to_others(folder)


def is_open_to_others(path: Path) -> bool:
    """Return whether users other than its owner have any right to an existing file or folder."""
    try:
        return bool(path.lstat().st_mode & 0o077) and not path.is_symlink()
    except OSError:
        return False


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError:  # deleted since, or not ours to read
        return []


def close_to_others(path: Path | str) -> None:
    """Remove other users' rights from one file or folder, if it has any and is ours."""
    with suppress(OSError):
        mode = stat.S_IMODE(os.lstat(path).st_mode)
        if mode & 0o077:
            os.chmod(path, mode & 0o700)  # noqa: PTH101 - no Path of each of many


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn an OSError inside the block into a StorageError that names `path`."""
    try:
        yield
    except OSError as error:
        raise _unwritten(path, error) from error


def _unwritten(path: Path, error: OSError) -> StorageError:
    return StorageError(f"{path} cannot be written: {error.strerror or error}.", remedy=storage_remedy(error))


def make_folder(folder: Path, mode: int = SHARED_FOLDER) -> None:
    """Make a folder and its missing parents with this mode; their names are on disk when this returns.

    Syncing a file does not make the name of its folder durable. Raises StorageError.
    """
    with storage_errors(folder), _making:
        _make_folder(folder, mode)


def _make_folder(folder: Path, mode: int) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent, mode)
    folder.mkdir(mode=mode, exist_ok=True)
    keep_name(folder)


def keep_name(path: Path) -> None:
    """Make the name of a file or folder durable, if its folder may be read. Raises OSError."""
    with suppress(PermissionError):  # a folder that may be written, but not listed
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make names that were just created, moved or removed in `folder` durable."""
    if os.name == "nt":  # Windows cannot open a folder, and writes names through
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        _sync(handle)
    finally:
        os.close(handle)


def _mode_of(path: Path) -> int | None:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return None


def _write_synced(path: Path | str, data: bytes, new_mode: int, kept_mode: int | None = None) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, new_mode)
    try:
        if kept_mode is not None:
            os.chmod(path, kept_mode)  # noqa: PTH101 - as written beside the handle
        _write(handle, data)
        _sync(handle)
    finally:
        os.close(handle)


def _write(handle: int, data: bytes) -> None:
    left = memoryview(data)
    while left:  # the system writes at most two gigabytes at a time
        left = left[os.write(handle, left) :]


def _sync(handle: int) -> None:
    if sys.platform == "darwin":  # fsync on macOS stops at the drive's cache
        import fcntl

        fcntl.fcntl(handle, fcntl.F_FULLFSYNC)
    else:
        os.fsync(handle)
