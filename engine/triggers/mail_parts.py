"""New mail by attachments and by conversations: one run for each attached file, or for each thread with its new mails.

Both build on the triggers for new mails. The engine remembers the ids of items, so each mail is listed, too, as an item
that starts no run: then the next poll knows that it was read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from msgspec.structs import replace
from pydantic import Field

from clients.errors import NotFound
from clients.listing import OF_ONE_THING
from clients.mail.transcript import transcript
from engine.mail.fields import Authentication
from engine.plugins.step import JsonValue, Output, StepType, option, outside, sender
from engine.plugins.trigger import Found, Item, Look, TriggerType
from engine.triggers import gmail, imap, outlook

_FILE, _THREAD = "file", "thread"
_FILES_COUNT = "its attachments are items of their own"
THREAD_COUNTS = "it is part of a conversation that starts a run"
"""Why a mail starts no run of its own."""


class AttachedFile(Output):
    """A file in a new mail, or in a mail that is attached to it; the step `get_attachment` of its service takes
    `message` and `id`. `inline` says that it belongs to the form of the mail, such as a picture in its HTML.
    """

    id: str
    message: str
    name: str = outside("Name")
    media_type: str = outside("Media type")
    bytes: int
    inline: bool = False
    sender: str = sender("From", alias="from")
    subject: str = outside("Subject")
    authentication: Authentication = Field(default_factory=Authentication)
    date: str


class OfMails(TriggerType):
    """Base of the triggers whose items are made of new mails."""

    mails: ClassVar[TriggerType]
    """The trigger type that lists the mails."""
    watches = imap.NewMessage.watches

    def may_find(self, fields: Mapping[str, JsonValue], kind: StepType, arguments: Mapping[str, JsonValue]) -> bool:
        """Return what the mails' own trigger returns."""
        return self.mails.may_find(fields, kind, arguments)

    def source(self, fields: Any) -> str:
        """Return what the mails' own trigger returns."""
        return self.mails.source(fields)

    def listen(self, fields: Any, client: Any, hear: Callable[[], None]) -> None:
        """Hear what the mails' own trigger hears."""
        self.mails.listen(fields, client, hear)

    def _found(self, look: Look) -> tuple[Found, list[Item]]:
        found = self.mails.look(look)
        fresh = {one.id: one for one in found.items}
        return found, [self._read(look, fresh[one]) for one in look.unseen(fresh)]

    def _read(self, look: Look, item: Item) -> Item:
        """Return a mail with its value, or with why it has no value: one mail does not hold up the others."""
        if item.skip or item.error or item.value is not None:
            return item
        try:
            return self.mails.read(look, item)
        except NotFound:
            return replace(item, skip="it has been deleted since")
        except OF_ONE_THING as error:
            return replace(item, error=error.message)


class _Attachments(OfMails):
    """Base of the triggers for attached files."""

    item = AttachedFile

    def look(self, look: Look) -> Found:
        """List the files of the new mails."""
        found, mails = self._found(look)
        return replace(
            found, items=[each for mail in mails for each in _files_first(mail, with_inline=look.fields.include_inline)]
        )

    def read(self, look: Look, item: Item) -> Item:
        """Read the mail of a file again. Raises NotFound."""
        kind, _, rest = item.id.partition(":")
        number, _, message = rest.partition(":")
        if kind != _FILE or not number.isdigit():
            return replace(self._read(look, item), value={}, skip=_FILES_COUNT)
        files = [*_files(self.mails.read(look, replace(item, id=message)))]
        return files[int(number)]


def counts(mail: Item) -> bool:
    """Return whether a mail that was read may start a run."""
    return mail.value is not None and not mail.skip


def _files_first(mail: Item, *, with_inline: bool) -> Iterator[Item]:
    """Yield the files of a mail that count, then the mail, which starts no run."""
    if not counts(mail):
        yield mail
        return
    files = [file for file in _files(mail) if with_inline or not (file.value or {})["inline"]]
    yield from files
    yield replace(mail, value={}, skip=_FILES_COUNT if files else "it has no attachment")


def _files(mail: Item) -> Iterator[Item]:
    value: Mapping[str, Any] = mail.value or {}
    about = {"message": value["id"], **{name: value[name] for name in ("from", "subject", "authentication", "date")}}
    for number, file in enumerate(value["attachments"]):
        kept = {name: file[name] for name in ("id", "name", "media_type", "bytes", "inline")}
        title = file["name"] or mail.title
        yield Item(f"{_FILE}:{number}:{mail.id}", {**kept, **about}, title, mail.at, sender=mail.sender)


class _Conversations(OfMails):
    """Base of the triggers for conversations."""

    def look(self, look: Look) -> Found:
        """List the conversations of the new mails, each with its mails of this poll."""
        found, mails = self._found(look)
        counting = [mail for mail in mails if counts(mail)]
        left_out = [replace(mail, value={}, skip=THREAD_COUNTS) if counts(mail) else mail for mail in mails]
        return replace(found, items=[*_conversations(counting), *left_out])

    def read(self, look: Look, item: Item) -> Item:
        """Read the first mail of a conversation again. Raises NotFound."""
        kind, _, message = item.id.partition(":")
        if kind != _THREAD:
            return replace(self._read(look, item), value={}, skip=THREAD_COUNTS)
        [read] = _conversations([self.mails.read(look, replace(item, id=message))])
        return read


def _conversations(mails: Iterable[Item]) -> list[Item]:
    """Return one item for each thread, in the order of their first mails, after which they are named."""
    threads: dict[str, list[Item]] = {}
    for mail in mails:
        value: Mapping[str, JsonValue] = mail.value or {}
        threads.setdefault(str(value["thread_id"] or mail.id), []).append(mail)
    return [replace(conversation(thread, new), id=f"{_THREAD}:{new[0].id}") for thread, new in threads.items()]


def conversation(thread: str, new: Sequence[Item]) -> Item:
    """Return the item for a conversation and the mails that are new in it, oldest first; its id is yet to be set."""
    values: list[Mapping[str, Any]] = [one.value or {} for one in new]
    value = {"thread_id": thread, "subject": new[0].title, "text": transcript(values), "messages": values}
    return Item("", value, new[0].title, new[0].at, sender=new[0].sender)


class GmailAttachmentFields(gmail.NewMessageFields):
    """The search, and which mails and files count."""

    include_inline: bool = option("Also pictures that the mail shows, and signatures", default=False)


class ImapAttachmentFields(imap.NewMessageFields):
    """The folder, and which mails and files count."""

    include_inline: bool = option("Also pictures that the mail shows, and signatures", default=False)


class OutlookAttachmentFields(outlook.NewMessageFields):
    """The folder, and which mails and files count."""

    include_inline: bool = option("Also pictures that the mail shows, and signatures", default=False)


class GmailAttachment(_Attachments):
    """Starts a run for each attachment of a new mail that matches the search, also for those in attached mails.

    Pictures that the mail itself shows, such as logos, and signatures are left out by default.
    """

    name = "gmail.new_attachment"
    title = "A new attachment in Gmail"
    happens = "a mail with a file arrives in Gmail"
    service = "gmail"
    fields = GmailAttachmentFields
    mails = gmail.NewMessage()
    listens = mails.listens


class ImapAttachment(_Attachments):
    """Starts a run for each attachment of a new mail in a folder, also for those in attached mails.

    Pictures that the mail itself shows, such as logos, and signatures are left out by default.
    """

    name = "imap.new_attachment"
    title = "A new attachment in a mailbox (IMAP)"
    happens = "a mail with a file arrives in a mailbox (IMAP)"
    service = "imap"
    fields = ImapAttachmentFields
    mails = imap.NewMessage()
    listens = mails.listens


class OutlookAttachment(_Attachments):
    """Starts a run for each attachment of a new mail in a folder, also for those in attached mails.

    Pictures that the mail itself shows, such as logos, and signatures are left out by default.
    """

    name = "outlook.new_attachment"
    title = "A new attachment in Outlook"
    happens = "a mail with a file arrives in Outlook"
    service = "outlook"
    fields = OutlookAttachmentFields
    mails = outlook.NewMessage()
    poll_seconds = mails.poll_seconds


class GmailThread(Output):
    """A conversation, with the mails that are new in it, oldest first; `subject` is that of the first of them, `text`
    what they say, without what they quote. The step `get_thread` of the service reads the whole conversation.
    """

    thread_id: str
    subject: str = outside("Subject")
    text: str = outside("The new mails")
    messages: list[gmail.NewMail]


class ImapThread(Output):
    """A conversation, with the mails that are new in it, oldest first; `subject` is that of the first of them, `text`
    what they say, without what they quote. The step `get_thread` of the service reads the whole conversation.
    """

    thread_id: str = outside("Conversation")
    subject: str = outside("Subject")
    text: str = outside("The new mails")
    messages: list[imap.NewMail]


class OutlookThread(Output):
    """A conversation, with the mails that are new in it, oldest first; `subject` is that of the first of them, `text`
    what they say, without what they quote. The step `get_thread` of the service reads the whole conversation.
    """

    thread_id: str
    subject: str = outside("Subject")
    text: str = outside("The new mails")
    messages: list[outlook.NewMail]


class GmailConversation(_Conversations):
    """Starts a run for each conversation with new mails; mails that arrive between two polls share one run."""

    name = "gmail.new_in_thread"
    title = "New mail in a Gmail conversation"
    happens = "a mail arrives in a conversation of Gmail"
    service = "gmail"
    fields = gmail.NewMessageFields
    item = GmailThread
    mails = gmail.NewMessage()
    listens = mails.listens


class ImapConversation(_Conversations):
    """Starts a run for each conversation with new mails; mails that arrive between two polls share one run."""

    name = "imap.new_in_thread"
    title = "New mail in a conversation (IMAP)"
    happens = "a mail arrives in a conversation (IMAP)"
    service = "imap"
    fields = imap.NewMessageFields
    item = ImapThread
    mails = imap.NewMessage()
    listens = mails.listens


class OutlookConversation(_Conversations):
    """Starts a run for each conversation with new mails; mails that arrive between two polls share one run."""

    name = "outlook.new_in_thread"
    title = "New mail in an Outlook conversation"
    happens = "a mail arrives in a conversation of Outlook"
    service = "outlook"
    fields = outlook.NewMessageFields
    item = OutlookThread
    mails = outlook.NewMessage()
    poll_seconds = mails.poll_seconds
