"""The mails of an archive on this machine, one after another, and those that come to it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar

from clients.errors import NotFound, ServiceError
from clients.file.service import FILE
from clients.mail_archive.archive import MailArchive, known_by, shown
from clients.mail_archive.reading import ArchivePlace, KeyedMail, at_end, read_on
from engine.base.clock import moment_of, timestamp
from engine.mail.fields import ReadMail
from engine.plugins.step import JsonValue, StepType, destination, outside
from engine.plugins.trigger import Found, Item, Look, OwnWrite, TriggerType
from engine.triggers.arrivals import ArrivalFields, why_refused
from engine.triggers.folder import NewFile

_BEFORE = "it already existed"
_GROWING = timedelta(seconds=6)
"""When to look again at a mailbox that is perhaps being written."""


class ArchiveFields(ArrivalFields):
    """The archive, and which mails count."""

    path: str = destination("Mailbox file (mbox), Maildir, folder of mails, or zip archive of them", min_length=1)


class ArchivedMail(ReadMail):
    """A mail of an archive. `thread_id` is Gmail's in an export of it, otherwise the Message-ID of the first mail of
    the conversation; `labels` are Gmail's. `flags` and `is_read` are what the mail program has noted in the archive.
    `date` is when the mail arrived, as its topmost `Received` says, or its `Date`, or the time of its file: whoever has
    written the mail may have chosen it.
    """

    received_at: str = outside("Received", "")
    date: str = outside("Date")
    folder: str = outside("Folder")
    thread_id: str = outside("Conversation")
    labels: list[str] = outside("Labels")
    flags: list[str]
    is_read: bool


class NewMessage(TriggerType):
    """Starts a run for each mail of an archive on this machine: a mailbox (mbox, as of Gmail Takeout, Thunderbird and
    Apple Mail), a Maildir, a folder of .eml or .emlx files, or a zip archive of them.

    A mailbox is read in its order, mails that are files by their times: of a Maildir when they were delivered,
    otherwise when the file was last changed. What is added later starts runs, too. The same mail in several mailbox
    files of an archive starts one run. Mails that a mail program has marked as deleted are left out.
    `file.get_attachment` takes `item.id`. To begin with the first mail, turn it on for items since 1970-01-01.
    """

    name = "file.new_message"
    title = "The mails of an archive on this machine"
    happens = "an archive of mails has one that has not been read"
    watches = NewFile.watches
    service = FILE.name
    connection_optional: ClassVar[bool] = True
    fields = ArchiveFields
    item = ArchivedMail
    start_from = ("since", "now")

    def source(self, fields: ArchiveFields) -> str:
        """Return the archive: another one has other mails."""
        return os.path.normpath(fields.path)

    def may_find(self, fields: Mapping[str, JsonValue], kind: StepType, arguments: Mapping[str, JsonValue]) -> bool:
        """Return whether a file may be written into the archive."""
        return NewFile().may_find({**fields, "pattern": "**/*"}, kind, arguments)

    def may_be_there(self, fields: Mapping[str, JsonValue], made: OwnWrite) -> bool:
        """Return whether a file was written into the archive, or somebody's tool may have written one."""
        return made.uses not in NewFile.made_by or NewFile().may_be_there(fields, made)

    def look(self, look: Look) -> Found:
        """List the next mails.

        The cursor is {archive, since}: how far it was read (`clients.mail_archive.reading.ArchivePlace`), and from when
        on mails count, "" for all.
        """
        archive = MailArchive(look.client, look.fields.path)
        if look.cursor is None:
            return self._first(look, archive)
        place, since = ArchivePlace.of(look.cursor["archive"]), look.cursor["since"]
        piece = read_on(archive, place, look.unseen, look.limit, look.now)
        items = [_item(look, one, moment_of(since) if since else None) for one in piece.mails]
        items += [Item(key, title=path, error=error.message) for key, path, error in piece.failed]
        return Found(
            items,
            {"archive": place.kept, "since": since},
            has_more=piece.has_more,
            note=" ".join(piece.notes),
            look_again_at=look.now + _GROWING if piece.is_growing else None,
        )

    def _first(self, look: Look, archive: MailArchive) -> Found:
        if look.start.since is not None:
            archive.entries()  # says so if there is none
            return Found([], {"archive": ArchivePlace().kept, "since": timestamp(look.start.since)}, has_more=True)
        place, files = at_end(archive)
        return Found([Item(one.key, skip=_BEFORE) for one in files], {"archive": place.kept, "since": ""})

    def read(self, look: Look, item: Item) -> Item:
        """Read a mail again. Raises NotFound if it is gone."""
        mail = known_by(look.client, look.fields.path, item.id)
        if mail is None:
            raise NotFound("The mail is no longer in the archive.", service=FILE.name)
        return _item(look, KeyedMail(item.id, mail), None)


def _item(look: Look, found: KeyedMail, since: datetime | None) -> Item:
    try:
        mail = shown(found.mail, look.fields.view)
    except ServiceError as error:
        return Item(found.key, title=found.mail.subject, error=error.message)
    at = moment_of(mail["date"]) if mail["date"] else None
    skip = _why_left_out(look, mail, at, since)
    return Item(found.key, mail, mail["subject"], at, skip, sender=mail["from"])


def _why_left_out(look: Look, mail: Mapping[str, JsonValue], at: datetime | None, since: datetime | None) -> str:
    if since is not None and at is not None and at < since:
        return "it is older than the start date"
    if "\\Deleted" in mail["flags"]:
        return "it is marked as deleted"
    return why_refused(look.fields, mail)
