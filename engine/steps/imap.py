"""Steps that read a mailbox by IMAP: folders, mails, attachments. Nothing is marked as seen."""

from __future__ import annotations

from clients.imap.mail import attachment, by_ids, message, search
from clients.imap.search import Search
from engine.mail_fields import FileOutput, Part, ReadMail, TrimFields, file_content
from engine.step import Call, Effect, Fields, JsonValue, Output, StepType, option, outside

SERVICE = "imap"


class FolderOutput(Part):
    """A folder; `role` is inbox, drafts, sent, trash, archive, all, junk, flagged, or empty."""

    name: str
    role: str
    can_hold_mail: bool


class FoldersOutput(Output):
    """The folders, by name."""

    folders: list[FolderOutput]


class ListFolders(StepType):
    """List the folders of a mailbox, and what each is for."""

    name = "imap.list_folders"
    title = "List the folders"
    service = SERVICE
    effect = Effect.READS
    fields = Fields
    output = FoldersOutput

    def call(self, call: Call) -> JsonValue:
        """Give {folders}."""
        found = call.client.mailbox.folders()
        return {"folders": [{"name": one.name, "role": one.role, "can_hold_mail": one.can_hold_mail} for one in found]}


class MailOutput(ReadMail):
    """A mail as it is read; `thread_id` is the Message-ID of the first mail of its conversation."""

    folder: str
    thread_id: str = outside("Conversation")
    flags: list[str]
    is_read: bool


class SearchFields(Fields):
    """What `imap.search_messages` takes; a mail must fit all that is given."""

    folder: str = option("Folder (empty: the connection's)", "", format="imap-folder")
    text: str = option("Contains", "")
    sender: str = option("From", "", alias="from")
    to: str = option("To", "")
    subject: str = option("Subject contains", "")
    since: str = option("Arrived since (a date, or a time with its offset)", "")
    before: str = option("Arrived before", "")
    unread: bool = option("Only unread ones", default=False)
    flagged: bool = option("Only flagged ones", default=False)
    criteria: str = option("More, as IMAP writes it (OR FROM ann FROM bob)", "")
    limit: int = option("At most", 25, ge=1, le=500)
    ids: list[str] = option("Exactly these mails, no search", [])


class SearchOutput(Output):
    """The mails, newest first; `matched` counts all that fit, `has_more` says that there are more than `limit`."""

    messages: list[MailOutput]
    matched: int
    has_more: bool


class SearchMessages(StepType):
    """Find mails in a folder, or read the mails with the given ids."""

    name = "imap.search_messages"
    title = "Find mails"
    service = SERVICE
    effect = Effect.READS
    timeout_seconds = 120.0
    fields = SearchFields
    output = SearchOutput

    def call(self, call: Call) -> JsonValue:
        """Give {messages, matched, has_more}."""
        fields: SearchFields = call.fields
        if fields.ids:
            return by_ids(call.client.mailbox, fields.ids)
        return search(call.client.mailbox, Search(**fields.model_dump(exclude={"limit", "ids"})), fields.limit)


class MessageFields(TrimFields):
    """Which mail, and what of its text to leave out."""

    message: str = option("Mail", min_length=1, format="imap-message")


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
        """Give the mail."""
        fields: MessageFields = call.fields
        return message(call.client.mailbox, fields.message, fields.trim)


class AttachmentFields(Fields):
    """Which file of which mail."""

    message: str = option("Mail", min_length=1, format="imap-message")
    attachment: str = option("Attachment", min_length=1)


class GetAttachment(StepType):
    """Take a file out of a mail."""

    name = "imap.get_attachment"
    title = "Take a file out of a mail"
    service = SERVICE
    effect = Effect.READS
    timeout_seconds = 120.0
    fields = AttachmentFields
    output = FileOutput

    def call(self, call: Call) -> JsonValue:
        """Give {file}."""
        return {"file": file_content(attachment(call.client.mailbox, call.fields.message, call.fields.attachment))}
