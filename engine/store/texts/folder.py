"""Named texts as private files in the state folder of one machine."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from engine.base.errors import InvalidFile, StorageError
from engine.documents.json_file import read_text
from engine.files.atomic import (
    PRIVATE_FILE,
    PRIVATE_FOLDER,
    exclusive,
    make_folder,
    remove,
    storage_errors,
    sync_folder,
    write_whole,
)
from engine.files.new_files import FileToCreate, write_new

_LARGEST_BYTES = 1 << 30


class FolderTexts:
    """Each text is a file of its name; a link in the place of one is not text."""

    is_shared = False

    def __init__(self, root: Path) -> None:
        self.root = root

    def get(self, name: str) -> str | None:
        """Return the content of a file. Raises InvalidFile if it is not UTF-8."""
        path = self.root / name
        try:
            is_there = stat.S_ISREG(path.lstat().st_mode)
        except OSError as error:
            if isinstance(error, FileNotFoundError | NotADirectoryError):
                return None
            raise StorageError(f"{path} cannot be read: {error.strerror}.") from error
        return read_text(path, name, _LARGEST_BYTES) if is_there else None

    def mark(self, name: str) -> str | None:
        """Return the inode and the modification time of a file."""
        try:
            status = (self.root / name).stat()
        except OSError:
            return None
        return f"{status.st_ino} {status.st_mtime_ns}"

    def names(self, folder: str) -> list[str]:
        """Return the names of the files."""
        try:
            found = [path.name for path in (self.root / folder).iterdir()]
        except OSError:
            return []
        return sorted(name for name in found if name.endswith(".json") and not name.startswith("."))

    def all(self, folder: str) -> dict[str, str]:
        """Return the contents of the files; one that is not UTF-8 is left out."""
        found = {}
        for name in self.names(folder):
            with suppress(InvalidFile):
                text = self.get(f"{folder}/{name}")
                if text is not None:
                    found[name] = text
        return found

    def below(self, folder: str) -> list[str]:
        """Return the paths of the files."""
        found = [f"{folder}/{name}" for name in self.names(folder)]
        with suppress(OSError):
            for path in sorted((self.root / folder).iterdir()):
                if path.is_dir() and not path.is_symlink():
                    found += self.below(f"{folder}/{path.name}")
        return sorted(found)

    def put(self, name: str, text: str) -> None:
        """Write a file."""
        path = self.root / name
        for folder in reversed(path.relative_to(self.root).parents):  # the outermost first
            make_folder(self.root / folder, PRIVATE_FOLDER)
        write_whole(path, text, mode=PRIVATE_FILE)

    def put_new(self, folder: str, texts: Mapping[str, str]) -> None:
        """Write files together."""
        files = [FileToCreate(self.root / name, text, PRIVATE_FILE, PRIVATE_FOLDER) for name, text in texts.items()]
        write_new(self.root / folder, files)

    def remove(self, *names: str) -> None:
        """Delete files."""
        for name in names:
            remove(self.root / name)

    def move(self, folder: str, new: str) -> None:
        """Rename a folder."""
        source, target = self.root / folder, self.root / new
        if source.is_dir():
            with storage_errors(source):
                shutil.rmtree(target, ignore_errors=True)  # a rename replaces only an empty folder
                make_folder(target.parent, PRIVATE_FOLDER)
                source.replace(target)
                sync_folder(source.parent)

    def remove_all(self, folder: str) -> None:
        """Delete a folder."""
        path = self.root / folder
        if path.is_dir() and not path.is_symlink():
            with storage_errors(path):
                shutil.rmtree(path)

    def locked(self, name: str) -> AbstractContextManager[None]:
        """Hold a lock of the operating system on a file beside it."""
        return exclusive(self.root / f"{name}.lock")

    def where(self, name: str) -> str:
        """Return the path."""
        return str(self.root / name)
