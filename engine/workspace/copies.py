"""Copy or move files and folders so that a power failure loses neither the old one nor the new one."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from engine.base.errors import InvalidInput
from engine.files.atomic import make_folder, write_whole


def copy(source: Path, target: Path) -> None:
    """Copy a file, or a folder with its content, and return once it is on disk.

    Raises InvalidInput for a link, which could copy any file, OSError, StorageError.
    """
    if source.is_symlink():
        raise InvalidInput(f"{source} is a link.", remedy="Put a plain file in its place.")
    if source.is_dir():
        make_folder(target)
        for inner in source.iterdir():
            copy(inner, target / inner.name)
    else:
        write_whole(target, source.read_bytes())


def move(source: Path, target: Path) -> None:
    """Move a file or folder, possibly to another disk; it is on disk once both folders are synced.

    Raises OSError, StorageError; a move to another disk then leaves the source in place.
    """
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _move_far(source, target)


def _move_far(source: Path, target: Path) -> None:
    if source.is_symlink():
        shutil.move(source, target)
        return
    copy(source, target)
    if source.is_dir():
        shutil.rmtree(source)
    else:
        source.unlink()
