"""The limits under which a child process reads an untrusted file; it sets them itself, before it imports a reader."""

from __future__ import annotations

import contextlib
import resource
from dataclasses import dataclass

WORK = "/w"
"""The folder in which a child may write, if it may write at all."""
WRITABLE = (WORK, "/tmp", "/dev/shm")  # noqa: S108 - the child's own


@dataclass(frozen=True)
class ChildLimits:
    """What a child may use."""

    memory_bytes: int = 1024**3
    """Address space: the largest libraries need a fifth of it."""
    data_bytes: int = 0
    """Private memory, limited instead of address space for interpreters that reserve much more than they use."""
    cpu_seconds: int = 30
    wall_seconds: float = 60.0
    """The processor may be busy with other work."""
    file_bytes: int = 0
    """The size of the file that it may write; 0: it writes no file."""
    answer_bytes: int = 16 * 1024 * 1024
    said_bytes: int = 64 * 1024
    """How much of its stderr is kept."""
    processes: int = 64
    """Processes and threads of the child and all that it starts; libraries start a thread for each processor."""
    tree_bytes: int = 2 * 1024**3
    """Memory that all of these use together."""
    files: int = 10_000
    """Files in the folders in which the child may write."""
    open_files: int = 64

    def of_process(self) -> dict[str, int]:
        """Return the limits that the system knows for a process, as {the end of its name: value}."""
        space = {"DATA": self.data_bytes} if self.data_bytes else {"AS": self.memory_bytes}
        rest = {"CPU": self.cpu_seconds, "FSIZE": self.file_bytes, "NOFILE": self.open_files, "CORE": 0}
        return space | rest

    def apply(self) -> None:
        """Limit this process until its end, as far as the system knows these limits."""
        for name, most in self.of_process().items():
            with contextlib.suppress(ValueError, OSError):  # a limit that is lower already stays
                resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))
