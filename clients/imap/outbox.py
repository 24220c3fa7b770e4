"""Outgoing mail of a mailbox: mails, sent by SMTP, and drafts, each found again by its Message-ID."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from clients.deadline import deadline
from clients.errors import Conflict, InvalidRequest, OutcomeUnknown, ServiceError
from clients.imap.filing import delete, found_in, gone, with_message_id
from clients.imap.headers import thread_id_of
from clients.imap.mailbox import Mailbox, MailId, mail_id
from clients.listing import Json
from clients.mail.addresses import specs
from clients.mail.letter import Letter
from clients.mail.outgoing import as_bytes, build, message_id
from clients.mail.parts import header, headers
from clients.mail.raw import headers_of
from clients.mail_server.providers import SERVICE
from clients.smtp.client import SmtpClient, recipients_of

# The step has done its work by then, so a slow copy must not use up its time.
_COPY_SECONDS = 20.0


class ImapOutbox:
    """Sends mails and writes drafts. Thread-safe; every method raises only errors of `clients.errors`."""

    def __init__(self, mailbox: Mailbox, smtp: SmtpClient) -> None:
        self._mailbox, self._smtp = mailbox, smtp

    def send(self, letter: Letter) -> Json:
        """Send a mail: {id, message_id, thread_id, recipients}; `id` is that of the copy in the Sent folder, or ""."""
        answers = _answered(letter)
        built = build(letter.mail, self._mailbox.address, letter.marker, answers, letter.written_at, "auto-generated")
        recipients = recipients_of(built)
        if not recipients:
            raise InvalidRequest("The mail has no recipient.", service=SERVICE, remedy="Fill `to`, or `in_reply_to`.")
        self._smtp.hand_over(built, recipients)
        name = self._name(letter.marker)
        copy = self._copy(built.as_bytes(), letter.marker)
        thread = name if answers is None else thread_id_of(answers)
        return {"id": copy, "message_id": name, "thread_id": thread, "recipients": recipients}

    def find_sent(self, marker: str) -> Json | None:
        """Find the sent mail of the write with this marker, in the form that `send` returns.

        Returns None only if the server itself keeps what it sends. Raises OutcomeUnknown if this program makes the
        copy: a crash between sending and copying would leave no trace.
        """
        found = self._find("sent", marker)
        if found is not None:
            return {"id": found["id"], **self._of_copy(found["id"])}
        if self._mailbox.servers.sent_copy() == "server":
            return None
        raise OutcomeUnknown(
            "The mail may have been sent: it is not in the Sent folder, but this server saves nothing there by itself.",
            service=SERVICE,
            remedy="Ask the recipient, then run `orchestra runs resume RUN --as-done` or `--redo`.",
        )

    def create_draft(self, letter: Letter) -> Json:
        """Put a draft into the Drafts folder: {id, folder, message_id}."""
        folder = self._mailbox.required_folder("drafts")
        built = build(letter.mail, self._mailbox.address, letter.marker, _answered(letter), letter.written_at)
        return self._put(folder, as_bytes(built), self._name(letter.marker), ("\\Draft", "\\Seen"))

    def find_draft(self, marker: str) -> Json | None:
        """Find the draft of the write with this marker, in the form that `create_draft` returns.

        A draft that its owner has sent counts as found: it must not be written again.
        """
        return self._find("drafts", marker) or self._find("sent", marker)

    def update_draft(self, draft: str, letter: Letter) -> Json:
        """Replace the content of the draft with the marker of a letter; returns what `create_draft` returns.

        Raises NotFound if it was sent or deleted. Mail on a server cannot be changed (RFC 3501 2.3.1.1): the new draft
        is appended, then every older one of this write is deleted, including one left behind by a failed attempt.
        """
        if self._find("drafts", letter.marker) is None:
            raise gone(mail_id(draft))
        made = self.create_draft(letter)
        newest = mail_id(made["id"]).uid
        with self._mailbox.opened(made["folder"], for_reading=False) as (session, selected):
            for uid in with_message_id(session, selected, made["message_id"]):
                if uid < newest:
                    session.store(uid, "+FLAGS", ["\\Deleted"])
                    session.expunge(uid)
        return made

    def undo_draft(self, draft: Mapping[str, Any], done_at: datetime) -> None:
        """Delete a draft that `create_draft` returned. Raises Conflict if it was edited or sent since."""
        del done_at  # a mail program that edits a draft replaces it, under another number
        if delete(self._mailbox, mail_id(str(draft["id"]))):
            return
        name = str(draft["message_id"])
        if found_in(self._mailbox, str(draft["folder"]), name) is not None:
            raise Conflict("The draft has been edited since.", service=SERVICE)
        sent = self._mailbox.folder_for("sent")
        if sent is not None and found_in(self._mailbox, sent, name) is not None:
            raise Conflict("The draft has been sent since.", service=SERVICE)

    def _name(self, marker: str) -> str:
        return message_id(marker, self._mailbox.address)

    def _find(self, role: str, marker: str) -> Json | None:
        """Find the mail of the write with this marker in the folder of a role, such as drafts or sent."""
        folder = self._mailbox.folder_for(role)
        found = found_in(self._mailbox, folder, self._name(marker)) if folder is not None else None
        return {"id": found.id, "folder": folder, "message_id": found.message_id} if found is not None else None

    def _put(self, folder: str, content: bytes, name: str, flags: tuple[str, ...]) -> Json:
        """Append a mail to a folder: {id, folder, message_id}."""
        with self._mailbox.session() as session:
            uid = session.append(folder, content, flags, datetime.now(UTC))
            selected = session.select(folder)
            uids = [uid] if uid is not None else with_message_id(session, selected, name)[-1:]
            found = str(MailId(folder, selected.uidvalidity, uids[0])) if uids else ""
            return {"id": found, "folder": folder, "message_id": name}

    def _copy(self, content: bytes, marker: str) -> str:
        """Keep a copy if the server does not, and return its id.

        The mail has left: a failure here must not look like a failure to send.
        """
        with suppress(ServiceError), deadline(_COPY_SECONDS):
            if self._mailbox.servers.sent_copy() != "client":
                return ""
            folder = self._mailbox.required_folder("sent")
            known = self._find("sent", marker)
            return str((known or self._put(folder, content, self._name(marker), ("\\Seen",)))["id"])
        return ""

    def _of_copy(self, copy: str) -> Json:
        """Return what `send` returns, read from the copy."""
        where = mail_id(copy)
        with self._mailbox.holding(where) as session:
            found = session.fetch([where.uid], "BODY.PEEK[HEADER]")
        payload = headers_of(found[0].content or b"") if found else {}
        values = [value for name in ("To", "Cc", "Bcc") for value in headers(payload, name)]
        return {
            "message_id": header(payload, "Message-ID").strip(),
            "thread_id": thread_id_of(payload),
            "recipients": list(dict.fromkeys(address for value in values for address in specs(value))),
        }


def _answered(letter: Letter) -> Json | None:
    """Return the headers of the mail that a letter answers."""
    return None if letter.answers is None else letter.answers["payload"]
