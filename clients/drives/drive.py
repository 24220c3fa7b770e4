"""The port of drives: list, search, download, upload once, and tell what is new.

`folder` is "" for the root, else an id or a path that `folders` and `entries` give. `tests/clients/drives/` has the
contract that every drive keeps.
"""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path

from msgspec import Struct

from clients.client import Client
from clients.listing import Json


class DriveFile(Struct, frozen=True):
    """A file or folder of a drive."""

    id: str
    """Without text of strangers, since workflows may pass it on: the drive's own id, or `names.opaque` of a path."""
    name: str
    path: str
    """For people: `Invoices/2026/may.pdf`."""
    is_folder: bool
    size: int | None
    """Bytes; None for folders, and where the drive does not say."""
    media_type: str
    """Empty if the drive does not say."""
    modified_at: str
    """RFC 3339, UTC, milliseconds and Z; empty if the drive does not say."""
    version: str
    """ETag, revision or hash: it changes with the content. Empty for folders."""
    url: str
    """A page that a person can open; empty if the drive has no such page."""


class FolderChanges(Struct, frozen=True):
    """The new files of a folder since a cursor; they may be listed again, but never files from before the cursor."""

    files: list[DriveFile]
    """Oldest first, without folders."""
    cursor: str
    """Opaque, from the drive."""


class Drive(Client):
    """An account of a drive; the service declares `kind="drive"`, and `pickers={"drive-folder": "folders"}`."""

    @abstractmethod
    def entries(self, folder: str, limit: int) -> list[DriveFile]:
        """List the items directly in a folder, by name; `limit` at most. Raises NotFound."""

    @abstractmethod
    def search(self, words: str, folder: str, limit: int) -> list[DriveFile]:
        """Find files in a folder and below, by all words in their names, or as the drive searches. Raises NotFound."""

    @abstractmethod
    def file(self, file_id: str) -> DriveFile:
        """Return a file or folder. Raises NotFound."""

    @abstractmethod
    def download(self, file_id: str, into: Path, limit: int) -> DriveFile:
        """Write a file's content to `into`, in parts (see `transfer.received`).

        Raises InvalidRequest if it is a folder or larger than `limit` bytes, Conflict if it changes meanwhile,
        NotFound.
        """

    @abstractmethod
    def upload(self, folder: str, name: str, source: Path, marker: str) -> DriveFile:
        """Make a new file of the content of `source`; `marker` marks it if the drive can keep it with the file.

        A large file goes in parts, and a broken part is sent again. Raises Conflict if there is a file of this name,
        whatever its content (it is never replaced), NotFound without the folder.
        """

    @abstractmethod
    def uploaded(self, folder: str, name: str, source: Path, marker: str) -> DriveFile | None:
        """Return the file that `upload` with the same arguments made, or None.

        It is known by its marker, else by its content. Must not use a search index, which lags behind.
        """

    @abstractmethod
    def remove(self, file_id: str, version: str) -> None:
        """Delete a file, to the trash if the drive has one; harmless if it is gone. Raises Conflict if it changed."""

    @abstractmethod
    def changes(self, folder: str, cursor: str | None) -> FolderChanges:
        """Return the files that came into a folder, not below it, since the cursor; None: start now, without files.

        Raises NotFound.
        """

    @abstractmethod
    def folders(self) -> list[Json]:
        """List folders for a picker: [{id, name, url}]; a name is what `folder` takes (a path)."""
