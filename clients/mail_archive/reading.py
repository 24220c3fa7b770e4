"""Reads an archive in pieces: each goes on where the last one ended, as far as the files still are what they were."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import msgspec
from msgspec import Struct, field

from clients.errors import InvalidRequest, NotFound, ServiceError
from clients.mail_archive.archive import MailArchive, OpenBytes
from clients.mail_archive.entries import ArchiveEntry, visible
from clients.mail_archive.mbox import MailSpan, begins_at, fingerprint, next_after, spans
from clients.mail_archive.stored import StoredMail
from clients.wording import counted

_WAITING_MOST = 2_000
"""Files whose names are kept until they are read: listing a large folder takes longer than reading some mails."""
_MOST_BYTES = 32 * 1024 * 1024
"""Bytes of mails in one piece."""
_KNOWN_BYTES = 512 * 1024 * 1024
"""Bytes of mails in one piece that are known already, as a mailbox that was written anew is compared."""
_STILL_SECONDS = 5.0
"""How long a mailbox must be unchanged before its last mail counts: it may be about to be written."""

Unseen = Callable[[Iterable[str]], Sequence[str]]
"""Returns the keys of these that are not known."""


class MailboxPlace(Struct):
    """How far a mailbox was read."""

    at: int = 0
    last: int = 0
    """Where the last mail begins that was read."""
    before: str = ""
    """A digest of what lies before: it tells whether the mailbox was written anew."""
    size: int = 0
    changed_ns: int = -1
    """Its size, and when it was last changed, when it was last looked at."""
    since: float = 0
    """Since when it has been seen so, in Unix seconds: the time of a file may be in the past or the future."""


class ArchivePlace(Struct):
    """How far an archive was read."""

    mailboxes: dict[str, MailboxPlace] = field(default_factory=dict)
    waiting: list[ArchiveEntry] = field(default_factory=list)
    """Mails that are files, still to be read, in their order."""
    beyond: int = 0
    """How many more there are."""

    @classmethod
    def of(cls, kept: Any) -> ArchivePlace:
        """Return the place that `kept` returned."""
        return msgspec.convert(kept, cls)

    @property
    def kept(self) -> Any:
        """Return it as JSON."""
        return msgspec.to_builtins(self)


class KeyedMail(Struct, frozen=True):
    """A mail of an archive, and the key that it keeps."""

    key: str
    mail: StoredMail


class Piece(Struct):
    """What was read. `error` of a mail: why its file cannot be read."""

    mails: list[KeyedMail] = field(default_factory=list)
    failed: list[tuple[str, str, ServiceError]] = field(default_factory=list)
    """Files that cannot be read: key, path, why."""
    has_more: bool = False
    is_growing: bool = False
    """Whether a mailbox has a last mail that is perhaps about to be written."""
    notes: list[str] = field(default_factory=list)
    """Sentences about how far it is."""


def at_end(archive: MailArchive) -> tuple[ArchivePlace, list[ArchiveEntry]]:
    """Return the place behind all mailboxes, and the files that are mails already."""
    place, files = ArchivePlace(), list[ArchiveEntry]()
    for entry in archive.entries():
        if entry.kind != "mailbox":
            files.append(entry)
            continue
        with archive.files.opened(entry) as file:
            before = fingerprint(file, file.size)
            place.mailboxes[entry.key] = MailboxPlace(file.size, -1, before, file.size, file.changed_ns)
    return place, files


def read_on(archive: MailArchive, place: ArchivePlace, unseen: Unseen, limit: int, now: datetime) -> Piece:
    """Read about `limit` mails that are not known, and move the place on; raises ServiceError.

    First come the files that are mails, by time, then the mailboxes by name, each in its own order.
    """
    piece = Piece()
    if place.waiting:
        _files(archive, place, limit, piece)
        return piece
    entries = archive.entries()
    mailboxes = sorted((one for one in entries if one.kind == "mailbox"), key=lambda one: one.path)
    files = {one.key: one for one in entries if one.kind != "mailbox"}
    new = sorted((files[key] for key in unseen(files)), key=lambda one: one.order)
    place.waiting, place.beyond = new[:_WAITING_MOST], max(len(new) - _WAITING_MOST, 0)
    names = {one.key for one in mailboxes}
    place.mailboxes = {key: one for key, one in place.mailboxes.items() if key in names}
    piece.notes += archive.files.left_out
    if new:
        _files(archive, place, limit, piece)
        return piece
    for entry in mailboxes:
        if _has_news(entry, place) and _mailbox(archive, entry, place, unseen, limit, now, piece):
            break
    return piece


def _files(archive: MailArchive, place: ArchivePlace, limit: int, piece: Piece) -> None:
    """Read mails that are files. One that is gone was moved, and is listed again, or was deleted."""
    size = taken = 0
    for entry in place.waiting[:limit]:
        size += entry.size
        if taken and size > _MOST_BYTES:
            break
        taken += 1
        try:
            mail = archive.of_file(entry)
            piece.mails.append(KeyedMail(entry.key, mail))
            if mail.is_altered:
                piece.notes.append(_altered(entry.path))
        except NotFound:
            continue
        except ServiceError as error:
            piece.failed.append((entry.key, entry.path, error))
    place.waiting = place.waiting[taken:]
    piece.has_more = True  # the mailboxes are looked at in any case
    if left := len(place.waiting) + place.beyond:
        piece.notes.append(f"{counted(left, 'mail')} still to be read.")


def _has_news(entry: ArchiveEntry, place: ArchivePlace) -> bool:
    """Return whether a mailbox is not what it was when all of it was read."""
    known = place.mailboxes.get(entry.key)
    return known is None or known.at < known.size or entry.size != known.size or known.changed_ns // 10**9 != entry.at


def _mailbox(
    archive: MailArchive,
    entry: ArchiveEntry,
    place: ArchivePlace,
    unseen: Unseen,
    limit: int,
    now: datetime,
    piece: Piece,
) -> bool:
    """Read on in a mailbox; return whether there is more in it, or something was read."""
    with archive.files.opened(entry) as file:
        known = place.mailboxes.get(entry.key) or MailboxPlace()
        begin = _begin(file, known, entry, piece)
        is_same, at = (file.size, file.changed_ns) == (known.size, known.changed_ns), now.timestamp()
        since = known.since if is_same else at
        is_still = min(file.changed_ns / 1e9, since) <= at - _STILL_SECONDS
        reached = MailboxPlace(begin, known.last, "", file.size, file.changed_ns, since)
        room = _KNOWN_BYTES
        goes_on = True
        while room > 0 and not piece.mails and reached.at < file.size and goes_on:
            before = reached.at
            read = _some(archive, entry, file, reached, limit, piece, is_still=is_still)
            if read is None:  # the next poll sees what has become of the mails before
                piece.is_growing = True
                return False
            some, goes_on = read
            new = set(unseen(one.key for one in some))
            piece.mails = [one for one in _each_once(some) if one.key in new]
            room -= reached.at - before
            if reached.at == before:
                break
        reached.before = fingerprint(file, reached.at)
        place.mailboxes[entry.key] = reached
        piece.has_more = bool(piece.mails) or (reached.at < file.size and goes_on)
        if begin < file.size <= reached.at and file.is_altered():
            piece.notes.append(_altered(entry.path))
        if reached.at < file.size:
            share = 100 * reached.at // file.size
            piece.notes.append(f"{entry.path or archive.path}: {share} % of {_size(file.size)} read.")
    return piece.has_more


def _begin(file: OpenBytes, known: MailboxPlace, entry: ArchiveEntry, piece: Piece) -> int:
    """Return where to go on in a mailbox."""
    if known.at > file.size or (known.before and fingerprint(file, known.at) != known.before):
        name = entry.path or "The mailbox"
        piece.notes.append(f"{name} has been rewritten since the last poll; mails already seen start no run.")
        return 0
    if not known.at or begins_at(file, known.at):
        return known.at
    # More was written of the mail that was the last one: it is another mail than the part of it that was read.
    return next_after(file, known.at) if known.last < 0 else known.last


def _some(
    archive: MailArchive,
    entry: ArchiveEntry,
    file: OpenBytes,
    reached: MailboxPlace,
    limit: int,
    piece: Piece,
    *,
    is_still: bool,
) -> tuple[list[KeyedMail], bool] | None:
    """Read the next mails of a mailbox, and move on; return them, and whether it can be read on now.

    None: the mailbox was changed meanwhile, so that they may be torn.
    """
    taken, found, goes_on, size = list[MailSpan](), list[KeyedMail](), True, 0
    try:
        for span in islice(spans(file, reached.at), limit):
            size += span.end - span.begin
            if span.is_last and not is_still:
                piece.is_growing, goes_on = True, False
            if not goes_on or (found and size > _MOST_BYTES):
                break
            found.append(KeyedMail(*archive.of_mailbox(entry, file, span)))
            taken.append(span)
    except InvalidRequest:  # of a zip archive
        goes_on = False
        piece.notes.append(f"{visible(entry.path)} is damaged: what follows in it cannot be read.")
    if not _holds(archive, entry, file, taken, found):
        return None
    if taken:
        reached.at, reached.last = taken[-1].end, taken[-1].begin
    elif goes_on:  # only empty lines follow
        reached.at = file.size
    return found, goes_on


def _holds(
    archive: MailArchive, entry: ArchiveEntry, file: OpenBytes, taken: Sequence[MailSpan], found: Sequence[KeyedMail]
) -> bool:
    """Return whether mails are what the mailbox has there now: it may have been rewritten while they were read."""
    if file.is_as_opened() and (not taken or begins_at(file, taken[-1].end)):
        return True
    if not taken or taken[-1].is_last:  # of which more may be about to be written
        return False
    again = [*islice(spans(file, taken[0].begin), len(taken))]
    keys = [archive.of_mailbox(entry, file, span)[0] for span in again]
    return again == taken and keys == [one.key for one in found]


def _altered(path: str) -> str:
    return f"{visible(path)} is damaged: what was read from it may be altered."


def _each_once(mails: Sequence[KeyedMail]) -> list[KeyedMail]:
    return [*{one.key: one for one in reversed(mails)}.values()][::-1]


def _size(count: int) -> str:
    return f"{count / 1024**3:.1f} GB" if count >= 1024**3 else f"{max(count // 1024**2, 1):,} MB"
