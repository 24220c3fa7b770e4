"""Tells whether a file is still as it was read, without reading it again."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

Stamp = tuple[int, ...]
_TICK_NS = 100_000_000
_COARSE_TICK_NS = 2_000_000_000
"""Of file systems that keep whole seconds only (FAT: every second one)."""


def stamp(path: Path) -> Stamp | None:
    """Return what is another whenever the file is; () where there is none.

    None where that cannot be told: a link, or a file changed so lately that the clock of the file system may not have
    moved since, so that one more change would leave no trace.
    """
    try:
        found = os.lstat(path)
    except OSError:
        return ()
    changed_ns = max(found.st_mtime_ns, found.st_ctime_ns)
    tick_ns = _TICK_NS if changed_ns % 1_000_000_000 else _COARSE_TICK_NS
    if stat.S_ISLNK(found.st_mode) or time.time_ns() - changed_ns < tick_ns:
        return None
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, found.st_dev, found.st_mode)
