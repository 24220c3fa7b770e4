"""Steps that work on a Gmail mailbox: search, read, label."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

from pydantic import BaseModel, ConfigDict

from engine.step import (
    Call,
    Effect,
    Fields,
    JsonValue,
    Output,
    Repeat,
    StepType,
    Written,
    destination,
    option,
    outside,
)

_SERVICE = "gmail"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Attachment(_Part):
    """A file of a mail; `bytes` is its size."""

    id: str
    name: str = outside("Name")
    media_type: str = outside("Media type")
    bytes: int


class MailOutput(Output):
    """A mail as it is read."""

    id: str
    thread_id: str
    message_id: str = outside("Message-ID")
    url: str
    sender: str = outside("From", alias="from")
    to: str = outside("To")
    cc: str = outside("Cc")
    subject: str = outside("Subject")
    date: str
    text: str = outside("Text")
    text_truncated: bool
    labels: list[str]
    attachments: list[Attachment]
    can_reply: bool


class SearchFields(Fields):
    """What `gmail.search_messages` takes."""

    query: str = option("Search, as in Gmail", "in:inbox")
    limit: int = option("At most", 25, ge=1, le=500)
    ids: list[str] = option("Exactly these mails, no search", [])


class SearchOutput(Output):
    """The mails, newest first; `matched_estimate` is how many Gmail believes that there are."""

    messages: list[MailOutput]
    matched_estimate: int


class SearchMessages(StepType):
    """Find mails, or read the mails with the given ids."""

    name = "gmail.search_messages"
    title = "Find mails"
    service = _SERVICE
    effect = Effect.READS
    fields = SearchFields
    output = SearchOutput

    def call(self, call: Call) -> JsonValue:
        """Give {messages, matched_estimate}."""
        fields: SearchFields = call.fields
        return call.client.by_ids(fields.ids) if fields.ids else call.client.search(fields.query, fields.limit)


class MessageFields(Fields):
    """What `gmail.get_message` takes."""

    message: str = option("Mail", min_length=1, format="gmail-message")


class GetMessage(StepType):
    """Read one mail."""

    name = "gmail.get_message"
    title = "Read a mail"
    service = _SERVICE
    effect = Effect.READS
    fields = MessageFields
    output = MailOutput

    def call(self, call: Call) -> JsonValue:
        """Give the mail."""
        return call.client.message(call.fields.message)


class LabelFields(Fields):
    """What `gmail.add_labels` takes."""

    message: str = destination("Mail", min_length=1, format="gmail-message")
    labels: list[str] = destination("Labels", min_length=1)


class LabelOutput(Output):
    """The mail with all labels that it has now, and those of them that this step `added`.

    `added` is null where nobody can tell: an earlier attempt was broken off, and may have put them on.
    """

    id: str
    url: str
    labels: list[str]
    added: list[str] | None


class AddLabels(StepType):
    """Put labels on a mail; labels that do not exist are made."""

    name = "gmail.add_labels"
    title = "Label a mail"
    done = "labelled"
    service = _SERVICE
    effect = Effect.WRITES
    repeat = Repeat.SAFE
    fields = LabelFields
    output = LabelOutput

    def call(self, call: Call) -> JsonValue:
        """Give {id, url, labels, added}."""
        it = call.fields
        asked = {" ".join(label.split()).casefold() for label in it.labels}
        before = _labels_before(call, asked)
        output = call.client.add_labels(it.message, it.labels)
        added = [label for label in output["labels"] if label.casefold() in asked and label not in (before or ())]
        return {**output, "added": None if before is None else added}

    undoes = "takes the labels off that it put on"
    stays = "the labels themselves, which the mailbox keeps"

    def why_kept(self, written: Written) -> str:
        """What was not told, or by an earlier release, cannot be taken off; an update puts on no less."""
        if written.output.get("added") is None:
            return "Whether the mail had the labels before is not known."
        return ""

    def undo(self, call: Call, written: Written) -> None:
        """Take off what it put on, whatever else the mail got since."""
        call.client.undo_labels(call.fields.message, written.output["added"])

    updates = True

    def update(self, call: Call, written: Written) -> JsonValue:
        """Put the new labels on: the same call again."""
        return self.call(call)

    def target(self, fields: Any) -> str:
        """Labels of one mail are put one after the other."""
        return str(fields.message)


def _labels_before(call: Call, asked: AbstractSet[str]) -> list[str] | None:
    """Give the labels of the mail as they were before the first attempt; None where that had begun earlier.

    They are kept for the attempts to come: afterwards nobody knows who put a label on.
    """
    if "labels_before" not in call.request:
        before = call.client.label_names(call.fields.message)
        is_sure = not call.is_again or not any(label.casefold() in asked for label in before)
        call.request["labels_before"] = before if is_sure else None
    known: list[str] | None = call.request["labels_before"]
    return known
