"""The bodies of messages that their broker does not take as dead letters: private files of this workspace."""

from __future__ import annotations

import hashlib
import os
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from msgspec import Struct, field

from engine.files.atomic import PRIVATE_FILE, PRIVATE_FOLDER, make_folder, write_whole

_MOST = 100  # bodies that a broker refuses as dead letters are rare, and may be large


@dataclass(frozen=True)
class KeptBody:
    """Where a body is."""

    size_bytes: int
    sha256: str
    file: str
    """Its path, from the folder that has the state folder."""


class Bodies(Struct, frozen=True):
    """The newest 100 bodies, each named by its SHA-256; any thread."""

    folder: Path
    _keeping: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, body: bytes) -> KeptBody:
        """Write a body to disk, and delete the oldest ones beyond 100. Raises StorageError."""
        name = hashlib.sha256(body).hexdigest()
        with self._keeping:
            make_folder(self.folder, PRIVATE_FOLDER)
            write_whole(self.folder / name, body, PRIVATE_FILE)
            self._prune()
        return KeptBody(len(body), name, f"{self.folder.parent.name}/{self.folder.name}/{name}")

    def _prune(self) -> None:
        with suppress(FileNotFoundError), os.scandir(self.folder) as found:  # another process may prune, too
            ours = [one for one in found if not one.name.startswith(".")]
            for one in sorted(ours, key=lambda one: one.stat().st_mtime_ns, reverse=True)[_MOST:]:
                Path(one.path).unlink(missing_ok=True)
