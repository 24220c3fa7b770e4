"""What has arrived in a folder: which mails, known again however the server numbers them, and what they say."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clients.imap.answers import Fetched
from clients.imap.mail import shown
from clients.imap.mailbox import Mailbox, MailId
from clients.imap.search import Search
from clients.imap.session import Selected, Session
from clients.mail.parts import header, headers
from clients.mail.raw import headers_of

OUR_MARK = "<orchestra."
"""How the Message-ID of every mail begins that a workflow wrote."""
_FIELDS = "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID DATE FROM TO SUBJECT RECEIVED X-ORCHESTRA)]"


@dataclass(frozen=True)
class Arrival:
    """One mail: its number, and `key`, by which it is known again when the folder is numbered anew."""

    uid: int
    key: str
    arrived_at: datetime | None
    size: int
    """Of the whole mail, in bytes."""
    is_draft: bool
    is_ours: bool


class Arrivals:
    """A folder as one look sees it. Raises ServiceError only."""

    def __init__(self, mailbox: Mailbox, session: Session, selected: Selected, wanted: Search) -> None:
        self._mailbox, self._session, self._wanted = mailbox, session, wanted
        self.selected = selected

    @property
    def state(self) -> list[int]:
        """What stays the same as long as nothing in the folder changes; its last number is 0 where it may not."""
        return [self.selected.uidvalidity, self.selected.uidnext, self.selected.exists, self.selected.highestmodseq]

    def last(self) -> int:
        """Give the highest number that a mail has, or had."""
        return self.selected.uidnext - 1 if self.selected.uidnext else max(self._session.search("ALL"), default=0)

    def beginning_at(self, uid: int) -> list[int]:
        """Give the numbers of the mails that fit, from this one on, rising."""
        found = self._session.search(f"UID {uid}:* {self._wanted.written()}") if self.selected.exists else []
        return [one for one in found if one >= uid]  # `n:*` always names the last mail, too (RFC 3501 6.4.8)

    def arrived_since(self, moment: datetime) -> list[int]:
        """Give the numbers of the mails that fit and arrived since then, rising."""
        wanted = Search(**{**vars(self._wanted), "since": moment.isoformat()})
        found = self._session.search(wanted.written()) if self.selected.exists else []
        return [one.uid for one in self._session.fetch(found) if wanted.fits(one.arrived_at)]

    def known(self, uids: Sequence[int]) -> list[Arrival]:
        """Tell which mails these are, rising; what is gone meanwhile is left out."""
        return sorted(map(_arrival, self._session.fetch(uids, _FIELDS)), key=lambda one: one.uid)

    def read(self, uids: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Give mails as workflows see them, by their numbers."""
        folder, validity = self.selected.folder, self.selected.uidvalidity
        return {
            found.uid: shown(self._mailbox, MailId(folder, validity, found.uid), found)
            for found in self._session.contents(uids)
        }


@contextmanager
def arrivals(mailbox: Mailbox, wanted: Search) -> Iterator[Arrivals]:
    """Open the folder of a search to look at what has arrived there."""
    with mailbox.opened(wanted.folder) as (session, selected):
        yield Arrivals(mailbox, session, selected, wanted)


def _arrival(found: Fetched) -> Arrival:
    payload = headers_of(found.content or b"")
    name = header(payload, "Message-ID").strip()
    return Arrival(
        found.uid,
        _key(found, payload, name),
        found.arrived_at,
        found.size,
        "\\Draft" in found.flags,
        bool(header(payload, "X-Orchestra")) or name.startswith(OUR_MARK),
    )


def _key(found: Fetched, payload: dict[str, Any], name: str) -> str:
    """A Message-ID alone would do (RFC 5322 3.6.4), but for the devices that put the same into every mail.

    Of a mail without one all counts that stays when a folder is numbered anew: more headers, size, time of arrival.
    """
    fields = ["Date", "From", "Subject"] if name else ["Date", "From", "To", "Subject", "Received"]
    told = [name, *(value for field in fields for value in [field, *headers(payload, field)])]
    told += [] if name else [str(found.size), str(found.arrived_at)]
    return hashlib.sha256("\0".join(told).encode("utf-8", "replace")).hexdigest()[:32]
