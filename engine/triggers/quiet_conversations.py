"""Conversations that have become quiet: one run for what is new in each, once no more mail has come for a while.

It builds on the triggers for new mails. A conversation waits in the cursor, as the ids of its new mails; when it is
quiet, they are read again. Only then are its mails noted as seen: a poll that is broken off before its cursor is stored
loses none of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct, convert, to_builtins
from msgspec.structs import replace

from clients.errors import Conflict, NotFound
from clients.listing import OF_ONE_THING
from engine.plugins.step import option
from engine.plugins.trigger import Found, Item, Look
from engine.triggers import gmail, imap, outlook
from engine.triggers.mail_parts import (
    THREAD_COUNTS,
    GmailThread,
    ImapThread,
    OfMails,
    OutlookThread,
    conversation,
    counts,
)

_QUIET = "quiet"
_MAILS_MOST = 500
"""Mails that wait in a cursor, which each poll stores."""
_OF_ONE_MOST = 100
_MINUTES = 30


class WaitingMail(Struct, frozen=True):
    """A mail that waits for its conversation to become quiet."""

    id: str
    """That of the item."""
    message: str
    """The service's id."""
    at: datetime | None


class WaitingConversation(Struct, frozen=True):
    """A conversation with new mails, in the order in which they were found."""

    thread: str
    mails: list[WaitingMail]
    last_at: datetime
    """When the newest of them came."""


class _Quiet(OfMails):
    """Base of the triggers for quiet conversations."""

    def look(self, look: Look) -> Found:
        """List the conversations that have become quiet.

        The cursor is {mails: the cursor of the trigger for new mails, waiting: the conversations that are not quiet
        yet}. Too many mails do not wait: the conversations that have been quiet for longest then come early.
        """
        cursor: Mapping[str, Any] = look.cursor or {"mails": None, "waiting": []}
        before = convert(cursor["waiting"], list[WaitingConversation])
        known = {mail.id for one in before for mail in one.mails}
        found, mails = self._found(
            replace(
                look,
                cursor=cursor["mails"],
                unseen=lambda ids: [one for one in look.unseen(ids) if one not in known],
            )
        )
        new = {mail.id: mail for mail in mails if counts(mail)}
        waiting = _with_new(before, new.values(), look.now)
        quiet_at = look.now - timedelta(minutes=look.fields.quiet_minutes)
        due = _due(waiting, None if found.has_more else quiet_at)
        ready = _some(due, look.limit)
        items = [item for one in ready for item in self._run(look, one, new)]
        left = [one for one in waiting if one not in ready]
        return replace(
            found,
            items=[*items, *(mail for mail in mails if not counts(mail))],
            cursor={"mails": found.cursor, "waiting": to_builtins(left)},
            has_more=found.has_more or len(due) > len(ready),
        )

    def read(self, look: Look, item: Item) -> Item:
        """Read the newest mail of a conversation again, or a mail that could not be read. Raises NotFound."""
        read = self.mails.read(look, replace(item, id=item.id.removeprefix(f"{_QUIET}:")))
        return replace(conversation(_thread_of(read), [read]) if counts(read) else read, id=item.id)

    def _run(self, look: Look, one: WaitingConversation, new: Mapping[str, Item]) -> Iterator[Item]:
        """Yield the item of a conversation, then its mails, which start no run.

        The item is named after its newest mail: so a poll that was broken off behind it is recognized, and only the
        mails after that one are new.
        """
        names = [f"{_QUIET}:{mail.id}" for mail in one.mails]
        unseen = {*look.unseen(names)}
        done = max((place + 1 for place, name in enumerate(names) if name not in unseen), default=0)
        mails = [new.get(mail.id) or self._again(look, mail) for mail in one.mails[done:]]
        counting = [mail for mail in mails if counts(mail)]
        if counting:
            yield replace(conversation(one.thread, counting), id=names[-1], at=counting[-1].at)
        yield from (Item(mail.id, {}, at=mail.at, skip=THREAD_COUNTS) for mail in one.mails[:done])
        yield from (replace(mail, value={}, skip=THREAD_COUNTS) if counts(mail) else mail for mail in mails)

    def _again(self, look: Look, mail: WaitingMail) -> Item:
        """Read a mail that an earlier poll has found."""
        try:
            value = look.client.mail.message(mail.message, look.fields.view)
        except (NotFound, Conflict):  # by IMAP, it may have another number now
            return self._read(look, Item(mail.id, at=mail.at))
        except OF_ONE_THING as error:
            return Item(mail.id, at=mail.at, error=error.message)
        return Item(mail.id, value, str(value["subject"]), mail.at, sender=str(value["from"]))


def _with_new(waiting: Iterable[WaitingConversation], new: Iterable[Item], now: datetime) -> list[WaitingConversation]:
    """Return the conversations with further mails, those first that have been quiet for longest."""
    threads = {one.thread: one for one in waiting}
    for mail in new:
        thread = _thread_of(mail)
        one = threads.get(thread) or WaitingConversation(thread, [], datetime.min.replace(tzinfo=now.tzinfo))
        at = min(mail.at or now, now)  # the service's clock may be ahead
        found = WaitingMail(mail.id, str((mail.value or {})["id"]), mail.at)
        threads[thread] = WaitingConversation(thread, [*one.mails, found], max(one.last_at, at))
    return sorted(threads.values(), key=lambda one: one.last_at)


def _thread_of(mail: Item) -> str:
    return str((mail.value or {})["thread_id"] or mail.id)


def _due(waiting: Sequence[WaitingConversation], quiet_at: datetime | None) -> list[WaitingConversation]:
    """Return the conversations that become runs now: those that are quiet, if that is known, or may not wait."""
    too_many = sum(len(one.mails) for one in waiting) - _MAILS_MOST
    due = []
    for one in waiting:
        is_quiet = quiet_at is not None and one.last_at <= quiet_at
        if is_quiet or too_many > 0 or len(one.mails) >= _OF_ONE_MOST:
            due.append(one)
            too_many -= len(one.mails)
    return due


def _some(due: Sequence[WaitingConversation], most: int) -> list[WaitingConversation]:
    """Return as many as have about so many mails together, but one at least."""
    size, found = 0, list[WaitingConversation]()
    for one in due:
        size += len(one.mails)
        if found and size > most:
            break
        found.append(one)
    return found


class GmailQuietFields(gmail.NewMessageFields):
    """The search, which mails count, and how long a conversation must be quiet."""

    quiet_minutes: int = option("Minutes without a new mail", _MINUTES, ge=1, le=10_080)


class ImapQuietFields(imap.NewMessageFields):
    """The folder, which mails count, and how long a conversation must be quiet."""

    quiet_minutes: int = option("Minutes without a new mail", _MINUTES, ge=1, le=10_080)


class OutlookQuietFields(outlook.NewMessageFields):
    """The folder, which mails count, and how long a conversation must be quiet."""

    quiet_minutes: int = option("Minutes without a new mail", _MINUTES, ge=1, le=10_080)


class GmailQuiet(_Quiet):
    """Starts a run for a conversation that has new mails, once no more have come for `quiet_minutes`.

    The run gets all mails that are new since the last run for the conversation.
    """

    name = "gmail.quiet_conversation"
    title = "A Gmail conversation has become quiet"
    happens = "a conversation of Gmail with new mails has become quiet"
    service = "gmail"
    fields = GmailQuietFields
    item = GmailThread
    mails = gmail.NewMessage()
    listens = mails.listens


class ImapQuiet(_Quiet):
    """Starts a run for a conversation that has new mails, once no more have come for `quiet_minutes`.

    The run gets all mails that are new since the last run for the conversation, and that are still in the folder.
    """

    name = "imap.quiet_conversation"
    title = "A conversation has become quiet (IMAP)"
    happens = "a conversation with new mails has become quiet (IMAP)"
    service = "imap"
    fields = ImapQuietFields
    item = ImapThread
    mails = imap.NewMessage()
    listens = mails.listens


class OutlookQuiet(_Quiet):
    """Starts a run for a conversation that has new mails, once no more have come for `quiet_minutes`.

    The run gets all mails that are new since the last run for the conversation.
    """

    name = "outlook.quiet_conversation"
    title = "An Outlook conversation has become quiet"
    happens = "a conversation of Outlook with new mails has become quiet"
    service = "outlook"
    fields = OutlookQuietFields
    item = OutlookThread
    mails = outlook.NewMessage()
    poll_seconds = mails.poll_seconds
