"""New mail in a folder of an Outlook mailbox, from the folder's changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from clients.mail.addresses import may_be_from, names_sender
from engine.base.clock import moment_of, timestamp
from engine.plugins.step import Fields, option
from engine.plugins.trigger import Found, Item, Look, unreadable_item
from engine.steps.outlook.reading import MailOutput
from engine.triggers import backlog
from engine.triggers.arrivals import ArrivalFields, MailboxFields, NewInMailbox, why_refused

if TYPE_CHECKING:
    from clients.outlook.arrivals import FolderArrivals, OutlookArrival
    from clients.outlook.reading import ArrivedMail

_WINDOW = timedelta(hours=1)
"""How long before a link begins mail may have arrived that it still reports: clocks differ, and mail is moved."""
_FORGOTTEN_OVERLAP = timedelta(days=1)
"""If a link has expired, mail is listed from this long before the last poll."""
_LINK_LASTS = timedelta(days=1)
_LINK_TELLS = 2000
"""After so long, or so many changes, a new link begins: Outlook reports 5,000 mails by one that begins at a time."""


class _Arrived(Fields):
    folder: str = option("Folder", "inbox", format="outlook-folder")
    sender: str = option("From", "", alias="from")
    subject: str = option("Subject contains", "")


class NewMessageFields(ArrivalFields, MailboxFields, _Arrived):
    """The folder, and which mails count; a mail must match all fields."""


class NewMail(MailOutput):
    """A mail that has arrived."""


class NewMessage(NewInMailbox):
    """Starts a run for each matching mail that arrives in a folder, or is moved there within an hour.

    `from` is an address, or a domain such as `example.com`, and must be that of the sender; other words may be
    anywhere in the name and the address.

    Drafts, mail from this mailbox's own address and mail that a workflow wrote are left out by default.
    """

    name = "outlook.new_message"
    title = "New mail in Outlook"
    happens = "a mail arrives in Outlook"
    service = "outlook"
    fields = NewMessageFields
    item = NewMail
    poll_seconds = 20.0

    def source(self, fields: Any) -> str:
        """Return the folder."""
        return str(fields.folder)

    def look(self, look: Look) -> Found:
        """List the mails that have arrived since the cursor.

        The cursor is {link, began_at, told: the changes that the link has reported, looked_at, behind: [ids that have
        yet to be listed], before: [ids of mails that were there when the trigger was turned on, at `started_at`],
        left_out: note}.
        """
        if look.cursor is None:
            return self._first(look)
        if look.cursor["behind"]:
            return replace(_next(look, look.cursor), has_more=True)
        found: FolderArrivals | None = look.client.arrivals.since(look.cursor["link"])
        if found is None:
            return self._forgotten(look)
        told = look.cursor["told"] + len(found.mails)
        cursor = {**look.cursor, "link": found.link, "told": told, "looked_at": timestamp(look.now)}
        mails, dead = list(found.mails), list(found.unreadable)
        if look.now - moment_of(cursor["began_at"]) > _LINK_LASTS or told > _LINK_TELLS:
            again = look.client.arrivals.begin(look.fields.folder, look.now - _WINDOW)
            mails += again.mails
            is_long_ago = look.now - moment_of(cursor["started_at"]) > 2 * _FORGOTTEN_OVERLAP
            before = [] if is_long_ago else cursor["before"]
            cursor |= {"link": again.link, "began_at": timestamp(look.now), "told": 0, "before": before}
        known = {*look.cursor["before"]}
        due = [one for one in _unseen(look, _fitting(look, mails)) if one not in known]
        items = [unreadable_item(one) for one in dead if one.id in look.unseen(each.id for each in dead)]
        listed = _next(look, {**cursor, "behind": due})
        return replace(listed, items=[*items, *listed.items])

    def read(self, look: Look, item: Item) -> Item:
        """Read the mail, and decide whether to leave it out."""
        found: ArrivedMail = look.client.mail.arrived(item.id, look.fields.view)
        mail, at = found.mail, moment_of(found.mail["date"])
        return Item(item.id, mail, mail["subject"], at, _left_out(look.fields, found), sender=mail["from"])

    def _first(self, look: Look) -> Found:
        # A list by time could take these for new if the link expires within the first days.
        lately = _listed(look, look.now - 2 * _FORGOTTEN_OVERLAP, None)
        # Before the list: mail that arrives meanwhile is found twice rather than never.
        here = look.client.arrivals.begin(look.fields.folder, look.now - _WINDOW)
        ids = [] if look.start.is_now else _listed(look, look.start.since, look.start.last)
        behind = ids[: backlog.MOST][::-1]
        before = sorted({*lately} - {*behind})
        cursor = {**_cursor(look, here.link, behind, backlog.note_on(ids)), "before": before}
        note = cursor["left_out"]
        return Found([], {**cursor, "started_at": timestamp(look.now)}, has_more=bool(behind), note=note)

    def _forgotten(self, look: Look) -> Found:
        since = moment_of(look.cursor["looked_at"]) - _FORGOTTEN_OVERLAP
        # Before the list: mail that arrives meanwhile is found twice rather than never.
        here = look.client.arrivals.begin(look.fields.folder, look.now - _WINDOW)
        known = {*look.cursor["before"]}
        ids = [one for one in look.unseen(_listed(look, since, None)) if one not in known]
        note = (
            f"Outlook no longer has the changes since the last poll; mail since {since:%Y-%m-%d %H:%M} UTC was listed."
        )
        left_out = backlog.note_on(ids)
        cursor = {**look.cursor, **_cursor(look, here.link, ids[: backlog.MOST][::-1], left_out)}
        return Found([], cursor, has_more=bool(cursor["behind"]), note=f"{note} {left_out}".rstrip())


def _listed(look: Look, since: datetime | None, last: int | None) -> list[str]:
    """Return the ids of existing mails to start with, newest first: at most one more than can be processed."""
    most = backlog.MOST + 1 if last is None else min(last, backlog.MOST + 1)
    found: list[str] = []
    for one in look.client.arrivals.listed(look.fields.folder, since):
        if len(found) == most:
            break
        found += [each.id for each in _fitting(look, [one])]
    return found


def _cursor(look: Look, link: str, behind: Sequence[str], left_out: str) -> dict[str, Any]:
    now = timestamp(look.now)
    return {
        "link": link,
        "began_at": now,
        "told": 0,
        "looked_at": now,
        "behind": list(behind),
        "left_out": left_out,
    }


def _next(look: Look, cursor: Mapping[str, Any]) -> Found:
    """List the next mails of those that are due."""
    behind = cursor["behind"]
    due, rest = behind[: look.limit], behind[look.limit :]
    following = {**cursor, "behind": rest}
    return Found([Item(one) for one in look.unseen(due)], following, has_more=bool(rest), note=cursor["left_out"])


def _fitting(look: Look, mails: Iterable[OutlookArrival]) -> list[OutlookArrival]:
    """Return the mails that match the fields."""
    sender, subject = look.fields.sender.strip(), look.fields.subject.strip().casefold()
    words = "" if names_sender(sender) else sender.casefold()  # an international domain may be in its other form
    found = [one for one in mails if words in one.sender.casefold() and subject in one.subject.casefold()]
    return [one for one in found if may_be_from(one.sender, sender)]


def _unseen(look: Look, mails: Iterable[OutlookArrival]) -> list[str]:
    in_order = sorted({one.id: one for one in mails}.values(), key=lambda one: one.at)
    return look.unseen(one.id for one in in_order)


def _left_out(fields: NewMessageFields, found: ArrivedMail) -> str:
    """Return why a mail starts no run, empty if it starts one."""
    if found.is_draft and not fields.include_drafts:
        return "it is a draft"
    if not may_be_from(str(found.mail["from"]), fields.sender):  # Outlook tells one of several senders
        return "it is from somebody else"
    is_sent = found.is_sent and not found.is_draft
    if found.is_ours and not fields.include_own:
        return "a workflow wrote it"
    if is_sent and not fields.include_sent:
        return "it was sent from this mailbox"
    return why_refused(fields, found.mail)
