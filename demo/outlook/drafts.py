"""Drafts of the stand-in for Outlook: made from MIME or JSON, changed, given files, sent."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, getaddresses, make_msgid
from typing import Any

from demo.gmail.mime import MimeMail, filename_of, with_header, without_header
from demo.microsoft import graph_refused
from demo.outlook.mailbox import DemoOutlook, Record, timestamp
from demo.outlook.views import attachment_id
from demo.service import Refused

MIME_MOST = 4 * 1024 * 1024
"""Bytes of a request with MIME content."""
_RULES = "rules"
_HEADERS = {"toRecipients": "To", "ccRecipients": "Cc", "bccRecipients": "Bcc", "replyTo": "Reply-To"}
_SENDER = {"from": "From"}
_STATE = {"isRead": bool, "categories": list, "flag": dict}


def from_mime(box: DemoOutlook, body: bytes) -> Record:
    """Make a draft of base64-encoded MIME; raises Refused 400 and 413."""
    if len(body) > MIME_MOST:
        raise graph_refused(413, "RequestEntityTooLarge", "The request entity is too large.")
    try:
        raw = base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise graph_refused(
            400, "ErrorMimeContentInvalidBase64String", "Invalid base64 string for MIME content."
        ) from error
    return _added(box, raw)


def from_json(box: DemoOutlook, given: Mapping[str, Any]) -> Record:
    """Make a draft of a message in JSON; raises Refused 400."""
    made = EmailMessage(policy=SMTP)
    made["Message-ID"] = make_msgid(domain="namprd00.prod.outlook.com")
    made.set_content("")
    return patched(box, _added(box, made.as_bytes()), given)


def patched(box: DemoOutlook, record: Record, given: Mapping[str, Any]) -> Record:
    """Change a message: what sorts it, and of a draft its content, too. Raises Refused 400."""
    state = {*_STATE, "singleValueExtendedProperties"}
    content = {name for name in given if name not in state and not name.startswith("@odata.")}
    if unknown := content - {*_HEADERS, *_SENDER, "subject", "body", "internetMessageHeaders"}:
        raise graph_refused(
            400, "ErrorInvalidPropertySet", f"Property '{min(unknown)}' is read-only and cannot be set."
        )
    if content and not record["isDraft"]:
        raise graph_refused(400, "ErrorInvalidPropertySet", "Only drafts can be changed.")
    for name, kind in _STATE.items():
        if name in given and not isinstance(given[name], kind):
            raise graph_refused(400, "BadRequest", f"Invalid value for {name}.")
    record = {**record, **{name: given[name] for name in ("isRead", "categories") if name in given}}
    if "flag" in given:
        record["flag"] = given["flag"].get("flagStatus", "notFlagged")
    for one in given.get("singleValueExtendedProperties") or []:
        record["properties"] = {**record["properties"], one["id"]: one["value"]}
    if not content:
        return box.changed(record)
    return box.written(record, _rewritten(box.mail(record).raw, given))


def attach(box: DemoOutlook, record: Record, name: str, media_type: str, data: bytes, content_id: str = "") -> Record:
    """Add a file to a draft; with an id, its text shows it."""
    mail = _editable(box.mail(record).raw)
    kind, _, subkind = (media_type or "application/octet-stream").partition("/")
    if kind in {"message", "multipart"} or not subkind:
        kind, subkind = "application", "octet-stream"
    shown: dict[str, Any] = {"cid": f"<{content_id}>", "disposition": "inline"} if content_id else {}
    mail.add_attachment(data, maintype=kind, subtype=subkind, filename=name, **shown)
    return box.written(record, mail.as_bytes())


def detach(box: DemoOutlook, record: Record, wanted: str) -> bool:
    """Remove a file from a draft; return whether it was there."""
    mail = _editable(box.mail(record).raw)
    for whole in mail.walk():
        parts: Any = whole.get_payload()
        if not isinstance(parts, list):
            continue
        kept = [part for part in parts if not (filename_of(part) and attachment_id(part) == wanted)]
        if len(kept) < len(parts):
            whole.set_payload(kept)
            box.written(record, mail.as_bytes())
            return True
    return False


def send(box: DemoOutlook, record: Record) -> None:
    """Send a draft: it moves to the sent items with its immutable id, and arrives if it is to the account itself.

    With the rule `renames`, it gets another Message-ID, as at Outlook.com.
    """
    mail = box.mail(record)
    people = [a.lower() for n in ("To", "Cc", "Bcc") if mail.header(n) for _, a in getaddresses([mail.header(n)]) if a]
    if not record["isDraft"]:
        raise graph_refused(403, "ErrorAccessDenied", "The message is not a draft.")
    if not people:
        raise graph_refused(400, "ErrorInvalidRecipients", "At least one recipient isn't valid.")
    if not {a.lower() for _, a in getaddresses([mail.header("From")])} <= {box.account.lower(), box.alias.lower()}:
        said = "The user account does not have the right to send mail on behalf of the specified sending account."
        raise graph_refused(403, "ErrorSendAsDenied", said)
    now = box.now()
    raw = with_header(mail.raw, "Date", format_datetime(now))
    if (box.store.get(box.kept(_RULES), _RULES) or {}).get("renames"):
        raw = with_header(raw, "Message-ID", make_msgid(domain="namprd00.prod.outlook.com"))
    sent = {**record, "isDraft": False, "isRead": True, "sent": timestamp(now), "received": timestamp(now)}
    box.move(box.written(sent, raw), "sentitems")
    if box.account.lower() in people:
        box.deliver(without_header(raw, "Bcc")[0])


def switch(box: DemoOutlook, rules: Mapping[str, Any]) -> None:
    """Set the rules of the stand-in."""
    box.store.put(box.kept(_RULES), _RULES, dict(rules))


def _added(box: DemoOutlook, raw: bytes) -> Record:
    mail = MimeMail.parse(raw)
    if not mail.header("From"):
        raw = with_header(raw, "From", box.account)
    return box.add(raw, "drafts", box.now(), isDraft=True, isRead=True)


def _editable(raw: bytes) -> EmailMessage:
    made: Any = message_from_bytes(raw, policy=SMTP)
    return made  # type: ignore[no-any-return]


def _rewritten(raw: bytes, given: Mapping[str, Any]) -> bytes:
    """Return a draft with other headers or another body; its files stay."""
    old, made = _editable(raw), EmailMessage(policy=SMTP)
    replaced = {name.lower() for key, name in {**_HEADERS, **_SENDER, "subject": "Subject"}.items() if key in given}
    for name, value in old.items():
        if name.lower() not in replaced and not name.lower().startswith(("content-", "mime-")):
            made[name] = value
    if "subject" in given:
        made["Subject"] = str(given["subject"])
    for key, name in _HEADERS.items():
        if given.get(key):
            made[name] = [_address(one) for one in given[key]]
    if given.get("from"):
        made["From"] = _address(given["from"])
    body = given.get("body") or _body_of(old)
    made.set_content(str(body["content"]), subtype="html" if body["contentType"].lower() == "html" else "plain")
    for part in old.walk():
        if filename_of(part):
            kind, _, subkind = part.get_content_type().partition("/")
            data = part.get_payload(decode=True)
            made.add_attachment(data, maintype=kind, subtype=subkind, filename=filename_of(part))
    return made.as_bytes()


def _body_of(mail: EmailMessage) -> dict[str, str]:
    for kind in ("html", "plain"):
        part = mail.get_body((kind,))
        if part is not None:
            return {"contentType": kind, "content": str(part.get_content())}
    return {"contentType": "plain", "content": ""}


def _address(given: Mapping[str, Any]) -> Address:
    try:
        one = given["emailAddress"]
        return Address(str(one.get("name") or ""), addr_spec=str(one["address"]))
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        raise _bad_recipient() from error


def _bad_recipient() -> Refused:
    return graph_refused(400, "ErrorInvalidRecipients", "At least one recipient isn't valid.")
