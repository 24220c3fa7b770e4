"""Steps that read a Gmail mailbox: mails, threads, attachments."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

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
from engine.plugins.step import Call, Fields, JsonValue, Output, Part, destination, option, outside
from engine.steps.gmail.query import finds_drafts

SERVICE = "gmail"
_WITHOUT_DRAFTS = "Add -in:drafts to the search, or in:inbox to search there only."


class MailOutput(ThreadedMail):
    """A mail. If `text` is shortened, `full_text` is the complete text, else null; if `text` is empty,
    `text_missing` says why.
    """


class GmailRead(MailRead):
    """A step that reads from Gmail."""

    service = SERVICE


class _Found(Fields):
    query: str = destination("Search, as in Gmail", "in:inbox")
    since: str = option("Arrived since (a time with its offset)", "")
    limit: int = option("At most", 25, ge=1, le=500)
    ids: list[str] = destination("Exactly these mails (no search)", [])


class SearchFields(TrimFields, _Found):
    """The fields of `gmail.search_messages`: first which mails, then what to leave out of them."""


class SearchOutput(Output):
    """The mails, newest first; `unreadable`: mails that were found but cannot be read; `matched_estimate`: Gmail's
    estimate of all matches; `has_more`: there are more than `limit`.
    """

    messages: list[MailOutput]
    unreadable: list[UnreadableMail] = Field(default_factory=list)
    matched_estimate: int
    has_more: bool


class SearchMessages(FindMails):
    """Search for mails, or read the mails with the given ids.

    A search without `in:` also finds drafts, such as those that a workflow has written; `-in:drafts` leaves them out.
    """

    name = "gmail.search_messages"
    service = SERVICE
    volatile = frozenset({"has_more", "matched_estimate"})
    fields = SearchFields
    output = SearchOutput

    def search_for_drafts(self, arguments: Mapping[str, JsonValue]) -> tuple[str, str] | None:
        """Return the search if it certainly reaches drafts."""
        query = arguments.get("query")
        if not isinstance(query, str) or arguments.get("ids"):
            return None
        return ("query", _WITHOUT_DRAFTS) if finds_drafts(query) else None

    def found(self, call: Call) -> Mapping[str, JsonValue]:
        """Return {messages, unreadable, matched_estimate, has_more}."""
        it: SearchFields = call.fields
        query = f"{it.query} after:{unix_seconds(it.since, SERVICE)}".strip() if it.since else it.query
        return call.client.mail.search(query, it.limit, it.view)  # type: ignore[no-any-return]


class GetMessage(ReadOneMail):
    """Read one mail."""

    name = "gmail.get_message"
    service = SERVICE
    output = MailOutput


class ThreadOutput(WholeConversation):
    """A conversation, and its page in Gmail."""

    url: str
    messages: list[MailOutput]


class GetThread(ReadThread):
    """Read all mails of a conversation, also as one text. Earlier threads of it, which Gmail ends after a hundred mails
    or with another subject, are read as well.
    """

    name = "gmail.get_thread"
    service = SERVICE
    output = ThreadOutput


class ListFields(Fields):
    """The search, and the maximum number of results."""

    query: str = destination("Search, as in Gmail", "")
    limit: int = option("At most", 25, ge=1, le=2000)


class FoundThread(Part):
    """A thread; `snippet` is the beginning of its newest mail."""

    id: str
    snippet: str = outside("Beginning")
    url: str


class ThreadsOutput(Output):
    """The threads, sorted by their newest mail, newest first; `has_more`: there are more than `limit`."""

    threads: list[FoundThread]
    has_more: bool


class SearchThreads(GmailRead):
    """Search for threads in which any mail matches."""

    name = "gmail.search_threads"
    title = "Find threads"
    fields = ListFields
    output = ThreadsOutput

    def call(self, call: Call) -> JsonValue:
        """Return {threads, has_more}."""
        return call.client.mail.threads(call.fields.query, call.fields.limit)


class GetAttachment(ExtractFile):
    """Save an attachment of a mail as a file of the run."""

    name = "gmail.get_attachment"
    service = SERVICE
