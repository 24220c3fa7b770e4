"""The steps that read mail in a mailbox, without their names: each service (Gmail, Outlook, IMAP) adds its own.

The client has `mail` with `message`, `by_ids` and `attachment`, and `thread` if the mailbox has threads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from clients.errors import InvalidRequest
from engine.base.clock import moment_of
from engine.mail.fields import (
    FileOutput,
    ReadMail,
    TrimFields,
    UnreadableMail,
    file_content,
    note_left_out,
    note_unreadable,
)
from engine.plugins.step import Call, Effect, Fields, JsonValue, Output, StepType, destination, option, outside


class ThreadedMail(ReadMail):
    """A mail. If `text` is shortened, `full_text` is the complete text, else null; if `text` is empty,
    `text_missing` says why.
    """

    thread_id: str
    url: str
    labels: list[str]


class OneMailFields(TrimFields):
    """The mail, and what to leave out of its text."""

    message: str = destination("Mail", min_length=1, format="mail-message")


class OneThreadFields(TrimFields):
    """The thread, and what to leave out of the texts."""

    thread: str = destination("Conversation (its `thread_id`)", min_length=1)


class AttachedFileFields(Fields):
    """The mail, and the attachment in it."""

    message: str = destination("Mail", min_length=1, format="mail-message")
    attachment: str = option("Attachment (its id)", min_length=1)


class MailRead(StepType):
    """A step that reads from a mailbox."""

    effect = Effect.READS


class FindMails(MailRead):
    """Searches for mails, or reads the mails with the given ids (`ids`)."""

    title = "Find mails"

    def reread(self, arguments: Mapping[str, JsonValue], output: JsonValue) -> Mapping[str, JsonValue]:
        """Return the ids of the mails."""
        found = [one["id"] for one in output["messages"]]
        return {**arguments, "ids": found} if found else arguments

    def found(self, call: Call) -> Mapping[str, JsonValue]:
        """Return what the search of the fields finds, in the form of `by_ids`."""
        raise NotImplementedError

    def call(self, call: Call) -> JsonValue:
        """Return {messages, unreadable, has_more} and what the service adds."""
        it = call.fields
        return note_unreadable(call, call.client.mail.by_ids(it.ids, it.view) if it.ids else self.found(call))


class ReadOneMail(MailRead):
    """Reads one mail."""

    title = "Read a mail"
    fields = OneMailFields

    def call(self, call: Call) -> JsonValue:
        """Return the mail."""
        return note_left_out(call, call.client.mail.message(call.fields.message, call.fields.view))


class WholeConversation(Output):
    """A conversation; `text` is all of it as one text, oldest first: who wrote what and when, without quoted mails,
    signatures and drafts, and the names of the files. `messages` are its mails, oldest first; `unreadable`: mails that
    cannot be read; `has_more`: there are older mails than the newest 500, which are read.
    """

    id: str
    subject: str = outside("Subject")
    text: str = outside("The whole conversation")
    unreadable: list[UnreadableMail] = Field(default_factory=list)
    has_more: bool = False


class ReadThread(MailRead):
    """Reads all mails of a thread."""

    title = "Read a conversation"
    fields = OneThreadFields

    def call(self, call: Call) -> JsonValue:
        """Return {id, url, subject, text, messages, unreadable, has_more}."""
        return note_conversation(call, call.client.mail.thread(call.fields.thread, call.fields.view))


def note_conversation(call: Call, found: Mapping[str, JsonValue]) -> JsonValue:
    """Return a conversation that a client has read, and leave notes on the call for what it lacks."""
    if found["has_more"]:
        call.notes.append(f"The conversation is longer: only its newest {len(found['messages'])} mails were read.")
    return note_unreadable(call, found)


class ExtractFile(MailRead):
    """Saves an attachment of a mail as a file of the run."""

    title = "Extract a file from a mail"
    timeout_seconds = 120.0
    fields: ClassVar[type[Fields]] = AttachedFileFields
    output: ClassVar[type[Output] | None] = FileOutput

    def call(self, call: Call) -> JsonValue:
        """Return {file}."""
        return {"file": file_content(call.client.mail.attachment(call.fields.message, call.fields.attachment))}


def unix_seconds(text: str, service: str) -> int:
    """Return a time of a field, such as `since`, in Unix seconds. Raises InvalidRequest if it has no offset."""
    try:
        found = moment_of(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise InvalidRequest(
            f"{text[:50]!r} is not a time with its offset.", service=service, remedy="Write 2026-11-20T08:00:00Z."
        )
    return int(found.timestamp())
