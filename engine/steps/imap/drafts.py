"""The step that writes drafts to an IMAP mailbox."""

from __future__ import annotations

from engine.mail.drafts import WriteDraft
from engine.plugins.step import Output
from engine.steps.imap.reading import SERVICE


class DraftOutput(Output):
    """The draft, and its folder."""

    id: str
    folder: str
    message_id: str


class CreateDraft(WriteDraft):
    """Write a draft for a person to read and send; a reply stays in its conversation."""

    name = "imap.create_draft"
    service = SERVICE
    lag_seconds = 2.0
    output = DraftOutput
