"""Steps that write drafts into a mailbox by IMAP."""

from __future__ import annotations

from typing import Any

from clients.errors import NotFound
from clients.imap.drafts import create_draft, find_draft, undo_draft, update_draft
from engine.step import Call, Effect, JsonValue, Output, Repeat, StepType, Written, changes_respected
from engine.steps.imap import SERVICE
from engine.steps.smtp import WriteFields, written_mail


class DraftOutput(Output):
    """The draft, and the folder that holds it."""

    id: str
    folder: str
    message_id: str


class CreateDraft(StepType):
    """Write a draft, for a person to read and send; an answer stays in its conversation."""

    name = "imap.create_draft"
    title = "Write a draft"
    done = "answered in a draft"
    service = SERVICE
    effect = Effect.WRITES
    repeat = Repeat.FINDABLE
    lag_seconds = 2.0
    fields = WriteFields
    output = DraftOutput

    def call(self, call: Call) -> JsonValue:
        """Give {id, folder, message_id}."""
        mail, answers = written_mail(call)
        return create_draft(call.client.mailbox, mail, call.marker, answers, call.intended_at)

    def find(self, call: Call) -> JsonValue | None:
        """Look it up among the drafts, then among the sent mails, by its Message-ID."""
        return find_draft(call.client.mailbox, call.marker)

    undoes = "deletes the draft"

    def undo(self, call: Call, written: Written) -> None:
        """Delete it, unless it was edited or sent since."""
        with changes_respected():
            undo_draft(call.client.mailbox, written.output)

    updates = True

    def update(self, call: Call, written: Written) -> JsonValue:
        """Let it say the new text to the new addresses."""
        mail, answers = written_mail(call)
        try:
            return update_draft(call.client.mailbox, written.output, mail, written.marker, answers, call.intended_at)
        except NotFound as error:
            error.remedy = "It was sent or deleted since. `orchestra runs rerun RUN --force` writes it anew."
            raise

    def target(self, fields: Any) -> str:
        """Drafts of one conversation are written one after the other."""
        return str(fields.in_reply_to)
