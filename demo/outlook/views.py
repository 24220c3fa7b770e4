"""Messages and folders as Graph shows them (https://learn.microsoft.com/graph/api/resources/message)."""

from __future__ import annotations

import base64
import hashlib
from email.message import Message
from email.utils import getaddresses
from typing import Any

from demo.gmail.mime import MimeMail, decoded_text, filename_of, payload_bytes
from demo.outlook.mailbox import DemoOutlook, Record, id_in_folder

_PREVIEW = 255


def message(box: DemoOutlook, record: Record, base: str, *, is_immutable: bool) -> dict[str, Any]:
    """Return a message with all that Graph gives by default."""
    mail = box.mail(record)
    kind, text = _body(mail)
    tag = base64.b64encode(f"CQAAAB{record['number']:012d}".encode()).decode()
    sender = _people(mail, "From")
    return {
        "@odata.etag": f'W/"{tag}"',
        "id": record["id"] if is_immutable else id_in_folder(record),
        "createdDateTime": record["sent"],
        "lastModifiedDateTime": record["sent"],
        "changeKey": tag,
        "categories": record["categories"],
        "receivedDateTime": record["received"],
        "sentDateTime": record["sent"],
        "hasAttachments": bool(attachment_parts(mail)),
        "internetMessageId": record["name"],
        "subject": mail.header("Subject"),
        "bodyPreview": mail.text[:_PREVIEW],
        "importance": "normal",
        "parentFolderId": record["folder"],
        "conversationId": record["threadId"],
        "isDeliveryReceiptRequested": False,
        "isReadReceiptRequested": False,
        "isRead": record["isRead"],
        "isDraft": record["isDraft"],
        "webLink": f"{base}/mail/{record['id']}",
        "inferenceClassification": "focused",
        "body": {"contentType": kind, "content": text},
        **({"sender": sender[0], "from": sender[0]} if sender else {}),
        "toRecipients": _people(mail, "To"),
        "ccRecipients": _people(mail, "Cc"),
        "bccRecipients": _people(mail, "Bcc"),
        "replyTo": _people(mail, "Reply-To"),
        "flag": {"flagStatus": record["flag"]},
    }


def folder(box: DemoOutlook, one: dict[str, Any]) -> dict[str, Any]:
    """Return a folder."""
    inside = [each for each in box.all() if each["folder"] == one["id"]]
    parent = {"parentFolderId": one["parent"]} if one["parent"] else {"parentFolderId": "AQMkAGRlbW8tcm9vdAAA"}
    return {
        "id": one["id"],
        "displayName": one["name"],
        **parent,
        "childFolderCount": sum(each["parent"] == one["id"] for each in box.folders()),
        "unreadItemCount": sum(not each["isRead"] for each in inside),
        "totalItemCount": len(inside),
        "sizeInBytes": sum(int(each["fields"]["size_bytes"]) for each in inside),
        "isHidden": False,
    }


def attachment_parts(mail: MimeMail) -> list[Message]:
    """Return the parts of a message that are files."""
    return [part for part in mail.message.walk() if filename_of(part)]


def attachment(part: Message) -> dict[str, Any]:
    """Return a file of a message."""
    data = payload_bytes(part)
    return {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "id": attachment_id(part),
        "name": filename_of(part),
        "contentType": part.get_content_type(),
        "size": len(data),
        "isInline": part.get_content_disposition() == "inline",
        "contentBytes": base64.b64encode(data).decode(),
    }


def attachment_id(part: Message) -> str:
    """Return the id of a file in its message."""
    whole = filename_of(part).encode() + payload_bytes(part)
    return base64.urlsafe_b64encode(hashlib.blake2b(whole, digest_size=30).digest()).decode()


def _body(mail: MimeMail) -> tuple[str, str]:
    """Return the type and the content of the body: Outlook keeps one form, the HTML if there is any."""
    for part in mail.message.walk():
        if part.get_content_type() == "text/html" and not filename_of(part):
            return "html", decoded_text(part)
    return "text", mail.text


def _people(mail: MimeMail, name: str) -> list[dict[str, Any]]:
    found = getaddresses([mail.header(name)]) if mail.header(name) else []
    return [{"emailAddress": {"name": who or address, "address": address}} for who, address in found if address]
