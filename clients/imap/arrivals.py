"""New mail in a folder, recognized even after the server has renumbered it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from msgspec import Struct, structs

from clients.errors import Unreadable
from clients.imap.answers import FetchedMail
from clients.imap.conversations import chain_in, conversation_ids
from clients.imap.finding import find
from clients.imap.mailbox import Mailbox, MailId
from clients.imap.reading import shown, subject_of
from clients.imap.search import SearchCriteria
from clients.imap.session import ImapSession, Selected
from clients.mail.outgoing import OUR_MARK
from clients.mail.parts import header, headers
from clients.mail.raw import headers_of
from clients.mail.text import WHOLE, MailView
from clients.mail.unreadable import one_mail
from clients.mail_server.providers import SERVICE

_FIELDS = "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID DATE FROM TO SUBJECT RECEIVED X-ORCHESTRA)]"


class Arrival(Struct, frozen=True):
    """One mail: its number, and `key`, which stays the same when the folder is renumbered."""

    uid: int
    key: str
    arrived_at: datetime | None
    size: int
    """Of the whole mail, in bytes."""
    subject: str
    senders: str
    """All of its `From` headers, as written."""
    is_draft: bool
    is_ours: bool


class Arrivals:
    """A folder during one poll. Raises only ServiceError."""

    def __init__(self, mailbox: Mailbox, session: ImapSession, selected: Selected, wanted: SearchCriteria) -> None:
        self._mailbox, self._session, self._wanted = mailbox, session, wanted
        self.selected = selected

    @property
    def state(self) -> list[int]:
        """Values that stay the same while nothing in the folder changes; the last is 0 if the server lacks
        CONDSTORE.
        """
        return [self.selected.uidvalidity, self.selected.uidnext, self.selected.exists, self.selected.highestmodseq]

    def last(self) -> int:
        """Return the highest number that a mail has or had."""
        return self.selected.uidnext - 1 if self.selected.uidnext else max(self._session.search("ALL"), default=0)

    def beginning_at(self, uid: int) -> list[int]:
        """Return the numbers of matching mails from this one on, ascending."""
        found = find(self._session, self._wanted, f"UID {uid}:*") if self.selected.exists else []
        return [one for one in found if one >= uid]  # `n:*` always includes the last mail (RFC 3501 6.4.8)

    def arrived_since(self, moment: datetime) -> list[int]:
        """Return the numbers of matching mails that arrived since then, ascending."""
        wanted = SearchCriteria(**{**structs.asdict(self._wanted), "since": moment.isoformat()})
        found = find(self._session, wanted) if self.selected.exists else []
        return [one.uid for one in self._session.fetch(found) if wanted.fits(one.arrived_at)]

    def known(self, uids: Sequence[int]) -> list[Arrival]:
        """Return these mails, ascending; those deleted in the meantime are left out."""
        return sorted(map(_arrival, self._session.fetch(uids, _FIELDS)), key=lambda one: one.uid)

    def read(self, uids: Sequence[int], view: MailView = WHOLE) -> dict[int, dict[str, Any] | Unreadable]:
        """Return mails by number, as workflows see them, or why one cannot be read."""
        mails, chains = {}, {}
        for found in self._session.contents(uids):
            mails[found.uid], chains[found.uid] = self._shown(found, view), chain_in(found)
        threads = conversation_ids(self._mailbox, self._session, self.selected.folder, [*chains.values()])
        for uid, thread in zip(chains, threads, strict=True):
            if isinstance(mail := mails[uid], dict):
                mail["thread_id"] = thread
        return mails

    def _shown(self, found: FetchedMail, view: MailView) -> dict[str, Any] | Unreadable:
        try:
            mail = MailId(self.selected.folder, self.selected.uidvalidity, found.uid)
            return shown(self._mailbox, mail, found, view)
        except Unreadable as error:
            return error


@contextmanager
def arrivals(mailbox: Mailbox, wanted: SearchCriteria) -> Iterator[Arrivals]:
    """Open the folder of a search to poll it for new mail."""
    with mailbox.opened(wanted.folder) as (session, selected):
        yield Arrivals(mailbox, session, selected, wanted)


def _arrival(found: FetchedMail) -> Arrival:
    payload = _headers(found)
    name = header(payload, "Message-ID").strip()
    return Arrival(
        found.uid,
        _key(found, payload, name),
        found.arrived_at,
        found.size,
        subject_of(found),
        ", ".join(headers(payload, "From")),
        "\\Draft" in found.flags,
        bool(header(payload, "X-Orchestra")) or name.startswith(OUR_MARK),
    )


def _headers(found: FetchedMail) -> dict[str, Any]:
    """Return a mail's headers; if unreadable, their bytes as one header, so that the mail is still recognized."""
    content = found.content or b""
    try:
        with one_mail(SERVICE, str(found.uid)):
            return headers_of(content)
    except Unreadable:
        return {"headers": [{"name": "Subject", "value": content.decode("latin-1")}]}


def _key(found: FetchedMail, payload: dict[str, Any], name: str) -> str:
    """Return a key for a mail. The Message-ID would do (RFC 5322 3.6.4), but some devices put the same into every mail.

    For a mail without one it covers all that survives renumbering: more headers, size, time of arrival.
    """
    fields = ["Date", "From", "Subject"] if name else ["Date", "From", "To", "Subject", "Received"]
    told = [name, *(value for field in fields for value in [field, *headers(payload, field)])]
    told += [] if name else [str(found.size), str(found.arrived_at)]
    return hashlib.sha256("\0".join(told).encode("utf-8", "replace")).hexdigest()[:32]
