"""Gmail's messages: list, get, insert, import, send, labels, trash, attachments."""

from __future__ import annotations

from collections.abc import Iterable
from email.utils import getaddresses

from demo.call import StandInCall, StandInReply, Table
from demo.gmail import mime as gmail_mime
from demo.gmail.mailbox import Record, StandInMailbox, not_found
from demo.gmail.mime import MimeMail
from demo.gmail.unrest import unrest
from demo.gmail.views import brief, found, id_list, mailbox_of, page, raw_mail, shown
from demo.service import Refused

MAX_BATCH = 1000


def list_(call: StandInCall) -> StandInReply:
    """GET messages."""
    box = mailbox_of(call)
    records = unrest(box.store, found(box, call), newest_first=True)
    return StandInReply(page(call, [{"id": each["id"], "threadId": each["threadId"]} for each in records], "messages"))


def get(call: StandInCall) -> StandInReply:
    """GET messages/{id}."""
    box = mailbox_of(call)
    return StandInReply(shown(box, box.get(call.part("id")), call))


def insert(call: StandInCall) -> StandInReply:
    """POST messages: adds a mail unchanged, dated by arrival by default."""
    return StandInReply(brief(_put_in(call, call.query("internalDateSource", "receivedTime"))))


def import_(call: StandInCall) -> StandInReply:
    """POST messages/import: adds a mail, dated by its Date header."""
    return StandInReply(brief(_put_in(call, call.query("internalDateSource", "dateHeader"))))


def send(call: StandInCall) -> StandInReply:
    """POST messages/send."""
    box = mailbox_of(call)
    return StandInReply(brief(deliver(box, raw_mail(call.body), str(call.body.get("threadId") or ""))))


def deliver(box: StandInMailbox, raw: bytes, thread_id: str) -> Record:
    """Send a mail: add it to SENT and, if addressed to the account itself, to the inbox; raises Refused 400."""
    mail = MimeMail.parse(raw)
    addresses = recipients(mail)
    if not addresses:
        raise Refused(400, "Recipient address required")
    for address in addresses:
        if address.count("@") != 1 or " " in address or address.startswith("@") or address.endswith("@"):
            raise Refused(400, "Invalid To header")
    labels = ["SENT"]
    if box.account in addresses:
        # A mail to oneself is one mail at Gmail, with the labels of both sides.
        labels += ["INBOX", "UNREAD"]
    return box.add(box.outgoing(raw), labels, thread_id=thread_id)


def recipients(mail: MimeMail) -> list[str]:
    """Return the addresses of To, Cc and Bcc in lower case."""
    lines = [mail.header(name) for name in ("To", "Cc", "Bcc")]
    return [address.lower() for _, address in getaddresses([line for line in lines if line]) if address]


def modify(call: StandInCall) -> StandInReply:
    """POST messages/{id}/modify."""
    add, remove = id_list(call, "addLabelIds"), id_list(call, "removeLabelIds")
    return StandInReply(brief(mailbox_of(call).relabel(call.part("id"), add, remove)))


def batch_modify(call: StandInCall) -> StandInReply:
    """POST messages/batchModify: up to 1000 mails; unknown ids are ignored."""
    box = mailbox_of(call)
    add, remove = id_list(call, "addLabelIds"), id_list(call, "removeLabelIds")
    for message_id in _batch(call):
        if box.has(message_id):
            box.relabel(message_id, add, remove)
    return StandInReply(None, 204)


def batch_delete(call: StandInCall) -> StandInReply:
    """POST messages/batchDelete."""
    box = mailbox_of(call)
    for message_id in _batch(call):
        if box.has(message_id):
            box.remove(message_id)
    return StandInReply(None, 204)


def trash(call: StandInCall) -> StandInReply:
    """POST messages/{id}/trash."""
    return StandInReply(brief(mailbox_of(call).relabel(call.part("id"), ["TRASH"], ["INBOX"])))


def untrash(call: StandInCall) -> StandInReply:
    """POST messages/{id}/untrash."""
    return StandInReply(brief(mailbox_of(call).relabel(call.part("id"), [], ["TRASH"])))


def delete(call: StandInCall) -> StandInReply:
    """DELETE messages/{id}."""
    mailbox_of(call).remove(call.part("id"))
    return StandInReply(None, 204)


def attachment(call: StandInCall) -> StandInReply:
    """GET messages/{id}/attachments/{attachment}."""
    box = mailbox_of(call)
    message_id, attachment_id = call.part("id"), call.part("attachment")
    data = gmail_mime.attachment(box.mail(message_id), message_id, attachment_id)
    if data is None:
        raise not_found()
    return StandInReply({"size": len(data), "data": gmail_mime.base64url(data), "attachmentId": attachment_id})


def _put_in(call: StandInCall, date_source: str) -> Record:
    box = mailbox_of(call)
    raw = raw_mail(call.body)
    date_ms = MimeMail.parse(raw).date_ms if date_source == "dateHeader" else None
    labels = id_list(call, "labelIds")
    return box.add(raw, labels, thread_id=str(call.body.get("threadId") or ""), date_ms=date_ms)


def _batch(call: StandInCall) -> Iterable[str]:
    ids = id_list(call, "ids")
    if not ids:
        raise Refused(400, "No message ids specified")
    if len(ids) > MAX_BATCH:
        raise Refused(400, f"Too many message ids: {len(ids)}, the most is {MAX_BATCH}")
    return ids


TABLE: Table = (
    ("GET", "/messages", list_),
    ("POST", "/messages", insert),
    ("POST", "/messages/import", import_),
    ("POST", "/messages/send", send),
    ("POST", "/messages/batchModify", batch_modify),
    ("POST", "/messages/batchDelete", batch_delete),
    ("GET", "/messages/{id}", get),
    ("DELETE", "/messages/{id}", delete),
    ("POST", "/messages/{id}/modify", modify),
    ("POST", "/messages/{id}/trash", trash),
    ("POST", "/messages/{id}/untrash", untrash),
    ("GET", "/messages/{id}/attachments/{attachment}", attachment),
)
