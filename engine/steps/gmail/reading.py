"""Steps that read a Gmail mailbox: mails, threads, attachments."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from clients.errors import InvalidRequest
from engine.base.clock import moment_of
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
from engine.steps.gmail.query import finds_drafts

SERVICE = "gmail"
_WITHOUT_DRAFTS = "Add -in:drafts to the search, or in:inbox to search there only."


class MailOutput(ReadMail):
    """A mail. If `text` is shortened, `full_text` is the complete text, else null; if `text` is empty,
    `text_missing` says why.
    """

    thread_id: str
    url: str
    labels: list[str]


class GmailRead(StepType):
    """A step that reads from Gmail."""

    service = SERVICE
    effect = Effect.READS


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


class SearchMessages(GmailRead):
    """Search for mails, or read the mails with the given ids.

    A search without `in:` also finds drafts, such as those that a workflow has written; `-in:drafts` leaves them out.
    """

    name = "gmail.search_messages"
    title = "Find mails"
    volatile = frozenset({"has_more", "matched_estimate"})
    fields = SearchFields
    output = SearchOutput

    def search_for_drafts(self, arguments: Mapping[str, JsonValue]) -> tuple[str, str] | None:
        """Return the search if it certainly reaches drafts."""
        query = arguments.get("query")
        if not isinstance(query, str) or arguments.get("ids"):
            return None
        return ("query", _WITHOUT_DRAFTS) if finds_drafts(query) else None

    def reread(self, arguments: Mapping[str, JsonValue], output: JsonValue) -> Mapping[str, JsonValue]:
        """Return the ids of the mails."""
        found = [one["id"] for one in output["messages"]]
        return {**arguments, "ids": found} if found else arguments

    def call(self, call: Call) -> JsonValue:
        """Return {messages, unreadable, matched_estimate, has_more}."""
        it: SearchFields = call.fields
        mail = call.client.mail
        query = f"{it.query} after:{_seconds(it.since)}".strip() if it.since else it.query
        return note_unreadable(call, mail.by_ids(it.ids, it.trim) if it.ids else mail.search(query, it.limit, it.trim))


def _seconds(text: str) -> int:
    """Return a time as Gmail's `after:` takes it: Unix seconds. Raises InvalidRequest."""
    try:
        found = moment_of(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise InvalidRequest(
            f"{text[:50]!r} is not a time with its offset.", service=SERVICE, remedy="Write 2026-11-20T08:00:00Z."
        )
    return int(found.timestamp())


class MessageFields(TrimFields):
    """The fields of `gmail.get_message`."""

    message: str = destination("Mail", min_length=1, format="gmail-message")


class GetMessage(GmailRead):
    """Read one mail."""

    name = "gmail.get_message"
    title = "Read a mail"
    fields = MessageFields
    output = MailOutput

    def call(self, call: Call) -> JsonValue:
        """Return the mail."""
        return note_left_out(call, call.client.mail.message(call.fields.message, call.fields.trim))


class ThreadFields(TrimFields):
    """The fields of `gmail.get_thread`."""

    thread: str = destination("Thread", min_length=1)


class ThreadOutput(Output):
    """The mails of the thread, oldest first; `unreadable`: mails that cannot be read."""

    id: str
    url: str
    subject: str = outside("Subject")
    messages: list[MailOutput]
    unreadable: list[UnreadableMail] = Field(default_factory=list)


class GetThread(GmailRead):
    """Read all mails of a thread."""

    name = "gmail.get_thread"
    title = "Read a thread"
    fields = ThreadFields
    output = ThreadOutput

    def call(self, call: Call) -> JsonValue:
        """Return {id, url, subject, messages, unreadable}."""
        return note_unreadable(call, call.client.mail.thread(call.fields.thread, call.fields.trim))


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


class AttachmentFields(Fields):
    """The mail, and the attachment in it."""

    message: str = destination("Mail", min_length=1, format="gmail-message")
    attachment: str = option("Attachment (its id)", min_length=1)


class GetAttachment(GmailRead):
    """Save an attachment of a mail as a file of the run."""

    name = "gmail.get_attachment"
    title = "Extract a file from a mail"
    timeout_seconds = 120.0
    fields = AttachmentFields
    output = FileOutput

    def call(self, call: Call) -> JsonValue:
        """Return {file}."""
        return {"file": file_content(call.client.mail.attachment(call.fields.message, call.fields.attachment))}
