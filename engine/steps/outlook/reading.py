"""Steps that read an Outlook mailbox: mails, threads, attachments, folders."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import Field

from clients.mail.dates import rfc3339
from clients.outlook.reading import OutlookSearch
from engine.mail.fields import TrimFields, UnreadableMail
from engine.mail.reading import (
    ExtractFile,
    FindMails,
    MailRead,
    ReadOneMail,
    ReadThread,
    ThreadedMail,
    WholeConversation,
    unix_seconds,
)
from engine.plugins.step import Call, Fields, JsonValue, Output, destination, option

SERVICE = "outlook"
_NAME_A_FOLDER = "Name a folder, such as inbox."


class MailOutput(ThreadedMail):
    """A mail; `labels` are its categories, `UNREAD` and `FLAGGED`. If `text` is shortened, `full_text` is the complete
    text, else null; if `text` is empty, `text_missing` says why.
    """

    folder: str


class _Found(Fields):
    query: str = destination("Search, as in Outlook", "")
    folder: str = destination("Folder (empty: all but deleted mail and junk)", "inbox", format="outlook-folder")
    unread: bool = option("Only unread ones", default=False)
    since: str = option("Arrived since (a time with its offset)", "")
    limit: int = option("At most", 25, ge=1, le=500)
    ids: list[str] = destination("Exactly these mails (no search)", [])


class SearchFields(TrimFields, _Found):
    """First which mails, then what to leave out of them. `folder` is a path such as `Inbox/Invoices`, or `inbox`,
    `drafts`, `sentitems`, `archive`, `junkemail` or `deleteditems`, which every mailbox has in any language.
    """


class SearchOutput(Output):
    """The mails, newest first; `unreadable`: mails that were found but cannot be read; `has_more`: there are more than
    `limit`.
    """

    messages: list[MailOutput]
    unreadable: list[UnreadableMail] = Field(default_factory=list)
    has_more: bool


class SearchMessages(FindMails):
    """Search for mails, or read the mails with the given ids.

    `query` is as in Outlook's search box: `from:ann subject:invoice hasattachments:true`. It finds new mails with a
    short delay, and at most a thousand.
    """

    name = "outlook.search_messages"
    service = SERVICE
    fields = SearchFields
    output = SearchOutput

    def search_for_drafts(self, arguments: Mapping[str, JsonValue]) -> tuple[str, str] | None:
        """Return the folder if all mails are searched, drafts too."""
        is_everywhere = arguments.get("folder") == "" and not arguments.get("ids") and not arguments.get("query")
        return ("folder", _NAME_A_FOLDER) if is_everywhere and not arguments.get("unread") else None

    def found(self, call: Call) -> Mapping[str, JsonValue]:
        """Return {messages, unreadable, has_more}."""
        it: SearchFields = call.fields
        since = rfc3339(datetime.fromtimestamp(unix_seconds(it.since, SERVICE), UTC)) if it.since else ""
        wanted = OutlookSearch(it.query, it.folder, since, it.unread)
        return call.client.mail.search(wanted, it.limit, it.view)  # type: ignore[no-any-return]


class GetMessage(ReadOneMail):
    """Read one mail."""

    name = "outlook.get_message"
    service = SERVICE
    output = MailOutput


class ThreadOutput(WholeConversation):
    """A conversation with its mails in any folder, and its page in Outlook."""

    url: str
    messages: list[MailOutput]


class GetThread(ReadThread):
    """Read all mails of a conversation, also as one text. Where Outlook has begun a new one with another subject, the
    earlier one is read as well.
    """

    name = "outlook.get_thread"
    service = SERVICE
    output = ThreadOutput


class GetAttachment(ExtractFile):
    """Save an attachment of a mail as a file of the run."""

    name = "outlook.get_attachment"
    service = SERVICE


class FoldersOutput(Output):
    """The paths of the folders, sorted."""

    folders: list[str]


class ListFolders(MailRead):
    """List the folders of a mailbox."""

    name = "outlook.list_folders"
    title = "List the folders"
    service = SERVICE
    fields = Fields
    output = FoldersOutput

    def call(self, call: Call) -> JsonValue:
        """Return {folders}."""
        return {"folders": call.client.folder_names()}
