"""Steps that write, change, send, delete and list the drafts of a Gmail mailbox."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from msgspec import structs

from clients.errors import NotFound
from clients.mail.outgoing import one_line
from engine.plugins.mail_fields import TrimFields, note_left_out, unseen
from engine.plugins.step import (
    Call,
    Fields,
    JsonValue,
    Output,
    Part,
    Preview,
    Repeat,
    Written,
    changes_respected,
    destination,
    head_line,
)
from engine.steps.gmail.reading import GmailRead, ListFields, MailOutput
from engine.steps.gmail.sending import GmailSend
from engine.steps.gmail.writing import GmailWrite, SentOutput, WriteFields, letter, letter_preview


class DraftOutput(SentOutput):
    """The draft; `id` is the draft's id, `message` the id of its mail."""

    message: str


class CreateDraft(GmailWrite):
    """Write a draft for a person to read and send; a reply stays in its thread."""

    makes = ("a mail",)
    name = "gmail.create_draft"
    link = "Draft"
    title = "Write a draft"
    agreed = "If you agree, this draft is saved. It is not sent."
    done = "answered in a draft"
    leaves_drafts = True
    repeat = Repeat.FINDABLE
    lag_seconds = 5.0
    fields = WriteFields
    output = DraftOutput

    def call(self, call: Call) -> JsonValue:
        """Return {id, message, thread_id, message_id, url}."""
        return call.client.outbox.create_draft(letter(call))

    def preview(self, call: Call) -> Preview:
        """Return the draft."""
        return letter_preview(call, letter(call))

    def find(self, call: Call) -> JsonValue | None:
        """Look for it among the drafts by its Message-ID."""
        return call.client.outbox.find_draft(call.marker)

    undoes = "deletes the draft"

    def undo(self, call: Call, written: Written) -> None:
        """Delete the draft, unless it was edited or sent."""
        with changes_respected():
            call.client.outbox.undo_draft(written.output, written.done_at)

    updates = True

    def update(self, call: Call, written: Written) -> JsonValue:
        """Set the new text and addresses."""
        try:
            return call.client.outbox.update_draft(
                written.output["id"], structs.replace(letter(call), marker=written.marker)
            )
        except NotFound as error:
            error.remedy = "It has been sent or deleted since. `orchestra runs rerun RUN --force` writes it again."
            raise

    def target(self, fields: Any) -> str:
        """Serialize drafts in the same thread."""
        return str(fields.in_reply_to)


def draft_preview(call: Call) -> Preview:
    """Return an existing draft as its readers would see it."""
    message = call.client.outbox.message_of(call.fields.draft)
    mail = call.client.mail.message(message)
    fields = {
        "To": mail["to"],
        "Cc": mail["cc"],
        "Bcc": call.client.mail.blind_copies(message),
        "Subject": mail["subject"],
    }
    head = [(name, one_line(value)) for name, value in fields.items() if value]
    head += [("Attachment", one_line(f"{one['name']} ({one['bytes']:,} bytes)")) for one in mail["attachments"]]
    text = "\n".join([*map(head_line, head), "", mail["text"]])
    title, url = one_line(mail["subject"]) or "(no subject)", call.client.url(message)
    to = ", ".join(one_line(fields[name]) for name in ("To", "Cc", "Bcc") if fields[name])
    return Preview(title, text, text, call.fields.draft, to=to, url=url, head=head)


class GmailDraftWrite(GmailWrite):
    """Base of the steps that change an existing draft."""

    def target(self, fields: Any) -> str:
        """Serialize changes of the same draft."""
        return str(fields.draft)

    def preview(self, call: Call) -> Preview:
        """Return what is left of the draft, and the draft as it is."""
        return replace(draft_preview(call), text=self.rewritten(call))

    def rewritten(self, call: Call) -> str:
        """Return the draft after the step; nothing is left of it unless the step says otherwise."""
        return ""


class DraftFields(Fields):
    """The draft."""

    draft: str = destination("Draft", min_length=1)


class UpdateFields(WriteFields):
    """The fields of `gmail.update_draft`: the complete new content of the draft."""

    draft: str = destination("Draft", min_length=1)


class UpdateDraft(GmailDraftWrite):
    """Replace the content of a draft."""

    makes = ("a mail",)
    name = "gmail.update_draft"
    title = "Change a draft"
    done = "changed"
    repeat = Repeat.SAFE
    fields = UpdateFields
    output = DraftOutput
    lasts = "The draft's earlier content is not kept."

    def call(self, call: Call) -> JsonValue:
        """Return {id, message, thread_id, message_id, url}."""
        return call.client.outbox.update_draft(call.fields.draft, letter(call))

    def rewritten(self, call: Call) -> str:
        """Return the new draft."""
        return letter_preview(call, letter(call)).text


class SendDraft(GmailSend):
    """Send a draft unchanged; it gets its own Message-ID, by which it is found again."""

    name = "gmail.send_draft"
    title = "Send a draft"
    sends_mail = "stored"
    done = "sent"
    fields = DraftFields

    def call(self, call: Call) -> JsonValue:
        """Return {id, thread_id, message_id, url}."""
        if not call.is_seen and call.client.outbox.is_diverted(call.fields.draft):
            raise unseen("The draft answers a mail, but not its sender (Reply-To).")
        return call.client.outbox.send_draft(call.fields.draft, call.marker)

    def preview(self, call: Call) -> Preview:
        """Return the draft, which is sent as it is."""
        return draft_preview(call)

    def target(self, fields: Any) -> str:
        """Serialize sends of the same draft."""
        return str(fields.draft)


class DeletedOutput(Output):
    """`deleted` is false if the draft no longer existed."""

    id: str
    deleted: bool


class DeleteDraft(GmailDraftWrite):
    """Delete a draft permanently."""

    name = "gmail.delete_draft"
    approval = "always"
    title = "Delete a draft"
    done = "deleted"
    repeat = Repeat.SAFE
    fields = DraftFields
    output = DeletedOutput
    lasts = "Gmail keeps no copy of a deleted draft."

    def call(self, call: Call) -> JsonValue:
        """Return {id, deleted}."""
        return call.client.outbox.delete_draft(call.fields.draft)


class GetDraftFields(TrimFields):
    """The fields of `gmail.get_draft`."""

    draft: str = destination("Draft", min_length=1)


class ReadDraftOutput(MailOutput):
    """The mail of the draft; `draft` is the draft's id, `id` the mail's."""

    draft: str


class GetDraft(GmailRead):
    """Read a draft."""

    name = "gmail.get_draft"
    title = "Read a draft"
    fields = GetDraftFields
    output = ReadDraftOutput

    def call(self, call: Call) -> JsonValue:
        """Return the mail, with {draft}."""
        it: GetDraftFields = call.fields
        message = call.client.outbox.message_of(it.draft)
        return {**note_left_out(call, call.client.mail.message(message, it.trim)), "draft": it.draft}


class ListedDraft(Part):
    """A draft; `message` is the id of its mail."""

    id: str
    message: str
    thread_id: str
    url: str


class DraftsOutput(Output):
    """The drafts, newest first; `has_more`: there are more than `limit`."""

    drafts: list[ListedDraft]
    has_more: bool


class ListDrafts(GmailRead):
    """List the drafts, optionally only those that match a search."""

    name = "gmail.list_drafts"
    title = "List the drafts"
    fields = ListFields
    output = DraftsOutput

    def call(self, call: Call) -> JsonValue:
        """Return {drafts, has_more}."""
        return call.client.outbox.drafts(call.fields.query, call.fields.limit)
