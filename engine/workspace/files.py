"""Files that are there whole or not at all, also after a crash in the middle of writing."""

from __future__ import annotations

import os
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.errors import StorageError

_making = threading.Lock()
"""Whoever finds a folder that another thread is just making waits until its name is on disk."""


def etag(text: str) -> str:
    """Return 16 hex digits that change when `text` does."""
    import hashlib  # 4 MB, which the process that holds the port does without

    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def write_whole(path: Path, content: str | bytes, mode: int = 0o666, drafts: Path | None = None) -> None:
    """Put `content` (text as UTF-8) in place of `path` in one step, on disk when this returns.

    Keeps the permissions of a file that is there; a new one gets `mode` less the umask. Raises StorageError, and
    then the old file stands untouched and no temporary one is left. `drafts` is the folder that the new file is
    written in first; beside `path` where none is given.
    """
    with storage_errors(path):
        data = content if isinstance(content, bytes) else content.encode()
        _put(path, data, drafts or path.parent, mode, _mode_of(path))
        sync_folder(path.parent)


def put_whole(path: Path, text: str, drafts: Path) -> None:
    """Do the same with the permissions of a new file; its name is on disk only after `sync_folder`.

    That many files can share: logs are written hundreds at a time, and each call of the system counts.
    """
    try:
        _put(path, text.encode(), drafts, 0o666, None)
    except OSError as error:
        raise _unwritten(path, error) from error


def _put(path: Path, data: bytes, drafts: Path, new_mode: int, kept_mode: int | None) -> None:
    temporary = f"{drafts}{os.sep}.{path.name}.{os.urandom(4).hex()}.tmp"
    try:
        _write_synced(temporary, data, new_mode, kept_mode)
        os.replace(temporary, path)  # noqa: PTH105 - a Path of each temporary file would take longer than this call
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108
        raise


def write_hashed(folder: Path, data: bytes) -> Path:
    """Put `data` into a file of `folder` (made where missing) named by its SHA-256, on disk when this returns.

    The hash is counted in a thread of its own while the data is on its way to the disk. Raises StorageError.
    """
    temporary = folder / f".{os.urandom(8).hex()}.tmp"
    hashed = _Hash(data)
    make_folder(folder)
    with storage_errors(folder):
        try:
            _write_synced(temporary, data, 0o666)
            path = temporary.replace(folder / hashed.hexdigest())
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
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
    """Hold the OS lock of the file `path` (made where missing, folder 0700): one thread of one process at a time.

    The system frees it when the process dies. Raises StorageError.
    """
    import fcntl

    make_folder(path.parent, 0o700)
    with storage_errors(path):
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn an OSError inside into a StorageError that names `path`."""
    try:
        yield
    except OSError as error:
        raise _unwritten(path, error) from error


def _unwritten(path: Path, error: OSError) -> StorageError:
    return StorageError(f"{path} cannot be written: {error.strerror or error}.")


def make_folder(folder: Path, mode: int = 0o777) -> None:
    """Make a folder, and those above it, where missing; their names are on disk when this returns.

    Syncing a file says nothing of the name of its folder. Raises StorageError.
    """
    with storage_errors(folder), _making:
        _make_folder(folder, mode)


def _make_folder(folder: Path, mode: int) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent, 0o777)
    folder.mkdir(mode=mode, exist_ok=True)
    keep_name(folder)


def keep_name(path: Path) -> None:
    """Make the name of a file or folder outlive a power cut, as far as its folder may be read. Raises OSError."""
    with suppress(PermissionError):  # one that may be written, and not listed
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make names that were just made, moved or removed in `folder` outlive a power cut."""
    if os.name == "nt":  # Windows cannot open a folder, and writes its names through
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
        left = memoryview(data)
        while left:  # of two gigabytes or more, the system takes a part at a time
            left = left[os.write(handle, left) :]
        _sync(handle)
    finally:
        os.close(handle)


def _sync(handle: int) -> None:
    if sys.platform == "darwin":  # fsync on macOS stops at the drive's cache
        import fcntl

        fcntl.fcntl(handle, fcntl.F_FULLFSYNC)
    else:
        os.fsync(handle)
