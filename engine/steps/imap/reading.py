"""Steps that read an IMAP mailbox: folders, mails, attachments. Nothing is marked as read."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from clients.imap.mail import attachment, by_ids, message, search
from clients.imap.search import SearchCriteria
from engine.plugins.mail_fields import (
    FileOutput,
    ReadMail,
    TrimFields,
    UnreadableMail,
    file_content,
    note_left_out,
    note_unreadable,
)
from engine.plugins.step import Call, Effect, Fields, JsonValue, Output, Part, StepType, destination, option, outside

SERVICE = "imap"


class FolderOutput(Part):
    """A folder; `role` is inbox, drafts, sent, trash, archive, all, junk, flagged, or empty."""

    name: str
    role: str
    can_hold_mail: bool


class FoldersOutput(Output):
    """The folders, sorted by name."""

    folders: list[FolderOutput]


class ListFolders(StepType):
    """List the folders of a mailbox, and the role of each."""

    name = "imap.list_folders"
    title = "List the folders"
    service = SERVICE
    effect = Effect.READS
    fields = Fields
    output = FoldersOutput

    def call(self, call: Call) -> JsonValue:
        """Return {folders}."""
        found = call.client.mailbox.folders()
        return {"folders": [{"name": one.name, "role": one.role, "can_hold_mail": one.can_hold_mail} for one in found]}


class MailOutput(ReadMail):
    """A mail; `thread_id` is the Message-ID of the first mail of its conversation."""

    folder: str
    thread_id: str = outside("Conversation")
    flags: list[str]
    is_read: bool


class SearchFields(Fields):
    """The fields of `imap.search_messages`; a mail must match all of them."""

    folder: str = destination("Folder (empty: the connection's)", "", format="imap-folder")
    text: str = option("Contains", "")
    sender: str = option("From", "", alias="from")
    to: str = option("To", "")
    subject: str = option("Subject contains", "")
    since: str = option("Arrived since (a date, or a time with its offset)", "")
    before: str = option("Arrived before", "")
    unread: bool = option("Only unread ones", default=False)
    flagged: bool = option("Only flagged ones", default=False)
    criteria: str = option("More criteria in IMAP's syntax (OR FROM ann FROM bob)", "")
    limit: int = option("At most", 25, ge=1, le=500)
    ids: list[str] = destination("Exactly these mails (no search)", [])


class SearchOutput(Output):
    """The mails, newest first; `unreadable`: mails that were found but cannot be read; `matched`: the number of all
    matches; `has_more`: there are more than `limit`.
    """

    messages: list[MailOutput]
    unreadable: list[UnreadableMail] = Field(default_factory=list)
    matched: int
    has_more: bool


class SearchMessages(StepType):
    """Search for mails in a folder, or read the mails with the given ids."""

    name = "imap.search_messages"
    title = "Find mails"
    service = SERVICE
    effect = Effect.READS
    timeout_seconds = 120.0
    volatile = frozenset({"has_more", "matched"})
    fields = SearchFields
    output = SearchOutput

    def reread(self, arguments: Mapping[str, JsonValue], output: JsonValue) -> Mapping[str, JsonValue]:
        """Return the ids of the mails."""
        found = [one["id"] for one in output["messages"]]
        return {**arguments, "ids": found} if found else arguments

    def call(self, call: Call) -> JsonValue:
        """Return {messages, unreadable, matched, has_more}."""
        fields: SearchFields = call.fields
        if fields.ids:
            return note_unreadable(call, by_ids(call.client.mailbox, fields.ids))
        wanted = SearchCriteria(**fields.model_dump(exclude={"limit", "ids"}))
        return note_unreadable(call, search(call.client.mailbox, wanted, fields.limit))


class MessageFields(TrimFields):
    """The mail, and which parts of its text to leave out."""

    message: str = destination("Mail", min_length=1, format="imap-message")


class GetMessage(StepType):
    """Read one mail."""

    name = "imap.get_message"
    title = "Read a mail"
    service = SERVICE
    effect = Effect.READS
    timeout_seconds = 120.0
    fields = MessageFields
    output = MailOutput

    def call(self, call: Call) -> JsonValue:
        """Return the mail."""
        fields: MessageFields = call.fields
        return note_left_out(call, message(call.client.mailbox, fields.message, fields.trim))


class AttachmentFields(Fields):
    """The mail, and the attachment in it."""

    message: str = destination("Mail", min_length=1, format="imap-message")
    attachment: str = option("Attachment", min_length=1)


class GetAttachment(StepType):
    """Save an attachment of a mail as a file of the run."""

    name = "imap.get_attachment"
    title = "Extract a file from a mail"
    service = SERVICE
    effect = Effect.READS
    timeout_seconds = 120.0
    fields = AttachmentFields
    output = FileOutput

    def call(self, call: Call) -> JsonValue:
        """Return {file}."""
        return {"file": file_content(attachment(call.client.mailbox, call.fields.message, call.fields.attachment))}
