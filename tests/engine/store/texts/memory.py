"""Named texts in memory, as an example of the port."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from uuid import uuid4


class MemoryTexts:
    """Texts of this process."""

    is_shared = True

    def __init__(self) -> None:
        self._texts: dict[str, tuple[str, str]] = {}
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def get(self, name: str) -> str | None:
        return self._texts.get(name, (None, None))[1]

    def mark(self, name: str) -> str | None:
        return self._texts.get(name, (None, None))[0]

    def names(self, folder: str) -> list[str]:
        return list(self.all(folder))

    def all(self, folder: str) -> dict[str, str]:
        begin = len(folder) + 1
        direct = [name for name in self.below(folder) if "/" not in name[begin:]]
        return {name[begin:]: self._texts[name][1] for name in direct}

    def below(self, folder: str) -> list[str]:
        return sorted(name for name in self._texts if name.startswith(f"{folder}/"))

    def put(self, name: str, text: str) -> None:
        self._texts[name] = (str(uuid4()), text)

    def put_new(self, folder: str, texts: Mapping[str, str]) -> None:
        assert all(name.startswith(f"{folder}/") for name in texts)
        for name, text in texts.items():
            self.put(name, text)

    def remove(self, *names: str) -> None:
        for name in names:
            self._texts.pop(name, None)

    def move(self, folder: str, new: str) -> None:
        moved = {new + name.removeprefix(folder): self._texts.pop(name) for name in self.below(folder)}
        if moved:
            self.remove_all(new)
        self._texts |= moved

    def remove_all(self, folder: str) -> None:
        self.remove(*self.below(folder))

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        with self._locks[name]:
            yield

    def where(self, name: str) -> str:
        return name
