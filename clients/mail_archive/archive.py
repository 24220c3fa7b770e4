"""A mail archive: its mails one after another, from where the last look has stopped, and each by its id."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from itertools import islice
from typing import Protocol

from clients.errors import InvalidRequest, NotFound
from clients.file.client import FileClient
from clients.listing import Json
from clients.mail.files import file_in
from clients.mail.outgoing import File
from clients.mail.text import WHOLE, MailView
from clients.mail.unreadable import one_mail
from clients.mail_archive.disk import OnDisk
from clients.mail_archive.entries import ArchiveEntry, folder_of
from clients.mail_archive.mbox import MailSpan, Readable, key_of, mail_of, spans
from clients.mail_archive.stored import StoredMail, from_apple, record
from clients.mail_archive.zipped import MAGIC, InZip

SERVICE = "file"
_WHOLE_BYTES = 25 * 1024 * 1024
_FILE_MOST = 64 * 1024 * 1024
_MARK = "#"
"""Between the path of an archive, as the workflow names it, and what tells the mail in it."""


class OpenBytes(Readable, Protocol):
    """A file of an archive, open."""

    @property
    def changed_ns(self) -> int:
        """When it was last changed, in nanoseconds since 1970."""

    def is_as_opened(self) -> bool:
        """Return whether nobody has changed it since it was opened."""

    def is_altered(self) -> bool:
        """Return whether it, which was read to its end, has other bytes than its checksum says."""


class ArchiveFiles(Protocol):
    """The files of an archive: on the disk, or in a zip archive."""

    @property
    def is_folder(self) -> bool:
        """Whether it may have several files."""

    @property
    def left_out(self) -> list[str]:
        """Sentences about what `entries` left out, and why."""

    def entries(self, key: str = "") -> Iterator[ArchiveEntry]:
        """Yield the mails and mailboxes, in no order: with `key`, the one that has it, without a look at the others.

        Raises ServiceError.
        """

    def beside(self, entry: ArchiveEntry, most: int) -> Mapping[str, bytes]:
        """Return the attachments that Apple Mail keeps beside a mail, by the number of their part: at most so many
        bytes.
        """

    def opened(self, entry: ArchiveEntry) -> AbstractContextManager[OpenBytes]:
        """Open one. Raises NotFound if it is gone, and other ServiceErrors."""


class MailArchive:
    """An archive, by the path that a workflow names."""

    def __init__(self, client: FileClient, path: str) -> None:
        self.path = path
        self.files: ArchiveFiles = _files(client, path)

    def entries(self) -> list[ArchiveEntry]:
        """Return its mails and mailboxes. Raises InvalidRequest if a file is neither, and other ServiceErrors."""
        found = [*self.files.entries()]
        if not found and not self.files.is_folder:
            raise InvalidRequest(
                f"{self.path!r} is not a mail archive: neither mbox nor .eml or .emlx.",
                service=SERVICE,
                remedy="Name a mailbox file, a mail, a folder of them, or a zip archive of them.",
            )
        return found

    def of_file(self, entry: ArchiveEntry, most: int = _WHOLE_BYTES) -> StoredMail:
        """Return the mail that a file is. Raises NotFound if it is gone."""
        with self.files.opened(entry) as file:
            content = file.pread(min(file.size, most), 0)
            flags = tuple(entry.flags)
            if entry.kind == "apple":
                content, flags = from_apple(content)
            beside = self.files.beside(entry, most) if b"\nX-Apple-Content-Length:" in content else {}
            at = datetime.fromtimestamp(entry.at, UTC) if entry.at > 0 else None
            return StoredMail(
                f"{self.path}{_MARK}{entry.key}",
                content,
                folder_of(entry, self.path),
                flags,
                at,
                is_beginning=file.size > most,
                is_altered=file.size <= most and file.is_altered(),
                beside=beside,
            )

    def of_mailbox(
        self, entry: ArchiveEntry, file: Readable, span: MailSpan, most: int = _WHOLE_BYTES
    ) -> tuple[str, StoredMail]:
        """Return the key of a mail in a mailbox, which stays if the mailbox is written anew, and the mail."""
        size = max(span.end - span.content, 0)  # less than none, if the file was changed meanwhile
        written = file.pread(min(size, most), span.content)
        key = key_of(written[:_WHOLE_BYTES])
        content = mail_of(written.removesuffix(b"\n").removesuffix(b"\r"), span)
        place = f"{self.path}{_MARK}{entry.key}.{span.begin}.{key}"
        return key, StoredMail(place, content, folder_of(entry, self.path), is_beginning=size > most)


def _files(client: FileClient, path: str) -> ArchiveFiles:
    if client.is_folder(path):
        return OnDisk(client, path)
    with client.opened(path) as file:
        is_zip = os.pread(file.handle, len(MAGIC), 0) == MAGIC
    return InZip(client, path) if is_zip else OnDisk(client, path)


def stored_mail(client: FileClient, mail: str, most: int = _WHOLE_BYTES) -> StoredMail:
    """Return a mail by its id, or the only one of the file with this path. Raises NotFound, InvalidRequest."""
    path, mark, place = mail.rpartition(_MARK)
    archive = MailArchive(client, path if mark else mail)
    key, *within = place.split(".") if mark else ("",)
    for entry in archive.files.entries(key) if mark else archive.entries():
        if entry.kind != "mailbox":
            return archive.of_file(entry, most)
        with archive.files.opened(entry) as file:
            one = _in_mailbox(archive, entry, file, within, most)
        if one is not None:
            return one
    raise NotFound(f"The mail {mail!r} is no longer in the archive.", service=SERVICE)


def _in_mailbox(
    archive: MailArchive, entry: ArchiveEntry, file: Readable, within: Sequence[str], most: int
) -> StoredMail | None:
    """Return the mail at an offset, or wherever it is now, if the mailbox was written anew."""
    if not within:
        several = [*islice(spans(file), 2)]
        if len(several) > 1:
            raise InvalidRequest(
                f"{archive.path!r} has several mails.", service=SERVICE, remedy="Give the `id` of one of them."
            )
        return archive.of_mailbox(entry, file, several[0], most)[1] if several else None
    place, key = within if len(within) == 2 and within[0].isdecimal() else ("0", "")
    for begin in (int(place), 0):
        for span in spans(file, begin):
            told, mail = archive.of_mailbox(entry, file, span, most)
            if told == key:
                return mail
            if begin:
                break
    return None


def known_by(client: FileClient, path: str, key: str) -> StoredMail | None:
    """Return the mail that `MailArchive` gives this key, or None; a mailbox is searched from the beginning."""
    archive = MailArchive(client, path)
    for entry in archive.entries():
        if entry.kind != "mailbox" and entry.key == key:
            return archive.of_file(entry)
        if entry.kind == "mailbox":
            with archive.files.opened(entry) as file:
                for span in spans(file):
                    told, mail = archive.of_mailbox(entry, file, span)
                    if told == key:
                        return mail
    return None


def shown(mail: StoredMail, view: MailView = WHOLE) -> Json:
    """Return a mail as workflows see it. Raises Unreadable for any failure to read it."""
    with one_mail(SERVICE, mail.id):
        return record(mail, view)


def attachment(client: FileClient, mail: str, wanted: str) -> File:
    """Return one part of a mail, by its id in the mail's `attachments` or `parts`. Raises NotFound, InvalidRequest."""
    stored = stored_mail(client, mail, _FILE_MOST)
    if stored.is_beginning:
        raise InvalidRequest(
            f"The mail {mail} is too large to extract files from (at most {_FILE_MOST:,} bytes).", service=SERVICE
        )
    with one_mail(SERVICE, mail):
        payload = stored.payload()
    return file_in(SERVICE, mail, payload, wanted)
