"""Files below one folder: opened by a walk that follows no link, written atomically, listed."""

from __future__ import annotations

import fnmatch
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Literal

from msgspec import Struct

from clients.check_line import CheckLine
from clients.client import Client, Opening
from clients.errors import Conflict, InvalidRequest, NotFound, ServiceError, Unavailable
from clients.file.folders import OWN, Folder
from clients.file.new_names import rename_beside, rename_new
from clients.file.paths import SERVICE, parts_of, refused, require_open, require_unowned, why_private
from clients.file.service import FILE, FileSettings
from clients.file.tesseract import ABSENT, tesseract
from clients.in_workspace.machine import plain
from clients.in_workspace.own_files import COPY_IT, SECOND_NAME, STATE, has_second_name, is_state
from clients.reads_only import is_active
from clients.reads_only import refused as not_now
from clients.wording import listed

_PIECE = 1024 * 1024
_LISTED_MOST = 200_000
"""Names that one listing looks at."""
_PICKED_MOST = 1_000
"""Files that a picker offers."""
_DEMO = "demo"


class OpenFile(Struct, frozen=True):
    """An open regular file."""

    handle: int
    path: str
    """From the folder on, with slashes."""
    size_bytes: int
    modified_at: datetime

    @property
    def name(self) -> str:
        """Its name, without its folder."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True)
class FileEntry:
    """A file in a listing."""

    path: str
    size_bytes: int
    modified_at: datetime


@dataclass(frozen=True)
class WrittenFile:
    """The result of a write."""

    path: str
    size_bytes: int
    sha256: str
    is_new: bool


class FileClient(Client):
    """The files below a folder; the demo writes in a folder of its own."""

    service = FILE

    def __init__(self, folder: Folder, output: str, shared: Path | None = None, *, is_demo: bool = False) -> None:
        self._found, self._output, self._is_demo = folder, output, is_demo
        self.shared = shared
        """The folder for what this program keeps for itself, or None."""
        self.folder, self._private = folder.place, folder.private

    @classmethod
    def open(cls, settings: FileSettings, opening: Opening) -> FileClient:
        """Return a client for these settings; without a workspace and a folder, nothing can be read."""
        output = f"{settings.output}/{_DEMO}".lstrip("/") if opening.is_demo else settings.output
        return cls(Folder.of(settings, opening), output, opening.shared_folder, is_demo=opening.is_demo)

    def account(self) -> str:
        """Return the folder."""
        return str(self.folder)

    def check(self) -> list[CheckLine]:
        """Look whether the folder can be listed."""
        if self._found.problem:
            return [CheckLine("folder", ok=False, text=self._found.problem)]
        try:
            os.scandir(self.folder).close()
        except OSError as error:
            return [
                CheckLine(
                    "folder",
                    ok=False,
                    text=f"The folder {self.folder} cannot be read: {error.strerror}. Choose another one.",
                )
            ]
        found = tesseract()
        known = f"file.ocr reads {', '.join(found.languages)}." if found else f"file.ocr cannot be used. {ABSENT}"
        return [
            CheckLine("folder", ok=True, text=f"Steps read the files in {self.folder}."),
            CheckLine("ocr", ok=True, text=known, is_note=not found),
        ]

    @contextmanager
    def opened(self, path: str) -> Iterator[OpenFile]:
        """Open a file that a step names. Raises InvalidRequest (not for steps), NotFound, Unavailable."""
        parts = self._parts(path)
        if not parts:
            raise refused(path, "it is a folder")
        with self._errors(path), self._in_folder(parts[:-1]) as folder:
            handle = _opened(parts[-1], folder, path)
        try:
            facts = os.fstat(handle)
            if not stat.S_ISREG(facts.st_mode):
                raise refused(path, "it is not a regular file")
            if is_state(handle):
                raise refused(path, STATE)
            yield OpenFile(handle, "/".join(parts), facts.st_size, _moment(facts.st_mtime))
        finally:
            os.close(handle)

    def is_folder(self, path: str) -> bool:
        """Return whether a path that a step names is a folder. Raises InvalidRequest, NotFound, Unavailable."""
        parts = self._parts(path)
        if not parts:
            return True
        with self._errors(path), self._in_folder(parts[:-1]) as folder:
            return stat.S_ISDIR(os.stat(parts[-1], dir_fd=folder, follow_symlinks=False).st_mode)

    @contextmanager
    def in_folder(self, path: str) -> Iterator[int]:
        """Open a folder that a step names. Raises InvalidRequest, NotFound, Unavailable."""
        parts = self._parts(path)
        with self._errors(path), self._in_folder(parts) as folder:
            yield folder

    def listed(
        self, folder: str, pattern: str, *, is_deep: bool, unnamed: list[str] | None = None
    ) -> Iterator[FileEntry]:
        """Yield the files of a folder whose name fits, in the order of their names; links of any kind are left out.

        `unnamed` gets the files, and with `is_deep` the folders, whose names are not valid UTF-8, so that no step can
        name them; `unnamed_note` says so. Raises InvalidRequest, NotFound, Unavailable.
        """
        unnamed = [] if unnamed is None else unnamed
        parts, seen = self._parts(folder), 0
        with self._errors(folder), self._in_folder(parts) as handle:
            for where, folders, names, at in os.fwalk(".", dir_fd=handle, follow_symlinks=False):
                inside = [*parts, *Path(where).parts]
                shown = sorted(name for name in folders if not name.startswith("."))
                folders[:] = [name for name in shown if _is_text(name)]  # os.fwalk goes into what this list keeps
                if is_deep and len(folders) < len(shown):
                    odd = (name for name in shown if not _is_text(name))
                    unnamed += [f"{_as_text([*inside, name])}/" for name in odd if not _is_link(name, at)]
                fitting = sorted(name for name in names if fnmatch.fnmatch(name, pattern))
                seen += len(names)
                yield from (entry for name in fitting if (entry := self._entry([*inside, name], at, unnamed)))
                if not is_deep or seen > _LISTED_MOST:
                    return

    def kept(self, unnamed: list[str] | None = None) -> Iterator[FileEntry]:
        """Yield the files that people keep here, except in the workspace's folders that say what runs.

        `unnamed` as in `listed`.
        """
        own, odd = OWN if self._found.is_workspace else (), list[str]()
        for one in self.listed("", "*", is_deep=True, unnamed=odd):
            if one.path.partition("/")[0] not in own:
                yield one
        if unnamed is not None:
            unnamed += [path for path in odd if path.partition("/")[0] not in own]

    def paths(self) -> list[str]:
        """List the paths of the files that people keep here, for a picker."""
        return [one.path for one in islice(self.kept(), _PICKED_MOST)]

    def _entry(self, parts: Sequence[str], at: int, unnamed: list[str]) -> FileEntry | None:
        path = "/".join(parts)
        try:
            require_open(self.folder, self._parts(path), self._private, path)
            facts = os.stat(parts[-1], dir_fd=at, follow_symlinks=False)
        except (InvalidRequest, OSError):
            return None
        if not stat.S_ISREG(facts.st_mode) or has_second_name(facts):
            return None
        if not _is_text(path):
            unnamed.append(_as_text(parts))
            return None
        return FileEntry(path, facts.st_size, _moment(facts.st_mtime))

    def write(
        self,
        path: str,
        content: BinaryIO,
        *,
        on_exists: Literal["replace", "fail", "number"] = "fail",
        since: datetime | None = None,
    ) -> WrittenFile:
        """Write a private file in the output folder, atomically; it is on disk when this returns.

        `on_exists`: what to do if another file is there; `number` writes it beside that one, as `name (2).pdf`.
        Writing the same again changes nothing but its mode; `number` looks for it among the newest files of its name
        and size, and among all since `since`, when an earlier attempt may have written it. Raises InvalidRequest,
        Conflict (another file is there and must not be replaced), Unavailable.
        """
        if is_active():
            raise not_now(f"The file {path}")
        parts = self.place_beside(path) if on_exists == "number" else self.place(path)
        name, is_of_demo = parts[-1], self._is_demo_folder(parts)
        if is_of_demo and on_exists != "number":
            raise refused(path, "demo runs write in the folder of this name")
        with self._errors(path), self._in_folder(parts[:-1], is_made=True) as folder:
            draft = f".{os.urandom(8).hex()}.tmp"  # hidden: nobody reads half a file
            try:
                size, digest = _copied(content, draft, folder)
                if on_exists == "number":
                    taken, is_same = {name} if is_of_demo else set[str](), partial(_kept_if_same, folder, digest)
                    name, is_new = rename_beside(draft, name, folder, since=since, taken=taken, is_same=is_same)
                elif on_exists == "fail":
                    is_new = rename_new(draft, name, folder)
                    if not is_new and not _kept_if_same(folder, digest, name):
                        raise Conflict(
                            f"{'/'.join(parts)} exists, with another content.",
                            service=SERVICE,
                            remedy="Give another `path`, or let the step replace it (`on_exists`).",
                        )
                else:
                    is_new = _digest_of(name, folder) is None
                    os.replace(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
                os.fsync(folder)  # a rename is on disk only once its folder is
            finally:
                with suppress(OSError):
                    os.unlink(draft, dir_fd=folder)
        return WrittenFile("/".join((*parts[:-1], name)), size, digest, is_new)

    def remove(self, path: str, sha256: str) -> None:
        """Delete a file in the output folder, if it still has this content. Raises Conflict, InvalidRequest."""
        if is_active():
            raise not_now(f"The file {path}")
        parts = self.place_beside(path)
        with suppress(NotFound), self._errors(path), self._in_folder(parts[:-1]) as folder:
            now = _digest_of(parts[-1], folder)
            if now is None:
                return
            if now != sha256:
                raise Conflict(f"{path} was changed since.", service=SERVICE)
            os.unlink(parts[-1], dir_fd=folder)
            os.fsync(folder)

    def place(self, path: str) -> tuple[str, ...]:
        """Return where a file to write is, from the folder on. Raises InvalidRequest."""
        parts = self.place_beside(path)
        require_open(self.folder, parts, self._private, path)
        return parts

    def place_beside(self, path: str) -> tuple[str, ...]:
        """Return where a file to write is that replaces none: its name may be one that usually means a key.

        Raises InvalidRequest.
        """
        output, parts = parts_of(self.folder, self._output), self._named(path)
        parts = parts if parts[: len(output)] == output else (*output, *_without(parts, output[:1]))
        if len(parts) <= len(output):
            raise refused(path, "it is a folder")
        require_unowned(self.folder, parts, self._private, path)
        return parts

    def why_unread(self, path: str) -> str:
        """Return why no step may read a file, as the end of "It cannot be used: …"; empty if they may."""
        return why_private(self.folder, self._named(path), self._private)

    def _is_demo_folder(self, parts: tuple[str, ...]) -> bool:
        output = parts_of(self.folder, self._output)
        return not self._is_demo and parts[:-1] == output and plain(parts[-1]) == _DEMO

    def _parts(self, path: str) -> tuple[str, ...]:
        parts = self._named(path)
        require_open(self.folder, parts, self._private, path)
        return parts

    def _named(self, path: str) -> tuple[str, ...]:
        if self._found.problem:
            raise InvalidRequest(self._found.problem, service=SERVICE, remedy=_OTHER_FOLDER)
        return self._found.parts(path)

    @contextmanager
    def _in_folder(self, parts: Sequence[str], *, is_made: bool = False) -> Iterator[int]:
        """Open a folder name by name, following no link: nothing on the way can be exchanged meanwhile."""
        handle = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in parts:
                if is_made:
                    with suppress(FileExistsError):
                        os.mkdir(part, 0o700, dir_fd=handle)
                        os.fsync(handle)
                inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=handle)
                os.close(handle)
                handle = inner
            yield handle
        finally:
            os.close(handle)

    @contextmanager
    def _errors(self, path: str) -> Iterator[None]:
        try:
            yield
        except ServiceError:
            raise
        except FileNotFoundError as error:
            written = f"{self._output}/{path}"
            remedy = f"It is in {written!r}." if (self.folder / written).is_file() else _THERE
            raise NotFound(f"There is no {path!r} in {self.folder}.", service=SERVICE, remedy=remedy) from error
        except PermissionError as error:
            raise InvalidRequest(f"{path!r} may not be used.", service=SERVICE, remedy=_RIGHT) from error
        except OSError as error:
            if error.errno in _LINKS:
                raise refused(path, "a link is on the way, or a file in place of a folder") from error
            said = error.strerror or str(error)
            raise Unavailable(f"{path!r} cannot be used: {said}.", service=SERVICE, remedy=_DISK) from error


_OTHER_FOLDER = "Correct the connection in config.yaml."
_THERE = "Correct the path; `file.list` shows what is there."
_RIGHT = "Let the account that runs `orchestra` use it, then try again."
_DISK = "Check the disk, then try again."
_LINKS = frozenset({40, 62, 20})
"""ELOOP (Linux, macOS) and ENOTDIR: what opening a link gives that must not be followed."""


def unnamed_note(unnamed: Sequence[str]) -> list[str]:
    """Return the sentence about what `listed` leaves out, if there is any."""
    if not unnamed:
        return []
    what, remedy = ("its name is", "it") if len(unnamed) == 1 else ("their names are", "them")
    return [f"Left out, as {what} not valid UTF-8: {listed(unnamed)}. Rename {remedy}."]


def _is_text(name: str) -> bool:
    """Return whether a name of a file, which is bytes, is text."""
    if name.isascii():
        return True
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _as_text(parts: Sequence[str]) -> str:
    return os.fsencode("/".join(parts)).decode("utf-8", "backslashreplace")


def _is_link(name: str, folder: int) -> bool:
    try:
        return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except OSError:
        return False


def _without(parts: tuple[str, ...], first: tuple[str, ...]) -> tuple[str, ...]:
    return parts[1:] if first and parts[:1] == first else parts


def _copied(content: BinaryIO, name: str, folder: int) -> tuple[int, str]:
    """Write a new, private file in a folder and sync it; return its size and hash. Raises OSError."""
    found, size = hashlib.sha256(), 0
    handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=folder)
    with os.fdopen(handle, "wb") as out:
        while piece := content.read(_PIECE):
            found.update(piece)
            size += out.write(piece)
        out.flush()
        os.fsync(handle)
    return size, found.hexdigest()


def _opened(name: str, folder: int, shown: str) -> int:
    """Open a file for reading, unless it is a hard link. Raises InvalidRequest; OSError for a symbolic link."""
    # Before it is opened: closing a descriptor of the live state would release SQLite's locks (`own_files`).
    if has_second_name(os.stat(name, dir_fd=folder, follow_symlinks=False)):
        raise refused(shown, SECOND_NAME, COPY_IT)
    # Without O_NONBLOCK, opening a named pipe would wait for a writer.
    return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)


def _digest_of(name: str, folder: int) -> str | None:
    """Return the hash of a regular file, or None without a file. Raises InvalidRequest; OSError for a link."""
    try:
        with _regular(name, folder) as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def _kept_if_same(folder: int, digest: str, name: str) -> bool:
    """Return whether a file has this content; it is private and on disk then. Raises as `_digest_of`."""
    try:
        with _regular(name, folder) as content:
            if hashlib.file_digest(content, "sha256").hexdigest() != digest:
                return False
            with suppress(PermissionError):  # somebody else's file
                os.fchmod(content.fileno(), 0o600)
            os.fsync(content.fileno())
            return True
    except FileNotFoundError:
        return False


@contextmanager
def _regular(name: str, folder: int) -> Iterator[BufferedReader]:
    with os.fdopen(_opened(name, folder, name), "rb") as content:
        if not stat.S_ISREG(os.fstat(content.fileno()).st_mode):
            raise refused(name, "something else than a file is there")
        yield content


def _moment(seconds: float) -> datetime:
    # File systems allow any time; `datetime` ends with the year 9999.
    return datetime.fromtimestamp(min(max(seconds, 0), 253_370_764_800), UTC)
