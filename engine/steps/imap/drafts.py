"""Steps that write drafts to an IMAP mailbox."""

from __future__ import annotations

from typing import Any

from clients.errors import NotFound
from clients.imap.drafts import create_draft, find_draft, undo_draft, update_draft
from engine.plugins.mail_fields import mail_preview
from engine.plugins.step import Call, JsonValue, Output, Preview, Repeat, Written, changes_respected
from engine.steps.imap.smtp import WriteFields, WritesMail, written_mail


class DraftOutput(Output):
    """The draft, and its folder."""

    id: str
    folder: str
    message_id: str


class CreateDraft(WritesMail):
    """Write a draft for a person to read and send; a reply stays in its conversation."""

    name = "imap.create_draft"
    title = "Write a draft"
    agreed = "If you agree, this draft is saved. It is not sent."
    done = "answered in a draft"
    repeat = Repeat.FINDABLE
    lag_seconds = 2.0
    fields = WriteFields
    output = DraftOutput

    def call(self, call: Call) -> JsonValue:
        """Return {id, folder, message_id}."""
        mail, answers = written_mail(call)
        return create_draft(call.client.mailbox, mail, call.marker, answers, call.intended_at)

    def preview(self, call: Call) -> Preview:
        """Return the draft."""
        return mail_preview(*written_mail(call))

    def find(self, call: Call) -> JsonValue | None:
        """Look for it by its Message-ID, among the drafts, then among the sent mails."""
        return find_draft(call.client.mailbox, call.marker)

    undoes = "deletes the draft"

    def undo(self, call: Call, written: Written) -> None:
        """Delete the draft, unless it was edited or sent."""
        with changes_respected():
            undo_draft(call.client.mailbox, written.output)

    updates = True

    def update(self, call: Call, written: Written) -> JsonValue:
        """Set the new text and addresses."""
        mail, answers = written_mail(call)
        try:
            return update_draft(call.client.mailbox, written.output, mail, written.marker, answers, call.intended_at)
        except NotFound as error:
            error.remedy = "It has been sent or deleted since. `orchestra runs rerun RUN --force` writes it again."
            raise

    def target(self, fields: Any) -> str:
        """Serialize drafts of the same conversation."""
        return str(fields.in_reply_to)
