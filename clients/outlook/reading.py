"""Search and read the mails of an Outlook mailbox: each is read from its MIME, as mails of all services are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from msgspec import Struct

from clients.errors import InvalidRequest, NotFound, ServiceError
from clients.listing import Json
from clients.mail.addresses import shown_addresses
from clients.mail.authentication import ReceivingServer
from clients.mail.conversation import MAILS_MOST, SaidMail, ThreadMails, conversation, joined
from clients.mail.files import file_in, files_in
from clients.mail.labelled import LabelledMails
from clients.mail.many import OF_ALL, ManyMails
from clients.mail.outgoing import File
from clients.mail.parts import header, nothing_left_out, shown
from clients.mail.raw import headers_of, payload_of
from clients.mail.replies import chain_of, is_from, refusal, require_answerable
from clients.mail.text import WHOLE, MailView, read_mail
from clients.mail.unreadable import one_mail
from clients.outlook.box import SERVICE, OutlookBox, received_at
from clients.outlook.labels import labels_of

_SEARCHED_MOST = 1000
"""Results of a search by words (https://learn.microsoft.com/graph/search-query-parameter)."""
_BEGINNING = "1900-01-01T00:00:00Z"
_RECEIVER = ReceivingServer(("", "mx.microsoft.com", ".outlook.com"))
"""Exchange Online gives no id, against RFC 8601; in some places, the name of a host."""
_HIDDEN = ("deleteditems", "junkemail")


class OutlookSearch(Struct, frozen=True):
    """What to search for; a mail must match all of it."""

    query: str = ""
    """Words, as in Outlook: `from:ann subject:invoice hasattachments:true`."""
    folder: str = ""
    """Empty: all but deleted mail and junk."""
    since: str = ""
    """When it arrived at the earliest (RFC 3339, UTC)."""
    is_unread: bool = False


class ArrivedMail(Struct, frozen=True):
    """A mail as a trigger sees it."""

    mail: Json
    """In the form of `OutlookReader.message`."""
    is_draft: bool
    is_sent: bool
    """Whether it is from this mailbox."""
    is_ours: bool
    """Whether a workflow wrote it; Outlook.com may have given it another Message-ID."""


class OutlookReader:
    """Reads one mailbox. Thread-safe; raises only errors of `clients.errors`."""

    def __init__(self, box: OutlookBox) -> None:
        self._box = box
        self._many = ManyMails(SERVICE, self.subject)

    def search(self, wanted: OutlookSearch, limit: int, view: MailView = WHOLE) -> Json:
        """Search mails: {messages, unreadable, has_more}, newest first.

        `unreadable` are matches that cannot be read: [{id, subject, reason}].
        """
        found = list(islice(self._found(wanted, limit), limit + 1))
        return {**self._read(found[:limit], view), "has_more": len(found) > limit}

    def by_ids(self, ids: Sequence[str], view: MailView = WHOLE) -> Json:
        """Return exactly these mails, in the form of `search`; raises NotFound if one is gone."""
        never: tuple[type[ServiceError], ...] = (NotFound, InvalidRequest, *OF_ALL)
        found = self._many.readable(list(dict.fromkeys(ids)), lambda one: self.message(one, view), never)
        return {**found, "has_more": False}

    def message(self, message: str, view: MailView = WHOLE) -> Json:
        """Return one mail by its id.

        {id, thread_id, url, labels, folder, received_at, date, can_reply}, and what `clients.mail.text.read_mail`
        returns; `labels` are categories and `UNREAD`, `FLAGGED`; `received_at` and `date` are the time of arrival,
        RFC 3339 in UTC.
        """
        return self._mail(self._box.record(message), view)[0]

    def arrived(self, message: str, view: MailView = WHOLE) -> ArrivedMail:
        """Return one mail by its id, and what it is. Raises NotFound, Unreadable."""
        record = self._box.record(message)
        mail, payload = self._mail(record, view)
        is_sent = record.get("parentFolderId") == self._box.known("sentitems")
        is_sent = is_sent or is_from(payload, self._box.account())
        return ArrivedMail(mail, bool(record.get("isDraft")), is_sent, bool(header(payload, "X-Orchestra")))

    def thread(self, thread: str, view: MailView = WHOLE) -> Json:
        """Return all mails of a thread, oldest first: {url} and what `clients.mail.conversation` returns.

        Outlook begins a new conversation with another subject; earlier ones, as the mails name them, are read as well.
        """
        found = joined(thread, lambda one: self._said(one, view), self._threads_with, self._box.account())
        return {**conversation(thread, found, self._many.unread), "url": self._box.link(thread)}

    def _said(self, thread: str, view: MailView) -> ThreadMails:
        found = self._box.records_of(LabelledMails("threads", thread))[-MAILS_MOST - 1 :]
        records = {str(one["id"]): one for one in found}

        def said(one: str) -> SaidMail:
            mail, payload = self._mail(records[one], view)
            with one_mail(SERVICE, one):
                return SaidMail(mail, chain_of(payload), bool(records[one].get("isDraft")))

        return self._many.each(list(records), said, OF_ALL)

    def _threads_with(self, names: Sequence[str]) -> Iterator[str]:
        """Yield the conversations that have these mails, by their Message-IDs."""
        for name in names:
            for record in self._box.with_message_id(name):
                if record.get("conversationId"):
                    yield str(record["conversationId"])

    def subject(self, message: str) -> str:
        """Return the subject of a mail, empty if it has none. Raises NotFound."""
        return shown(str(self._box.record(message).get("subject") or ""))

    def blind_copies(self, message: str) -> str:
        """Return who gets a blind copy of a mail of one's own; empty for nobody."""
        found = self._box.record(message, "id,bccRecipients").get("bccRecipients") or []
        return shown_addresses(", ".join(str(one["emailAddress"]["address"]) for one in found))[0]

    def attachment(self, message: str, wanted: str) -> File:
        """Return one part of a mail, by its id in the mail's `attachments` or `parts`."""
        return file_in(SERVICE, message, self._payload(message), wanted)

    def attachments(self, message: str) -> list[File]:
        """Return all attachments of a mail; an attached mail is one of them, with its own files inside."""
        return files_in(SERVICE, message, self._payload(message))

    def original(self, message: str, *, follows_up: bool = False) -> Json:
        """Return the mail to answer, by its id or its Message-ID (`<...>`): {id, threadId, payload, labelIds}.

        Raises InvalidRequest if a program must not answer it (RFC 3834); `follows_up` is as in `require_answerable`.
        """
        record = self._box.record(self.id_of(message))
        found = self._answerable(record, headers_of(self._box.raw(str(record["id"]))))
        require_answerable(SERVICE, found, self._box.account(), follows_up=follows_up)
        return found

    def id_of(self, message: str) -> str:
        """Return the id of a mail, given that id or a Message-ID (`<...>`). Raises NotFound."""
        wanted = message.strip()
        if not wanted.startswith("<"):
            return message
        found = self._box.with_message_id(wanted)
        if not found:
            raise NotFound(
                f"There is no mail with the Message-ID {wanted[:200]} in this mailbox.",
                service=SERVICE,
                remedy="Check the Message-ID: the mail may have been deleted since.",
            )
        return str(found[0]["id"])

    def _found(self, wanted: OutlookSearch, limit: int) -> Iterator[Json]:
        """Yield the records that match, newest first."""
        folder = self._box.folder(wanted.folder) if wanted.folder else ""
        hidden = set() if folder else {self._box.known(one) for one in _HIDDEN}
        below = f"/mailFolders/{folder}" if folder else ""
        since = wanted.since or _BEGINNING
        if wanted.query.strip():
            # A search by words takes no filter, and its order is its own: the newest first.
            words = wanted.query.replace("\\", " ").replace('"', '\\"')
            records = self._box.listed(below, _SEARCHED_MOST, search=f'"{words}"')
        else:
            # What is sorted by must come first in the filter, or Outlook refuses it ("InefficientFilter").
            unread = " and isRead eq false" if wanted.is_unread else ""
            order = {"filter": f"receivedDateTime ge {since}{unread}", "orderby": "receivedDateTime desc"}
            records = self._box.listed(below, None, top=str(min(limit + 1, 100)), **order)
        for one in records:
            is_wanted = received_at(one) >= since and not (wanted.is_unread and one.get("isRead"))
            if is_wanted and one.get("parentFolderId") not in hidden:
                yield one

    def _read(self, records: Sequence[Json], view: MailView) -> Json:
        known = {str(one["id"]): one for one in records}
        return self._many.readable(list(known), lambda one: self._mail(known[one], view)[0])

    def _mail(self, record: Json, view: MailView) -> tuple[Json, Json]:
        """Return a mail as workflows see it, and its parts."""
        message = str(record["id"])
        raw = self._box.raw(message)
        folder = self._box.path(str(record.get("parentFolderId") or ""))
        with one_mail(SERVICE, message):
            payload = payload_of(raw)
            told = {
                "id": message,
                "thread_id": str(record.get("conversationId") or ""),
                "url": str(record.get("webLink") or ""),
                **read_mail(payload, nothing_left_out, view, _RECEIVER),
                "received_at": received_at(record),
                "date": received_at(record),
                "labels": labels_of(record),
                "folder": folder,
                "can_reply": not refusal(self._answerable(record, payload), self._box.account()),
            }
            return told, payload

    def _answerable(self, record: Json, payload: Json) -> Json:
        """Return a mail as `refusal` takes it, in the form of Gmail's record."""
        is_own = record.get("isDraft") or record.get("parentFolderId") == self._box.known("sentitems")
        about = {"id": str(record["id"]), "threadId": str(record.get("conversationId") or "")}
        return {**about, "payload": payload, "labelIds": ["SENT"] if is_own else []}

    def _payload(self, message: str) -> Json:
        raw = self._box.raw(message)
        with one_mail(SERVICE, message):
            return payload_of(raw)
