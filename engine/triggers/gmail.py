"""New mail in a Gmail mailbox, from the mailbox's history of changes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec import structs

from clients.errors import NotFound
from clients.mail.outgoing import OUR_MARK
from engine.base.clock import moment_of, timestamp
from engine.base.json_text import JsonObject
from engine.plugins.step import Fields, JsonValue, option
from engine.plugins.trigger import Found, Item, Look, Start, unreadable_item
from engine.steps.gmail.reading import MailOutput
from engine.triggers import backlog
from engine.triggers.arrivals import ArrivalFields, MailboxFields, NewInMailbox, why_refused

if TYPE_CHECKING:
    from clients.gmail.client import GmailClient
    from clients.gmail.history import MailboxChanges

OVERLAP = timedelta(minutes=10)
"""Changes of this period are listed again: Gmail may answer out of order, and its search lags behind."""
FORGOTTEN_OVERLAP = timedelta(days=1)
"""If the history has expired, the search starts this long before the last poll."""
_SEARCHED = 500
"""The newest search results to compare with the changes, in addition to the number of changed mails."""
_LABELS = {"in:inbox": "INBOX", "is:unread": "UNREAD", "is:starred": "STARRED", "is:important": "IMPORTANT"}
_OF_LABELS = re.compile(r"^-|^(label|is|in|category):|^has:(?!attachment$)|[(){}]|^or$", re.IGNORECASE)
"""Search words about labels that only Gmail can evaluate."""
_NOT_YET_SECONDS = (1.0, 3.0)
"""Pauses before asking for a mail again: Gmail may announce a mail, e.g. to oneself, before it can be read."""
_HIDDEN = {"SPAM", "TRASH"}


class _Arrived(Fields):
    query: str = option("Search, as in Gmail", "in:inbox")


class NewMessageFields(ArrivalFields, MailboxFields, _Arrived):
    """The search, and which mails count."""

    include_sent: bool = option("Also mail sent from this mailbox", default=False)


class NewMail(MailOutput):
    """A mail that has arrived, or received a label that the search asks for."""


class NewMessage(NewInMailbox):
    """Starts a run for each mail that arrives and matches the search, even if a label makes it match later.

    Drafts, mail sent from this mailbox and mail that a workflow wrote are left out by default.
    """

    name = "gmail.new_message"
    title = "New mail in Gmail"
    happens = "a mail arrives in Gmail"
    service = "gmail"
    fields = NewMessageFields
    item = NewMail
    listens = True

    def listen(self, fields: Any, client: Any, hear: Callable[[], None]) -> None:
        """Hear of changes in the mailbox, by Cloud Pub/Sub, if the connection has a subscription."""
        client.push.listen(hear)

    def look(self, look: Look) -> Found:
        """List the mails that have arrived since the cursor, and say why Gmail does not report them at once.

        The cursor is {places: [[history id, time]], behind: [ids], left_out: note, searched_since: time | null, before:
        [ids], began_at: time}; `before` are mails that existed when the trigger was turned on and do not count.
        """
        found = self._found(look)
        return structs.replace(found, note=f"{found.note} {look.client.push.trouble}".strip())

    def _found(self, look: Look) -> Found:
        if look.cursor is None:
            return self._first(look)
        if look.cursor["behind"]:
            return _catching_up(look)
        changes = look.client.history.since(look.cursor["places"][0][0])
        if changes is None:
            return self._forgotten(look)
        changed = _changed(look, changes)
        fits = _fitting(look, look.unseen(changed), changes)
        due = [*_late(look, changed), *(one for one in changed if one in fits)]
        dead = {one.id: structs.replace(one, title="A change in the mailbox") for one in changes.unreadable}
        items = [unreadable_item(dead[one]) for one in look.unseen(dead)] + [Item(one) for one in due[: look.limit]]
        if len(due) > look.limit:  # the rest is listed again from the same position
            return Found(items, look.cursor, has_more=True)
        return Found(items, _moved(look, changes.history_id))

    def read(self, look: Look, item: Item) -> Item:
        """Read the mail, and decide whether to leave it out."""
        mail = _there(look, item.id)
        at, left_out = moment_of(mail["date"]), _left_out(look.fields, mail)
        return Item(item.id, mail, mail["subject"], at, left_out, sender=mail["from"])

    def _first(self, look: Look) -> Found:
        # A search by date could take these for new if the history expires within the first days.
        lately = _searched(look, Start(since=look.now - 2 * FORGOTTEN_OVERLAP))
        here = look.client.history.here()  # before the search: mail arriving meanwhile is found twice rather than never
        ids = [] if look.start.is_now else _searched(look, look.start)
        cursor = _cursor(here, look, ids, look.start.since)
        before = {"before": sorted({*lately} - {*cursor["behind"]}), "began_at": timestamp(look.now)}
        return Found([], {**cursor, **before}, has_more=bool(ids), note=cursor["left_out"])

    def _forgotten(self, look: Look) -> Found:
        here = look.client.history.here()
        since = moment_of(look.cursor["places"][-1][1]) - FORGOTTEN_OVERLAP
        ids = _searched(look, Start(since=since))
        note = (
            f"Gmail no longer has the changes since the last poll; mail since {since:%Y-%m-%d %H:%M} UTC was searched."
        )
        known = {*look.cursor["before"]}
        new = [one for one in look.unseen(ids) if one not in known]
        cursor = {**look.cursor, **_cursor(here, look, new, since)}
        return Found([], cursor, has_more=bool(new), note=f"{note} {cursor['left_out']}".rstrip())


def _searched(look: Look, start: Start) -> list[str]:
    """Return the existing mails to start with, newest first: at most one more than can be processed."""
    query, most = look.fields.query, backlog.MOST + 1
    if start.since is None:
        return list(look.client.history.ids(query, min(start.last or 0, most)))
    return list(look.client.history.ids(f"{query} after:{int(start.since.timestamp())}", most))


def _cursor(history_id: str, look: Look, newest_first: Sequence[str], since: datetime | None) -> dict[str, Any]:
    return {
        "places": [[history_id, timestamp(look.now)]],
        "behind": list(reversed(newest_first[: backlog.MOST])),
        "left_out": backlog.note_on(newest_first),
        "searched_since": None if since is None else timestamp(since),
    }


def _late(look: Look, changed: Collection[str]) -> list[str]:
    """Search again until the overlap is over, and return mails that the lagging search had missed."""
    since = look.cursor["searched_since"]
    if since is None:
        return []
    newest_first = _searched(look, Start(since=moment_of(since)))[: backlog.MOST]
    known = {*changed, *look.cursor["before"]}
    return [one for one in look.unseen(reversed(newest_first)) if one not in known]


def _catching_up(look: Look) -> Found:
    """List the next mails that the search found; then the history continues from before that search."""
    behind = look.cursor["behind"]
    due = behind[: look.limit]
    cursor = {**look.cursor, "behind": behind[len(due) :]}
    return Found([Item(one) for one in look.unseen(due)], cursor, has_more=True, note=cursor.get("left_out", ""))


def _moved(look: Look, history_id: str) -> JsonValue:
    """Return the cursor after a poll: the next poll begins at the history id before the overlap."""
    places = [*look.cursor["places"], [history_id, timestamp(look.now)]]
    is_over = False
    while len(places) > 1 and moment_of(places[1][1]) <= look.now - OVERLAP:
        places.pop(0)
        is_over = True
    is_long_ago = look.now - moment_of(look.cursor["began_at"]) > 2 * FORGOTTEN_OVERLAP
    return {
        **look.cursor,
        "places": places,
        "searched_since": None if is_over else look.cursor["searched_since"],
        "before": [] if is_long_ago else look.cursor["before"],
    }


def _changed(look: Look, changes: MailboxChanges) -> list[str]:
    """Return the mails that arrived, and older ones that received a label which may make them match the search.

    A mail that has long been in the inbox is not new because it received an unrelated label.
    """
    made = _fit_by(look) if changes.put else None
    return [one for one in changes.labels if made is None or one not in changes.put or changes.put[one] & made]


def _fit_by(look: Look) -> set[str] | None:
    """Return the labels that may make a mail match the search when they are added, None if any label may."""
    made = {"INBOX"}  # also for mail moved out of spam
    for word in look.fields.query.split():
        wanted = _wanted(look, word)
        if wanted is None and _OF_LABELS.search(word):
            return None
        made |= wanted or set()
    return made


def _fitting(look: Look, ids: Sequence[str], changes: MailboxChanges) -> set[str]:
    """Return the changed mails that match the search; one that matches only later is checked again then."""
    if not ids:
        return set()
    labels = changes.labels
    rules = [_rule(look, word) for word in look.fields.query.split()]
    drafts = set() if look.fields.include_drafts else {one for one in ids if "DRAFT" in labels[one]}
    if None not in rules:
        wanted = [rule for rule in rules if rule is not None]
        fits = {one for one in ids if not labels[one] & _HIDDEN and all(rule(labels[one]) for rule in wanted)}
    else:
        fits = _found(look, ids, changes)
    return fits - drafts


def _found(look: Look, ids: Sequence[str], changes: MailboxChanges) -> set[str]:
    """Return the changed mails that Gmail finds with the search.

    New mails are the newest results, so that many more results reach back to the oldest of them. An older mail that
    received a label may be of any age.
    """
    search = look.client.history.ids
    newest = search(look.fields.query, most := _SEARCHED + len(changes.labels))
    if len(newest) >= most and not {*ids} & {*changes.put} <= {*newest}:
        newest = search(look.fields.query, max(most, backlog.MOST))
    return set(newest) & set(ids)


def _rule(look: Look, word: str) -> Callable[[set[str]], bool] | None:
    """Return how to evaluate one search word from a mail's labels, None if only Gmail can."""
    wanted = _wanted(look, word)
    return None if wanted is None else lambda known: bool(known & wanted)


def _wanted(look: Look, word: str) -> set[str] | None:
    """Return the label ids that match a search word (any one is enough); None if it is not about labels."""
    if word.casefold() in _LABELS:
        return {_LABELS[word.casefold()]}
    if word.startswith("label:") and not set(word) & set('"(){}'):
        return set(look.client.history.label_ids(word.removeprefix("label:")))
    return None


def _there(look: Look, message_id: str) -> JsonObject:
    """Read a mail, retrying if it is not found. Raises NotFound if it was deleted since."""
    client: GmailClient = look.client
    for seconds in _NOT_YET_SECONDS:
        try:
            return client.mail.message(message_id, look.fields.view)
        except NotFound:
            time.sleep(seconds)
    return client.mail.message(message_id, look.fields.view)


def _left_out(fields: Any, mail: JsonObject) -> str:
    """Return why a mail starts no run, empty if it starts one."""
    if "DRAFT" in mail["labels"] and not fields.include_drafts:
        return "it is a draft"
    if mail["message_id"].startswith(OUR_MARK) and not fields.include_own:
        return "a workflow wrote it"
    if "SENT" in mail["labels"] and not fields.include_sent:
        return "it was sent from this mailbox"
    return why_refused(fields, mail)
