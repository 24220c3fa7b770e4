"""Steps that work on the drafts of a Gmail mailbox: written, changed, sent, deleted, listed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from clients.errors import NotFound
from engine.mail_fields import Part, TrimFields
from engine.step import Call, Fields, JsonValue, Output, Repeat, Written, changes_respected, destination, option
from engine.steps.gmail import GmailRead, ListFields, MailOutput
from engine.steps.gmail_sending import GmailSend
from engine.steps.gmail_writing import GmailWrite, SentOutput, WriteFields, letter


class DraftOutput(SentOutput):
    """The draft; `id` is the draft's, `message` its mail's."""

    message: str


class CreateDraft(GmailWrite):
    """Write a draft, for a person to read and send; an answer stays in its thread."""

    name = "gmail.create_draft"
    title = "Write a draft"
    done = "answered in a draft"
    repeat = Repeat.FINDABLE
    lag_seconds = 5.0
    fields = WriteFields
    output = DraftOutput

    def call(self, call: Call) -> JsonValue:
        """Give {id, message, thread_id, message_id, url}."""
        return call.client.outbox.create_draft(letter(call))

    def find(self, call: Call) -> JsonValue | None:
        """Look it up among the drafts by its Message-ID."""
        return call.client.outbox.find_draft(call.marker)

    undoes = "deletes the draft"

    def undo(self, call: Call, written: Written) -> None:
        """Delete it, unless it was edited or sent since."""
        with changes_respected():
            call.client.outbox.undo_draft(written.output, written.done_at)

    updates = True

    def update(self, call: Call, written: Written) -> JsonValue:
        """Let it say the new text to the new addresses."""
        try:
            return call.client.outbox.update_draft(written.output["id"], replace(letter(call), marker=written.marker))
        except NotFound as error:
            error.remedy = "It was sent or deleted since. `orchestra runs rerun RUN --force` writes it anew."
            raise

    def target(self, fields: Any) -> str:
        """Drafts in one thread are written one after the other."""
        return str(fields.in_reply_to)


class GmailDraftWrite(GmailWrite):
    """Works on a draft that is there."""

    def target(self, fields: Any) -> str:
        """One draft is changed once at a time."""
        return str(fields.draft)


class DraftFields(Fields):
    """Which draft."""

    draft: str = destination("Draft", min_length=1)


class UpdateFields(WriteFields):
    """What `gmail.update_draft` takes: all that the draft shall say from now on."""

    draft: str = destination("Draft", min_length=1)


class UpdateDraft(GmailDraftWrite):
    """Let a draft say something else."""

    name = "gmail.update_draft"
    title = "Change a draft"
    done = "changed"
    repeat = Repeat.SAFE
    fields = UpdateFields
    output = DraftOutput
    lasts = "What the draft said before is not kept."

    def call(self, call: Call) -> JsonValue:
        """Give {id, message, thread_id, message_id, url}."""
        return call.client.outbox.update_draft(call.fields.draft, letter(call))


class SendDraft(GmailSend):
    """Send a draft as it is; it gets a Message-ID of its own by which it is found again."""

    name = "gmail.send_draft"
    title = "Send a draft"
    done = "sent"
    fields = DraftFields

    def call(self, call: Call) -> JsonValue:
        """Give {id, thread_id, message_id, url}."""
        return call.client.outbox.send_draft(call.fields.draft, call.marker)

    def target(self, fields: Any) -> str:
        """One draft is sent once at a time."""
        return str(fields.draft)


class DeletedOutput(Output):
    """`deleted` is false where there was no such draft any more."""

    id: str
    deleted: bool


class DeleteDraft(GmailDraftWrite):
    """Delete a draft for good."""

    name = "gmail.delete_draft"
    title = "Delete a draft"
    done = "deleted"
    repeat = Repeat.SAFE
    fields = DraftFields
    output = DeletedOutput
    lasts = "Gmail keeps nothing of a deleted draft."

    def call(self, call: Call) -> JsonValue:
        """Give {id, deleted}."""
        return call.client.outbox.delete_draft(call.fields.draft)


class GetDraftFields(TrimFields):
    """What `gmail.get_draft` takes."""

    draft: str = option("Draft", min_length=1)


class ReadDraftOutput(MailOutput):
    """The mail of the draft, as it is read; `draft` is the draft's id, `id` that of its mail."""

    draft: str


class GetDraft(GmailRead):
    """Read a draft."""

    name = "gmail.get_draft"
    title = "Read a draft"
    fields = GetDraftFields
    output = ReadDraftOutput

    def call(self, call: Call) -> JsonValue:
        """Give the mail, and {draft}."""
        it: GetDraftFields = call.fields
        message = call.client.outbox.message_of(it.draft)
        return {**call.client.mail.message(message, it.trim), "draft": it.draft}


class ListedDraft(Part):
    """A draft; `message` is its mail's id."""

    id: str
    message: str
    thread_id: str
    url: str


class DraftsOutput(Output):
    """The drafts, the newest first; `has_more` says that there are more than `limit`."""

    drafts: list[ListedDraft]
    has_more: bool


class ListDrafts(GmailRead):
    """List the drafts, all or those that fit a search."""

    name = "gmail.list_drafts"
    title = "List the drafts"
    fields = ListFields
    output = DraftsOutput

    def call(self, call: Call) -> JsonValue:
        """Give {drafts, has_more}."""
        return call.client.outbox.drafts(call.fields.query, call.fields.limit)
