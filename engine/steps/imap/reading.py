"""Steps that read an IMAP mailbox: folders, mails, attachments. Nothing is marked as read."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from clients.imap.search import SearchCriteria
from clients.imap.threads import thread
from engine.mail.fields import HeaderFields, ReadMail, TrimFields, UnreadableMail
from engine.mail.reading import (
    ExtractFile,
    FindMails,
    MailRead,
    OneMailFields,
    ReadOneMail,
    WholeConversation,
    note_conversation,
)
from engine.plugins.step import Call, Fields, JsonValue, Output, Part, destination, option, outside

SERVICE = "imap"


class FolderOutput(Part):
    """A folder; `role` is inbox, drafts, sent, trash, archive, all, junk, flagged, or empty."""

    name: str
    role: str
    can_hold_mail: bool


class FoldersOutput(Output):
    """The folders, sorted by name."""

    folders: list[FolderOutput]


class ListFolders(MailRead):
    """List the folders of a mailbox, and the role of each."""

    name = "imap.list_folders"
    title = "List the folders"
    service = SERVICE
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


class _Found(Fields):
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


class SearchFields(HeaderFields, _Found):
    """The fields of `imap.search_messages`; a mail must match all of them."""


class SearchOutput(Output):
    """The mails, newest first; `unreadable`: mails that were found but cannot be read; `matched`: the number of all
    matches; `has_more`: there are more than `limit`.
    """

    messages: list[MailOutput]
    unreadable: list[UnreadableMail] = Field(default_factory=list)
    matched: int
    has_more: bool


class SearchMessages(FindMails):
    """Search for mails in a folder, or read the mails with the given ids."""

    name = "imap.search_messages"
    service = SERVICE
    timeout_seconds = 120.0
    volatile = frozenset({"has_more", "matched"})
    fields = SearchFields
    output = SearchOutput

    def found(self, call: Call) -> Mapping[str, JsonValue]:
        """Return {messages, unreadable, matched, has_more}."""
        it: SearchFields = call.fields
        wanted = SearchCriteria(**it.model_dump(exclude={"limit", "ids", "headers"}))
        return call.client.mail.search(wanted, it.limit, it.view)  # type: ignore[no-any-return]


class MessageFields(OneMailFields):
    """The mail, and which parts of its text to leave out."""


class GetMessage(ReadOneMail):
    """Read one mail."""

    name = "imap.get_message"
    service = SERVICE
    timeout_seconds = 120.0
    fields = MessageFields
    output = MailOutput


class ThreadFields(TrimFields):
    """The conversation, and which parts of the texts to leave out. Its mails are looked for in `folder`, in the inbox,
    among the sent ones and in the archive, or in the folder for all mail, if the mailbox has one.
    """

    # Not a destination: a Message-ID is text from outside, and whatever it names stays in this mailbox.
    thread: str = option("Conversation (its `thread_id`)", min_length=1)
    folder: str = destination("Folder (empty: the connection's)", "", format="imap-folder")


class ThreadOutput(WholeConversation):
    """A conversation, joined by the ids in the headers of its mails."""

    id: str = outside("Conversation")
    messages: list[MailOutput]


class GetThread(MailRead):
    """Read all mails of a conversation, also as one text."""

    name = "imap.get_thread"
    title = "Read a conversation"
    service = SERVICE
    timeout_seconds = 300.0
    fields = ThreadFields
    output = ThreadOutput

    def call(self, call: Call) -> JsonValue:
        """Return {id, subject, text, messages, unreadable, has_more}."""
        fields: ThreadFields = call.fields
        return note_conversation(call, thread(call.client.mailbox, fields.thread, fields.folder, fields.view))


class AttachmentFields(Fields):
    """The mail, and the attachment in it."""

    message: str = destination("Mail", min_length=1, format="mail-message")
    attachment: str = option("Attachment", min_length=1)


class GetAttachment(ExtractFile):
    """Save an attachment of a mail as a file of the run."""

    name = "imap.get_attachment"
    service = SERVICE
    fields = AttachmentFields
