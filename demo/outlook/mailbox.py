"""The mailboxes of the stand-in for Outlook: messages in folders, and the changes of each folder.

Account and sample mails are those of the stand-in for Gmail.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from demo.gmail import sample
from demo.gmail.mailbox import thread_among
from demo.gmail.mime import WELL_FORMED_ID, MimeMail, base64url, from_base64url, with_header, without_header
from demo.microsoft import graph_refused
from demo.service import Refused
from demo.store import Store

Record = dict[str, Any]
"""id (the immutable one), moves, folder, threadId, categories, isRead, isDraft, flag, received, sent, name (its
Message-ID), number (of its last change), properties; `fields` is for search."""
SHARED = "office@example.com"
"""A mailbox that is shared with everybody who signs in."""
# Well-known names, and what they are called in this mailbox.
FOLDERS = {
    "inbox": "Inbox",
    "drafts": "Drafts",
    "sentitems": "Sent Items",
    "deleteditems": "Deleted Items",
    "archive": "Archive",
    "junkemail": "Junk Email",
}
PROJECTS = "Projects"
_SHOWN_AS = {"inbox": "inbox", "sent": "sentitems", "drafts": "drafts", "spam": "junkemail", "trash": "deleteditems"}
_NO_CATEGORY = {*_SHOWN_AS, "unread", "opened", "archived", "starred"}


def not_found() -> Refused:
    """Return Graph's answer for a message or folder that does not exist."""
    return graph_refused(404, "ErrorItemNotFound", "The specified object was not found in the store.")


@dataclass(frozen=True)
class DemoOutlook:
    """One mailbox: that of the account (""), or the shared one. `now` returns the time (aware, UTC)."""

    store: Store
    shared: str = ""
    now: Callable[[], datetime] = lambda: datetime.fromtimestamp(time.time(), UTC)

    @property
    def account(self) -> str:
        """The mailbox's address; each reset changes that of the account."""
        return self.shared or f"demo-{self.store.generation}@example.com"

    @property
    def alias(self) -> str:
        """Another address of the mailbox, from which it may send, too."""
        return f"sales.{self.account}"

    def kept(self, kind: str) -> str:
        """Return the name of a collection of this mailbox."""
        return f"outlook{'/' + self.shared if self.shared else ''}/{kind}"

    # Folders.

    def folders(self) -> list[dict[str, Any]]:
        """Return all folders as {id, name, parent, role}."""
        return self.store.all(self.kept("folders"))

    def folder(self, named: str) -> dict[str, Any]:
        """Return a folder by its id or its well-known name; raises Refused 404."""
        for one in self.folders():
            if named in {one["id"], one["role"]} and named:
                return one
        raise not_found()

    def role(self, record: Record) -> str:
        """Return the well-known name of the folder that a message is in, or ""."""
        return str(self.folder(record["folder"])["role"])

    def make_folder(self, name: str, parent: str = "", role: str = "") -> dict[str, Any]:
        """Create a folder."""
        found = {"id": self._new_id("folder"), "name": name, "parent": parent, "role": role}
        self.store.put(self.kept("folders"), found["id"], found)
        return found

    # Messages.

    def all(self) -> list[Record]:
        """Return all messages, newest first."""
        found = self.store.all(self.kept("messages"))
        return sorted(found, key=lambda one: (one["received"], one["number"]), reverse=True)

    def get(self, message_id: str) -> Record:
        """Return a message by its immutable id, or the id that it has in its present folder; raises Refused."""
        found = self.store.get(self.kept("messages"), message_id)
        if found is None:
            found = next((one for one in self.all() if id_in_folder(one) == message_id), None)
        if found is None:
            raise not_found()
        return found

    def mail(self, record: Record) -> MimeMail:
        """Return a message, parsed."""
        kept = self.store.get(self.kept("raw"), record["id"])
        assert kept is not None
        return MimeMail.parse(from_base64url(kept["raw"]))

    def add(self, raw: bytes, folder: str, received: datetime, **more: Any) -> Record:
        """Add a message to a folder by its well-known name; a well-formed Message-ID is kept, any other is replaced."""
        message_id = self._new_id("message")
        mail = MimeMail.parse(raw)
        if not WELL_FORMED_ID.match(mail.header("Message-ID")):
            mail = MimeMail.parse(with_header(raw, "Message-ID", f"<{message_id[-20:-1]}@namprd00.prod.outlook.com>"))
        fields = mail.search_fields()
        record = {
            "id": message_id,
            "moves": 0,
            "folder": self.folder(folder)["id"],
            "threadId": thread_among(self.store.all(self.kept("messages")), fields) or self._new_id("thread"),
            "categories": [],
            "isRead": False,
            "isDraft": False,
            "flag": "notFlagged",
            "received": timestamp(received),
            "sent": timestamp(received),
            "properties": {},
            **more,
        }
        return self.written(record, mail.raw, "created")

    def written(self, record: Record, raw: bytes, kind: str = "updated") -> Record:
        """Keep the content of a message."""
        mail = MimeMail.parse(raw)
        record |= {"fields": mail.search_fields(), "name": mail.header("Message-ID")}
        self.store.put(self.kept("raw"), record["id"], {"raw": base64url(raw)})
        return self.changed(record, kind)

    def changed(self, record: Record, kind: str = "updated", folder: str = "") -> Record:
        """Keep a message with the number of its change; `folder`: where it was removed from."""
        record["number"] = self._log(record["id"], folder or record["folder"], kind)
        self.store.put(self.kept("messages"), record["id"], record)
        return record

    def move(self, record: Record, folder: str) -> Record:
        """Move a message: it leaves one folder, and is created in the other."""
        target = self.folder(folder)["id"]
        if record["folder"] == target:
            return record
        self._log(record["id"], record["folder"], "deleted")
        return self.changed({**record, "folder": target, "moves": record["moves"] + 1}, "created")

    def delete(self, record: Record, *, is_final: bool = False) -> None:
        """Delete a message: to the deleted items, and out of these or with `is_final` for ever."""
        if not is_final and self.role(record) != "deleteditems":
            self.move(record, "deleteditems")
            return
        self._log(record["id"], record["folder"], "deleted")
        self.store.delete(self.kept("messages"), record["id"])
        self.store.delete(self.kept("raw"), record["id"])

    def deliver(self, raw: bytes, at: datetime | None = None) -> Record:
        """Let a mail arrive, now if no time is given: in the inbox, unread; its own `Date` stays."""
        raw, _ = without_header(raw, sample.LABELS_HEADER)
        return self.add(sample.to_account(self, raw), "inbox", at or self.now())

    def deliver_new(self, raw: bytes) -> Record:
        """Let a mail arrive that was sent just now."""
        return self.deliver(with_header(raw, "Date", format_datetime(self.now())))

    # Changes.

    def log(self) -> list[dict[str, Any]]:
        """Return the changes, oldest first, as {number, id, folder, kind}."""
        return sorted(self.store.all(self.kept("log")), key=lambda one: int(one["number"]))

    def last_change(self) -> int:
        """Return the number of the last change."""
        return int((self.store.get(self.kept("state"), "last") or {"number": 0})["number"])

    def _log(self, message_id: str, folder: str, kind: str) -> int:
        number = self.last_change() + 1
        entry = {"number": number, "id": message_id, "folder": folder, "kind": kind}
        self.store.put(self.kept("log"), str(number), entry)
        self.store.put(self.kept("state"), "last", {"number": number})
        return number

    def _new_id(self, kind: str) -> str:
        """Return an id as Exchange makes them: base64url of many bytes, unique across resets."""
        text = f"{self.account}/{kind}/{self.store.next_number(self.kept(kind))}"
        return base64.urlsafe_b64encode(
            b"\0\x09\x02" + hashlib.blake2b(text.encode(), digest_size=45).digest()
        ).decode()


def id_in_folder(record: Record) -> str:
    """Return the id that a message has by default: it changes with each move."""
    text = f"{record['id']}/{record['folder']}/{record['moves']}"
    return base64.urlsafe_b64encode(b"\0\x0a\x64" + hashlib.blake2b(text.encode(), digest_size=45).digest()).decode()


def timestamp(moment: datetime) -> str:
    """Return a time as Graph writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seed(store: Store) -> None:
    """Create the sample mailbox, and a shared one with a single mail."""
    box = _empty(DemoOutlook(store))
    found: Sequence[sample.SampleMail] = sample.samples()
    shift = box.now() - found[-1].sent_at
    for one in found:
        _put(box, one, shift)
    shared = _empty(DemoOutlook(store, SHARED))
    shared.deliver_new(sample.written(shared, {"from": "ann@example.org", "subject": "To the office", "text": "Hello"}))


def _empty(box: DemoOutlook) -> DemoOutlook:
    made = {role: box.make_folder(name, role=role) for role, name in FOLDERS.items()}
    box.make_folder(PROJECTS, made["inbox"]["id"])
    return box


def _put(box: DemoOutlook, mail: sample.SampleMail, shift: timedelta) -> None:
    at = mail.sent_at + shift
    raw = with_header(sample.to_account(box, mail.raw), "Date", format_datetime(at))
    labels = {one.lower() for one in mail.labels}
    folder = next((role for label, role in _SHOWN_AS.items() if label in labels), "archive")
    state: Mapping[str, Any] = {
        "isRead": "unread" not in labels,
        "flag": "flagged" if "starred" in labels else "notFlagged",
        "categories": _categories(mail.labels),
    }
    box.add(raw, folder, at, **state)


def _categories(labels: Iterable[str]) -> list[str]:
    return [one for one in labels if one.lower() not in _NO_CATEGORY and not one.lower().startswith("category ")]
