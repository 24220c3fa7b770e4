"""Steps that read a Gmail mailbox: mails, threads, attachments."""

from __future__ import annotations

from engine.mail_fields import FileOutput, Part, ReadMail, TrimFields, file_content
from engine.step import Call, Effect, Fields, JsonValue, Output, StepType, option, outside

SERVICE = "gmail"


class MailOutput(ReadMail):
    """A mail as it is read. Where `text` is less than all, `full_text` is all of it, else null; where `text` is empty,
    `text_missing` says why.
    """

    thread_id: str
    url: str
    labels: list[str]


class GmailRead(StepType):
    """Reads in Gmail."""

    service = SERVICE
    effect = Effect.READS


class SearchFields(TrimFields):
    """What `gmail.search_messages` takes."""

    query: str = option("Search, as in Gmail", "in:inbox")
    limit: int = option("At most", 25, ge=1, le=500)
    ids: list[str] = option("Exactly these mails, no search", [])


class SearchOutput(Output):
    """The mails, newest first. `matched_estimate` is how many Gmail believes that there are; `has_more` says that
    there are more than `limit`.
    """

    messages: list[MailOutput]
    matched_estimate: int
    has_more: bool


class SearchMessages(GmailRead):
    """Find mails, or read the mails with the given ids."""

    name = "gmail.search_messages"
    title = "Find mails"
    fields = SearchFields
    output = SearchOutput

    def call(self, call: Call) -> JsonValue:
        """Give {messages, matched_estimate, has_more}."""
        it: SearchFields = call.fields
        mail = call.client.mail
        return mail.by_ids(it.ids, it.trim) if it.ids else mail.search(it.query, it.limit, it.trim)


class MessageFields(TrimFields):
    """What `gmail.get_message` takes."""

    message: str = option("Mail", min_length=1, format="gmail-message")


class GetMessage(GmailRead):
    """Read one mail."""

    name = "gmail.get_message"
    title = "Read a mail"
    fields = MessageFields
    output = MailOutput

    def call(self, call: Call) -> JsonValue:
        """Give the mail."""
        return call.client.mail.message(call.fields.message, call.fields.trim)


class ThreadFields(TrimFields):
    """What `gmail.get_thread` takes."""

    thread: str = option("Thread", min_length=1)


class ThreadOutput(Output):
    """The mails of the thread, the oldest first."""

    id: str
    url: str
    subject: str = outside("Subject")
    messages: list[MailOutput]


class GetThread(GmailRead):
    """Read all mails of a thread."""

    name = "gmail.get_thread"
    title = "Read a thread"
    fields = ThreadFields
    output = ThreadOutput

    def call(self, call: Call) -> JsonValue:
        """Give {id, url, subject, messages}."""
        return call.client.mail.thread(call.fields.thread, call.fields.trim)


class ListFields(Fields):
    """What to search for, and how many to give."""

    query: str = option("Search, as in Gmail", "")
    limit: int = option("At most", 25, ge=1, le=2000)


class FoundThread(Part):
    """A thread; `snippet` is how its newest mail begins."""

    id: str
    snippet: str = outside("Beginning")
    url: str


class ThreadsOutput(Output):
    """The threads, that with the newest mail first; `has_more` says that there are more than `limit`."""

    threads: list[FoundThread]
    has_more: bool


class SearchThreads(GmailRead):
    """Find threads of which any mail fits a search."""

    name = "gmail.search_threads"
    title = "Find threads"
    fields = ListFields
    output = ThreadsOutput

    def call(self, call: Call) -> JsonValue:
        """Give {threads, has_more}."""
        return call.client.mail.threads(call.fields.query, call.fields.limit)


class AttachmentFields(Fields):
    """Which file of which mail."""

    message: str = option("Mail", min_length=1, format="gmail-message")
    attachment: str = option("Attachment (its id)", min_length=1)


class GetAttachment(GmailRead):
    """Take a file out of a mail, to become a file of the run."""

    name = "gmail.get_attachment"
    title = "Take a file out of a mail"
    timeout_seconds = 120.0
    fields = AttachmentFields
    output = FileOutput

    def call(self, call: Call) -> JsonValue:
        """Give {file}."""
        return {"file": file_content(call.client.mail.attachment(call.fields.message, call.fields.attachment))}
