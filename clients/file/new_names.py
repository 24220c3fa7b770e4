"""Names that no other file has: a finished file gets one in a single step, so that two writers cannot both have it."""

from __future__ import annotations

import ctypes
import errno
import os
import re
import stat
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import cache
from itertools import count
from pathlib import PurePosixPath

from clients.in_workspace.own_files import has_second_name

_COMPARED_MOST = 10
_CLOCKS_DIFFER = timedelta(hours=1)  # a folder on a server has times by the server's clock
_RENAME_NOREPLACE, _RENAME_EXCL = 1, 4  # renameat2(2) of Linux, renameatx_np(2) of macOS
_NOT_THERE = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EPERM})
"""What a file system or a sandbox says that does not know this rename."""


def rename_new(draft: str, name: str, folder: int) -> bool:
    """Rename a file of a folder unless the new name is taken; return whether it was free. Raises OSError."""
    # No hard link: while a file has two names, and for good after a kill, nobody may open it (`own_files`).
    number = _rename()(folder, os.fsencode(draft), os.fsencode(name))
    if number == errno.EEXIST:
        return False
    if number in _NOT_THERE:  # such as NFS: hold the name with an empty file
        try:
            os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=folder))
        except FileExistsError:
            return False
        os.replace(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
    elif number:
        raise OSError(number, os.strerror(number))
    return True


def rename_beside(
    draft: str, name: str, folder: int, *, since: datetime | None, taken: set[str], is_same: Callable[[str], bool]
) -> tuple[str, bool]:
    """Rename a file of a folder to the first of `a.pdf`, `a (2).pdf`, … that is free; return it, and True.

    Return an existing file, and False, if it `is_same`. Only files of the same size are compared, the newest ten; all
    that are not older than `since`, when an earlier attempt of this write may have left one. `taken`: names that are
    free, but not for this file. Raises OSError.
    """
    size, taken = os.stat(draft, dir_fd=folder, follow_symlinks=False).st_size, set(taken)
    while True:
        found = _numbered(name, folder)
        for other in _to_compare(found, folder, size, since):
            if is_same(other):
                return other, False
        free = next(one for one in _names(name) if one not in found and one not in taken)
        if rename_new(draft, free, folder):
            return free, True
        taken.add(free)  # by another writer, or by a name that the file system takes for the same


def _names(name: str) -> Iterator[str]:
    stem, suffix = PurePosixPath(name).stem, PurePosixPath(name).suffix
    yield name
    yield from (f"{stem} ({number}){suffix}" for number in count(2))


def _numbered(name: str, folder: int) -> set[str]:
    """Return the names in a folder that are this one, also with a number."""
    stem, suffix = map(re.escape, (PurePosixPath(name).stem, PurePosixPath(name).suffix))
    like = re.compile(rf"{stem}( \([1-9][0-9]*\))?{suffix}")
    return {one for one in os.listdir(folder) if like.fullmatch(one)}


def _to_compare(names: set[str], folder: int, size: int, since: datetime | None) -> list[str]:
    facts = []
    for name in names:
        try:
            one = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            continue
        if stat.S_ISREG(one.st_mode) and one.st_size == size and not has_second_name(one):
            facts.append((one.st_mtime, name))
    facts.sort(reverse=True)
    oldest = (since - _CLOCKS_DIFFER).timestamp() if since else float("inf")
    return [name for at, (modified_at, name) in enumerate(facts) if at < _COMPARED_MOST or modified_at >= oldest]


@cache
def _rename() -> Callable[[int, bytes, bytes], int]:
    """Return the system's rename that replaces nothing, which Python does not offer; it returns an error number."""
    library = ctypes.CDLL(None, use_errno=True)
    named, flag = ("renameatx_np", _RENAME_EXCL) if sys.platform == "darwin" else ("renameat2", _RENAME_NOREPLACE)
    function = getattr(library, named, None)  # musl has it only since 2024
    if function is None:
        return lambda folder, old, new: errno.ENOSYS
    function.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]

    def rename(folder: int, old: bytes, new: bytes) -> int:
        return ctypes.get_errno() if function(folder, old, folder, new, flag) else 0

    return rename
