"""The answers of others to a mail of a Gmail mailbox, as far as they are in its thread."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from typing import Any

from clients.error_mapping import reading
from clients.errors import NotFound
from clients.gmail.mail import arrived_at
from clients.gmail.reading import GmailReader
from clients.gmail.service import GMAIL
from clients.gmail.transport import entries, gone, listed
from clients.google.transport import answered
from clients.listing import Json
from clients.mail.answering import MailConversation, MailHint
from clients.mail.bounces import SENDERS, ArrivedBounce, arrived_bounces
from clients.mail.parts import from_base64url, header
from clients.mail.replies import is_from

_MOST = 5000
_BOUNCES_MOST = 100
_OWN = {"SENT", "DRAFT"}


class GmailAnswers:
    """The answers in one mailbox. Thread-safe; raises only errors of `clients.errors`."""

    def __init__(self, users: Any, reader: GmailReader, account: Callable[[], str]) -> None:
        self._users, self._reader, self._account = users, reader, account

    def to_mail(self, message: str) -> MailConversation:
        """Return a mail, by Gmail's id or its Message-ID (`<...>`), with its thread. Raises NotFound."""
        return _conversation(self._reader.record(message))

    def to_thread(self, thread: str) -> MailConversation:
        """Return the newest mail of one's own in a thread, also a draft; the newest of all if there is none.

        Raises NotFound.
        """
        found = self._records(thread)
        own = [one for one in found if self._is_own(one)]
        return _conversation((own or found)[-1])

    def found(self, wanted: MailConversation) -> Iterator[Json]:
        """Yield the mails of others that have come since, oldest first, in the form of `GmailReader.message`."""
        try:
            found = self._records(wanted.names[0])
        except NotFound:  # all of its mails were deleted
            return
        for one in found:
            is_late = arrived_at(one) >= wanted.since and _message_id(one) != wanted.mail
            if is_late and not self._is_own(one) and "SPAM" not in (one.get("labelIds") or []):
                yield self._reader.message(str(one["id"]))

    def arrived(self, since: datetime) -> list[MailHint]:
        """Return the mails that others have sent since a time; Gmail's search may show one a little later."""
        query = f"-in:sent -in:drafts after:{int(since.timestamp())}"
        found, _ = listed(self._users.messages(), "messages", _MOST, q=query)
        return [MailHint(str(one["id"]), (str(one.get("threadId", "")),)) for one in found]

    def bounces(self, since: datetime, known: Collection[str] = ()) -> list[ArrivedBounce]:
        """Return the reports about the delivery of mails that have come since a time, but for those with known ids.

        They are oldest first.
        """
        query = f"{{from:({' OR '.join(SENDERS)}) subject:undeliverable}} after:{int(since.timestamp())}"
        found, _ = listed(self._users.messages(), "messages", _BOUNCES_MOST, q=query)
        ids = dict.fromkeys(str(one["id"]) for one in reversed(found))
        return arrived_bounces((one for one in ids if one not in known), self._raw)

    def _raw(self, message: str) -> bytes:
        found = answered(self._users.messages().get(userId="me", id=message, format="raw"), "raw")
        return from_base64url(str(found["raw"]))

    def _records(self, thread: str) -> list[Json]:
        """Return Gmail's records of the mails in a thread, oldest first. Raises NotFound."""
        try:
            found = answered(self._users.threads().get(userId="me", id=thread, format="metadata"), "id")
        except NotFound as error:
            raise gone("thread", thread, error) from error
        return entries(found, "messages")

    @reading(GMAIL)
    def _is_own(self, record: Json) -> bool:
        return bool(_OWN & {*(record.get("labelIds") or [])}) or is_from(record["payload"], self._account())


@reading(GMAIL)
def _conversation(record: Json) -> MailConversation:
    return MailConversation((str(record["threadId"]),), _message_id(record), arrived_at(record))


def _message_id(record: Json) -> str:
    return header(record["payload"], "Message-ID").strip()
