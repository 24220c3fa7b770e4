"""Mails of a mailbox as workflows see them: search, read without marking as seen, and fetch attachments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from clients.errors import InvalidRequest, NotFound, Unreadable
from clients.imap.answers import FetchedMail
from clients.imap.conversations import chain_in, conversation_ids, unknown
from clients.imap.drafts import why_not_answered
from clients.imap.filing import gone
from clients.imap.finding import find
from clients.imap.headers import thread_id_of
from clients.imap.mailbox import Mailbox, MailId, mail_id
from clients.imap.search import SearchCriteria
from clients.imap.session import ImapSession
from clients.listing import Json
from clients.mail.outgoing import File
from clients.mail.parts import header, nothing_left_out
from clients.mail.parts import shown as subject_line
from clients.mail.raw import headers_of, payload_of
from clients.mail.replies import ReplyHeaders, firsts
from clients.mail.text import WHOLE, Trim, attachment_of, read_mail, rfc3339
from clients.mail.unreadable import one_mail, unread
from clients.mail_server.providers import SERVICE

_FILE_MOST = 64 * 1024 * 1024
_LOOKED_AT = 500


def search(mailbox: Mailbox, wanted: SearchCriteria, limit: int) -> Json:
    """Search mails, newest first: {messages, unreadable, matched, has_more}; `matched` counts all matches.

    `unreadable` are matches that cannot be read: [{id, subject, reason}].
    """
    folder = wanted.folder or mailbox.folder
    with mailbox.opened(folder) as (session, selected):
        uids = find(session, wanted)[::-1]
        if wanted.since or wanted.before:
            uids = [one.uid for one in _looked_at(session, uids) if wanted.fits(one.arrived_at)]
        waiting = {uid: MailId(folder, selected.uidvalidity, uid) for uid in uids[:limit]}
        listed, chains = _listed(mailbox, ((waiting.pop(mail.uid), mail) for mail in session.contents(uids[:limit])))
        _put_together(listed["messages"], chains, lambda some: conversation_ids(mailbox, session, folder, some))
    listed["unreadable"] += [unread(str(mail), "", gone(mail)) for mail in waiting.values()]  # deleted meanwhile
    return {**listed, "matched": len(uids), "has_more": len(uids) > limit}


def _listed(mailbox: Mailbox, mails: Iterable[tuple[MailId, FetchedMail]]) -> tuple[Json, dict[str, ReplyHeaders]]:
    """Return {messages, unreadable} for mails and their FETCH answers, and the chains of the mails by their ids."""
    messages, unreadable = [], []
    chains: dict[str, ReplyHeaders] = {}
    for mail, found in mails:
        chains[str(mail)] = chain_in(found)
        try:
            messages.append(shown(mailbox, mail, found))
        except Unreadable as error:
            unreadable.append(unread(str(mail), subject_of(found), error))
    return {"messages": _newest_first(messages), "unreadable": unreadable}, chains


def _put_together(
    messages: Sequence[Json], chains: Mapping[str, ReplyHeaders], ids: Callable[[Sequence[ReplyHeaders]], Sequence[str]]
) -> None:
    """Set the conversation of each mail."""
    threads = dict(zip(chains, ids([*chains.values()]), strict=True))
    for one in messages:
        one["thread_id"] = threads[one["id"]]


def _ids_from(mailbox: Mailbox, folder: str, chains: Sequence[ReplyHeaders]) -> Sequence[str]:
    """Return the conversations of mails that have been read; the mailbox is asked only if it may know more."""
    if not unknown(chains):
        return firsts(chains)
    with mailbox.opened(folder) as (session, _):
        return conversation_ids(mailbox, session, folder, chains)


def subject_of(found: FetchedMail) -> str:
    """Return the subject of a mail that cannot be read, or ""."""
    with suppress(Exception):
        return subject_line(header(headers_of(found.content or b""), "Subject"))
    return ""


def _looked_at(session: ImapSession, uids: Sequence[int]) -> Iterator[FetchedMail]:
    for start in range(0, len(uids), _LOOKED_AT):
        yield from sorted(session.fetch(uids[start : start + _LOOKED_AT]), key=lambda one: -one.uid)


def by_ids(mailbox: Mailbox, ids: Iterable[str]) -> Json:
    """Return exactly these mails, in the form of `search`; raises NotFound if one is gone."""
    wanted = [mail_id(mail) for mail in dict.fromkeys(ids)]
    listed, chains = _listed(mailbox, ((mail, fetched(mailbox, mail)) for mail in wanted))
    if wanted:
        _put_together(listed["messages"], chains, lambda some: _ids_from(mailbox, wanted[0].folder, some))
    return {**listed, "matched": len(wanted), "has_more": False}


def message(mailbox: Mailbox, mail: str, trim: Trim = WHOLE) -> Json:
    """Return one mail by its id, in the form of `shown`."""
    wanted = mail_id(mail)
    found = fetched(mailbox, wanted)
    told = shown(mailbox, wanted, found, trim)
    _put_together([told], {told["id"]: chain_in(found)}, lambda some: _ids_from(mailbox, wanted.folder, some))
    return told


def fetched(mailbox: Mailbox, mail: MailId) -> FetchedMail:
    """Fetch a mail from the server. Raises NotFound if it is gone."""
    with mailbox.holding(mail) as session:
        found = list(session.contents([mail.uid]))
    if not found:
        raise gone(mail)
    return found[0]


def shown(mailbox: Mailbox, mail: MailId, found: FetchedMail, trim: Trim = WHOLE) -> Json:
    """Return a mail as workflows see it.

    {id, folder, thread_id, flags, is_read, date, can_reply} and what `clients.mail.text.read_mail` returns; `date` is
    the time of arrival, RFC 3339 in UTC. Raises Unreadable for any failure to read this mail.
    """
    if found.refusal:
        raise Unreadable(f"The mail {mail} cannot be read: {found.refusal}", service=SERVICE)
    with one_mail(SERVICE, str(mail)):
        return _shown(mailbox, mail, found, trim)


def _shown(mailbox: Mailbox, mail: MailId, found: FetchedMail, trim: Trim) -> Json:
    content = found.content or b""
    payload = payload_of(content)
    if found.is_beginning:
        known = f"only the first {len(content):,} of {found.size:,} bytes of the mail were read"
        payload["left_out"] = [*payload.get("left_out", ()), known]
    read = read_mail(payload, nothing_left_out, trim, mailbox.receiver)
    return {
        "id": str(mail),
        "folder": mail.folder,
        "thread_id": thread_id_of(payload),
        **read,
        "date": rfc3339(found.arrived_at) if found.arrived_at else "",
        "flags": sorted(flag for flag in found.flags if flag != "\\Recent"),
        "is_read": "\\Seen" in found.flags,
        "can_reply": not why_not_answered(mailbox, mail.folder, payload),
    }


def attachment(mailbox: Mailbox, mail: str, wanted: str) -> File:
    """Return one attachment of a mail, by its id in the mail's `attachments`."""
    where = mail_id(mail)
    with mailbox.holding(where) as session:
        found = list(session.contents([where.uid], _FILE_MOST))
    if not found:
        raise gone(where)
    if found[0].size > _FILE_MOST:
        raise InvalidRequest(
            f"The mail {mail} is too large to extract files from ({found[0].size} bytes; at most {_FILE_MOST}).",
            service=SERVICE,
        )
    with one_mail(SERVICE, str(where)):
        file = attachment_of(payload_of(found[0].content or b""), wanted)
    if file is None:
        raise NotFound(
            f"The mail {mail!r} has no attachment {wanted!r}.",
            service=SERVICE,
            remedy="Take the id from the mail's `attachments`.",
        )
    described, content = file
    return File(described["name"], content, described["media_type"])


def _newest_first(messages: list[Json]) -> list[Json]:
    return sorted(messages, key=lambda one: (str(one["date"]), mail_id(one["id"]).uid), reverse=True)
