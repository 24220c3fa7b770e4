"""A session as it was recorded: what it did to the disk, what it told the outside and when, what it asked services."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assurance.faults.power.disk import ROOT, Disk
from assurance.faults.power.trace import Call, calls

MARKS = "marks"
"""The file into which a session writes what it tells: its own name, and one JSON object a line."""
_REQUEST = re.compile(rb"(GET|POST|PUT|DELETE) /([^/ ]+)(/[^ ]*) HTTP/1\.1\r\n(.*)", re.DOTALL)
_MARKER = re.compile(rb"\r\nx-marker: *(\S+)", re.IGNORECASE)


@dataclass(frozen=True)
class Sent:
    """A request that went out: from this moment on it may have arrived."""

    at: int
    method: str
    path: str
    marker: str | None


@dataclass(frozen=True)
class Told:
    """Something that the outside was told, or that was about to change."""

    at: int
    what: dict[str, Any]


@dataclass
class Recording:
    """One session. What it did before `begin` lies safe on the disk, as if long ago."""

    name: str
    disk: Disk = field(default_factory=Disk)
    told: list[Told] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    whole: set[str] = field(default_factory=set)
    """The hashes of all contents that a file ever had when it was whole."""
    begin: int = 0
    end: int = 0
    _positions: dict[tuple[str, int], int] = field(default_factory=dict)

    def do(self, call: Call, root: Path) -> None:
        """Take in one call."""
        if call.name in ("sendto", "sendmsg"):
            self._send(call)
            return
        self.end = call.ended
        paths = [_below(path, root) for path in _paths(call)]
        _HANDLERS[call.name](self, call, paths)

    def tell(self, at: int, what: dict[str, Any]) -> None:
        """Take in what the session told."""
        if what["told"] == "begin":
            self.begin = at
            self.disk.settle(at)
        self.told.append(Told(at, what))
        self.whole.update(hash_of(content) for content in self.disk.seen())
        self.end = max(self.end, at)

    def _send(self, call: Call) -> None:
        request = _REQUEST.match(b"".join(call.texts))
        if request and request[2].decode() == self.name:
            marker = _MARKER.search(b"\r\n" + request[4])
            path = f"/{self.name}{request[3].decode()}"
            self.sent.append(Sent(call.began, request[1].decode(), path, marker and marker[1].decode()))

    # --- the calls

    def _open(self, call: Call, paths: list[str | None]) -> None:
        path = paths[-1]
        handle = call.result.partition("<")[0]
        if path is None:
            return
        node = self.disk.find(path)
        if node is None:
            assert "O_CREAT" in call.words, f"{path} was never made"
            node = self.disk.make(call.ended, path, is_folder=False)
        elif "O_TRUNC" in call.words and self.disk.files[node]:
            self.disk.cut(call.ended, node, 0)
        self._positions[handle, node] = -1 if "O_APPEND" in call.words else 0

    def _write(self, call: Call, paths: list[str | None]) -> None:
        node = self._node(paths)
        if node is None:
            return
        data, key = b"".join(call.texts)[: int(call.result)], (call.handles[0][0], node)
        if call.name.startswith("p"):
            self.disk.write(call.ended, node, int(call.words.rstrip(") ").rpartition(",")[2]), data)
            return
        position = self._positions.get(key, 0)
        begin = len(self.disk.files[node]) if position < 0 else position
        self.disk.write(call.ended, node, begin, data)
        if position >= 0:
            self._positions[key] = begin + len(data)

    def _seek(self, call: Call, paths: list[str | None]) -> None:
        node = self._node(paths)
        if node is not None and self._positions.get((call.handles[0][0], node), -1) >= 0:
            self._positions[call.handles[0][0], node] = int(call.result)

    def _cut(self, call: Call, paths: list[str | None]) -> None:
        node = self._node(paths)
        if node is not None:
            self.disk.cut(call.ended, node, int(call.words.rstrip(") ").rpartition(",")[2]))

    def _sync(self, call: Call, paths: list[str | None]) -> None:
        node = self._node(paths)
        if node is not None:
            self.disk.sync(node, call.began, call.ended)

    def _sync_all(self, call: Call, paths: list[str | None]) -> None:
        """A sync of the whole file system; the names that it syncs as well are not counted on."""
        if paths and paths[0] is not None:
            self.disk.sync_contents(call.began, call.ended)

    def _mkdir(self, call: Call, paths: list[str | None]) -> None:
        if paths[-1]:  # not that of the session itself
            self.disk.make(call.ended, paths[-1], is_folder=True)

    def _remove(self, call: Call, paths: list[str | None]) -> None:
        if paths[-1] is not None:
            self.disk.link(call.ended, paths[-1], None)

    def _rename(self, call: Call, paths: list[str | None]) -> None:
        old, new = paths
        assert old is not None, f"{self.name}: a file came from elsewhere"
        assert new is not None, f"{self.name}: a file went elsewhere"
        self.disk.move(call.ended, old, new)
        self._is_whole(new)

    def _link(self, call: Call, paths: list[str | None]) -> None:
        old, new = paths
        assert old is not None
        assert new is not None
        self.disk.link(call.ended, new, self.disk.find(old))
        self._is_whole(new)

    def _map(self, call: Call, paths: list[str | None]) -> None:
        """Memory that is written through cannot be seen; SQLite's index of its log is made anew after a crash."""
        is_written = "MAP_SHARED" in call.words and "PROT_WRITE" in call.words
        assert not is_written or all(path is None or path.endswith("-shm") for path in paths), paths

    def _node(self, paths: list[str | None]) -> int | None:
        if not paths or paths[0] is None:
            return None
        node = self.disk.find(paths[0])
        assert node is not None, f"{self.name}: {paths[0]} is not known"
        return node

    def _is_whole(self, path: str) -> None:
        node = self.disk.find(path)
        if node in self.disk.files:
            self.whole.add(hash_of(bytes(self.disk.files[node])))


_HANDLERS = {
    **dict.fromkeys(("openat",), Recording._open),
    **dict.fromkeys(("write", "pwrite64", "writev", "pwritev"), Recording._write),
    **dict.fromkeys(("fsync", "fdatasync"), Recording._sync),
    "syncfs": Recording._sync_all,
    **dict.fromkeys(("mkdir", "mkdirat"), Recording._mkdir),
    **dict.fromkeys(("unlink", "unlinkat", "rmdir"), Recording._remove),
    **dict.fromkeys(("rename", "renameat", "renameat2"), Recording._rename),
    **dict.fromkeys(("link", "linkat"), Recording._link),
    "ftruncate": Recording._cut,
    "lseek": Recording._seek,
    "mmap": Recording._map,
}


def recordings(out: Path, base: Path) -> dict[str, Recording]:
    """Return the sessions of a trace by name; the files of each lie in a folder of its name below `base`.

    A call that this cannot follow (such as a copy within the system) raises KeyError: nothing may go unseen.
    """
    found: dict[str, Recording] = {}
    for call in calls(out, base):
        if call.name in ("sendto", "sendmsg"):
            for one in found.values():
                one.do(call, base / one.name)
            continue
        name = _session(_paths(call), base)
        if name == MARKS:
            if call.name == "write":
                told = json.loads(call.texts[0])
                found.setdefault(told["session"], Recording(told["session"])).tell(call.began, told)
        elif name:
            found.setdefault(name, Recording(name)).do(call, base / name)
    return found


def hash_of(content: bytes) -> str:
    """Return what two contents share only where they are the same."""
    return hashlib.sha256(content).hexdigest()


def _paths(call: Call) -> list[str | None]:
    """Return the paths that a call is about: absolute ones, those of its handles, or names in a folder's handle."""
    if call.name in ("write", "pwrite64", "writev", "pwritev", "sendto", "sendmsg") or not call.texts:
        return [path for _, path in call.handles]
    folders = [path for _, path in call.handles]
    texts = [text.decode() for text in call.texts]
    return [
        text if text.startswith("/") or not folders else f"{folders[min(number, len(folders) - 1)]}/{text}"
        for number, text in enumerate(texts)
    ]


def _below(path: str | None, root: Path) -> str | None:
    if path is None:
        return None
    if path == str(root):
        return ""
    return path.removeprefix(f"{root}/") if path.startswith(f"{root}/") else None


def _session(paths: Iterable[str | None], base: Path) -> str:
    for path in paths:
        inside = _below(path, base)
        if inside:
            return inside.partition("/")[0]
    return ""


assert ROOT == 0
