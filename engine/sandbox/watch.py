"""What a child and all that it started take together: limits of the kernel hold for each process alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from engine.sandbox.limits import WRITABLE, ChildLimits


class ChildWatch(Struct, frozen=True):
    """Looks at a child process from outside, on Linux."""

    process_id: int
    limits: ChildLimits

    def excess(self) -> str:
        """Return what the child takes too much of: `processes`, `memory` or `files`; empty if nothing."""
        found, size = 0, 0
        for one in descendants(self.process_id):
            with suppress(OSError, ValueError, IndexError):  # a process that has just ended
                found += sum(1 for _ in Path(f"/proc/{one}/task").iterdir())
                size += _held(Path(f"/proc/{one}/status").read_text())
            if found > self.limits.processes:
                return "processes"
        if size > self.limits.tree_bytes:
            return "memory"
        return "files" if self._files() > self.limits.files else ""

    def _files(self) -> int:
        """Return how many files there are where the child may write."""
        found = 0
        for inner in children(self.process_id)[:1]:
            root = Path(f"/proc/{inner}") / "root"
            with suppress(OSError):
                if root.stat().st_dev == Path("/").stat().st_dev:
                    continue  # there are no walls, or they are being built
                for place in WRITABLE:
                    facts = os.statvfs(root / place[1:])
                    found += facts.f_files - facts.f_ffree if not facts.f_flag & os.ST_RDONLY else 0
        return found


def _held(status: str) -> int:
    """Return how many bytes a process holds: its pages, those swapped out, and the tables of its pages."""
    lines = [one.split() for one in status.splitlines() if one.startswith(("VmRSS:", "VmSwap:", "VmPTE:"))]
    return sum(int(one[1]) * 1024 for one in lines)


def descendants(process_id: int) -> Iterator[int]:
    """Yield the processes that a process has started, and those that these have."""
    for one in children(process_id):
        yield one
        yield from descendants(one)


def children(process_id: int) -> list[int]:
    """Return the processes that a process has started; [] where the system does not say."""
    found: list[int] = []
    with suppress(OSError):
        for thread in Path(f"/proc/{process_id}/task").iterdir():
            found += map(int, (thread / "children").read_text().split())
    return found
