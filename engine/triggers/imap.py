"""New mail in an IMAP mailbox, by the server's numbering of mails (UIDs)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import accumulate
from typing import Any

from clients.errors import NotFound, Unreadable
from clients.imap.arrivals import Arrival, Arrivals, arrivals
from clients.imap.idle import listen
from clients.imap.search import SearchCriteria
from clients.mail.addresses import may_be_from
from engine.base.clock import moment_of, timestamp
from engine.plugins.step import Fields, JsonValue, option
from engine.plugins.trigger import Found, Item, Look
from engine.steps.imap.reading import MailOutput
from engine.triggers import backlog
from engine.triggers.arrivals import ArrivalFields, MailboxFields, NewInMailbox, why_refused

_OVERLAP = 50
"""Mails listed again at the end: a server of several machines may show a mail after a later one."""
_RENUMBERED_OVERLAP = timedelta(days=1)
"""If the folder is renumbered, the search starts this long before the last poll."""
_CLOCK_SKEW = timedelta(minutes=5)  # the server's clock may differ from ours
_LISTED = 500
_MOST_BYTES = 32 * 1024 * 1024
"""Bytes read in one poll, which has two minutes."""


class _Arrived(Fields):
    folder: str = option("Folder (empty: the connection's)", "", format="imap-folder")
    sender: str = option("From", "", alias="from")
    to: str = option("To", "")
    subject: str = option("Subject contains", "")
    text: str = option("Contains", "")
    criteria: str = option("More criteria in IMAP's syntax (OR FROM ann FROM bob)", "")


class NewMessageFields(ArrivalFields, MailboxFields, _Arrived):
    """The folder, and which mails count; a mail must match all fields."""


class NewMail(MailOutput):
    """A mail that has arrived."""


class NewMessage(NewInMailbox):
    """Starts a run for each matching mail that arrives in a folder or is moved there.

    `from` is an address, or a domain such as `example.com`, and must be that of the sender; other words may be
    anywhere in the name and the address.

    Drafts, mail from this mailbox's own address and mail that a workflow wrote are left out by default.
    """

    name = "imap.new_message"
    title = "New mail in a mailbox (IMAP)"
    happens = "a mail arrives in a mailbox (IMAP)"
    service = "imap"
    fields = NewMessageFields
    item = NewMail
    listens = True

    def source(self, fields: Any) -> str:
        """Return the folder."""
        return str(fields.folder)

    def listen(self, fields: Any, client: Any, hear: Callable[[], None]) -> None:
        """Hear of mail that comes to the folder, by IDLE."""
        listen(client.mailbox, fields.folder, hear)

    def look(self, look: Look) -> Found:
        """List the mails that have arrived since the cursor.

        The cursor is {state: [uidvalidity, uidnext, exists, highestmodseq], uid, floor, begun_at, looked_at, behind,
        left_out: note}: `uid` is the last number listed, `floor` the lowest that counts, and `behind` are numbers that
        a search has found and that have yet to be listed.
        """
        with arrivals(look.client.mailbox, _search(look)) as found:
            if look.cursor is None:
                return _first(look, found)
            if look.cursor["state"][0] != found.selected.uidvalidity:
                return _renumbered(look, found)
            if look.cursor["behind"]:
                return _catching_up(look, found)
            return _next(look, found)

    def read(self, look: Look, item: Item) -> Item:
        """Read a mail that a poll could not read, or whose content was too large to keep. Raises Unreadable."""
        with arrivals(look.client.mailbox, _search(look)) as found:
            [arrival] = found.known([_place(look, found, item)])
            mail = found.read([arrival.uid], look.fields.view)[arrival.uid]
        if isinstance(mail, Unreadable):
            raise mail
        return _item(look, arrival, mail)


def _search(look: Look) -> SearchCriteria:
    it = look.fields
    return SearchCriteria(it.folder, it.text, it.sender, it.to, it.subject, criteria=it.criteria)


def _first(look: Look, found: Arrivals) -> Found:
    uids: list[int] = []
    begun_at = look.now - _CLOCK_SKEW
    if look.start.since is not None:
        uids, begun_at = found.arrived_since(look.start.since), look.start.since
    elif look.start.last is not None:
        uids = found.beginning_at(1)[-look.start.last :]
        times = [one.arrived_at for one in found.known(uids[-backlog.MOST :]) if one.arrived_at is not None]
        begun_at = min([begun_at, *times])
    return _found_by_search(look, found, uids, timestamp(begun_at))


def _renumbered(look: Look, found: Arrivals) -> Found:
    """Continue by time of arrival; mails that an earlier poll has listed are recognized by their keys."""
    begun_at = moment_of(look.cursor["begun_at"])
    since = begun_at
    if not look.cursor["behind"]:
        since = max(begun_at, moment_of(look.cursor["looked_at"]) - _RENUMBERED_OVERLAP)
    note = (
        "The mail server has renumbered the folder; mail that arrived since "
        f"{since:%Y-%m-%d %H:%M} UTC was compared with the known mails."
    )
    arrived = found.arrived_since(since)
    note = f"{note} {backlog.note_on(arrived)}".rstrip()
    new = [one.uid for one in _unseen(look, found.known(arrived[-backlog.MOST :]))]
    return _found_by_search(look, found, new, look.cursor["begun_at"], note)


def _found_by_search(look: Look, found: Arrivals, uids: Sequence[int], begun_at: str, note: str = "") -> Found:
    last, left_out = found.last(), backlog.note_on(uids)
    cursor = {
        "state": [*found.state[:3], 0],  # no `highestmodseq`: the next poll looks in any case
        "uid": last,
        "floor": last + 1,
        "begun_at": begun_at,
        "looked_at": timestamp(look.now),
        "behind": list(uids)[-backlog.MOST :],
        "left_out": left_out,
    }
    return Found([], cursor, has_more=bool(cursor["behind"]), note=note or left_out)


def _catching_up(look: Look, found: Arrivals) -> Found:
    """List the next mails that the search found; then continue with the numbers after that search."""
    behind = look.cursor["behind"]
    new = _unseen(look, found.known(behind[: look.limit]))
    due = _some(look, new)
    left = behind[look.limit :] if len(due) == len(new) else [one for one in behind if one > due[-1].uid]
    cursor = {**look.cursor, "behind": left, "looked_at": timestamp(look.now)}
    return Found(_items(look, found, due), cursor, has_more=True, note=cursor.get("left_out", ""))


def _next(look: Look, found: Arrivals) -> Found:
    """List the mails after the cursor, and the last few before it again."""
    cursor = {**look.cursor, "looked_at": timestamp(look.now)}
    if found.state == look.cursor["state"] and found.state[-1]:  # 0: no CONDSTORE (RFC 7162), equal says nothing
        return Found([], cursor)
    low = max(cursor["floor"], cursor["uid"] + 1 - _OVERLAP)
    uids = found.beginning_at(low)
    new = _unseen(look, found.known(uids[: _OVERLAP + _LISTED]))
    due = _some(look, new)
    if len(due) < len(new) or len(uids) > _OVERLAP + _LISTED:
        last = due[-1].uid if len(due) < len(new) else uids[_OVERLAP + _LISTED - 1]
        return Found(_items(look, found, due), {**cursor, "uid": max(cursor["uid"], last)}, has_more=True)
    cursor |= {"uid": max(cursor["uid"], found.last(), *uids), "state": found.state}
    return Found(_items(look, found, due), cursor)


def _unseen(look: Look, known: Sequence[Arrival]) -> list[Arrival]:
    keys = set(look.unseen(one.key for one in known))
    return [one for one in known if one.key in keys]


def _some(look: Look, new: Sequence[Arrival]) -> list[Arrival]:
    """Return the first of the new mails, as many as there is time to read in one poll."""
    sizes = accumulate(one.size for one in new)
    return [one for one, size in zip(new[: look.limit], sizes, strict=False) if size <= _MOST_BYTES] or list(new[:1])


def _place(look: Look, found: Arrivals, item: Item) -> int:
    """Return the current number of a mail. Raises NotFound if it is gone."""
    uids = found.beginning_at(1) if item.at is None else found.arrived_since(item.at - _CLOCK_SKEW)
    for one in found.known(uids):
        if one.key == item.id:
            return one.uid
    raise NotFound("The mail is no longer in the folder.", service="imap")


def _items(look: Look, found: Arrivals, due: Sequence[Arrival]) -> list[Item]:
    mails = found.read([one.uid for one in due], look.fields.view)
    return [_item(look, one, mails[one.uid]) for one in due if one.uid in mails]


def _item(look: Look, arrival: Arrival, mail: dict[str, JsonValue] | Unreadable) -> Item:
    if isinstance(mail, Unreadable):  # it has no value: `read` reports why
        return Item(arrival.key, None, arrival.subject, arrival.arrived_at)
    left_out = _left_out(look, arrival, mail)
    return Item(arrival.key, mail, mail["subject"], arrival.arrived_at, left_out, sender=mail["from"])


def _left_out(look: Look, arrival: Arrival, mail: dict[str, JsonValue]) -> str:
    """Return why a mail starts no run, empty if it starts one."""
    mailbox = look.client.mailbox
    if not look.fields.include_drafts and (arrival.is_draft or mail["folder"] == mailbox.folder_for("drafts")):
        return "it is a draft"
    if not look.fields.include_own and arrival.is_ours:
        return "a workflow wrote it"
    if not may_be_from(str(mail["from"]), look.fields.sender):  # the server also finds it in the name
        return "it is from somebody else"
    is_sent = mail["folder"] == mailbox.folder_for("sent") or mailbox.is_own(arrival.senders)
    if is_sent and not look.fields.include_sent:
        return "it was sent from this mailbox"
    return why_refused(look.fields, mail)
