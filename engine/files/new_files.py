"""New files that are written together: two syncs of the disk for hundreds of them, or several syncs at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from engine.files.atomic import SHARED_FILE, SHARED_FOLDER, make_folder, storage_errors, sync_file, sync_folder
from engine.files.group_sync import GroupSync

_AT_ONCE = 16
"""How many files are synced at a time; more take longer than one sync of everything on the disk."""
_SyncAll = Callable[[Collection[Path], Callable[[Path], None]], None]


class FileToCreate(NamedTuple):
    """A file to create; its folder is made if it is missing."""

    path: Path
    text: str
    mode: int = SHARED_FILE
    folder_mode: int = SHARED_FOLDER


def write_new(folder: Path, files: Sequence[FileToCreate]) -> None:
    """Create files in `folder`, or in folders directly inside it; all are on disk when this returns.

    A file gets its name only once its content is on disk. Raises StorageError: then some of the files may exist, each
    of them complete.
    """
    if not files:
        return
    make_folder(folder, files[0].folder_mode)
    with storage_errors(folder), _syncing(folder) as sync_all:
        drafts = {file.path: file.path.with_name(f".{file.path.name}.{os.urandom(4).hex()}.tmp") for file in files}
        try:
            for file in files:
                _write(drafts[file.path], file)
            sync_all(drafts.values(), sync_file)
            for path, draft in drafts.items():
                draft.replace(path)
        finally:
            for draft in drafts.values():
                with suppress(OSError):
                    draft.unlink(missing_ok=True)
        sync_all({folder, *(path.parent for path in drafts)}, sync_folder)


def _write(path: Path, file: FileToCreate) -> None:
    path.parent.mkdir(mode=file.folder_mode, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, file.mode)
    with open(handle, "wb") as stream:  # noqa: PTH123 - a handle, not a path
        stream.write(file.text.encode())


@contextmanager
def _syncing(folder: Path) -> Iterator[_SyncAll]:
    """Give a function that syncs what is written from now on; it raises OSError."""
    group = GroupSync(folder)
    can_be_one = group.is_worth_it()
    handle = os.open(folder, os.O_RDONLY) if can_be_one else -1  # a sync reports write errors since this was opened

    def sync_all(paths: Collection[Path], sync: Callable[[Path], None]) -> None:
        if can_be_one and len(paths) > _AT_ONCE:
            group.sync(handle)
            return
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(sync, paths))

    try:
        yield sync_all
    finally:
        if can_be_one:
            os.close(handle)
