"""How much memory is free on this machine, as far as the system says."""

from __future__ import annotations

from pathlib import Path

_SYSTEM = Path("/proc/meminfo")
_GROUP = Path("/sys/fs/cgroup")
"""The limits of a container (https://docs.kernel.org/admin-guide/cgroup-v2.html)."""


def free_memory(system: Path = _SYSTEM, group: Path = _GROUP) -> int | None:
    """Return the bytes that a new process can take; None if the system does not say, as on macOS."""
    known = [one for one in (_of_system(system), _of_group(group)) if one is not None]
    return min(known, default=None)


def _of_system(file: Path) -> int | None:
    try:
        lines = dict(line.split(":", 1) for line in file.read_text().splitlines())
        return int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, ValueError, LookupError):
        return None


def _of_group(folder: Path) -> int | None:
    try:
        most, used = (int((folder / name).read_text()) for name in ("memory.max", "memory.current"))
        caches = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        return most - used + int(caches["inactive_file"])  # given back when somebody needs it
    except (OSError, ValueError, LookupError):  # "max": there is no limit
        return None
