"""Files and folders that are copied or moved so that a power cut takes neither the old one nor the new one."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from engine.workspace.files import make_folder, write_whole


def copy(source: Path, target: Path) -> None:
    """Copy a file, or a folder with all that is in it; on disk when this returns. Raises OSError, StorageError."""
    if source.is_dir():
        make_folder(target)
        for inner in source.iterdir():
            copy(inner, target / inner.name)
    else:
        write_whole(target, source.read_bytes())


def move(source: Path, target: Path) -> None:
    """Move a file or folder, also to another disk; on disk once both folders are synced.

    Raises OSError, StorageError; what is to go to another disk is then still where it was.
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
