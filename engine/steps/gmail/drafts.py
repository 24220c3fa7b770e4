"""Steps that write, change, send, delete and list the drafts of a Gmail mailbox."""

from __future__ import annotations

from engine.mail.drafts import (
    ChangeDraft,
    DropDraft,
    ListedDrafts,
    ReadDraft,
    SendExistingDraft,
    WriteDraft,
)
from engine.plugins.step import Call, JsonValue
from engine.steps.gmail.reading import SERVICE, GmailRead, ListFields, MailOutput


class CreateDraft(WriteDraft):
    """Write a draft for a person to read and send; a reply stays in its thread."""

    name = "gmail.create_draft"
    service = SERVICE


class UpdateDraft(ChangeDraft):
    """Replace the content of a draft."""

    name = "gmail.update_draft"
    service = SERVICE


class SendDraft(SendExistingDraft):
    """Send a draft unchanged; it gets its own Message-ID, by which it is found again."""

    name = "gmail.send_draft"
    service = SERVICE


class DeleteDraft(DropDraft):
    """Delete a draft permanently."""

    name = "gmail.delete_draft"
    service = SERVICE
    lasts = "Gmail keeps no copy of a deleted draft."


class ReadDraftOutput(MailOutput):
    """The mail of the draft; `draft` is the draft's id, `id` the mail's."""

    draft: str


class GetDraft(ReadDraft):
    """Read a draft."""

    name = "gmail.get_draft"
    service = SERVICE
    output = ReadDraftOutput


class ListDrafts(GmailRead):
    """List the drafts, optionally only those that match a search."""

    name = "gmail.list_drafts"
    title = "List the drafts"
    fields = ListFields
    output = ListedDrafts

    def call(self, call: Call) -> JsonValue:
        """Return {drafts, has_more}."""
        return call.client.outbox.drafts(call.fields.query, call.fields.limit)
