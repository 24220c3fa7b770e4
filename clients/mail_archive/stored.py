"""One mail of an archive as workflows see it: the record of any mailbox, and what its file says about it."""

from __future__ import annotations

import plistlib
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime

from msgspec import Struct

from clients.listing import Json
from clients.mail.dates import rfc3339, written_at
from clients.mail.parts import Part, header, headers, nothing_left_out, shown
from clients.mail.raw import headers_of, payload_of
from clients.mail.replies import chain_of
from clients.mail.text import WHOLE, MailView, read_mail

_APPLE_BITS = {0: "\\Seen", 1: "\\Deleted", 2: "\\Answered", 4: "\\Flagged", 6: "\\Draft"}
"""Of `flags` in a file of Apple Mail."""
_MOZILLA_BITS = {0: "\\Seen", 1: "\\Answered", 2: "\\Flagged", 3: "\\Deleted", 12: "$Forwarded"}
"""Of X-Mozilla-Status (nsMsgMessageFlags.idl)."""
_STATUS = {"R": "\\Seen", "A": "\\Answered", "F": "\\Flagged", "T": "\\Draft", "D": "\\Deleted"}
"""Of Status and X-Status, as mutt, Dovecot and Pine write them."""
_GMAIL = {
    **dict.fromkeys(("starred", "markiert"), "\\Flagged"),
    **dict.fromkeys(("draft", "drafts", "entwurf", "entwürfe"), "\\Draft"),
}
_UNREAD = frozenset({"unread", "ungelesen"})
_APPLE_SIZE = re.compile(rb"\s*(\d{1,10})[ \t]*\r?\n")
_LABEL = re.compile(r'"([^"]*)"|([^,]+)')


class StoredMail(Struct, frozen=True):
    """A mail as it lies in an archive."""

    id: str
    content: bytes
    folder: str
    flags: tuple[str, ...] = ()
    """What its file's name says, as IMAP names it."""
    at: datetime | None = None
    """When its file was made: only if the mail itself does not say when it arrived."""
    is_beginning: bool = False
    """Whether `content` is only the beginning."""
    is_altered: bool = False
    """Whether the checksum of its file says that `content` is not what was written."""
    beside: Mapping[str, bytes] = {}
    """The attachments that Apple Mail keeps in files beside the mail, by the number of their part: `2`, `1.2`."""

    @property
    def subject(self) -> str:
        """Its subject, as far as it can be read."""
        with suppress(Exception):
            return shown(header(headers_of(self.content), "Subject"))
        return ""

    def payload(self) -> Part:
        """Return the mail's parts."""
        payload = payload_of(self.content)
        if missing := [*_filled(payload, self.beside)]:
            payload["left_out"] = [*payload.get("left_out", ()), *missing]
        if self.is_beginning:
            known = f"only the first {len(self.content):,} bytes of the mail were read"
            payload["left_out"] = [*payload.get("left_out", ()), known]
        if self.is_altered:
            payload["left_out"] = [*payload.get("left_out", ()), "the archive is damaged here: the mail may be altered"]
        return payload


def _filled(part: Part, beside: Mapping[str, bytes]) -> Iterator[str]:
    """Put attachments that lie beside a mail into it; yield a clause about each that is missing."""
    for child in part.get("parts", ()):
        yield from _filled(child, beside)
    if not header(part, "X-Apple-Content-Length") or part.get("parts") or part["body"]["content"].strip():
        return
    number = ".".join(str(int(one) + 1) for one in (part["partId"] or "0").split("."))
    if number in beside:
        part["body"].update(size=len(beside[number]), content=beside[number])
    else:
        yield f"the attachment {shown(part['filename']) or number!r} is not in the folder Attachments beside the mail"


def from_apple(written: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Return the mail in a file of Apple Mail (.emlx), and its flags: its length, the mail, a property list."""
    found = _APPLE_SIZE.match(written)
    if found is None:
        return written, ()
    end = found.end() + int(found[1])
    with suppress(Exception):  # plistlib raises anything for what is no property list
        bits = int(plistlib.loads(written[end:].strip())["flags"])
        return written[found.end() : end], tuple(name for bit, name in _APPLE_BITS.items() if bits >> bit & 1)
    return written[found.end() : end], ()


def record(mail: StoredMail, view: MailView = WHOLE) -> Json:
    """Return a mail as workflows see it.

    {id, folder, thread_id, labels, flags, is_read, received_at, date, can_reply} and what `clients.mail.text.read_mail`
    returns. `received_at` and `date` are when it arrived: the time of its topmost Received, else its Date, else its
    file's. `thread_id` and `labels` are Gmail's in an export of it; elsewhere the first mail of the conversation, and
    none.
    """
    payload = mail.payload()
    labels, flags = labels_of(payload), flags_of(mail, payload)
    at = received_at(mail, payload)
    return {
        "id": mail.id,
        "folder": mail.folder,
        "thread_id": header(payload, "X-GM-THRID").strip() or chain_of(payload).first,
        **read_mail(payload, nothing_left_out, view),
        "received_at": at,
        "date": at,
        "labels": labels,
        "flags": flags,
        "is_read": "\\Seen" in flags,
        "can_reply": False,  # there is no account here that could
    }


def labels_of(payload: Part) -> list[str]:
    """Return the labels that Gmail has written into a mail of its export."""
    written = shown(header(payload, "X-Gmail-Labels"))
    found = ((one[1] or one[2] or "").strip() for one in _LABEL.finditer(written))
    return list(dict.fromkeys(filter(None, found)))


def flags_of(mail: StoredMail, payload: Part) -> list[str]:
    """Return what its file and its headers say has become of a mail, as IMAP names it."""
    found = set(mail.flags)
    with suppress(ValueError):
        bits = int(header(payload, "X-Mozilla-Status") or "0", 16)
        found |= {name for bit, name in _MOZILLA_BITS.items() if bits >> bit & 1}
    for name in ("Status", "X-Status"):
        found |= {_STATUS[sign] for sign in header(payload, name).strip()[:8] if sign in _STATUS}
    labels = {label.casefold() for label in labels_of(payload)}
    if labels:
        found |= {_GMAIL[label] for label in labels if label in _GMAIL}
        found |= set() if labels & _UNREAD else {"\\Seen"}
    return sorted(found)


def received_at(mail: StoredMail, payload: Part) -> str:
    """Return when a mail arrived, RFC 3339 in UTC, or ""."""
    received = next(iter(headers(payload, "Received")), "")
    written = received.rpartition(";")[2]
    at = written_at({"headers": [{"name": "Date", "value": written}]}) if written.strip() else ""
    at = at or written_at(payload)
    return at or (rfc3339(mail.at.astimezone(UTC)) if mail.at else "")
