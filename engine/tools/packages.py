"""Folders with the packages of tools: made from a lock once, checked, shared by all tools that have that lock."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from clients.errors import InvalidRequest, LimitExceeded
from engine.files.atomic import PRIVATE_FOLDER, exclusive, make_folder, storage_errors
from engine.tools.uv import WHEELS, run_uv

_PACKAGES, _SUM = "packages", "SHA256"
BYTES_MOST = 1024**3
_KEPT_SECONDS = 90 * 24 * 3600
_NEW = ".new-"
_whole: set[Path] = set()
"""Folders whose content this process has checked."""
_checking = threading.Lock()


class PackageFolders(Struct, frozen=True):
    """The folders of a workspace, each named by the hash of its lock and the Python that it is for."""

    folder: Path
    is_online: bool
    """Whether a missing one may be made: it takes the network."""

    @staticmethod
    def of_state(state_dir: Path, *, is_online: bool = True) -> PackageFolders:
        """Return the folders of a workspace by the folder of its state."""
        return PackageFolders(state_dir / "packages", is_online)

    def made(self, name: str, lock: str, python: str) -> Path:
        """Return the folder with the packages of a tool's lock, for this program of Python. Blocking.

        One that is missing or damaged is made anew, in 300 seconds at most. Raises InvalidRequest, Unavailable,
        LimitExceeded, StorageError.
        """
        kept = self.folder / _key(lock, python)
        if _is_whole(kept):
            return kept / _PACKAGES
        if not self.is_online:
            raise InvalidRequest(
                f"The packages of the tool {name!r} are not on this machine, and the demo downloads nothing.",
                service="code",
                remedy=f"`orchestra tools lock {name}` downloads them.",
            )
        with exclusive(self.folder / ".lock"):
            if not _is_whole(kept):  # nobody else has made it meanwhile
                self._forget_old()
                self._make(name, kept, lock, python)
        return kept / _PACKAGES

    def _make(self, name: str, kept: Path, lock: str, python: str) -> None:
        make_folder(self.folder, PRIVATE_FOLDER)
        with storage_errors(self.folder), tempfile.TemporaryDirectory(prefix=_NEW, dir=self.folder) as place:
            new, file = Path(place, "new"), Path(place, "requirements.txt")
            file.write_text(lock, encoding="utf-8")
            (new / _PACKAGES).mkdir(parents=True)
            # Copied, as a hard link would share its content with the cache of uv; and compiled now, as the sandbox
            # shows the folder read-only.
            exactly = ("--require-hashes", "--no-deps", *WHEELS, "--link-mode", "copy", "--compile-bytecode")
            to = ("--python", python, "--target", str(new / _PACKAGES), "-r", str(file))
            run_uv(["install", "--quiet", *exactly, *to], f"The packages of the tool {name!r} cannot be installed")
            if (size := _size(new)) > BYTES_MOST:
                said = (
                    f"The packages of the tool {name!r} take {size // 1024**2:,} MB, and {BYTES_MOST // 1024**2:,} MB"
                )
                raise LimitExceeded(f"{said} are allowed.", service="code", remedy="Take fewer or smaller packages.")
            (new / _SUM).write_text(_sum(new / _PACKAGES), encoding="ascii")
            if kept.exists():
                kept.rename(Path(place, "damaged"))
            new.rename(kept)
        _whole.add(kept)

    def _forget_old(self) -> None:
        """Delete what nobody has used for 90 days, and what a process left that died while it made one."""
        with suppress(OSError):
            for one in self.folder.iterdir():
                if one.is_dir() and (one.name.startswith(_NEW) or one.stat().st_mtime < time.time() - _KEPT_SECONDS):
                    shutil.rmtree(one, ignore_errors=True)
                    _whole.discard(one)


def _key(lock: str, python: str) -> str:
    made_for = [sys.implementation.cache_tag, sys.platform, os.uname().machine, os.path.realpath(python), lock]
    return hashlib.sha256("\0".join(map(str, made_for)).encode()).hexdigest()


def _is_whole(kept: Path) -> bool:
    """Return whether a folder is there, with the content that it was made with: looked at once in each process."""
    with _checking:
        if not (kept / _PACKAGES).is_dir():
            return False
        if kept not in _whole:
            with suppress(OSError):
                if (kept / _SUM).read_text(encoding="ascii", errors="replace") == _sum(kept / _PACKAGES):
                    os.utime(kept)  # it is in use
                    _whole.add(kept)
        return kept in _whole


def _sum(folder: Path) -> str:
    """Return the SHA-256 of all names and contents in a folder. Raises OSError."""
    found = hashlib.sha256()
    for place, folders, names in os.walk(folder):
        folders.sort()
        for path in (Path(place, name) for name in sorted(names)):
            content = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
            found.update(f"{len(content)} {path.relative_to(folder)}\n".encode("utf-8", "surrogateescape"))
            found.update(content)
    return found.hexdigest()


def _size(folder: Path) -> int:
    return sum(Path(place, name).lstat().st_size for place, _, names in os.walk(folder) for name in names)
