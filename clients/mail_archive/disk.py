"""The files of an archive on this machine: a folder is walked without following links, and each file is opened so."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from msgspec import Struct

from clients.errors import NotFound, ServiceError
from clients.file.client import FileClient
from clients.in_workspace.own_files import has_second_name
from clients.mail_archive.entries import ArchiveEntry, delivered_at, is_named_as_mails, key_at, kind_of, visible
from clients.mail_archive.mbox import is_mailbox
from clients.wording import counted

_HEAD = 4096
_DEEPEST = 20
_LINKED = "{} left out: hard links are not read, because they may lead to private files. The first is {}."
_UNNAMED = "{} left out, as names must be valid UTF-8: rename {} and any others."
_PRIVATE = "{} left out, as steps may not read anything with such a name: {} is the first."


class FileBytes(Struct, frozen=True):
    """An open file."""

    handle: int
    size: int
    changed_ns: int

    def pread(self, count: int, offset: int) -> bytes:
        """Return so many bytes from there, fewer only at the end."""
        return os.pread(self.handle, count, offset)

    def is_as_opened(self) -> bool:
        """Return whether nobody has changed the file since it was opened."""
        return _bytes(self.handle) == self

    def is_altered(self) -> bool:
        """Return False: a file has no checksum."""
        return False


class OnDisk:
    """An archive that is a folder, or one file."""

    def __init__(self, client: FileClient, path: str) -> None:
        self._client, self._path = client, path.rstrip("/")
        self.is_folder = client.is_folder(path)
        self._left: dict[str, list[str]] = {}
        """The paths of what `entries` left out, by the reason."""

    def entries(self, key: str = "") -> Iterator[ArchiveEntry]:
        """Yield the mails and mailboxes, in no order: with `key`, the one that has it, without a look at the others.

        Raises ServiceError.
        """
        self._left = {}
        if not self.is_folder:
            yield from (one for one in self._alone() if key in {"", one.key})
            return
        with self._client.in_folder(self._path) as handle:
            yield from self._inside(handle, (), key)

    @property
    def left_out(self) -> list[str]:
        """Sentences about the files that `entries` left out: how many, why, and the first one."""
        return [said.format(_counted(paths), visible(min(paths))) for said, paths in self._left.items()]

    def _alone(self) -> Iterator[ArchiveEntry]:
        with self._client.opened(self._path) as found:
            head = os.pread(found.handle, _HEAD, 0)
            kind = kind_of(found.name, is_mailbox=not found.size_bytes or is_mailbox(head))
            if kind is not None:
                at = int(found.modified_at.timestamp())
                yield ArchiveEntry("", "mail" if kind == "maildir" else kind, at, found.size_bytes)

    def _inside(self, handle: int, above: Sequence[str], key: str) -> Iterator[ArchiveEntry]:
        with os.scandir(handle) as listed:
            found = [(one.name, one.is_dir(follow_symlinks=False)) for one in listed]
        folders = sorted(name for name, is_folder in found if is_folder)
        is_maildir = "cur" in folders and "new" in folders
        for name in folders:
            # Subfolders of a Maildir begin with a dot (Maildir++); nothing else that is hidden is looked into.
            if (name.startswith(".") and not is_maildir) or len(above) > _DEEPEST or (is_maildir and name == "tmp"):
                continue
            if not name.startswith(".") and self._client.why_unread("/".join((*self._named, *_visible(above), name))):
                self._leave(_PRIVATE, "/".join((*above, name, "")))
                continue
            inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=handle)
            try:
                if not name.startswith(".") or _is_maildir(inner):
                    yield from self._inside(inner, (*above, name), key)
            finally:
                os.close(inner)
        for name, is_folder in found:
            if not is_folder and not name.startswith("."):
                yield from self._file(handle, "/".join((*above, name)), name, key)

    def _file(self, handle: int, path: str, name: str, key: str) -> Iterator[ArchiveEntry]:
        kind = kind_of(path)
        if kind is None or (key and key_at(path, kind) != key):
            return
        try:
            facts = os.stat(name, dir_fd=handle, follow_symlinks=False)
        except FileNotFoundError:  # a mail program has moved it just now
            return
        if not stat.S_ISREG(facts.st_mode):
            return
        if has_second_name(facts):
            if kind != "mailbox":
                self._leave(_LINKED, path)
        elif kind == "mailbox" and not self._is_mailbox(path):
            return
        elif not _is_text(path):  # no id could name its mails
            self._leave(_UNNAMED, path)
        else:
            yield ArchiveEntry(path, kind, delivered_at(path, facts.st_mtime), facts.st_size)

    def _leave(self, said: str, path: str) -> None:
        self._left.setdefault(said, []).append(path)

    def _is_mailbox(self, path: str) -> bool:
        try:
            with self._client.opened(self._within(path)) as found:
                return is_mailbox(os.pread(found.handle, _HEAD, 0))
        except ServiceError:  # not for steps: a key, a copy of the state
            if is_named_as_mails(path):
                self._leave(_PRIVATE, path)
            return False

    @contextmanager
    def opened(self, entry: ArchiveEntry) -> Iterator[FileBytes]:
        """Open a file of the archive. Raises NotFound if it is gone, and other ServiceErrors."""
        if not any(part.startswith(".") for part in entry.path.split("/")):
            with self._client.opened(self._within(entry.path)) as found:
                yield _bytes(found.handle)
            return
        with self._client.in_folder(self._path) as handle, _below(handle, entry.path) as found_:
            yield _bytes(found_)

    def beside(self, entry: ArchiveEntry, most: int) -> dict[str, bytes]:
        """Return the attachments that Apple Mail keeps in files beside a mail, by the number of their part.

        Those that cannot be read, or would be more than `most` bytes together, are left out.
        """
        folder, _, name = self._within(entry.path).rpartition("/")
        place = "/".join(filter(None, (folder.rpartition("/")[0], "Attachments", name.partition(".")[0])))
        found: dict[str, bytes] = {}
        with suppress(NotFound):
            for one in self._client.listed(place, "*", is_deep=True):
                number, _, inside = one.path.removeprefix(f"{place}/").partition("/")
                if number in found or not inside or one.size_bytes > most:
                    continue
                with suppress(ServiceError), self._client.opened(one.path) as file:
                    found[number] = os.pread(file.handle, one.size_bytes, 0)
                    most -= len(found[number])
        return found

    @property
    def _named(self) -> tuple[str, ...]:
        return tuple(filter(None, [self._path]))

    def _within(self, path: str) -> str:
        return "/".join(filter(None, (self._path, path)))


def _bytes(handle: int) -> FileBytes:
    facts = os.fstat(handle)
    return FileBytes(handle, facts.st_size, facts.st_mtime_ns)


@contextmanager
def _below(folder: int, path: str) -> Iterator[int]:
    """Open a file in a subfolder of a Maildir, name by name, following no link. Raises NotFound."""
    *above, name = path.split("/")
    handle = os.dup(folder)
    try:
        for part in above:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=handle)
            os.close(handle)
            handle = inner
        facts = os.stat(name, dir_fd=handle, follow_symlinks=False)
        if not stat.S_ISREG(facts.st_mode) or has_second_name(facts):
            raise FileNotFoundError(name)
        inner = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=handle)
        os.close(handle)
        handle = inner
        yield handle
    except FileNotFoundError as error:
        raise NotFound(f"The mail {path} is no longer in the archive.", service="file") from error
    finally:
        os.close(handle)


def _counted(paths: Sequence[str]) -> str:
    if any(path.endswith("/") for path in paths):
        return counted(len(paths), "file or folder", "files or folders")
    return counted(len(paths), "file")


def _visible(parts: Sequence[str]) -> Sequence[str]:
    """Return a path up to the first hidden folder: what is in a Maildir belongs to it."""
    hidden = next((place for place, part in enumerate(parts) if part.startswith(".")), len(parts))
    return parts[:hidden]


def _is_maildir(handle: int) -> bool:
    with os.scandir(handle) as listed:
        return any(one.name == "cur" for one in listed)


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
