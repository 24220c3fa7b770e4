"""The answers of others to a mail of an Outlook mailbox, as far as they are in its conversation."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from clients.errors import NotFound
from clients.listing import Json
from clients.mail.answering import MailConversation, MailHint
from clients.mail.bounces import ArrivedBounce, arrived_bounces, may_be_bounce
from clients.mail.dates import rfc3339
from clients.mail.labelled import LabelledMails
from clients.outlook.box import FIELDS, OutlookBox, received_at
from clients.outlook.reading import OutlookReader

_MOST = 5000
_BOUNCES_MOST = 100


class OutlookAnswers:
    """The answers in one mailbox. Thread-safe; raises only errors of `clients.errors`."""

    def __init__(self, box: OutlookBox, reader: OutlookReader) -> None:
        self._box, self._reader = box, reader

    def to_mail(self, message: str) -> MailConversation:
        """Return a mail, by its id or its Message-ID (`<...>`), with its conversation. Raises NotFound."""
        return _conversation(self._box.record(self._reader.id_of(message)))

    def to_thread(self, thread: str) -> MailConversation:
        """Return the newest mail of one's own in a thread, also a draft; the newest of all if there is none.

        Raises NotFound.
        """
        found = self._records(thread)
        own = [one for one in found if one.get("isDraft") or self._is_in(one, "sentitems")]
        return _conversation((own or found)[-1])

    def found(self, wanted: MailConversation) -> Iterator[Json]:
        """Yield the mails of others that have come since, oldest first, in the form of `OutlookReader.message`."""
        try:
            found = self._records(wanted.names[0])
        except NotFound:  # all of its mails were deleted
            return
        for one in found:
            is_late = received_at(one) >= wanted.since and _message_id(one) != wanted.mail
            if not is_late or one.get("isDraft") or self._is_in(one, "sentitems") or self._is_in(one, "junkemail"):
                continue
            arrived = self._reader.arrived(str(one["id"]))
            if not arrived.is_sent:
                yield arrived.mail

    def arrived(self, since: datetime) -> list[MailHint]:
        """Return the mails that have arrived since a time, in any folder."""
        # What is sorted by must come first in the filter, or Outlook refuses it ("InefficientFilter").
        order = {"filter": f"receivedDateTime ge {rfc3339(since)}", "orderby": "receivedDateTime desc"}
        found = [one for one in self._box.listed("", _MOST, **order) if not one.get("isDraft")]
        return [MailHint(str(one["id"]), (str(one.get("conversationId") or ""),)) for one in found]

    def bounces(self, since: datetime, known: Collection[str] = ()) -> list[ArrivedBounce]:
        """Return the reports about the delivery of mails that have come since a time, but for those with known ids.

        They are oldest first.
        """
        order = {"filter": f"receivedDateTime ge {rfc3339(since)}", "orderby": "receivedDateTime desc"}
        found = self._box.listed("", _MOST, select=f"{FIELDS},from", **order)
        ids = [str(one["id"]) for one in found if may_be_bounce(_sender(one), str(one.get("subject") or ""))]
        return arrived_bounces((one for one in reversed(ids[:_BOUNCES_MOST]) if one not in known), self._box.raw)

    def _records(self, thread: str) -> list[Json]:
        return self._box.records_of(LabelledMails("threads", thread))

    def _is_in(self, record: Json, folder: str) -> bool:
        return record.get("parentFolderId") == self._box.known(folder)


def _conversation(record: Json) -> MailConversation:
    return MailConversation((str(record.get("conversationId") or ""),), _message_id(record), received_at(record))


def _sender(record: Json) -> str:
    return str(((record.get("from") or {}).get("emailAddress") or {}).get("address") or "")


def _message_id(record: Json) -> str:
    return str(record.get("internetMessageId") or "")
