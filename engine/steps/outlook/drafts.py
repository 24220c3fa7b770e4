"""Steps that write, change, send, delete and list the drafts of an Outlook mailbox."""

from __future__ import annotations

from engine.mail.drafts import (
    ChangeDraft,
    DropDraft,
    ListedDrafts,
    MailDraft,
    ReadDraft,
    SendExistingDraft,
    WriteDraft,
)
from engine.mail.reading import MailRead
from engine.plugins.step import Call, Fields, JsonValue, option
from engine.steps.outlook.reading import SERVICE, MailOutput


class DraftOutput(MailDraft):
    """The draft; `id` and `message` are the same, and `version` tells whether somebody has edited it since."""

    version: str


class CreateDraft(WriteDraft):
    """Write a draft for a person to read and send; a reply stays in its thread."""

    name = "outlook.create_draft"
    service = SERVICE
    timeout_seconds = 120.0
    output = DraftOutput


class UpdateDraft(ChangeDraft):
    """Replace the content of a draft."""

    name = "outlook.update_draft"
    service = SERVICE
    timeout_seconds = 120.0
    output = DraftOutput


class SendDraft(SendExistingDraft):
    """Send a draft unchanged."""

    name = "outlook.send_draft"
    service = SERVICE


class DeleteDraft(DropDraft):
    """Move a draft to the deleted items."""

    name = "outlook.delete_draft"
    service = SERVICE
    lasts = "It is in the deleted items, from where a person can take it back."


class ReadDraftOutput(MailOutput):
    """The mail of the draft; `draft` and `id` are the same."""

    draft: str


class GetDraft(ReadDraft):
    """Read a draft."""

    name = "outlook.get_draft"
    service = SERVICE
    output = ReadDraftOutput


class ListFields(Fields):
    """The maximum number of results."""

    limit: int = option("At most", 25, ge=1, le=2000)


class ListDrafts(MailRead):
    """List the drafts."""

    name = "outlook.list_drafts"
    title = "List the drafts"
    service = SERVICE
    fields = ListFields
    output = ListedDrafts

    def call(self, call: Call) -> JsonValue:
        """Return {drafts, has_more}."""
        return call.client.outbox.drafts(call.fields.limit)
