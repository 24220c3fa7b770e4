"""New mail in a Gmail mailbox, by the mailbox's own history of changes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from clients.errors import NotFound
from engine.names import moment_of, timestamp
from engine.step import Fields, JsonValue, option
from engine.steps.gmail import MailOutput
from engine.trigger import Found, Item, Look, Start, TriggerType
from engine.triggers import backlog

if TYPE_CHECKING:
    from clients.gmail import GmailClient
    from clients.gmail.history import Changes

OVERLAP = timedelta(minutes=10)
"""What changed in this time is listed again: Gmail may answer out of order, and its search is late."""
FORGOTTEN_OVERLAP = timedelta(days=1)
"""Where the history is forgotten, mail is searched from so long before the last look."""
_SEARCHED = 500
"""How many of the newest mails of a search are compared with what has changed, besides as many as have changed."""
_LABELS = {"in:inbox": "INBOX", "is:unread": "UNREAD", "is:starred": "STARRED", "is:important": "IMPORTANT"}
_OF_LABELS = re.compile(r"^-|^(label|is|in|category):|^has:(?!attachment$)|[(){}]|^or$", re.IGNORECASE)
"""What in a search may ask for labels in a way that only Gmail can tell."""
_NOT_YET_SECONDS = (1.0, 3.0)
"""How long to wait before a mail is asked for again: Gmail may tell of one, such as to oneself, before it is there."""
_HIDDEN = {"SPAM", "TRASH"}
OUR_MARK = "<orchestra."
"""How the Message-ID of every mail begins that a workflow wrote."""


class NewMessageFields(Fields):
    """Which mails count."""

    query: str = option("Search, as in Gmail", "in:inbox")
    include_sent: bool = option("Also mail sent from this mailbox", default=False)
    include_drafts: bool = option("Also drafts", default=False)
    include_own: bool = option("Also mail that a workflow wrote", default=False)


class NewMail(MailOutput):
    """A mail that has arrived, or got a label that the search asks for."""


class NewMessage(TriggerType):
    """Starts a run for each mail that arrives and fits the search, also when it fits later, by a label put on it.

    Drafts, mail sent from this mailbox and mail that a workflow wrote are left out unless asked for.
    """

    name = "gmail.new_message"
    title = "New mail in Gmail"
    service = "gmail"
    fields = NewMessageFields
    item = NewMail

    def look(self, look: Look) -> Found:
        """List the mails that have arrived since the cursor.

        The cursor is {places: [[history id, time]], behind: [ids], left_out: note, searched_since: time | null,
        before: [ids], began_at: time}; `before` are mails that were there when the trigger was turned on, and do not
        count.
        """
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
        items = [Item(one) for one in due[: look.limit]]
        if len(due) > look.limit:  # the rest is listed again from the same place
            return Found(items, look.cursor, has_more=True)
        return Found(items, _moved(look, changes.history_id))

    def read(self, look: Look, item: Item) -> Item:
        """Read the mail, and tell whether it is to be left out."""
        mail = _there(look.client, item.id)
        return Item(item.id, mail, mail["subject"], moment_of(mail["date"]), _left_out(look.fields, mail))

    def _first(self, look: Look) -> Found:
        # What a search by date could take for new, should the history be forgotten within the first days.
        lately = _searched(look, Start(since=look.now - 2 * FORGOTTEN_OVERLAP))
        here = look.client.history.here()  # before the search: what comes meanwhile is found twice, not never
        ids = [] if look.start.is_now else _searched(look, look.start)
        cursor = _cursor(here, look, ids, look.start.since)
        before = {"before": sorted({*lately} - {*cursor["behind"]}), "began_at": timestamp(look.now)}
        return Found([], {**cursor, **before}, has_more=bool(ids), note=cursor["left_out"])

    def _forgotten(self, look: Look) -> Found:
        here = look.client.history.here()
        since = moment_of(look.cursor["places"][-1][1]) - FORGOTTEN_OVERLAP
        ids = _searched(look, Start(since=since))
        note = (
            f"Gmail has forgotten the changes since the last look; mail since {since:%Y-%m-%d %H:%M} UTC was searched."
        )
        known = {*look.cursor["before"]}
        new = [one for one in look.unseen(ids) if one not in known]
        cursor = {**look.cursor, **_cursor(here, look, new, since)}
        return Found([], cursor, has_more=bool(new), note=f"{note} {cursor['left_out']}".rstrip())


def _searched(look: Look, start: Start) -> list[str]:
    """Return the mails of a beginning, the newest first: one more than can be gone through, where there are."""
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
    """Return what a search missed because it was late, once more till the overlap is over."""
    since = look.cursor["searched_since"]
    if since is None:
        return []
    newest_first = _searched(look, Start(since=moment_of(since)))[: backlog.MOST]
    known = {*changed, *look.cursor["before"]}
    return [one for one in look.unseen(reversed(newest_first)) if one not in known]


def _catching_up(look: Look) -> Found:
    """List the next of the mails that a search has found; then the history goes on from before that search."""
    behind = look.cursor["behind"]
    due = behind[: look.limit]
    cursor = {**look.cursor, "behind": behind[len(due) :]}
    return Found([Item(one) for one in look.unseen(due)], cursor, has_more=True, note=cursor.get("left_out", ""))


def _moved(look: Look, history_id: str) -> JsonValue:
    """Return the cursor after a look: the next one begins where the history stood before the overlap."""
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


def _changed(look: Look, changes: Changes) -> list[str]:
    """Return the mails that arrived, and the older ones that got a label by which they may fit the search now.

    One that has lain in the inbox for long is not new because somebody, or a workflow, put some other label on it.
    """
    made = _fit_by(look) if changes.put else None
    return [one for one in changes.labels if made is None or one not in changes.put or changes.put[one] & made]


def _fit_by(look: Look) -> set[str] | None:
    """Return the labels that may make a mail fit the search when they are put on it, None where any may."""
    made = {"INBOX"}  # also what was taken for spam
    for word in look.fields.query.split():
        wanted = _wanted(look, word)
        if wanted is None and _OF_LABELS.search(word):
            return None
        made |= wanted or set()
    return made


def _fitting(look: Look, ids: Sequence[str], changes: Changes) -> set[str]:
    """Return those of the changed mails that fit the search; one that only fits later is asked for again till then."""
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


def _found(look: Look, ids: Sequence[str], changes: Changes) -> set[str]:
    """Return those of the changed mails that Gmail finds by the search.

    What came since is the newest that it finds: with as many more, it reaches down to the oldest of that. A mail that
    was there before and got a label may be of any age.
    """
    search = look.client.history.ids
    newest = search(look.fields.query, most := _SEARCHED + len(changes.labels))
    if len(newest) >= most and not {*ids} & {*changes.put} <= {*newest}:
        newest = search(look.fields.query, max(most, backlog.MOST))
    return set(newest) & set(ids)


def _rule(look: Look, word: str) -> Callable[[set[str]], bool] | None:
    """Return how one word of a search is told from a mail's labels, None where only Gmail can tell."""
    wanted = _wanted(look, word)
    return None if wanted is None else lambda known: bool(known & wanted)


def _wanted(look: Look, word: str) -> set[str] | None:
    """Return the label ids of which a mail must have one to fit a word of a search, None where it asks for others."""
    if word.casefold() in _LABELS:
        return {_LABELS[word.casefold()]}
    if word.startswith("label:") and not set(word) & set('"(){}'):
        return set(look.client.history.label_ids(word.removeprefix("label:")))
    return None


def _there(client: GmailClient, message_id: str) -> dict[str, Any]:
    """Read a mail, once more after a while where there is none. Raises NotFound, for one that was deleted since."""
    for seconds in _NOT_YET_SECONDS:
        try:
            return client.mail.message(message_id)
        except NotFound:
            time.sleep(seconds)
    return client.mail.message(message_id)


def _left_out(fields: Any, mail: dict[str, Any]) -> str:
    """Return why a mail starts no run, empty where it does."""
    if "DRAFT" in mail["labels"] and not fields.include_drafts:
        return "it is a draft"
    if mail["message_id"].startswith(OUR_MARK) and not fields.include_own:
        return "a workflow wrote it"
    if "SENT" in mail["labels"] and not fields.include_sent:
        return "it was sent from this mailbox"
    return ""
