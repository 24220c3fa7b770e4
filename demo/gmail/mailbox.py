"""The demo mailbox: mails with labels, threads and a history of changes, kept in the store."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

from demo.gmail import pubsub as gmail_pubsub
from demo.gmail.labels import StandInLabels, changed
from demo.gmail.mime import WELL_FORMED_ID, MimeMail, base64url, from_base64url, with_header
from demo.service import Refused
from demo.store import Store

MAILS, RAW, HISTORY = "gmail_messages", "gmail_raw", "gmail_history"
# Google keeps a week or more; a number makes the stand-in independent of the clock.
HISTORY_KEPT = 5000
# History ids are unique across resets of the sample data.
HISTORY_SPAN = 1_000_000
REPLY_PREFIX = re.compile(r"^\s*(?:(?:re|fwd?|aw|wg|sv|antw)\s*:\s*)+", re.IGNORECASE)

Record = dict[str, Any]
"""id, threadId, labelIds, historyId, internalDate, snippet, sizeEstimate as in Gmail; `fields` is for search."""


def not_found() -> Refused:
    """Return Gmail's 404."""
    return Refused(404, "Requested entity was not found.")


@dataclass(frozen=True)
class StandInMailbox:
    """One person's mails. `now` returns milliseconds since 1970."""

    store: Store
    now: Callable[[], int] = lambda: int(time.time() * 1000)

    @property
    def account(self) -> str:
        """The mailbox's address; each reset changes it."""
        return f"demo-{self.store.generation}@example.com"

    @property
    def labels(self) -> StandInLabels:
        """The labels."""
        return StandInLabels(self.store)

    # Reading.

    def get(self, message_id: str) -> Record:
        """Return one mail's record; raises Refused 404."""
        record = self.store.get(MAILS, message_id)
        if record is None:
            raise not_found()
        return record

    def has(self, message_id: str) -> bool:
        """Return whether the mail exists."""
        return self.store.get(MAILS, message_id) is not None

    def mail(self, message_id: str) -> MimeMail:
        """Return one mail, parsed."""
        raw = self.store.get(RAW, message_id)
        if raw is None:
            raise not_found()
        return MimeMail.parse(from_base64url(raw["raw"]))

    def newest_first(self) -> list[Record]:
        """Return all mails."""
        return sorted(self.store.all(MAILS), key=lambda each: (int(each["internalDate"]), each["id"]), reverse=True)

    def thread(self, thread_id: str) -> list[Record]:
        """Return the mails of one thread, oldest first; raises Refused 404."""
        found = [each for each in reversed(self.newest_first()) if each["threadId"] == thread_id]
        if not found:
            raise not_found()
        return found

    # Changing. Each is called inside a transaction of the store.

    def add(self, raw: bytes, labels: Iterable[str], *, thread_id: str = "", date_ms: int | None = None) -> Record:
        """Add a mail; a well-formed Message-ID is kept, any other is replaced. Raises Refused."""
        message_id = self._new_id("message")
        mail = self._with_id(MimeMail.parse(raw), message_id)
        fields = mail.search_fields()
        record = {
            "id": message_id,
            "threadId": self._thread_for(fields, thread_id) or message_id,
            "labelIds": self.labels.known(labels),
            "snippet": mail.snippet(),
            "sizeEstimate": len(mail.raw),
            "internalDate": str(self.now() if date_ms is None else date_ms),
            "fields": fields,
        }
        self.store.put(RAW, message_id, {"raw": base64url(mail.raw)})
        return self._changed(record, "messagesAdded")

    def relabel(self, message_id: str, add: Iterable[str], remove: Iterable[str]) -> Record:
        """Add and remove labels; without an effect there is no history record."""
        record = self.get(message_id)
        before = list(record["labelIds"])
        record["labelIds"] = changed(before, self.labels.known(add), self.labels.known(remove))
        added = [each for each in record["labelIds"] if each not in before]
        removed = [each for each in before if each not in record["labelIds"]]
        for kind, ids in (("labelsAdded", added), ("labelsRemoved", removed)):
            if ids:
                record = self._changed(record, kind, ids)
        return record

    def remove(self, message_id: str) -> None:
        """Delete permanently; raises Refused 404."""
        record = self._changed(self.get(message_id), "messagesDeleted")
        self.store.delete(MAILS, record["id"])
        self.store.delete(RAW, record["id"])

    def outgoing(self, raw: bytes) -> bytes:
        """Return a mail as Gmail completes it for sending: From is the account or its alias, Date is set."""
        mail = MimeMail.parse(raw)
        sender = mail.header("From").lower()
        if not any(one in sender for one in (self.account.lower(), f"sales@{self.account.rpartition('@')[2].lower()}")):
            raw = with_header(raw, "From", self.account)
        if not mail.header("Date"):
            raw = with_header(raw, "Date", formatdate(self.now() / 1000))
        return raw

    # History.

    @property
    def history_id(self) -> int:
        """Return the id of the last change."""
        last = self.store.get(HISTORY, "last")
        return int(last["id"]) if last else self._history_base

    @property
    def oldest_history_id(self) -> int:
        """Return the earliest id that the history still covers."""
        return max(self._history_base, self.history_id - HISTORY_KEPT)

    def history_since(self, start: int) -> list[Record]:
        """Return the changes after `start`, oldest first, as {id, kind, message, labelIds}."""
        entries = (each for each in self.store.all(HISTORY) if "kind" in each)
        return sorted((each for each in entries if int(each["id"]) > start), key=lambda each: int(each["id"]))

    @property
    def _history_base(self) -> int:
        return self.store.generation * HISTORY_SPAN

    def _changed(self, record: Record, kind: str, label_ids: list[str] | None = None) -> Record:
        """Save the record with a new history id, together with the change."""
        number = self.history_id + 1
        record["historyId"] = str(number)
        self.store.put(MAILS, record["id"], record)
        message = {"id": record["id"], "threadId": record["threadId"], "labelIds": record["labelIds"]}
        entry = {"id": str(number), "kind": kind, "message": message, "labelIds": label_ids or []}
        self.store.put(HISTORY, str(number), entry)
        self.store.put(HISTORY, "last", {"id": number})
        self.store.delete(HISTORY, str(number - HISTORY_KEPT))
        gmail_pubsub.changed(self.store, self.account, number)
        return record

    def _with_id(self, mail: MimeMail, message_id: str) -> MimeMail:
        if WELL_FORMED_ID.match(mail.header("Message-ID")):
            return mail
        return MimeMail.parse(with_header(mail.raw, "Message-ID", f"<CAD{message_id}@mail.gmail.com>"))

    def _new_id(self, kind: str) -> str:
        """Return sixteen hexadecimal digits, unique across resets."""
        text = f"{kind}/{self.store.generation}/{self.store.next_number('gmail_' + kind)}"
        # Gmail's ids begin with the time, at present with 19.
        return f"19{hashlib.blake2b(text.encode(), digest_size=7).hexdigest()}"

    def _thread_for(self, fields: Mapping[str, Any], wanted: str) -> str:
        """Return the requested thread, or the one of the mail that it answers under the same subject."""
        records = self.store.all(MAILS)
        if wanted:
            if not any(each["threadId"] == wanted for each in records):
                raise not_found()
            return wanted
        return thread_among(records, fields)


def thread_among(records: Sequence[Record], fields: Mapping[str, Any]) -> str:
    """Return the thread of the mail that a mail answers under the same subject, or ""."""
    # Gmail demands both: https://developers.google.com/workspace/gmail/api/guides/threads
    answered = set(fields["references"])
    for each in reversed(records):
        is_about = bare_subject(each["fields"]["subject"]) == bare_subject(fields["subject"])
        # The second case: an answer may arrive before the mail that it answers.
        linked = each["fields"]["message_id"] in answered or fields["message_id"] in each["fields"]["references"]
        if is_about and linked:
            return str(each["threadId"])
    return ""


def bare_subject(subject: str) -> str:
    """Return a subject without "Re:" and "Fwd:", for comparison."""
    return REPLY_PREFIX.sub("", subject).strip().casefold()
