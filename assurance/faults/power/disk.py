"""A disk whose power goes: what was synced is there, and of all else any part, or nothing.

It is stricter than any file system in use: syncing a file says nothing of its name, names of one folder may get lost in
any order, and of data that was not synced each sector of 512 bytes may be there, be zero, or be as it was before.
What it grants: a rename within a folder happens whole or not at all; one into another folder loses no file.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

_SECTOR = 512
_NEVER = 2**62
ROOT = 0

Fate = Literal["all", "zero", "torn"]
"""What becomes of data that was not synced: all of it is there, only its length, or some sectors."""
Atom: TypeAlias = tuple[str, int]
"""What may be lost apart from all else: ("name", moment of the call), ("left", …) or ("data", file)."""


@dataclass
class Change:
    """One change of a name, of data or of a length; `synced` is the moment since when it is surely on disk."""

    at: int
    node: int
    atom: Atom
    synced: int = _NEVER


@dataclass
class Name(Change):
    """In the folder `node`, a name means a file or folder from now on, or nothing (None)."""

    name: str = ""
    means: int | None = None


@dataclass
class Data(Change):
    """Bytes in a file."""

    offset: int = 0
    data: bytes = b""


@dataclass
class Size(Change):
    """The length of a file."""

    size: int = 0


Tree: TypeAlias = Mapping[str, bytes | None]
"""Path → content; None for a folder."""


@dataclass
class Disk:
    """The changes of one session, and what a process sees meanwhile (`names`, `files`)."""

    changes: list[Change] = field(default_factory=list)
    names: dict[int, dict[str, int]] = field(default_factory=lambda: {ROOT: {}})
    files: dict[int, bytearray] = field(default_factory=dict)
    _unsynced: dict[int, list[Change]] = field(default_factory=dict)
    _left: dict[int, Change] = field(default_factory=dict)
    _count: int = 0

    # --- what a process does

    def find(self, path: str) -> int | None:
        """Return what a path means to a process."""
        node: int | None = ROOT
        for part in filter(None, path.split("/")):
            node = None if node is None else self.names.get(node, {}).get(part)
        return node

    def make(self, at: int, path: str, *, is_folder: bool) -> int:
        """Make an empty file or folder."""
        self._count += 1
        node = self._count
        if is_folder:
            self.names[node] = {}
        else:
            self.files[node] = bytearray()
        self.link(at, path, node)
        return node

    def link(self, at: int, path: str, node: int | None, kind: str = "name") -> Change:
        """Let a path mean a node, or nothing."""
        folder, _, name = path.rpartition("/")
        parent = self.find(folder)
        assert parent is not None, f"{path}: its folder is not known"
        if node is None:
            self.names[parent].pop(name, None)
        else:
            self.names[parent][name] = node
        return self._changed(Name(at, parent, (kind, at), name=name, means=node))

    def move(self, at: int, path: str, new: str) -> None:
        """Give a file or folder another name."""
        node = self.find(path)
        assert node is not None, f"{path} is not known"
        added = self.link(at, new, node)
        is_same_folder = path.rpartition("/")[0] == new.rpartition("/")[0]
        # A folder is never in two places; a file may still have its old name when it has the new one already.
        left = self.link(at, path, None, "name" if is_same_folder or node in self.names else "left")
        self._left[id(left)] = added

    def write(self, at: int, node: int, offset: int, data: bytes) -> None:
        """Write into a file."""
        content = self.files[node]
        content.extend(bytes(max(0, offset - len(content))))
        content[offset : offset + len(data)] = data
        self._changed(Data(at, node, ("data", node), offset=offset, data=data))

    def cut(self, at: int, node: int, size: int) -> None:
        """Give a file another length."""
        content = self.files[node]
        del content[size:]
        content.extend(bytes(size - len(content)))
        self._changed(Size(at, node, ("data", node), size=size))

    def sync(self, node: int, began: int, ended: int) -> None:
        """Everything that had happened to a file or folder when this began is on disk when it ended."""
        later = []
        for change in self._unsynced.pop(node, []):
            if change.at < began:
                change.synced = ended
                added = self._left.get(id(change))
                if added is not None:  # that it left its old place is known only with its new one
                    added.synced = min(added.synced, ended)
            else:
                later.append(change)
        self._unsynced[node] = later

    def sync_contents(self, began: int, ended: int) -> None:
        """What was in any file when this began is on disk when it ended; of names it says nothing here."""
        for node in self.files:
            self.sync(node, began, ended)

    def settle(self, at: int) -> None:
        """Everything so far is on disk."""
        for change in self.changes:
            change.synced = min(change.synced, at)
        self._unsynced.clear()

    def _changed(self, change: Change) -> Change:
        self.changes.append(change)
        self._unsynced.setdefault(change.node, []).append(change)
        return change

    # --- what is left of it

    def seen(self) -> Iterator[bytes]:
        """Give the content of every file that has a name now."""
        folders = [ROOT]
        while folders:
            for node in self.names[folders.pop()].values():
                if node in self.names:
                    folders.append(node)
                else:
                    yield bytes(self.files[node])

    def called(self, atom: Atom) -> str:
        """Return in words what may be lost."""
        kind, number = atom
        known = {change.means: change.name for change in self.changes if isinstance(change, Name) and change.means}
        if kind == "data":
            return f"data of {known.get(number)}"
        names = [change.name for change in self.changes if change.atom == atom and isinstance(change, Name)]
        return f"{'new' if kind == 'name' else 'old'} name {' '.join(names)}"

    def pending(self, at: int) -> list[Atom]:
        """Return what may be lost when the power goes at a moment, oldest first."""
        found = {change.atom: None for change in self.changes if change.at <= at < change.synced}
        return list(found)

    def left(self, at: int, fates: Mapping[Atom, Fate], seed: int = 0) -> Tree:
        """Return what is there when the power has gone at a moment; what `fates` does not name is lost."""
        names: dict[int, dict[str, int]] = {ROOT: {}}
        files: dict[int, bytearray] = {}
        chance = random.Random(seed)
        for change in self.changes:
            if change.at > at:
                break
            fate: Fate | None = "all" if change.synced <= at else fates.get(change.atom)
            if fate is not None and self._is_in_new_place(change, at, fates):
                _apply(change, fate, names, files, chance)
        return dict(_listed(self, names, files))

    def _is_in_new_place(self, change: Change, at: int, fates: Mapping[Atom, Fate]) -> bool:
        """Tell whether a file that lost its old name has its new one; so it is with all that was not moved."""
        added = self._left.get(id(change))
        return added is None or added.synced <= at or added.atom in fates


def _apply(
    change: Change, fate: Fate, names: dict[int, dict[str, int]], files: dict[int, bytearray], chance: random.Random
) -> None:
    if isinstance(change, Name):
        folder = names.setdefault(change.node, {})
        if change.means is None:
            folder.pop(change.name, None)
        else:
            folder[change.name] = change.means
        return
    content = files.setdefault(change.node, bytearray())
    if isinstance(change, Size):
        del content[change.size :]
        content.extend(bytes(change.size - len(content)))
    elif isinstance(change, Data):
        _write(content, change, fate, chance)


def _write(content: bytearray, change: Data, fate: Fate, chance: random.Random) -> None:
    end = change.offset + len(change.data)
    content.extend(bytes(max(0, end - len(content))))
    if fate == "all":
        content[change.offset : end] = change.data
    elif fate == "torn":
        for begin in range(change.offset, end, _SECTOR):
            if chance.random() < 0.5:
                piece = change.data[begin - change.offset : begin - change.offset + _SECTOR]
                content[begin : begin + len(piece)] = piece


def _listed(
    disk: Disk, names: Mapping[int, Mapping[str, int]], files: Mapping[int, bytearray]
) -> Iterator[tuple[str, bytes | None]]:
    folders = [(ROOT, "")]
    while folders:
        folder, place = folders.pop()
        for name, node in sorted(names.get(folder, {}).items()):
            path = f"{place}{name}"
            if node in disk.names:
                yield path, None
                folders.append((node, f"{path}/"))
            else:
                yield path, bytes(files.get(node, b""))


def fingerprint(tree: Tree) -> str:
    """Return what two trees share only where they are the same."""
    digest = hashlib.sha256()
    for path, content in sorted(tree.items()):
        digest.update(f"{path}\0{-1 if content is None else len(content)}\0".encode())
        digest.update(content or b"")
    return digest.hexdigest()


def put(tree: Tree, folder: Path) -> None:
    """Make real files and folders of a tree, for their owner only."""
    folder.mkdir(parents=True)
    for path, content in sorted(tree.items()):
        if content is None:
            (folder / path).mkdir(mode=0o700)
        else:
            (folder / path).write_bytes(content)
            (folder / path).chmod(0o600)


def every(atoms: Iterable[Atom], fate: Fate = "all") -> dict[Atom, Fate]:
    """Let all of these have one fate."""
    return dict.fromkeys(atoms, fate)
