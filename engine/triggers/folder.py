"""New files in a folder of this machine."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatch
from pathlib import Path, PurePath
from typing import Any

from msgspec import Struct
from pydantic import Field

from clients.errors import InvalidRequest, NotFound, Unavailable
from clients.file.folders import private_in, resolved, why_not
from clients.file.paths import why_private
from clients.file.service import OUTPUT
from clients.in_workspace.own_files import SECOND_NAME, STATE, has_second_name, is_state
from clients.wording import counted
from engine.base.clock import moment_of, timestamp
from engine.expressions.json_values import compact_json
from engine.plugins.step import Fields, JsonValue, Output, StepType, destination, found_file, option, outside
from engine.plugins.trigger import Around, Found, Item, Look, OwnWrite, Start, TriggerType

_LARGEST_TEXT_BYTES = 1024 * 1024
_BEFORE = "it already existed"
_NO_TEXT = "its name is not valid UTF-8: rename it"
_TOO_LARGE = "The file is larger than 1 MB."
_BINARY = "The file is not UTF-8 text."
_COPY = f"{SECOND_NAME}: copy it and delete the link"
_NOT_OURS = "Put the files into a folder of their own, such as `incoming`, and name it in `path`."
_OTHER_FILE = "Copy what may be read into a file of its own."
_RIGHT = "Let the account that runs `orchestra` read it, then try again."
_DISK = "Check that its disk is mounted, and that the account that runs `orchestra` may read it."
_NANOSECONDS = 1_000_000_000
_YEAR_2, _YEAR_9999 = -62_104_060_800, 253_370_764_800  # a file may have any time; datetime ends at year 9999


class FolderFields(Fields):
    """The folder, and which files count."""

    path: str = destination("Folder (relative to the workspace, or absolute)", min_length=1)
    pattern: str = option("File names, such as *.pdf; **/*.pdf also looks in subfolders", "*", min_length=1)
    still_seconds: float = option("Seconds that a file must stay unchanged", 5.0, ge=0, le=3600)


class FolderItem(Output):
    """A file."""

    path: str = found_file("Absolute path")
    name: str = outside("Its name")
    relative_path: str = outside("Path inside the folder")
    size_bytes: int = Field(title="Its size")
    modified_at: datetime = Field(title="Last changed at")
    text: str = outside("Its text, if it is text of up to 1 MB; otherwise empty")
    text_missing: str = Field(title="Why there is no text, as a sentence; empty if there is one")


class NewFile(TriggerType):
    """Starts a run for each new file in a folder, once it is no longer being written.

    A file that is changed later counts as new. Links, their targets and files with a leading dot are left out, and so
    are files that no step may read: hard links, files whose names suggest that they contain a key, and files of
    AI-Orchestra itself. Folders of the system, such as `/etc`, and hidden folders are refused.
    """

    name = "folder.new_file"
    title = "A new file in a folder"
    happens = "a new file is in a folder"
    watches = "a file of this machine"
    fields = FolderFields
    item = FolderItem
    poll_seconds = 10.0
    made_by = ("file.write",)

    def source(self, fields: FolderFields) -> str:
        """Return the folder: another folder has other files."""
        return os.path.normpath(fields.path)

    def look(self, look: Look) -> Found:
        """List the unseen files. The first poll also lists files that do not count, as skipped."""
        files = list(_Folder.of(look).files(look.fields.pattern))
        new = set(look.unseen([file.id for file in files]))
        fresh = [file for file in files if file.id in new]
        if look.cursor is None:
            counting = _counting(fresh, look.start)
            before = [file for file in fresh if file.id not in counting]
            skipped = [file.listed(_BEFORE) for file in before]
            return Found(skipped, {"waiting": {}}, has_more=len(before) < len(fresh))
        return _still(fresh, look)

    def read(self, look: Look, item: Item) -> Item:
        """Read a file. Raises NotFound if it is gone or has changed (a different item), InvalidRequest if withheld."""
        found = _Folder.of(look).file_of(item.id)
        text, missing = _text(found)
        value = {
            "path": str(found.path),
            "name": found.path.name,
            "relative_path": found.relative,
            "size_bytes": found.size,
            "modified_at": timestamp(found.modified_at),
            "text": text,
            "text_missing": missing,
        }
        return Item(item.id, value, item.title, item.at)

    def may_find(self, fields: Mapping[str, JsonValue], kind: StepType, arguments: Mapping[str, JsonValue]) -> bool:
        """Return whether a tool is given the name of the folder, or a file of this name may be written there."""
        if kind.name not in self.made_by:
            return PurePath(str(fields.get("path"))).name in compact_json(arguments)
        folder, pattern = PurePath(os.path.normpath(str(fields.get("path")))), str(fields.get("pattern"))
        within, _, name = f"{OUTPUT}/{arguments.get('path')}".rpartition("/")
        if "{{" in within:
            return True
        places = [PurePath(within), *(PurePath(within).parents if "**" in pattern else ())]
        return fnmatch(name, pattern.rpartition("/")[2]) and any(
            folder == one or (folder.is_absolute() and one.parts and folder.parts[-len(one.parts) :] == one.parts)
            for one in places
        )

    def may_be_there(self, fields: Mapping[str, JsonValue], made: OwnWrite) -> bool:
        """Return whether a file was written into the folder, or somebody's tool may have written one."""
        if made.uses not in self.made_by or not isinstance(made.output, Mapping):
            return True
        folder, written = (PurePath(os.path.normpath(str(one))) for one in (fields["path"], made.output.get("path")))
        return folder.is_absolute() != written.is_absolute() or written.is_relative_to(folder)

    def is_made(self, look: Look, item: Item, made: Sequence[OwnWrite]) -> bool:
        """Compare its path, and its content: a file that somebody has changed since is theirs."""
        folder = _Folder.of(look)
        found = folder.file_of(item.id)
        outputs = [one.output for one in made if isinstance(one.output, Mapping)]
        like = [one for one in outputs if one.get("size_bytes") == found.size]
        place = folder.target / found.relative
        hashes = {one.get("sha256") for one in like if resolved(look.around.root / str(one.get("path"))) == place}
        return bool(hashes) and _sha256(found) in hashes


class _File(Struct, frozen=True):
    path: Path
    relative: str
    size: int
    modified_ns: int
    withheld: str = ""
    """Why no step may read it, as the end of "It was left out: …"; empty if they may."""

    @property
    def id(self) -> str:
        """The id of this content of this file."""
        return f"{self.shown}:{self.modified_ns}:{self.size}"

    @property
    def shown(self) -> str:
        """Its path in the folder as text: file names are bytes, which may not be valid text."""
        return os.fsencode(self.relative).decode("utf-8", "backslashreplace")

    @property
    def modified_at(self) -> datetime:
        """When it was last changed; a file may have any time, even one outside the calendar."""
        return datetime.fromtimestamp(min(max(self.modified_ns / _NANOSECONDS, _YEAR_2), _YEAR_9999), UTC)

    def listed(self, skip: str = "") -> Item:
        """Return the file as an item that has not been read yet."""
        no_text = "" if self.shown == self.relative else _NO_TEXT
        return Item(self.id, None, self.shown, self.modified_at, skip or no_text or self.withheld)


class _Folder(Struct, frozen=True):
    place: Path
    """As the trigger names it."""
    target: Path
    """Resolved."""
    private: frozenset[Path]

    @classmethod
    def of(cls, look: Look) -> _Folder:
        """Return the folder of a trigger. Raises InvalidRequest if it is the program's own."""
        around: Around = look.around
        place, private = around.root / look.fields.path, private_in(around.root, around.private)
        target = resolved(place)
        if why := why_not(target, resolved(around.root), private):
            raise InvalidRequest(f"The folder {place} {why}.", remedy=_NOT_OURS)
        return cls(place, target, private)

    def files(self, pattern: str) -> Iterator[_File]:
        """Yield the regular files, least recently changed first. Raises NotFound, Unavailable, InvalidRequest."""
        found = []
        try:
            if not self.place.is_dir():
                raise NotFound(f"There is no folder {self.place}.", remedy="Create it, or correct `path`.")
            os.scandir(self.place).close()  # `glob` treats an unreadable folder as empty
            for path in self.place.glob(pattern):
                file = self._file(path)
                if file is not None and not any(part.startswith(".") for part in Path(file.relative).parts):
                    found.append(file)
        except OSError as error:
            raise Unavailable(f"The folder {self.place} cannot be read: {error.strerror}.", remedy=_DISK) from error
        except (ValueError, NotImplementedError) as error:
            raise InvalidRequest(f"{pattern!r} is not a pattern of file names: {error}.") from error
        yield from sorted(found, key=lambda file: (file.modified_ns, file.relative))

    def file_of(self, item_id: str) -> _File:
        """Return the file of an item, which a step may read. Raises NotFound, InvalidRequest."""
        relative = item_id.rsplit(":", 2)[0]  # from the end: a path may have colons itself
        file = self._file(self.place / relative) if ".." not in Path(relative).parts else None
        if file is None or file.id != item_id:
            raise NotFound(f"The file {relative} has been deleted or changed.")
        if file.withheld:
            raise InvalidRequest(f"The file {file.path} cannot be used: {file.withheld}.", remedy=_OTHER_FILE)
        return file

    def _file(self, path: Path) -> _File | None:
        try:
            facts = path.lstat()
        except FileNotFoundError:
            return None
        relative = path.relative_to(self.place)
        inner = list(relative.parents)[:-1]
        if not stat.S_ISREG(facts.st_mode) or any((self.place / one).is_symlink() for one in inner):
            return None
        parts = (self.target / relative).parts[1:]
        withheld = _COPY if has_second_name(facts) else why_private(Path("/"), parts, self.private)
        return _File(path, relative.as_posix(), facts.st_size, facts.st_mtime_ns, withheld)


def _counting(files: Sequence[_File], start: Start) -> set[str]:
    """Return which of the files that exist at the first poll count as new."""
    if start.last is not None:
        return {file.id for file in files[-start.last :]}
    return {file.id for file in files if start.since is not None and file.modified_at >= start.since}


def _still(fresh: Sequence[_File], look: Look) -> Found:
    """List the files that have not changed for long enough; the cursor stores since when the others are unchanged.

    The file is observed, since its time may be in the past although it is still being copied.
    """
    before: Mapping[str, str] = look.cursor["waiting"]
    since = {file.id: before.get(file.id, timestamp(look.now)) for file in fresh}
    still = timedelta(seconds=look.fields.still_seconds)
    ready = [file for file in fresh if look.now - moment_of(since[file.id]) >= still]
    listed = ready[: look.limit]
    known = {file.id for file in listed}
    waiting = {file.id: since[file.id] for file in fresh if file.id not in known}
    next_at = min((moment_of(at) + still for at in waiting.values()), default=None)
    return Found(
        [file.listed() for file in listed],
        {"waiting": waiting},
        has_more=len(ready) > len(listed),
        note=_watched(len(fresh) - len(ready), look.fields.still_seconds),
        look_again_at=_soon(next_at, look),
    )


def _watched(count: int, seconds: float) -> str:
    """Return a note about files that were not observed long enough; without it, a preview would promise no run."""
    if not count:
        return ""
    rest = "it" if count == 1 else "each"
    return f"{counted(count, 'more file')}: {rest} starts a run once it has not changed for {seconds:g} seconds."


def _soon(next_at: datetime | None, look: Look) -> datetime | None:
    """Return when the first waiting file will have been unchanged for long enough, or None."""
    return None if next_at is None else max(next_at, look.now + timedelta(seconds=1))


def _sha256(file: _File) -> str:
    """Return the hash of a content. Raises NotFound, Unavailable."""
    try:
        with os.fdopen(os.open(file.path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise NotFound(f"The file {file.relative} no longer exists.") from error
    except OSError as error:
        raise Unavailable(f"The file {file.path} cannot be read: {error.strerror}.", remedy=_DISK) from error


def _text(file: _File) -> tuple[str, str]:
    """Return (the text of a file, why it has no text). Raises NotFound, Unavailable, InvalidRequest (no permission)."""
    try:
        descriptor = os.open(file.path, os.O_RDONLY | os.O_NOFOLLOW)  # it may have become a link meanwhile
        with os.fdopen(descriptor, "rb") as content:
            if is_state(descriptor):
                raise InvalidRequest(f"The file {file.path} cannot be used: {STATE}.", remedy=_OTHER_FILE)
            if file.size > _LARGEST_TEXT_BYTES:
                return "", _TOO_LARGE
            raw: Any = content.read(_LARGEST_TEXT_BYTES + 1)
        return ("", _BINARY) if b"\0" in raw else (raw.decode("utf-8-sig"), "")
    except UnicodeDecodeError:
        return "", _BINARY
    except FileNotFoundError as error:
        raise NotFound(f"The file {file.relative} no longer exists.") from error
    except PermissionError as error:
        raise InvalidRequest(f"The file {file.path} may not be read: {error.strerror}.", remedy=_RIGHT) from error
    except OSError as error:
        raise Unavailable(f"The file {file.path} cannot be read: {error.strerror}.", remedy=_DISK) from error
