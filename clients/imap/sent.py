"""Mail that leaves a mailbox: handed over by SMTP, a copy in the Sent folder, and looked for there when in doubt."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from email.utils import getaddresses
from typing import Any

from clients.deadline import deadline
from clients.errors import InvalidRequest, OutcomeUnknown, ServiceError
from clients.imap.drafts import find, put, thread_of
from clients.imap.headers import thread_id_of
from clients.imap.mailbox import Mailbox, mail_id
from clients.imap.providers import SERVICE
from clients.mail.outgoing import Outgoing, build, message_id
from clients.mail.parts import header, headers
from clients.mail.raw import headers_of
from clients.smtp import Outbox, recipients_of

Json = dict[str, Any]

_COPY_SECONDS = 20.0


def send(
    mailbox: Mailbox, outbox: Outbox, mail: Outgoing, marker: str, answers: Json | None, written_at: datetime | None
) -> Json:
    """Send a mail: {id, message_id, thread_id, recipients}; `id` is its copy's in the Sent folder, "" for none.

    `answers` as `original` gives it.
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
    """Keep a copy where nobody else does. The mail has left: what fails here must not look as if it had not."""
    with suppress(ServiceError), deadline(_COPY_SECONDS):
        if mailbox.servers.sent_copy() != "client":
            return ""
        folder = mailbox.required_folder("sent")
        known = find(mailbox, "sent", marker)
        return str((known or put(mailbox, folder, content, name, ("\\Seen",)))["id"])
    return ""


def _of_copy(mailbox: Mailbox, copy: str) -> Json:
    """Read off a copy what `send` tells of a mail."""
    where = mail_id(copy)
    with mailbox.holding(where) as session:
        found = session.fetch([where.uid], "BODY.PEEK[HEADER]")
    payload = headers_of(found[0].content or b"") if found else {}
    values = [value for name in ("To", "Cc", "Bcc") for value in headers(payload, name)]
    return {
        "message_id": header(payload, "Message-ID").strip(),
        "thread_id": thread_id_of(payload),
        "recipients": list(dict.fromkeys(address for _, address in getaddresses(values))),
    }


def find_sent(mailbox: Mailbox, marker: str) -> Json | None:
    """Look for the mail of the write with this marker among the sent ones, as `send` gives it.

    None only where the server itself keeps what it sends. Raises OutcomeUnknown where the copy is ours to make: a mail
    that left just before the copy was made is nowhere to be seen.
    """
    found = find(mailbox, "sent", marker)
    if found is not None:
        return {"id": found["id"], **_of_copy(mailbox, found["id"])}
    if mailbox.servers.sent_copy() == "server":
        return None
    raise OutcomeUnknown(
        "The mail may have left: the Sent folder does not hold it, but this server puts nothing there by itself.",
        service=SERVICE,
        remedy="Ask the recipient, then say so: `orchestra runs resume RUN --as-done` or `--redo`.",
    )
