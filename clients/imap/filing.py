"""Changes to existing mails: their flags and their folder; and finding a mail by its Message-ID."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from clients.errors import Conflict, InvalidRequest, NotFound
from clients.imap.headers import message_id_of
from clients.imap.mailbox import Mailbox, MailId, mail_id
from clients.imap.search import quoted
from clients.imap.session import ImapSession, Selected
from clients.mail_server.providers import SERVICE

SEEN = "\\Seen"
_RECENT = 100
"""This many of the newest mails are read, so that a fresh write is found even if the server's index lags."""


class FiledMail(Struct, frozen=True):
    """Where a mail is now; `id` is "" if the server does not return it and no Message-ID finds it."""

    id: str
    message_id: str


def flags_of(mailbox: Mailbox, mail: str) -> list[str]:
    """Return the flags of a mail, sorted. Raises NotFound."""
    wanted = mail_id(mail)
    with mailbox.holding(wanted) as session:
        return _flags(session, wanted)


def set_flags(mailbox: Mailbox, mail: str, flags: Sequence[str], *, on: bool) -> list[str]:
    """Add or remove flags of a mail; return its flags afterwards. Idempotent."""
    wanted = mail_id(mail)
    checked = [_flag(flag) for flag in flags]
    with mailbox.holding(wanted, for_reading=False) as session:
        _flags(session, wanted)  # STORE says OK for a mail that is gone (RFC 3501 6.4.8)
        session.store(wanted.uid, "+FLAGS" if on else "-FLAGS", checked)
        return _flags(session, wanted)


def _flags(session: ImapSession, mail: MailId) -> list[str]:
    found = session.fetch([mail.uid])
    if not found:
        raise gone(mail)
    # `\Recent` belongs to a session, not to the mail (RFC 3501 2.3.2).
    return sorted(flag for flag in found[0].flags if flag != "\\Recent")


def _flag(name: str) -> str:
    """Return a valid flag: one word without IMAP's special characters (RFC 3501 9, `flag-keyword`)."""
    word = name.removeprefix("\\")
    if not word or not word.isascii() or any(sign in '(){%*"\\]' or ord(sign) <= 32 for sign in word):
        raise InvalidRequest(
            f"{name[:50]!r} cannot be a flag.",
            service=SERVICE,
            remedy="Use \\Flagged, or a word of letters and digits.",
        )
    return name


def gone(mail: MailId) -> NotFound:
    """Return the error for a mail that is no longer in its folder."""
    return NotFound(
        f"There is no mail {mail} in this mailbox; it may have been moved or deleted.",
        service=SERVICE,
        remedy="Search again: a mail that is moved gets a new id.",
    )


def message_id_at(mailbox: Mailbox, mail: str) -> str | None:
    """Return the Message-ID of a mail, "" if it has none; None if the mail is not there."""
    wanted = mail_id(mail)
    with mailbox.holding(wanted) as session:
        found = session.fetch([wanted.uid], "BODY.PEEK[HEADER]")
        return message_id_of(found[0].content or b"") if found else None


def move(mailbox: Mailbox, mail: str, folder: str) -> FiledMail:
    """Move a mail to a folder. Raises NotFound if the mail or the folder does not exist."""
    wanted = mail_id(mail)
    with mailbox.holding(wanted, for_reading=False) as session:
        name = _message_id(session, wanted)
        if wanted.folder == folder:
            return FiledMail(str(wanted), name)
        if "MOVE" in session.capabilities:
            uid = session.transfer("MOVE", wanted.uid, folder)
        else:
            uid = _copied_and_deleted(session, wanted, folder, name)
        return _filed(session, folder, uid, name)


def _copied_and_deleted(session: ImapSession, mail: MailId, folder: str, name: str) -> int | None:
    """Copy, then delete, on servers without MOVE (RFC 6851 3.3); reuses a copy made by an earlier attempt."""
    own = session.fetch([mail.uid])[0]
    named = with_message_id(session, session.select(folder), name) if name else []
    # A Message-ID may not be unique: size and time of arrival, which a copy keeps, tell the mails apart.
    there = [one.uid for one in session.fetch(named) if (one.size, one.arrived_at) == (own.size, own.arrived_at)]
    session.select(mail.folder, for_reading=False)
    uid = there[-1] if there else session.transfer("COPY", mail.uid, folder)
    session.store(mail.uid, "+FLAGS", ["\\Deleted"])
    session.expunge(mail.uid)
    return uid


def copy(mailbox: Mailbox, mail: str, folder: str) -> FiledMail:
    """Copy a mail to a folder. Raises NotFound if the mail or the folder does not exist."""
    wanted = mail_id(mail)
    with mailbox.holding(wanted) as session:
        name = _message_id(session, wanted)
        uid = session.transfer("COPY", wanted.uid, folder)
        return _filed(session, folder, uid, name)


def copies(mailbox: Mailbox, mail: str, folder: str) -> list[FiledMail] | None:
    """Return copies of this mail in a folder, oldest first; None if it has no Message-ID."""
    name = message_id_at(mailbox, mail)
    return _all_in(mailbox, folder, name) if name else None


def found_in(mailbox: Mailbox, folder: str, name: str) -> FiledMail | None:
    """Find a mail in a folder by its Message-ID."""
    return next(iter(_all_in(mailbox, folder, name)[-1:]), None)


def _all_in(mailbox: Mailbox, folder: str, name: str) -> list[FiledMail]:
    with mailbox.opened(folder) as (session, selected):
        uids = with_message_id(session, selected, name)
        return [FiledMail(str(MailId(folder, selected.uidvalidity, uid)), name) for uid in uids]


def move_back(mailbox: Mailbox, filed: FiledMail, folder: str) -> None:
    """Move a mail back to the folder that it came from. Raises Conflict if somebody has moved it on."""
    if filed.message_id and found_in(mailbox, folder, filed.message_id) is not None:
        return
    now = present(mailbox, filed)
    if now is None:
        raise Conflict("The mail has been moved again or deleted since.", service=SERVICE)
    move(mailbox, now, folder)


def present(mailbox: Mailbox, filed: FiledMail) -> str | None:
    """Return the mail's current id in its folder, which changes if it is moved away and back; None if it is gone."""
    if message_id_at(mailbox, filed.id) is not None:
        return filed.id
    found = found_in(mailbox, mail_id(filed.id).folder, filed.message_id) if filed.message_id else None
    return found.id if found is not None else None


def delete_copy(mailbox: Mailbox, filed: FiledMail) -> None:
    """Delete a copy that was made; if it is already gone, do nothing."""
    delete(mailbox, mail_id(filed.id))


def delete(mailbox: Mailbox, mail: MailId) -> bool:
    """Delete a mail permanently; return whether it was there."""
    with mailbox.holding(mail, for_reading=False) as session:
        if not session.fetch([mail.uid]):
            return False
        session.store(mail.uid, "+FLAGS", ["\\Deleted"])
        session.expunge(mail.uid)
        return True


def _message_id(session: ImapSession, mail: MailId) -> str:
    found = session.fetch([mail.uid], "BODY.PEEK[HEADER]")
    if not found:
        raise gone(mail)
    return message_id_of(found[0].content or b"")


def _filed(session: ImapSession, folder: str, uid: int | None, name: str) -> FiledMail:
    selected = session.select(folder)
    if uid is None and name:
        uid = next(iter(with_message_id(session, selected, name)[-1:]), None)
    return FiledMail(str(MailId(folder, selected.uidvalidity, uid)) if uid is not None else "", name)


def with_message_id(session: ImapSession, selected: Selected, name: str) -> list[int]:
    """Return the UIDs of mails with this Message-ID in the open folder, ascending, without those marked as deleted."""
    if not selected.exists:
        return []
    newest = session.search(f"UID {max(1, selected.uidnext - _RECENT)}:*")[-_RECENT:]
    words = re.findall(r"[ -~]+", name.strip("<>"))
    # Part of an odd id finds more, which is compared below: some servers can search only for ASCII.
    older = session.search(f"HEADER Message-ID {quoted(max(words, key=len))}")[-_RECENT:] if words else []
    found = session.fetch(sorted({*newest, *older}), "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]")
    there = [one for one in found if "\\Deleted" not in one.flags]
    return sorted(one.uid for one in there if message_id_of(one.content or b"") == name)
