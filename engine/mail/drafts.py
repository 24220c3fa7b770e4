"""The steps on drafts of a mailbox, without their names: each service (Gmail, Outlook, IMAP) adds its own.

The client's `outbox` has `create_draft`, `find_draft`, `undo_draft` and `update_draft`. For the steps on existing
drafts it also has `send_draft`, `delete_draft`, `is_diverted` and `message_of`, and `mail` has `blind_copies`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from msgspec import structs

from clients.errors import NotFound
from clients.mail.outgoing import one_line
from clients.mail.text import MailView
from engine.mail.fields import TrimFields, note_left_out, unseen
from engine.mail.follow_ups import only_if_unanswered
from engine.mail.reading import MailRead
from engine.mail.schedule import SendAfter, schedule_line, send_after
from engine.mail.writing import (
    LetterFields,
    MailSend,
    MailWrite,
    SentMail,
    answered_mail,
    letter,
    letter_preview,
)
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


class MailDraft(SentMail):
    """The draft; `id` is the draft's id, `message` the id of its mail."""

    message: str


class OneDraftFields(Fields):
    """The draft."""

    draft: str = destination("Draft", min_length=1)


class SentDraftFields(OneDraftFields):
    """The draft, and when it goes out."""

    only_if_unanswered: bool = only_if_unanswered()
    send_after: SendAfter = send_after()


class NewContentFields(LetterFields):
    """The draft, and the complete new content of it."""

    draft: str = destination("Draft", min_length=1)


class ReadDraftFields(TrimFields):
    """The draft, and what to leave out of its text."""

    draft: str = destination("Draft", min_length=1)


class DeletedDraft(Output):
    """`deleted` is false if the draft no longer existed."""

    id: str
    deleted: bool


class ListedDraft(Part):
    """A draft; `message` is the id of its mail."""

    id: str
    message: str
    thread_id: str
    url: str


class ListedDrafts(Output):
    """The drafts, newest first; `has_more`: there are more than `limit`."""

    drafts: list[ListedDraft]
    has_more: bool


class WriteDraft(MailWrite):
    """Writes a draft for a person to read and send."""

    makes = ("a mail",)
    link = "Draft"
    title = "Write a draft"
    agreed = "If you agree, this draft is saved. It is not sent."
    done = "answered in a draft"
    leaves_drafts = True
    repeat = Repeat.FINDABLE
    lag_seconds = 5.0
    fields: ClassVar[type[Fields]] = LetterFields
    output: ClassVar[type[Output] | None] = MailDraft

    def call(self, call: Call) -> JsonValue:
        """Return {id, message, thread_id, message_id, url}."""
        made = letter(call)
        self.require_unanswered(call, answered_mail(made))
        return call.client.outbox.create_draft(made)

    def preview(self, call: Call) -> Preview:
        """Return the draft."""
        return letter_preview(call, letter(call))

    def find(self, call: Call) -> JsonValue | None:
        """Look for it among the drafts by its marker."""
        return call.client.outbox.find_draft(call.marker)

    undoes = "deletes the draft"

    def undo(self, call: Call, written: Written) -> None:
        """Delete the draft, unless it was edited or sent."""
        with changes_respected():
            call.client.outbox.undo_draft(written.output, written.done_at)

    updates = True

    def update(self, call: Call, written: Written) -> JsonValue:
        """Set the new text and addresses."""
        made = letter(call)
        self.require_unanswered(call, answered_mail(made))
        try:
            return call.client.outbox.update_draft(written.output["id"], structs.replace(made, marker=written.marker))
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
    head += schedule_line(call)
    text = "\n".join([*map(head_line, head), "", mail["text"]])
    title, url = one_line(mail["subject"]) or "(no subject)", call.client.url(message)
    to = ", ".join(one_line(fields[name]) for name in ("To", "Cc", "Bcc") if fields[name])
    return Preview(title, text, text, call.fields.draft, to=to, url=url, head=head)


class DraftWrite(MailWrite):
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


class ChangeDraft(DraftWrite):
    """Replaces the content of a draft."""

    makes = ("a mail",)
    title = "Change a draft"
    done = "changed"
    repeat = Repeat.SAFE
    fields: ClassVar[type[Fields]] = NewContentFields
    output: ClassVar[type[Output] | None] = MailDraft
    lasts = "The draft's earlier content is not kept."

    def call(self, call: Call) -> JsonValue:
        """Return {id, message, thread_id, message_id, url}."""
        made = letter(call)
        self.require_unanswered(call, answered_mail(made))
        return call.client.outbox.update_draft(call.fields.draft, made)

    def rewritten(self, call: Call) -> str:
        """Return the new draft."""
        return letter_preview(call, letter(call)).text


class SendExistingDraft(MailSend):
    """Sends a draft unchanged."""

    title = "Send a draft"
    sends_mail = "stored"
    done = "sent"
    fields: ClassVar[type[Fields]] = SentDraftFields

    def call(self, call: Call) -> JsonValue:
        """Return {id, thread_id, message_id, url}."""
        if not call.is_seen and call.client.outbox.is_diverted(call.fields.draft):
            raise unseen("The draft answers a mail, but not its sender (Reply-To).")
        if call.fields.only_if_unanswered:
            self.require_unanswered(call, _followed_up(call))
        return call.client.outbox.send_draft(call.fields.draft, call.marker)

    def preview(self, call: Call) -> Preview:
        """Return the draft, which is sent as it is."""
        return draft_preview(call)

    def target(self, fields: Any) -> str:
        """Serialize sends of the same draft."""
        return str(fields.draft)


def _followed_up(call: Call) -> str:
    """Return the mail that an existing draft answers, or the draft itself, if that mail is not in the mailbox."""
    message: str = call.client.outbox.message_of(call.fields.draft)
    answers = call.client.mail.message(message, MailView(headers=("In-Reply-To",)))["headers"].get("In-Reply-To", "")
    if not answers.startswith("<"):
        return message
    try:
        return str(call.client.mail.id_of(answers))
    except NotFound:
        return message


class DropDraft(DraftWrite):
    """Deletes a draft."""

    approval = "always"
    title = "Delete a draft"
    done = "deleted"
    repeat = Repeat.SAFE
    fields: ClassVar[type[Fields]] = OneDraftFields
    output: ClassVar[type[Output] | None] = DeletedDraft

    def call(self, call: Call) -> JsonValue:
        """Return {id, deleted}."""
        return call.client.outbox.delete_draft(call.fields.draft)


class ReadDraft(MailRead):
    """Reads a draft."""

    title = "Read a draft"
    fields: ClassVar[type[Fields]] = ReadDraftFields

    def call(self, call: Call) -> JsonValue:
        """Return the mail, with {draft}."""
        it: ReadDraftFields = call.fields
        message = call.client.outbox.message_of(it.draft)
        return {**note_left_out(call, call.client.mail.message(message, it.view)), "draft": it.draft}
