"""Fields and outputs shared by the steps of all mail services: reading, writing and attachments."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from clients.errors import InvalidRequest
from clients.limits.text_limit import TextLimit
from clients.mail.html import visible_text
from clients.mail.outgoing import File, OutgoingMail, one_line, reply_subject, require_recipients
from clients.mail.rendered import html_of
from clients.mail.replies import diverted, reply_address
from clients.mail.text import MailView
from clients.wording import counted
from engine.base.run_file import FileContent, RunFile
from engine.documents.shapes import Misfit
from engine.plugins.step import (
    Call,
    Fields,
    JsonValue,
    Markup,
    Output,
    Part,
    Preview,
    content,
    destination,
    head_line,
    instruction,
    option,
    outside,
    sender,
)
from engine.plugins.unconfirmed import is_unconfirmed

SUBJECT = TextLimit(900)
"""A line of a mail has at most 998 characters (RFC 5322 2.1.1); programs fold longer headers, not always well."""


_HEADER_NAME = re.compile(r"[!-9;-~]{1,200}")  # RFC 5322 3.6.8
_HEADERS_MOST = 20


class HeaderFields(Fields):
    """Which headers of a mail to keep in its `headers`."""

    headers: list[str] = option("Headers to keep (their names)", [], max_length=_HEADERS_MOST)

    @field_validator("headers")
    @classmethod
    def _are_names(cls, given: list[str]) -> list[str]:
        for name in given:
            if not _HEADER_NAME.fullmatch(name.strip()):
                raise Misfit(f"must be names of headers; {name[:60]!r} is not one", "Write a name such as X-Ticket-Id.")
        return given

    @property
    def view(self) -> MailView:
        """Return the options in the form that the clients take."""
        return MailView(headers=tuple(self.headers))


class _TextFields(Fields):
    cut_quotes: bool = option("Leave out quoted mails", default=False)
    cut_signature: bool = option("Leave out the signature", default=False)
    max_tokens: int | None = option("Maximum tokens of text, approximately", None, ge=50)


class TrimFields(HeaderFields, _TextFields):
    """What to leave out of the text of a mail, quoted mails (a mail that is forwarded stays) and the signature, and
    which headers to keep.
    """

    @property
    def view(self) -> MailView:
        """Return the options in the form that the clients take."""
        return MailView(self.cut_quotes, self.cut_signature, self.max_tokens, tuple(self.headers))


class Attachment(Part):
    """A file in a mail, or in a mail that is attached to it; `bytes` is its size. `inline` says that it belongs to the
    form of the mail and is no file that somebody attached: a picture in its HTML, a signature.
    """

    id: str
    name: str = outside("Name")
    media_type: str = outside("Media type")
    bytes: int
    inline: bool = False


class MailPart(Part):
    """A part of a mail, of a mail attached to it, or of what signed content or a winmail.dat holds; `bytes` is its
    size. `inline` says that it belongs to the form of the mail: its texts, a picture in its HTML, a signature, or what
    was opened, such as the winmail.dat. The step `get_attachment` takes each by its `id`.
    """

    id: str
    name: str = outside("Name")
    media_type: str = outside("Media type")
    bytes: int
    inline: bool


class Invited(Part):
    """Somebody who is invited; `status` is needs action, accepted, declined, tentative or delegated."""

    name: str = outside("Name")
    address: str = outside("Address")
    status: str = outside("Answer")


class Invitation(Part):
    """An event that a mail invites to, changes or cancels. `method` is REQUEST, CANCEL, REPLY, COUNTER or another one
    of iCalendar, or empty. `starts_at` and `ends_at` are times (RFC 3339, with the offset of `zone`), or dates, the
    first and the last day, if it lasts `all_day`. `recurrence` says in words how it comes back.
    """

    method: str = outside("What it asks for")
    title: str = outside("Title")
    starts_at: str = outside("Start")
    ends_at: str = outside("End")
    all_day: bool
    zone: str = outside("Time zone")
    location: str = outside("Location")
    organizer: str = outside("Organizer")
    attendees: list[Invited]
    recurrence: str = outside("How it comes back")
    status: str = outside("Status")
    description: str = outside("Description")
    comment: str = outside("Comment")
    url: str = outside("Link")
    uid: str = outside("Its id in calendars")


class MailingList(Part):
    """The mailing list that a mail is from; empty if it is from none. `unsubscribe` is the address of a web page, or
    `mailto:` with an address; with `one_click`, a POST request to it is said to suffice (RFC 8058).
    """

    id: str = outside("Id", "")
    unsubscribe: str = outside("Unsubscribe address", "")
    one_click: bool = False


Authenticated = Literal["", "pass", "fail", "none", "neutral", "softfail", "policy", "temperror", "permerror"]
"""The result of a check (RFC 8601 2.7); empty if the receiving server gives none."""


class Authentication(Part):
    """Whether a mail is from the domain in `from`, as the server that received it has found: `dmarc` says so; `spf` is
    about the server that sent it, and `dkim` about a signature, maybe of another domain. `server` is the id that the
    receiving server gives itself.
    """

    server: str = outside("Server", "")
    spf: Authenticated = ""
    dkim: Authenticated = ""
    dmarc: Authenticated = ""


class ReportedRecipient(Part):
    """Somebody to whom a mail was sent: what became of it there, by a code such as `5.1.1` (RFC 3463), and by the
    answer of the server there. A mail that is `delayed` may still arrive.
    """

    address: str = outside("Address")
    action: Literal["", "failed", "delayed", "delivered", "relayed", "expanded"]
    status: str = outside("Status code")
    diagnostic: str = outside("Answer of the server")


class DeliveryReport(Part):
    """What a report about the delivery of a mail says; empty if the mail is not such a report. Anybody can write one.
    `message_id` is that of the mail that was sent.
    """

    message_id: str = outside("Message-ID", "")
    recipients: list[ReportedRecipient] = Field(default_factory=list)


class ReadMail(Output):
    """A mail that was read. If `text` is shortened, `full_text` is all of it, else null; if `text` is empty,
    `text_missing` says why; `left_out` says in sentences what is not in `text`, `text_truncated` whether that was more
    than the step was asked to leave out. The text of attached mails, and invitations in words, follow below the mail's
    own text. `signature` says how it is signed, which is not checked. `is_auto_reply`: a program wrote it, such as an
    absence notice. `is_bounce`: it reports that a mail did not reach somebody, and `bounce` has what it says.
    `authentication` is what the server that received the mail has found. `headers` are those that the step or the
    trigger names, each empty where the mail has none. `sent_at` is the time that the sender wrote into it, in UTC, or
    empty; `received_at` is when it arrived, and `date` is the same. `language` is a guess from the sender's own text,
    such as `de` (BCP 47), empty where it is too short or mixed. A field that is too long is cut, and ends with words
    that say so: `[Cut here: ...]`.
    """

    id: str
    message_id: str = outside("Message-ID")
    sender: str = sender("From", alias="from")
    to: str = outside("To")
    cc: str = outside("Cc")
    subject: str = outside("Subject")
    reply_to: str = outside("Reply-To", "")
    importance: Literal["high", "normal", "low"] = "normal"
    mailing_list: MailingList = Field(default_factory=MailingList, alias="list")
    is_auto_reply: bool = False
    is_bounce: bool = False
    bounce: DeliveryReport = Field(default_factory=DeliveryReport)
    authentication: Authentication = Field(default_factory=Authentication)
    headers: dict[str, str] = outside("Headers", {})
    sent_at: str = outside("Sent at", "")
    received_at: str = ""
    date: str
    language: str = ""
    text: str = outside("Text")
    text_truncated: bool
    full_text: str | None = outside("Full text")
    text_missing: str
    left_out: list[str] = outside("What the text leaves out", [])
    signature: str = ""
    invitations: list[Invitation] = Field(default_factory=list)
    attachments: list[Attachment]
    parts: list[MailPart] = Field(default_factory=list)
    can_reply: bool


class UnreadableMail(Part):
    """A mail that was found but cannot be read, with the reason."""

    id: str
    subject: str = outside("Subject")
    reason: str = outside("Reason")


def note_left_out(call: Call, mail: JsonValue) -> JsonValue:
    """Return a mail, and leave a note on the call for what its text leaves out."""
    call.notes.extend(mail["left_out"])
    return mail


def note_unreadable(call: Call, found: Mapping[str, JsonValue]) -> JsonValue:
    """Return what a client has listed, and leave a note on the call if some mails could not be read, or not wholly."""
    unreadable, read = found["unreadable"], found["messages"]
    if unreadable:
        first = unreadable[0]
        named = f"{first['subject']!r}: " if first["subject"] else ""
        count = f"{len(unreadable)} of {counted(len(unreadable) + len(read), 'mail')}"
        call.notes.append(f"{count} could not be read. {'First: ' * (len(unreadable) > 1)}{named}{first['reason']}")
    partly = [mail for mail in read if mail["left_out"]]
    if partly:
        named = min(partly, key=lambda mail: mail["full_text"] is not None)  # what is only cut is still there
        first = f"{named['subject']!r}: {' '.join(named['left_out'])}"
        count = f"{len(partly)} of {counted(len(read), 'mail')}"
        call.notes.append(f"The text of {count} leaves something out. {'First: ' * (len(partly) > 1)}{first}")
    return found


class FileOutput(Output):
    """The file."""

    file: RunFile


class InlineFile(Fields):
    """A file given inline: its text, or its bytes as base64."""

    name: str = content("Name", "")
    media_type: str = option("Media type", "")
    text: str | None = content("Text", None)
    base64: str | None = content("Bytes as base64", None)


class MailTextFields(Fields):
    """The text to write; with `markdown` or `html` the mail has an HTML version beside it."""

    subject: str = content("Subject", "", limit=SUBJECT)
    text: str = content("Text", "", widget="text")
    markdown: bool = option("The text is Markdown, and is also sent as HTML", default=False)
    html: str = instruction(
        "Your own HTML (an empty text is made from it)", "", widget="text", contentMediaType="text/html"
    )
    sender: str = destination("From (an alias of the account)", "", alias="from")
    signature: bool = option("With the signature of the account", default=False)

    @field_validator("to", "cc", "bcc", "reply_to", check_fields=False)  # fields of derived classes
    @classmethod
    def _are_addresses(cls, given: str | list[str], field: ValidationInfo) -> str | list[str]:
        name, found = str(field.field_name), addresses(given)
        try:
            if found:
                require_recipients(name, found)
        except InvalidRequest as error:
            raise Misfit(error.message.removeprefix(f"{name}: "), error.remedy) from error
        return given


class AddressFields(MailTextFields):
    """The text to write, and its recipients."""

    to: str | list[str] = destination("To", [], is_shown=True)
    cc: str | list[str] = destination("Cc", [])
    bcc: str | list[str] = destination("Bcc", [])
    reply_to: str | list[str] = destination("Replies go to (empty: this account)", [])


def written_text(fields: MailTextFields) -> tuple[str, str]:
    """Return the text of a mail and its HTML: your own, or made from the Markdown; "" without either."""
    if fields.html.strip():
        return fields.text or visible_text(fields.html), fields.html
    return fields.text, html_of(fields.text) if fields.markdown and fields.text.strip() else ""


def text_markup(arguments: Mapping[str, JsonValue]) -> Markup:
    """Return how readers' programs read the text of a mail: as Markdown, unless the workflow says that it is not."""
    return "" if arguments.get("markdown", False) is False else "markdown"


def addresses(value: str | Sequence[str]) -> list[str]:
    """Return the addresses in a field, without blank ones."""
    return [each for each in ([value] if isinstance(value, str) else value) if each.strip()]


def answered(call: Call, answers: Mapping[str, Any]) -> tuple[list[str], bool]:
    """Return the recipient of an answer to a mail (`answers`: its payload), and whether that is not its sender.

    In that case there is a note on the call.
    """
    said = diverted(answers)
    if said and said not in call.notes:
        call.notes.append(said)
    return [reply_address(answers)], bool(said)


def require_seen(call: Call, mail: OutgoingMail, answers: Mapping[str, Any] | None) -> None:
    """Raise InvalidRequest for an answer that nobody has seen, and that does not go to the sender of the mail."""
    if answers is not None and mail.is_diverted and not call.is_seen:
        raise unseen(diverted(answers))


def unseen(said: str) -> InvalidRequest:
    """Return the error for an answer that goes elsewhere, as `said`, without anybody having seen it."""
    return InvalidRequest(f"{said} Nobody has approved that.", remedy=_SEEN, outcome="not_done")


_SEEN = (
    'Let a person approve it (`"approve": "always"` on the step), write a draft, or name the recipient yourself: '
    "steps that send take `to` beside `in_reply_to`."
)


def run_file(call: Call, file: RunFile) -> File:
    """Return a file of the run as a mail attachment. Raises InvalidRequest if it no longer exists."""
    return File(file.name, call.read(file), file.media_type)


def inline_file(file: InlineFile) -> File:
    """Return an inline file as a mail attachment. Raises InvalidRequest."""
    if (file.text is None) == (file.base64 is None):
        raise InvalidRequest(f"The attachment {file.name!r} needs one content: text or base64.")
    if file.text is not None:
        return File(file.name or "unnamed", file.text.encode("utf-8", "replace"), file.media_type)
    try:
        return File(file.name or "unnamed", base64.b64decode(file.base64 or "", validate=True), file.media_type)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest(f"The attachment {file.name!r} is not base64: {error}.") from error


def file_content(file: File) -> FileContent:
    """Return an attachment as the output of a step."""
    return FileContent(file.content, file.name, file.media_type or "application/octet-stream")


def mail_preview(
    mail: OutgoingMail, answers: Mapping[str, Any] | None, later: Sequence[tuple[str, str]] = ()
) -> Preview:
    """Return a mail as its readers will see it; `answers`: the payload of the mail that it answers.

    `later`: the line that says when it goes out, if that is later.
    """
    subject = mail.subject if answers is None else reply_subject(mail.subject, answers)
    fields = {"From": mail.sender, "To": ", ".join(mail.to), "Cc": ", ".join(mail.cc), "Bcc": ", ".join(mail.bcc)}
    fields |= {"Subject": subject, "Reply-To": ", ".join(mail.reply_to)}
    head = [(name, one_line(value)) for name, value in fields.items() if value]
    head += [("Attachment", f"{one_line(file.name)} ({len(file.content):,} bytes)") for file in mail.files]
    head += later
    head += [("", diverted(answers))] if answers is not None and mail.is_diverted else []
    to = one_line(", ".join([*mail.to, *mail.cc, *mail.bcc]))
    html = ["", "As HTML:", mail.html] if mail.html else []
    text = "\n".join([*map(head_line, head), "", mail.text, *html])
    return Preview(one_line(subject), text, to=to, head=head)


def mail_head(mail: Mapping[str, JsonValue]) -> str:
    """Return who a mail is from, whether that is confirmed, what it is about, and when it came."""
    head = {"From": mail["from"], "To": mail["to"], "Subject": mail["subject"], "Date": mail["date"]}
    lines = [f"{name}: {one_line(str(value))}" for name, value in head.items() if value]
    return "\n".join([*lines, *(["The sender is not confirmed."] if is_unconfirmed(mail) else [])])
