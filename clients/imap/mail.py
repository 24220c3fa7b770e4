"""Mails of a mailbox as workflows see them: found, read without marking them as seen, and their attachments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from clients.errors import InvalidRequest, NotFound
from clients.imap.answers import Fetched
from clients.imap.drafts import why_not_answered
from clients.imap.filing import gone
from clients.imap.headers import thread_id_of
from clients.imap.mailbox import Mailbox, MailId, mail_id
from clients.imap.providers import SERVICE
from clients.imap.search import Search
from clients.imap.session import Session
from clients.mail.outgoing import File
from clients.mail.parts import nothing_left_out
from clients.mail.raw import payload_of
from clients.mail.text import WHOLE, Trim, attachment_of, read_mail, rfc3339

Json = dict[str, Any]

_FILE_MOST = 64 * 1024 * 1024
_LOOKED_AT = 500


def search(mailbox: Mailbox, wanted: Search, limit: int) -> Json:
    """Find mails, the newest first: {messages, matched, has_more}; `matched` counts all that fit."""
    criteria = wanted.written()
    folder = wanted.folder or mailbox.folder
    with mailbox.opened(folder) as (session, selected):
        uids = session.search(criteria)[::-1]
        if wanted.since or wanted.before:
            uids = [one.uid for one in _looked_at(session, uids) if wanted.fits(one.arrived_at)]
        messages = [
            shown(mailbox, MailId(folder, selected.uidvalidity, mail.uid), mail)
            for mail in session.contents(uids[:limit])
        ]
    return {"messages": _newest_first(messages), "matched": len(uids), "has_more": len(uids) > limit}


def _looked_at(session: Session, uids: Sequence[int]) -> Iterator[Fetched]:
    for start in range(0, len(uids), _LOOKED_AT):
        yield from sorted(session.fetch(uids[start : start + _LOOKED_AT]), key=lambda one: -one.uid)


def by_ids(mailbox: Mailbox, ids: Iterable[str]) -> Json:
    """Give exactly these mails, as `search` does; NotFound where one is gone."""
    wanted = [mail_id(mail) for mail in dict.fromkeys(ids)]
    messages = [shown(mailbox, mail, fetched(mailbox, mail)) for mail in wanted]
    return {"messages": _newest_first(messages), "matched": len(messages), "has_more": False}


def message(mailbox: Mailbox, mail: str, trim: Trim = WHOLE) -> Json:
    """Give one mail by its id, as `shown` does."""
    wanted = mail_id(mail)
    return shown(mailbox, wanted, fetched(mailbox, wanted), trim)


def fetched(mailbox: Mailbox, mail: MailId) -> Fetched:
    """Give a mail as it lies on the server. Raises NotFound where it is gone."""
    with mailbox.holding(mail) as session:
        found = list(session.contents([mail.uid]))
    if not found:
        raise gone(mail)
    return found[0]


def shown(mailbox: Mailbox, mail: MailId, found: Fetched, trim: Trim = WHOLE) -> Json:
    """Give a mail as workflows see it.

    {id, folder, thread_id, flags, is_read, date, can_reply} and what `clients.mail.text.read_mail` gives; `date` is the
    time of arrival, RFC 3339 in UTC.
    """
    content = found.content or b""
    payload = payload_of(content)
    read = read_mail(payload, nothing_left_out, trim)
    return {
        "id": str(mail),
        "folder": mail.folder,
        "thread_id": thread_id_of(payload),
        **read,
        "date": rfc3339(found.arrived_at) if found.arrived_at else "",
        "text_truncated": read["text_truncated"] or len(content) < found.size,
        "flags": sorted(flag for flag in found.flags if flag != "\\Recent"),
        "is_read": "\\Seen" in found.flags,
        "can_reply": not why_not_answered(mailbox, mail.folder, payload),
    }


def attachment(mailbox: Mailbox, mail: str, wanted: str) -> File:
    """Give one attachment of a mail, by the id that the mail's `attachments` hold."""
    where = mail_id(mail)
    with mailbox.holding(where) as session:
        found = list(session.contents([where.uid], _FILE_MOST))
    if not found:
        raise gone(where)
    if found[0].size > _FILE_MOST:
        raise InvalidRequest(
            f"The mail {mail} is too large to take files from ({found[0].size} bytes; at most {_FILE_MOST}).",
            service=SERVICE,
        )
    file = attachment_of(payload_of(found[0].content or b""), wanted)
    if file is None:
        raise NotFound(
            f"The mail {mail!r} has no attachment {wanted!r}.",
            service=SERVICE,
            remedy="Take the id from the mail's `attachments`.",
        )
    told, content = file
    return File(told["name"], content, told["media_type"])


def _newest_first(messages: list[Json]) -> list[Json]:
    return sorted(messages, key=lambda one: (str(one["date"]), mail_id(one["id"]).uid), reverse=True)
