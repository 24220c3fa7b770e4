"""Sends a mailbox's mail: handed over by SMTP, copied to the Sent folder, and looked up there when in doubt."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from clients.deadline import deadline
from clients.errors import InvalidRequest, OutcomeUnknown, ServiceError
from clients.imap.drafts import find, put, thread_of
from clients.imap.headers import thread_id_of
from clients.imap.mailbox import Mailbox, mail_id
from clients.listing import Json
from clients.mail.addresses import specs
from clients.mail.outgoing import OutgoingMail, build, message_id
from clients.mail.parts import header, headers
from clients.mail.raw import headers_of
from clients.mail_server.providers import SERVICE
from clients.smtp.client import SmtpClient, recipients_of

# The step has done its work by then, so a slow copy must not use up its time.
_COPY_SECONDS = 20.0


def send(
    mailbox: Mailbox,
    outbox: SmtpClient,
    mail: OutgoingMail,
    marker: str,
    answers: Json | None,
    written_at: datetime | None,
) -> Json:
    """Send a mail: {id, message_id, thread_id, recipients}; `id` is the id of the copy in the Sent folder, or "".

    `answers` as returned by `original`.
    """
    built = build(mail, mailbox.address, marker, answers, written_at, "auto-generated")
    recipients = recipients_of(built)
    if not recipients:
        raise InvalidRequest("The mail has no recipient.", service=SERVICE, remedy="Fill `to`, or `in_reply_to`.")
    outbox.hand_over(built, recipients)
    name = message_id(marker, mailbox.address)
    copy = _copy(mailbox, built.as_bytes(), marker, name)
    return {"id": copy, "message_id": name, "thread_id": thread_of(answers, name), "recipients": recipients}


def _copy(mailbox: Mailbox, content: bytes, marker: str, name: str) -> str:
    """Keep a copy if the server does not. The mail has left: a failure here must not look like a failure to send."""
    with suppress(ServiceError), deadline(_COPY_SECONDS):
        if mailbox.servers.sent_copy() != "client":
            return ""
        folder = mailbox.required_folder("sent")
        known = find(mailbox, "sent", marker)
        return str((known or put(mailbox, folder, content, name, ("\\Seen",)))["id"])
    return ""


def _of_copy(mailbox: Mailbox, copy: str) -> Json:
    """Return what `send` returns, read from the copy."""
    where = mail_id(copy)
    with mailbox.holding(where) as session:
        found = session.fetch([where.uid], "BODY.PEEK[HEADER]")
    payload = headers_of(found[0].content or b"") if found else {}
    values = [value for name in ("To", "Cc", "Bcc") for value in headers(payload, name)]
    return {
        "message_id": header(payload, "Message-ID").strip(),
        "thread_id": thread_id_of(payload),
        "recipients": list(dict.fromkeys(address for value in values for address in specs(value))),
    }


def find_sent(mailbox: Mailbox, marker: str) -> Json | None:
    """Find the sent mail of the write with this marker, in the form that `send` returns.

    Returns None only if the server itself keeps what it sends. Raises OutcomeUnknown if this program makes the copy:
    a crash between sending and copying would leave no trace.
    """
    found = find(mailbox, "sent", marker)
    if found is not None:
        return {"id": found["id"], **_of_copy(mailbox, found["id"])}
    if mailbox.servers.sent_copy() == "server":
        return None
    raise OutcomeUnknown(
        "The mail may have been sent: it is not in the Sent folder, but this server saves nothing there by itself.",
        service=SERVICE,
        remedy="Ask the recipient, then run `orchestra runs resume RUN --as-done` or `--redo`.",
    )
