"""The files of an archive that is a zip file: read where they are, without unpacking them to the disk.

An entry can only be inflated from its beginning, so what the last reads have reached is remembered: a mailbox of some
GB is inflated once, not again for each hundred mails.
"""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from msgspec import Struct

from clients.errors import InvalidRequest
from clients.file.client import FileClient
from clients.mail_archive.entries import (
    ArchiveEntry,
    ZipMember,
    delivered_at,
    is_named_as_mails,
    key_at,
    kind_of,
    visible,
)
from clients.mail_archive.mbox import is_mailbox
from clients.wording import counted

MAGIC = b"PK\x03\x04"
_HEAD = 4096
_PIECE = 256 * 1024
_INFLATED_MOST = 1024 * 1024
"""Of one piece: a bomb inflates it a thousandfold."""
_BEHIND = 4 * 1024 * 1024
"""Inflated bytes that are kept before the offset that was read last: a mail is read once its end is known."""
_EVERY = 32 * 1024 * 1024
"""Inflated bytes between two places that are remembered; each takes about 50 KB of memory."""
_MEMBERS_MOST, _PLACES_MOST = 4, 512
_LOCAL_HEADER = struct.Struct("<26xHH")
"""The lengths of the name and of the extra field (APPNOTE 4.3.7)."""
_ENTRIES_MOST = 500_000
_MOST_DEFLATED = 1032
"""The bytes that one deflated byte becomes at most (zlib.net/zlib_tech.html)."""
_UNPACK = "Unpack it, and name the folder."


class _Reached(Struct):
    """A place in an entry from which it can be inflated further."""

    inflated: int
    read: int
    state: Any
    crc: int = 0
    """Of what was inflated."""

    def copy(self) -> _Reached:
        """Return it so that both can go on."""
        return _Reached(self.inflated, self.read, self.state.copy(), self.crc)


class _Places:
    """The places that were reached in the entries that were read last; any thread."""

    def __init__(self) -> None:
        self._lock, self._known = Lock(), OrderedDict[tuple[int, ...], dict[int, _Reached]]()

    def before(self, member: tuple[int, ...], offset: int) -> _Reached | None:
        """Return the last known place that is not behind an offset."""
        with self._lock:
            found = [one for one in self._known.get(member, {}).values() if one.inflated <= offset]
            best = max(found, key=lambda one: one.inflated, default=None)
            return None if best is None else best.copy()

    def keep(self, member: tuple[int, ...], reached: _Reached) -> None:
        """Remember a place."""
        with self._lock:
            places = self._known.setdefault(member, {})
            self._known.move_to_end(member)
            number = reached.inflated // _EVERY
            if number in places or len(places) < _PLACES_MOST:
                places[number] = reached.copy()
            while len(self._known) > _MEMBERS_MOST:
                self._known.popitem(last=False)


_PLACES = _Places()


class ZipBytes:
    """An entry of a zip file, open; it is read from the beginning to the end, with small steps back."""

    def __init__(self, handle: int, entry: ArchiveEntry) -> None:
        assert entry.member is not None
        facts = os.fstat(handle)
        self._handle, self._member, self.size = handle, entry.member, entry.size
        self.changed_ns = facts.st_mtime_ns
        self._id = (facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, entry.member.header)
        self._data = entry.member.header + _local_header(handle, entry.member.header)
        self._at, self._window = 0, b""
        """The bytes that were inflated last, and where they begin."""
        self._reached: _Reached | None = None
        self._is_altered = False

    def is_as_opened(self) -> bool:
        """Return whether nobody has changed the zip file since it was opened."""
        facts = os.fstat(self._handle)
        return (facts.st_size, facts.st_mtime_ns) == self._id[2:4]

    def is_altered(self) -> bool:
        """Return whether the entry, which was read to its end, has other bytes than its checksum says."""
        if self._member.method != zipfile.ZIP_STORED or self._member.crc is None:
            return self._is_altered
        found = 0
        for place in range(0, self.size, _PIECE):
            found = zlib.crc32(self.pread(_PIECE, place), found)
        return found != self._member.crc

    def pread(self, count: int, offset: int) -> bytes:
        """Return so many bytes from there, fewer only at the end. Raises InvalidRequest for a damaged entry."""
        count = max(min(count, self.size - offset), 0)
        if self._member.method == zipfile.ZIP_STORED:
            return os.pread(self._handle, count, self._data + offset)
        if not self._at <= offset <= self._at + len(self._window):
            self._begin(offset)
        while self._at + len(self._window) < offset + count and self._goes_on(offset):
            pass
        return self._window[offset - self._at : offset - self._at + count]

    def _begin(self, offset: int) -> None:
        known = _PLACES.before(self._id, offset)
        self._reached = known or _Reached(0, 0, zlib.decompressobj(-zlib.MAX_WBITS))
        self._at, self._window = self._reached.inflated, b""

    def _goes_on(self, offset: int) -> bool:
        """Inflate a piece more, and forget what lies well before an offset; return whether there was any."""
        reached = self._reached
        if reached is None:
            self._begin(offset)
            reached = self._reached
        assert reached is not None
        piece = os.pread(self._handle, min(_PIECE, self._member.compressed - reached.read), self._data + reached.read)
        try:
            found = reached.state.decompress(piece, _INFLATED_MOST)
        except zlib.error as error:
            raise InvalidRequest("An entry of the zip archive is damaged.", service="file", remedy=_UNPACK) from error
        before = reached.inflated // _EVERY
        reached.read += len(piece) - len(reached.state.unconsumed_tail)
        reached.inflated += len(found)
        reached.crc = zlib.crc32(found, reached.crc)
        if reached.inflated >= self.size or reached.state.eof or not (found or piece):
            self._is_altered = self._member.crc not in {None, reached.crc}
        if reached.inflated // _EVERY != before:
            _PLACES.keep(self._id, reached)
        dropped = min(max(offset - _BEHIND - self._at, 0), len(self._window))
        self._at, self._window = self._at + dropped, self._window[dropped:] + found
        return bool(found or piece)

    def close(self) -> None:
        """Remember how far it was read."""
        if self._reached is not None and self._reached.read:
            _PLACES.keep(self._id, self._reached)


class InZip:
    """An archive that is a zip file."""

    is_folder = True

    def __init__(self, client: FileClient, path: str) -> None:
        self._client, self._path = client, path
        self._unread: list[str] = []

    @property
    def left_out(self) -> list[str]:
        """Sentences about what `entries` left out: how many, why, and the first one."""
        if not self._unread:
            return []
        count, first = counted(len(self._unread), "entry", "entries"), visible(min(self._unread))
        return [f"{count} of the zip archive left out, damaged or no mailbox: {first} is the first."]

    def entries(self, key: str = "") -> Iterator[ArchiveEntry]:
        """Yield the mails and mailboxes, in no order: with `key`, the one that has it, without a look at the others.

        Raises InvalidRequest for a damaged archive, or one with a password, or one that is compressed in a way that is
        not read here.
        """
        self._unread, paths = [], Counter[str]()
        with self._client.opened(self._path) as found, os.fdopen(os.dup(found.handle), "rb") as file:
            try:
                with zipfile.ZipFile(file) as archive:
                    listed = archive.infolist()
            except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
                said = f"The zip archive {self._path!r} is damaged: {error}."
                raise InvalidRequest(said, service="file", remedy="Download it again.") from error
            if len(listed) > _ENTRIES_MOST:
                raise InvalidRequest("The zip archive has too many entries.", service="file", remedy=_UNPACK)
            for one in listed:
                yield from self._entry(found.handle, one, paths[one.filename], key)
                paths[one.filename] += 1

    def _entry(self, handle: int, info: zipfile.ZipInfo, twin: int, key: str) -> Iterator[ArchiveEntry]:
        kind = kind_of(info.filename)
        if info.is_dir() or kind is None or info.filename.rpartition("/")[2].startswith((".", "._")):
            return
        if key and key_at(info.filename, kind, twin) != key:
            return
        if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            if kind == "mailbox" and not _may_be_mails(info.filename):
                return  # anything else that lies beside the mails
            raise InvalidRequest(
                f"The zip archive {self._path!r} has a password, or is compressed in a way that is not read here.",
                service="file",
                remedy=_UNPACK,
            )
        # What the archive says of its sizes are claims, and nobody reads terabytes of them.
        packed = min(info.compress_size, os.fstat(handle).st_size)
        size = min(info.file_size, packed if info.compress_type == zipfile.ZIP_STORED else packed * _MOST_DEFLATED)
        member = ZipMember(info.header_offset, packed, info.compress_type, info.CRC)
        entry = ArchiveEntry(info.filename, kind, delivered_at(info.filename, _seconds(info)), size, member, twin)
        if kind != "mailbox" or self._is_mailbox(handle, entry):
            yield entry

    def _is_mailbox(self, handle: int, entry: ArchiveEntry) -> bool:
        should_be = is_named_as_mails(entry.path)
        try:
            found = is_mailbox(ZipBytes(handle, entry).pread(_HEAD, 0))
        except InvalidRequest:
            found, should_be = False, _may_be_mails(entry.path)
        if not found and should_be and entry.size:
            self._unread.append(entry.path)
        return found

    @contextmanager
    def opened(self, entry: ArchiveEntry) -> Iterator[ZipBytes]:
        """Open an entry of the archive. Raises ServiceError."""
        with self._client.opened(self._path) as found:
            content = ZipBytes(found.handle, entry)
            try:
                yield content
            finally:
                content.close()

    def beside(self, entry: ArchiveEntry, most: int) -> dict[str, bytes]:
        """Return nothing: what Apple Mail keeps beside a mail is read only from a folder."""
        return {}


def _may_be_mails(path: str) -> bool:
    """Return whether a file that cannot be looked into may be a mailbox: by its name, or as that has no ending."""
    return is_named_as_mails(path) or "." not in path.rpartition("/")[2]


def _local_header(handle: int, place: int) -> int:
    """Return the length of the header before the data of an entry. Raises InvalidRequest."""
    head = os.pread(handle, 30, place)
    if len(head) < 30 or not head.startswith(MAGIC):
        raise InvalidRequest("An entry of the zip archive is damaged.", service="file", remedy=_UNPACK)
    name, extra = _LOCAL_HEADER.unpack(head)
    return 30 + int(name) + int(extra)


def _seconds(info: zipfile.ZipInfo) -> int:
    try:
        return int(datetime(*info.date_time, tzinfo=UTC).timestamp())
    except ValueError:  # some programs write no time
        return 0
