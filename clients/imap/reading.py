"""Mails of a mailbox as workflows see them: search, read without marking as seen, and fetch attachments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from clients.errors import InvalidRequest, NotFound, Unreadable
from clients.imap.answers import FetchedMail
from clients.imap.conversations import chain_in, conversation_ids, to_ask
from clients.imap.filing import found_in, gone
from clients.imap.finding import find
from clients.imap.headers import thread_id_of
from clients.imap.mailbox import Mailbox, MailId, mail_id
from clients.imap.search import SearchCriteria
from clients.imap.session import ImapSession
from clients.listing import Json
from clients.mail.dates import rfc3339
from clients.mail.files import file_in, files_in
from clients.mail.outgoing import File
from clients.mail.participants import firsts
from clients.mail.parts import header, nothing_left_out
from clients.mail.parts import shown as subject_line
from clients.mail.raw import headers_of, payload_of
from clients.mail.replies import ReplyHeaders, refusal, require_answerable
from clients.mail.text import WHOLE, MailView, read_mail
from clients.mail.unreadable import one_mail, unread
from clients.mail_server.providers import SERVICE

_FILE_MOST = 64 * 1024 * 1024
_LOOKED_AT = 500


class ImapReader:
    """Reads one mailbox. Thread-safe; raises only errors of `clients.errors`."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    def search(self, wanted: SearchCriteria, limit: int, view: MailView = WHOLE) -> Json:
        """Search mails, newest first: {messages, unreadable, matched, has_more}; `matched` counts all matches.

        `unreadable` are matches that cannot be read: [{id, subject, reason}].
        """
        folder = wanted.folder or self._mailbox.folder
        with self._mailbox.opened(folder) as (session, selected):
            uids = find(session, wanted)[::-1]
            if wanted.since or wanted.before:
                uids = [one.uid for one in _looked_at(session, uids) if wanted.fits(one.arrived_at)]
            waiting = {uid: MailId(folder, selected.uidvalidity, uid) for uid in uids[:limit]}
            read = ((waiting.pop(mail.uid), mail) for mail in session.contents(uids[:limit]))
            listed, chains = self._listed(read, view)
            _put_together(
                listed["messages"], chains, lambda some: conversation_ids(self._mailbox, session, folder, some)
            )
        listed["unreadable"] += [unread(str(mail), "", gone(mail)) for mail in waiting.values()]  # deleted meanwhile
        return {**listed, "matched": len(uids), "has_more": len(uids) > limit}

    def by_ids(self, ids: Iterable[str], view: MailView = WHOLE) -> Json:
        """Return exactly these mails, in the form of `search`; raises NotFound if one is gone."""
        wanted = [mail_id(mail) for mail in dict.fromkeys(ids)]
        listed, chains = self._listed(((mail, self._fetched(mail)) for mail in wanted), view)
        if wanted:
            _put_together(listed["messages"], chains, lambda some: self._ids_from(wanted[0].folder, some))
        return {**listed, "matched": len(wanted), "has_more": False}

    def message(self, message: str, view: MailView = WHOLE) -> Json:
        """Return one mail by its id, in the form of `shown`."""
        wanted = mail_id(message)
        found = self._fetched(wanted)
        told = shown(self._mailbox, wanted, found, view)
        _put_together([told], {told["id"]: chain_in(found)}, lambda some: self._ids_from(wanted.folder, some))
        return told

    def attachment(self, message: str, wanted: str) -> File:
        """Return one part of a mail, by its id in the mail's `attachments` or `parts`."""
        return file_in(SERVICE, message, self._payload(message), wanted)

    def attachments(self, message: str) -> list[File]:
        """Return all attachments of a mail; an attached mail is one of them, with its own files inside."""
        return files_in(SERVICE, message, self._payload(message))

    def original(self, message: str, *, follows_up: bool = False) -> Json:
        """Return the mail to answer, by its id or its Message-ID (`<...>`): {id, payload, labelIds}.

        The payload has only the headers. Raises InvalidRequest if a program must not answer it (RFC 3834; `follows_up`
        is as in `require_answerable`), NotFound.
        """
        wanted = mail_id(self.id_of(message))
        with self._mailbox.holding(wanted) as session:
            found = session.fetch([wanted.uid], "BODY.PEEK[HEADER]")
        if not found:
            raise gone(wanted)
        record = _answerable(self._mailbox, wanted.folder, headers_of(found[0].content or b""))
        require_answerable(SERVICE, record, self._mailbox.address, follows_up=follows_up)
        return {"id": str(wanted), **record}

    def id_of(self, message: str) -> str:
        """Return the id of a mail, given that id or a Message-ID (`<...>`). Raises NotFound."""
        name = message.strip()
        if not name.startswith("<"):
            return message
        for folder in dict.fromkeys([self._mailbox.folder, *map(self._mailbox.folder_for, ("all", "archive", "sent"))]):
            found = found_in(self._mailbox, folder, name) if folder else None
            if found is not None:
                return found.id
        raise NotFound(
            f"There is no mail with the Message-ID {name[:200]} in this mailbox.",
            service=SERVICE,
            remedy="Check the Message-ID: the mail may have been deleted since.",
        )

    def _listed(
        self, mails: Iterable[tuple[MailId, FetchedMail]], view: MailView
    ) -> tuple[Json, dict[str, ReplyHeaders]]:
        """Return {messages, unreadable} for mails and their FETCH answers, and the chains of the mails by their ids."""
        messages, unreadable = [], []
        chains: dict[str, ReplyHeaders] = {}
        for mail, found in mails:
            chains[str(mail)] = chain_in(found)
            try:
                messages.append(shown(self._mailbox, mail, found, view))
            except Unreadable as error:
                unreadable.append(unread(str(mail), subject_of(found), error))
        return {"messages": _newest_first(messages), "unreadable": unreadable}, chains

    def _ids_from(self, folder: str, chains: Sequence[ReplyHeaders]) -> Sequence[str]:
        """Return the conversations of mails that have been read; the mailbox is asked only if it may know more."""
        if not to_ask(chains):
            return firsts(chains, (), self._mailbox.address)
        with self._mailbox.opened(folder) as (session, _):
            return conversation_ids(self._mailbox, session, folder, chains)

    def _fetched(self, mail: MailId) -> FetchedMail:
        """Fetch a mail from the server. Raises NotFound if it is gone."""
        with self._mailbox.holding(mail) as session:
            found = list(session.contents([mail.uid]))
        if not found:
            raise gone(mail)
        return found[0]

    def _payload(self, message: str) -> Json:
        """Return all parts of a mail. Raises InvalidRequest if it is too large, NotFound."""
        where = mail_id(message)
        with self._mailbox.holding(where) as session:
            found = list(session.contents([where.uid], _FILE_MOST))
        if not found:
            raise gone(where)
        if found[0].size > _FILE_MOST:
            raise InvalidRequest(
                f"The mail {message} is too large to extract files from ({found[0].size} bytes; at most {_FILE_MOST}).",
                service=SERVICE,
            )
        with one_mail(SERVICE, str(where)):
            return payload_of(found[0].content or b"")


def _put_together(
    messages: Sequence[Json], chains: Mapping[str, ReplyHeaders], ids: Callable[[Sequence[ReplyHeaders]], Sequence[str]]
) -> None:
    """Set the conversation of each mail."""
    threads = dict(zip(chains, ids([*chains.values()]), strict=True))
    for one in messages:
        one["thread_id"] = threads[one["id"]]


def subject_of(found: FetchedMail) -> str:
    """Return the subject of a mail that cannot be read, or ""."""
    with suppress(Exception):
        return subject_line(header(headers_of(found.content or b""), "Subject"))
    return ""


def _looked_at(session: ImapSession, uids: Sequence[int]) -> Iterator[FetchedMail]:
    for start in range(0, len(uids), _LOOKED_AT):
        yield from sorted(session.fetch(uids[start : start + _LOOKED_AT]), key=lambda one: -one.uid)


def shown(mailbox: Mailbox, mail: MailId, found: FetchedMail, view: MailView = WHOLE) -> Json:
    """Return a mail as workflows see it.

    {id, folder, thread_id, flags, is_read, received_at, date, can_reply} and what `clients.mail.text.read_mail`
    returns; `received_at` and `date` are the time of arrival, RFC 3339 in UTC. Raises Unreadable for any failure to
    read this mail.
    """
    if found.refusal:
        raise Unreadable(f"The mail {mail} cannot be read: {found.refusal}", service=SERVICE)
    with one_mail(SERVICE, str(mail)):
        return _shown(mailbox, mail, found, view)


def _shown(mailbox: Mailbox, mail: MailId, found: FetchedMail, view: MailView) -> Json:
    content = found.content or b""
    payload = payload_of(content)
    if found.is_beginning:
        known = f"only the first {len(content):,} of {found.size:,} bytes of the mail were read"
        payload["left_out"] = [*payload.get("left_out", ()), known]
    read = read_mail(payload, nothing_left_out, view, mailbox.receiver)
    at = rfc3339(found.arrived_at) if found.arrived_at else ""
    return {
        "id": str(mail),
        "folder": mail.folder,
        "thread_id": thread_id_of(payload),
        **read,
        "received_at": at,
        "date": at,
        "flags": sorted(flag for flag in found.flags if flag != "\\Recent"),
        "is_read": "\\Seen" in found.flags,
        "can_reply": not refusal(_answerable(mailbox, mail.folder, payload), mailbox.address),
    }


def _answerable(mailbox: Mailbox, folder: str, payload: Json) -> Json:
    """Return a mail as `refusal` takes it: a mail of one's own is in one of these folders."""
    is_own = folder in {mailbox.folder_for("sent"), mailbox.folder_for("drafts")}
    return {"payload": payload, "labelIds": ["SENT"] if is_own else []}


def _newest_first(messages: list[Json]) -> list[Json]:
    return sorted(messages, key=lambda one: (str(one["date"]), mail_id(one["id"]).uid), reverse=True)
