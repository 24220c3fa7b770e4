"""The limits under which a child process reads an untrusted file; it sets them itself, before it imports a reader."""

from __future__ import annotations

import contextlib
import resource
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What a child may use."""

    memory_bytes: int = 1024**3
    """Of address space: the largest libraries need a fifth of it."""
    data_bytes: int = 0
    """Of private memory, instead of address space: for interpreters that reserve much more than they use."""
    cpu_seconds: int = 30
    wall_seconds: float = 60.0
    """The processor may be busy with other work."""
    file_bytes: int = 0
    """Of the file that it may write; 0: none."""
    answer_bytes: int = 16 * 1024 * 1024
    said_bytes: int = 64 * 1024
    """Of what it writes to stderr."""
    processes: int = 64
    """With their threads, of the child and all that it starts; libraries start a thread for each processor."""
    tree_bytes: int = 2 * 1024**3
    """Of memory in use by all of these together."""
    files: int = 10_000
    """In the folders in which the child may write."""
    open_files: int = 64

    def apply(self) -> None:
        """Limit this process for good, as far as the system knows these limits."""
        for what, most in (
            (resource.RLIMIT_DATA, self.data_bytes) if self.data_bytes else (resource.RLIMIT_AS, self.memory_bytes),
            (resource.RLIMIT_CPU, self.cpu_seconds),
            (resource.RLIMIT_FSIZE, self.file_bytes),
            (resource.RLIMIT_NOFILE, self.open_files),
            (resource.RLIMIT_CORE, 0),
        ):
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(what, (most, most))
