"""Search and read mails and threads of a Gmail mailbox."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from clients.error_mapping import reading
from clients.errors import InvalidRequest, NotFound, Unreadable
from clients.gmail.labels import Labels
from clients.gmail.mail import read_message
from clients.gmail.outbox import ids_of
from clients.gmail.service import GMAIL
from clients.gmail.transport import CHECK_THE_ID, SERVICE, entries, gone, listed, mailbox_is_there
from clients.google.transport import answered
from clients.listing import Json
from clients.mail.addresses import shown_addresses
from clients.mail.conversation import SaidMail, ThreadMails, conversation, joined
from clients.mail.many import OF_ALL, ManyMails
from clients.mail.opening import opened
from clients.mail.outgoing import File
from clients.mail.parts import (
    Part,
    all_parts,
    attachment_id,
    body_bytes,
    from_base64url,
    header,
    headers,
    name_of,
    own_attachment_parts,
    shown,
)
from clients.mail.raw import payload_of
from clients.mail.replies import chain_of, refusal, require_answerable
from clients.mail.text import WHOLE, MailView, attachment_of
from clients.mail.unreadable import no_part, one_mail

_SEARCHABLE = re.compile(r"<[^\s<>(){}\"]{1,250}>", re.ASCII)
"""Message-IDs that cannot be taken for other words of a search."""


class GmailReader:
    """Reads one mailbox. Thread-safe; raises only errors of `clients.errors`."""

    def __init__(self, users: Any, web_url: str, account: Callable[[], str], labels: Labels) -> None:
        self._users, self._web_url, self._account, self._labels = users, web_url, account, labels
        self._many = ManyMails(SERVICE, self.subject)

    def search(self, query: str, limit: int, view: MailView = WHOLE) -> Json:
        """Search mails with a Gmail query: {messages, unreadable, matched_estimate, has_more}, newest first.

        `unreadable` are matches that cannot be read: [{id, subject, reason}].
        """
        # The list has ids only, so each mail takes a request of its own.
        found = answered(self._users.messages().list(userId="me", q=query, maxResults=limit))
        ids = [str(entry["id"]) for entry in entries(found, "messages")][:limit]
        return {
            **self._many.readable(ids, lambda one: self.message(one, view)),
            "matched_estimate": int(found.get("resultSizeEstimate") or 0),
            "has_more": bool(found.get("nextPageToken")),
        }

    def by_ids(self, ids: Sequence[str], view: MailView = WHOLE) -> Json:
        """Return exactly these mails, in the form of `search`, newest first; raises NotFound if one is gone."""
        wanted = list(dict.fromkeys(ids))
        found = self._many.readable(
            wanted, lambda one: self.message(one, view), never=(NotFound, InvalidRequest, *OF_ALL)
        )
        return {**found, "matched_estimate": len(wanted), "has_more": False}

    def message(self, message: str, view: MailView = WHOLE) -> Json:
        """Return one mail by Gmail's id.

        {id, thread_id, url, labels, can_reply}, and what `clients.gmail.mail.read_message` returns; `labels` are names.
        """
        return self._mail(self._get(message, "full"), view)

    def blind_copies(self, message: str) -> str:
        """Return who gets a blind copy of a mail of one's own, as it is written there; empty for nobody."""
        return shown_addresses(", ".join(headers(self._get(message, "full")["payload"], "Bcc")))[0]

    def thread(self, thread: str, view: MailView = WHOLE) -> Json:
        """Return all mails of a thread, oldest first: {url} and what `clients.mail.conversation` returns.

        Gmail begins a new thread after a hundred mails or with another subject; earlier threads of the same
        conversation are read as well.
        """
        found = joined(thread, lambda one: self._said(one, view), self._threads_with, self._account())
        return {**conversation(thread, found, self._many.unread), "url": f"{self._web_url}{thread}"}

    def _said(self, thread: str, view: MailView) -> ThreadMails:
        if not thread.strip():
            raise InvalidRequest("The id of the thread is empty.", service=SERVICE)
        try:
            found = answered(self._users.threads().get(userId="me", id=thread, format="full"), "id")
        except NotFound as error:
            raise gone("thread", thread, error) from error
        mails = {str(mail["id"]): mail for mail in entries(found, "messages")}

        def said(one: str) -> SaidMail:
            mail = self._mail(mails[one], view)
            with one_mail(SERVICE, one):
                return SaidMail(mail, chain_of(mails[one].get("payload") or {}), "DRAFT" in mail["labels"])

        return self._many.each(list(mails), said, OF_ALL)

    def _threads_with(self, names: Sequence[str]) -> list[str]:
        """Return the threads that have these mails, by their Message-IDs."""
        words = " ".join(f"rfc822msgid:{name.strip('<>')}" for name in names if _SEARCHABLE.fullmatch(name))
        if not words:
            return []
        found = answered(self._users.messages().list(userId="me", q=f"{{{words}}}", maxResults=100))
        return [str(entry["threadId"]) for entry in entries(found, "messages") if entry.get("threadId")]

    def threads(self, query: str, limit: int) -> Json:
        """Search threads with a Gmail query: {threads: [{id, snippet, url}], has_more}."""
        found, has_more = listed(self._users.threads(), "threads", limit, q=query)
        threads = [
            {"id": str(entry["id"]), "snippet": str(entry.get("snippet", "")), "url": f"{self._web_url}{entry['id']}"}
            for entry in found
        ]
        return {"threads": threads, "has_more": has_more}

    def _mail(self, found: Json, view: MailView) -> Json:
        with one_mail(SERVICE, str(found["id"])), mailbox_is_there():
            return {
                "id": str(found["id"]),
                "thread_id": str(found.get("threadId", "")),
                "url": f"{self._web_url}{found['id']}",
                **read_message(found, lambda part: self._text_data(str(found["id"]), part), view),
                "labels": self._labels.names_of(found.get("labelIds") or []),
                "can_reply": not refusal(found, self._account()),
            }

    def _get(self, message: str, form: str) -> Json:
        if not message.strip():
            raise InvalidRequest("The id of the mail is empty.", service=SERVICE)
        try:
            return answered(self._users.messages().get(userId="me", id=message, format=form), "id", "payload")
        except NotFound as error:
            raise gone("mail", message, error) from error

    def _part_data(self, message: str, part: str) -> str:
        request = self._users.messages().attachments().get(userId="me", messageId=message, id=part)
        return str(answered(request, "data")["data"])

    def _text_data(self, message: str, part: str) -> str:
        """Fetch a text that Gmail left out of a mail because of its size."""
        try:
            return self._part_data(message, part)
        except NotFound as error:
            said = f"Gmail returns the mail {message} but not its text (it answered 404)."
            raise Unreadable(said, service=SERVICE, http_status=error.http_status) from error

    def attachment(self, message: str, wanted: str) -> File:
        """Return one part of a mail, by its id in the mail's `attachments` or `parts`."""
        found = self._get(message, "full")
        with reading(GMAIL):
            parts = [part for part in all_parts(found["payload"]) if attachment_id(part) == wanted]
        if not parts:
            with one_mail(SERVICE, message):
                mail = opened(found["payload"], lambda data: self._part_data(str(found["id"]), data))
                parts = [part for part in all_parts(mail) if attachment_id(part) == wanted]
        if not parts:
            raise no_part(SERVICE, message, wanted)
        return self._file(str(found["id"]), parts[0])

    def attachments(self, message: str) -> list[File]:
        """Return all attachments of a mail; an attached mail is one of them, with its own files inside."""
        found = self._get(message, "full")
        with reading(GMAIL):
            parts = [*own_attachment_parts(found["payload"])]
        return [self._file(str(found["id"]), part) for part in parts]

    def _file(self, message: str, part: Part) -> File:
        body = part.get("body") or {}
        if part.get("parts") and not body.keys() & {"attachmentId", "data", "content"}:
            return self._attached_mail(message, part)
        content = body_bytes(part, lambda data: self._part_data(message, data))
        return File(name_of(part), content, str(part.get("mimeType", "")))

    def _attached_mail(self, message: str, part: Part) -> File:
        """Return an attached mail, read from the bytes of the mail around it: Gmail itself gives only its parts."""
        raw = answered(self._users.messages().get(userId="me", id=message, format="raw"), "raw")["raw"]
        with one_mail(SERVICE, message):
            file = attachment_of(payload_of(from_base64url(str(raw))), attachment_id(part))
        if file is None:
            raise Unreadable(f"Gmail does not give the mail {name_of(part)!r} in the mail {message}.", service=SERVICE)
        return File(file[0]["name"], file[1], file[0]["media_type"])

    def subject(self, message: str) -> str:
        """Return the subject of a mail, empty if it has none. Raises NotFound."""
        return shown(header(self._get(message, "metadata")["payload"], "Subject"))

    def record(self, message: str) -> Json:
        """Return Gmail's record of a mail with its headers, by Gmail's id or by its Message-ID. Raises NotFound."""
        return self._get(self.id_of(message), "metadata")

    def original(self, message: str, *, follows_up: bool = False) -> Json:
        """Return Gmail's record of the mail to answer, by Gmail's id or by its Message-ID (`<...>`).

        Raises InvalidRequest if a program must not answer it (RFC 3834); `follows_up` is as in `require_answerable`.
        """
        found = self.record(message)
        require_answerable(SERVICE, found, self._account(), follows_up=follows_up)
        return found

    def id_of(self, message: str) -> str:
        """Return Gmail's id of a mail, given that id or a Message-ID (`<...>`). Raises NotFound."""
        wanted = message.strip()
        if not wanted.startswith("<"):
            return message
        ids = [one for one in ids_of(self._users, wanted) if self._has_message_id(one, wanted)]
        if not ids:
            raise NotFound(
                f"There is no mail with the Message-ID {wanted} in this mailbox.", service=SERVICE, remedy=CHECK_THE_ID
            )
        return ids[0]

    def _has_message_id(self, message: str, wanted: str) -> bool:
        return header(self._get(message, "metadata")["payload"], "Message-ID").strip() == wanted
