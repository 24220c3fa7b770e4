"""Detect whether a file has changed without reading it again."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

Stamp = tuple[int, ...]
_TICK_NS = 100_000_000  # Linux stamps files with a clock that advances every 1 to 10 ms; the rest is margin
_COARSE_TICK_NS = 2_000_000_000
"""For file systems that store whole seconds only (FAT: every second one)."""


def stamp(path: Path | str) -> Stamp | None:
    """Return a fingerprint of the file's metadata, which changes with the file; () if no file is or can be there.

    Return None if changes cannot be detected: for a link, or for a file changed so recently that the file system's
    clock may not have advanced since, so that another change would leave the same metadata.
    """
    try:
        found = os.lstat(path)
    except (OSError, ValueError):  # ValueError: no path has a NUL or half a character
        return ()
    changed_ns = max(found.st_mtime_ns, found.st_ctime_ns)
    tick_ns = _TICK_NS if changed_ns % 1_000_000_000 else _COARSE_TICK_NS
    if stat.S_ISLNK(found.st_mode) or time.time_ns() - changed_ns < tick_ns:
        return None
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, found.st_dev, found.st_mode)
