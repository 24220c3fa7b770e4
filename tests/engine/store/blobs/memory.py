"""Blobs in memory, for the contract of the port."""

from __future__ import annotations

import hashlib
import itertools
import tempfile
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


class MemoryBlobs:
    """A dictionary of names; a process that may put is in a set."""

    def __init__(
        self, of: MemoryBlobs | None = None, process: str | None = None, admit: Callable[[], None] | None = None
    ) -> None:
        self._process, self._admit = process, admit
        self._lock: threading.RLock = of._lock if of is not None else threading.RLock()
        self._numbers: itertools.count[int] = of._numbers if of is not None else itertools.count()
        self._stored: dict[str, tuple[int, bytes]] = of._stored if of is not None else {}
        self._admitted: set[str] = of._admitted if of is not None else set()

    def close(self) -> None:
        pass

    def where(self, name: str) -> str:
        return f"memory:{name}"

    def get(self, name: str) -> bytes | None:
        return self._stored[name][1] if self.exists(name) else None

    @contextmanager
    def opened(self, name: str) -> Iterator[Path | None]:
        data = self.get(name)
        if data is None:
            yield None
            return
        with tempfile.NamedTemporaryFile() as copy:
            copy.write(data)
            copy.flush()
            yield Path(copy.name)

    def exists(self, name: str) -> bool:
        return name in self._stored

    def version(self, name: str) -> Hashable | None:
        return self._stored[name][0] if self.exists(name) else None

    def names(self, folder: str = "") -> list[str]:
        below = [name.removeprefix(folder) for name in list(self._stored) if name.startswith(folder)]
        return sorted({folder + "".join(name.partition("/")[:2]) for name in below})

    def size_bytes(self, *names: str) -> int:
        inside = [one for name in names for one in (self.names(name) if name.endswith("/") else [name])]
        return sum(len(self.get(one) or b"") for one in inside)

    def put(self, name: str, data: bytes) -> None:
        with self._lock:
            if self._process is not None and self._process not in self._admitted:
                assert self._admit is not None
                self._admit()
            self._stored[name] = next(self._numbers), data

    def put_all(self, blobs: Iterable[tuple[str, bytes]], count: int) -> dict[str, Exception]:
        for name, data in blobs:
            self.put(name, data)
        return {}

    def put_hashed(self, folder: str, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        self._stored[folder + digest] = next(self._numbers), data
        return digest

    def put_file_hashed(self, folder: str, source: Path) -> str:
        return self.put_hashed(folder, source.read_bytes())

    def remove(self, names: Iterable[str]) -> None:
        for gone in names:
            for name in list(self._stored):
                if name == gone or (gone.endswith("/") and name.startswith(gone)):
                    del self._stored[name]

    def admit(self, process: str) -> None:
        self._admitted.add(process)

    def shut_out(self, process: str) -> None:
        self._admitted.discard(process)

    def put_by(self, process: str, admit: Callable[[], None]) -> MemoryBlobs:
        return MemoryBlobs(self, process, admit)
