"""The answers of others to a mail of a mailbox: mails that refer to it, or to the first mail of its conversation."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime

from clients.errors import InvalidRequest, NotFound
from clients.imap.answers import FetchedMail
from clients.imap.conversations import HEADERS, chain_in, searchable, with_ids
from clients.imap.filing import found_in, gone
from clients.imap.finding import find
from clients.imap.mailbox import Mailbox, MailId, mail_id
from clients.imap.reading import ImapReader
from clients.imap.search import SearchCriteria
from clients.imap.session import ImapSession
from clients.listing import Json
from clients.mail.answering import MailConversation, MailHint
from clients.mail.bounces import ArrivedBounce, bounce_in_bytes
from clients.mail.dates import rfc3339
from clients.mail.participants import may_join
from clients.mail.parts import header
from clients.mail.raw import headers_of
from clients.mail_server.providers import SERVICE

_PLACES = ("archive", "all")
"""Folders where answers may be, beside that of the connection."""
_OWN = ("sent", "drafts")
_REPORTS = 'OR HEADER Content-Type "multipart/report" OR FROM "mailer-daemon" FROM "postmaster"'
_BOUNCES_MOST, _BOUNCE_BYTES = 100, 512 * 1024
"""How many reports are read at once, the newest ones, and how much of one: what it says comes before the mail."""


class ImapAnswers:
    """The answers in one mailbox. Thread-safe; raises only ServiceError."""

    def __init__(self, mailbox: Mailbox, mail: ImapReader) -> None:
        self._mailbox, self._mail = mailbox, mail

    def to_mail(self, mail: str) -> MailConversation:
        """Return a mail, by its id or its Message-ID (`<...>`), with its conversation. Raises NotFound for an id.

        A Message-ID may be of a mail that is not in the mailbox: not every server keeps what it sends.
        """
        name = mail.strip()
        if not name.startswith("<") or not searchable([name]):
            return self._conversation(mail_id(mail))
        for folder in self._folders(*_OWN, *_PLACES):
            found = found_in(self._mailbox, folder, name)
            if found is not None:
                return self._conversation(mail_id(found.id))
        return MailConversation((name,), name, "")

    def to_thread(self, thread: str) -> MailConversation:
        """Return the newest mail of one's own in a conversation, also a draft; the newest of all if there is none.

        `thread` is the Message-ID of its first mail.
        """
        own = self._of([thread], self._with_roles(*_OWN), with_named=True)
        every = own or self._of([thread], self._folders(*_PLACES), with_named=True)
        if not every:
            return MailConversation((thread,), thread, "")
        at, _, newest = every[-1]
        return MailConversation((thread,), chain_in(newest).own, at)

    def found(self, wanted: MailConversation) -> Iterator[Json]:
        """Yield the mails of others that have come since, oldest first, in the form of `ImapReader.message`."""
        seen = {wanted.mail}
        for at, mail, headers in self._of(wanted.names, self._folders(*_PLACES)):
            chain = chain_in(headers)
            is_early, is_known = bool(at) and at < wanted.since, bool(chain.own) and chain.own in seen
            if is_early or is_known or not {*chain.earlier} & {*wanted.names} or self._is_own(headers):
                continue
            seen.add(chain.own)
            with suppress(NotFound):  # deleted meanwhile
                yield self._mail.message(str(mail))

    def arrived(self, since: datetime) -> list[MailHint]:
        """Return the mails that have arrived in the connection's folder since a time, with all that they refer to."""
        wanted = SearchCriteria(since=since.isoformat())
        with self._mailbox.opened("") as (session, selected):
            uids = [one.uid for one in session.fetch(find(session, wanted)) if wanted.fits(one.arrived_at)]
            found = session.fetch(uids, HEADERS)
        return [
            MailHint(str(MailId(selected.folder, selected.uidvalidity, one.uid)), chain_in(one).earlier)
            for one in found
        ]

    def bounces(self, since: datetime, known: Collection[str] = ()) -> list[ArrivedBounce]:
        """Return the reports about the delivery of mails that have come into the connection's folder since a time.

        They are oldest first, without those with known ids.
        """
        wanted = SearchCriteria(since=since.isoformat(), criteria=_REPORTS)
        with self._mailbox.opened("") as (session, selected):
            uids = [one.uid for one in session.fetch(find(session, wanted)) if wanted.fits(one.arrived_at)]
            ids = {uid: str(MailId(selected.folder, selected.uidvalidity, uid)) for uid in uids[-_BOUNCES_MOST:]}
            new = [uid for uid, one in ids.items() if one not in known]
            read = {ids[one.uid]: bounce_in_bytes(one.content or b"") for one in session.contents(new, _BOUNCE_BYTES)}
        return [ArrivedBounce(one, bounce) for one, bounce in read.items() if bounce is not None]

    def _conversation(self, mail: MailId) -> MailConversation:
        with self._mailbox.holding(mail) as session:
            found = session.fetch([mail.uid], HEADERS)
        if not found:
            raise gone(mail)
        chain = chain_in(found[0])
        names = [chain.own] if chain.own else []
        if chain.first != chain.own and self._takes_part(chain.first, found[0]):
            names.insert(0, chain.first)
        names = searchable(names)
        if not names:
            raise InvalidRequest(
                f"The mail {mail} has no Message-ID, so replies to it cannot be recognized.",
                service=SERVICE,
                remedy="Wait for another mail of the conversation.",
            )
        return MailConversation(tuple(names), chain.own if chain.own in names else "", _at(found[0]))

    def _takes_part(self, first: str, found: FetchedMail) -> bool:
        """Return whether the first mail of a conversation, as a mail names it, is by somebody whom that mail concerns.

        Whoever writes a mail may name any mail there; answers to that one answer others.
        """
        people = chain_in(found).people
        for folder in self._folders(*_OWN, *_PLACES) if searchable([first]) else ():
            if (known := found_in(self._mailbox, folder, first)) is None:
                continue
            with self._mailbox.holding(mail_id(known.id)) as session:
                return any(
                    may_join(chain_in(one).author, people, self._mailbox.address)
                    for one in session.fetch([mail_id(known.id).uid], HEADERS)
                )
        return False

    def _of(
        self, names: Sequence[str], folders: Iterable[str], *, with_named: bool = False
    ) -> list[tuple[str, MailId, FetchedMail]]:
        """Return the mails that may refer to these, oldest first, each with when it has arrived and its headers.

        `with_named`: also the mails with these names themselves.
        """
        found: list[tuple[str, MailId, FetchedMail]] = []
        for folder in folders:
            with suppress(NotFound), self._mailbox.opened(folder) as (session, selected):
                mails = session.fetch(_searched(session, names, with_named=with_named), HEADERS)
                found += [(_at(one), MailId(folder, selected.uidvalidity, one.uid), one) for one in mails]
        return sorted(found, key=lambda each: (each[0], each[1].uid))

    def _folders(self, *roles: str) -> list[str]:
        """Return the folder of the connection, and those with these roles that there are."""
        return [*dict.fromkeys([self._mailbox.folder, *self._with_roles(*roles)])]

    def _with_roles(self, *roles: str) -> list[str]:
        return [one for one in map(self._mailbox.folder_for, roles) if one]

    def _is_own(self, found: FetchedMail) -> bool:
        return "\\Draft" in found.flags or self._mailbox.is_own(header(headers_of(found.content or b""), "From"))


def _searched(session: ImapSession, names: Sequence[str], *, with_named: bool) -> list[int]:
    """Return the numbers of the mails whose headers contain these names; a server may find more (RFC 3501 6.4.4)."""
    fields = ["References", "In-Reply-To", *(["Message-ID"] if with_named else [])]
    usable = searchable(names)
    return session.search(with_ids(usable, *fields)) if usable else []


def _at(found: FetchedMail) -> str:
    return rfc3339(found.arrived_at) if found.arrived_at else ""
