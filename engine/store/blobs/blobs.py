"""The port of blobs: the logs and the large values of runs, each stored completely or not at all.

A name looks like a relative path, with slashes: `2026-11-20/<run_id>.json`. A name that ends in a slash is a folder:
everything whose name begins with it. Folders need not be made, and are gone with the last blob in them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol


class Blobs(Protocol):
    """Keeps blobs, private to their owner. For any thread of any process."""

    def close(self) -> None:
        """Close what is open; after that, nothing is stored or read."""

    def where(self, name: str) -> str:
        """Return where a person finds a blob, for messages."""

    def get(self, name: str) -> bytes | None:
        """Return a blob, or None if it does not exist. Raises InvalidFile if it cannot be read, StorageError."""

    def opened(self, name: str) -> AbstractContextManager[Path | None]:
        """Give a local file with the content of a blob, to be read inside; None without a blob. Raises StorageError.

        For blobs that are too large for memory.
        """

    def exists(self, name: str) -> bool:
        """Return whether there is such a blob."""

    def version(self, name: str) -> Hashable | None:
        """Return a value that changes whenever the blob does; None without a blob, or if a change would not show."""

    def names(self, folder: str = "") -> list[str]:
        """Return the full names of the blobs and folders directly in a folder ("": the whole), sorted.

        Raises StorageError if the folder cannot be read.
        """

    def size_bytes(self, *names: str) -> int:
        """Return the total size of these blobs and of the blobs directly in these folders; 0 for what is missing."""

    def put(self, name: str, data: bytes) -> None:
        """Store a blob in place of any former one; it is durable when this returns.

        Raises StorageError (the former one is then unchanged), and Fenced if this process may no longer put anything.
        """

    def put_all(self, blobs: Iterable[tuple[str, bytes]], count: int) -> dict[str, Exception]:
        """Put blobs, made one by one, all durable when this returns; return {name: error} for the others.

        `count`: about how many there will be. No name may occur twice. Raises StorageError and Fenced if none is put.
        """

    def put_hashed(self, folder: str, data: bytes) -> str:
        """Store a blob in a folder under the SHA-256 of its content; return this in hex digits. Raises StorageError.

        It is durable when this returns. Fencing does not apply: the name is derived from the content.
        """

    def put_file_hashed(self, folder: str, source: Path) -> str:
        """Do the same with the content of a local file, a piece at a time; the file stays. Raises StorageError."""

    def remove(self, names: Iterable[str]) -> None:
        """Remove blobs and folders, as far as they exist; durable when this returns. Raises StorageError."""

    def admit(self, process: str) -> None:
        """Let a process put blobs through `put_by`. Raises StorageError."""

    def shut_out(self, process: str) -> None:
        """Stop a process from storing blobs, including any that it is about to store. Raises StorageError."""

    def put_by(self, process: str, admit: Callable[[], None]) -> Blobs:
        """Return these blobs, as far as they may be put by a process.

        `admit` is called when the process is not admitted: it admits it again, or raises Fenced after a takeover.
        """
