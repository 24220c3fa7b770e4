"""The files of branches: `<name>.branches/<branch>.json`, and beside it the text from which the branch was made."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from engine.base.errors import InUse, InvalidFile
from engine.base.names import branch_address, file_stem
from engine.documents.json_file import read_text
from engine.files.atomic import make_folder, remove, storage_errors, write_whole
from engine.workspace.copies import copy
from engine.workspace.file_store import BASE, FileStore
from engine.workspace.step_renames import RENAMES, KnownRenames, StepRenames, keep_renames, known_renames


class BranchFiles:
    """The branches of the files of a folder. `FileStore` reads and saves each under its address, `<name>@<branch>`."""

    def __init__(self, shelf: FileStore) -> None:
        self._shelf = shelf

    def names(self, name: str) -> list[str]:
        """Return the branches of a file, sorted. Raises InvalidInput, StorageError."""
        return self._shelf.branches(name)

    def changed_at(self, address: str) -> datetime:
        """Return when a branch was last written."""
        return self._shelf.changed_at(address)

    def base(self, address: str) -> str:
        """Return the text from which a branch was made. Raises UnknownName, InvalidFile, InvalidInput."""
        self._shelf.text(address)
        path, file = self._shelf.beside(address, BASE), f"{self._shelf.folder.name}/{file_stem(address)}{BASE}"
        if not path.exists():
            raise InvalidFile(
                f"{file} is missing: without it, nobody can tell what the branch has changed.",
                remedy="Restore it, for example with git, or make a new branch and change that.",
            )
        return read_text(path, file)

    def renames(self, address: str) -> KnownRenames:
        """Return the renames of steps that people have made since a branch was taken. Raises InvalidInput."""
        return known_renames(self._shelf.beside(address, RENAMES))

    def add(self, name: str, branch: str, by: str, text: str = "", renames: StepRenames = ()) -> None:
        """Create a branch with the text and the layout of a file.

        `text`: an earlier text of the file, "" for the current one; `renames`: of its steps since then, which lead to
        ids that the file has. Raises InUse, UnknownName, InvalidInput, InvalidFile, StorageError.
        """
        new = branch_address(name, branch)
        with self._shelf.editing():
            text, path = text or self._shelf.text(name), self._shelf.path(new)
            if path.exists():
                raise InUse(f"{name!r} has a branch {branch!r} already.", remedy="Choose another name.")
            make_folder(path.parent)
            write_whole(self._shelf.beside(new, BASE), text)  # first: a branch without it could not be merged
            remove(self._shelf.beside(new, RENAMES))  # of an earlier branch with this name, as its saved texts are
            self._shelf.set_history_aside(new)
            self._copy_layout(self._shelf.layout_path(name), self._shelf.layout_path(new))
            keep_renames(self._shelf.beside(new, RENAMES), "main", renames, {now for _, now in renames})
            self._shelf.put_new(new, text, by)

    def rebase(self, name: str, branch: str, text: str, known_etag: str, by: str) -> None:
        """Let a branch continue from a text of its file, if the branch still has `known_etag`.

        If interrupted in between, the branch has everything that the file has; its base is too old, which does no harm.
        Raises StaleEdit, UnknownName, StorageError.
        """
        address = branch_address(name, branch)
        with self._shelf.editing():
            self._shelf.require_unchanged(address, known_etag)
            self._shelf.put(address, text, by)
            write_whole(self._shelf.beside(address, BASE), text)
            remove(self._shelf.beside(address, RENAMES))

    def _copy_layout(self, source: Path, target: Path) -> None:
        if source.is_file():
            with storage_errors(target):
                copy(source, target)
