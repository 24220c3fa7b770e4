"""New mail in a Gmail mailbox: from its history of changes, or by search once that history has expired.

History ids are valid for at least a week, often longer, and sometimes for hours only
(https://developers.google.com/workspace/gmail/api/guides/sync).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct, field

from clients.errors import NotFound
from clients.gmail.labels import Labels
from clients.gmail.transport import PAGE, listed
from clients.google.transport import answered
from clients.listing import Json, UnreadableItem, readable

_EVENTS = {"messagesAdded": "messageAdded", "labelsAdded": "labelAdded"}
_GONE = "messagesDeleted"
_TYPES = [*_EVENTS.values(), "messageDeleted"]


class MailboxChanges(Struct, frozen=True):
    """Mails that arrived or got a label and were not deleted since: their ids in history order."""

    labels: dict[str, set[str]]
    """Every label id reported for each mail."""
    put: dict[str, set[str]]
    """The label ids added to each mail that was there before; newly arrived mails are not included."""
    history_id: str
    """The current history id."""
    unreadable: list[UnreadableItem] = field(default_factory=list)
    """History records that cannot be read; which mail they concern is unknown."""


class MailboxHistory:
    """The history of one mailbox. Thread-safe; raises only errors of `clients.errors`."""

    def __init__(self, users: Any, labels: Labels) -> None:
        self._users, self._labels = users, labels

    def here(self) -> str:
        """Return the current history id."""
        return str(answered(self._users.getProfile(userId="me"), "historyId")["historyId"])

    def since(self, history_id: str) -> MailboxChanges | None:
        """Return the changes since a history id, or None if Gmail no longer has it."""
        told: list[Json | UnreadableItem] = []
        here = history_id
        try:
            for answer in self._pages(history_id):
                # Pages are answered at different moments, and only the greatest id covers them all.
                here = max(here, str(answer.get("historyId") or here), key=int)
                told += readable(_things(answer), _change)
        except NotFound:
            return None
        return _changes(told, here)

    def ids(self, query: str, limit: int) -> list[str]:
        """Return the ids of at most `limit` mails that match a query, newest first."""
        if limit < 1:
            return []
        found, _ = listed(self._users.messages(), "messages", limit, q=query)
        return [str(entry["id"]) for entry in found]

    def label_ids(self, name: str) -> set[str]:
        """Return the ids of the labels that `label:name` matches in a search, where `-` matches a space."""
        wanted = _searched(name)
        return {label for label, known in self._labels.names().items() if _searched(known) == wanted}

    def _pages(self, history_id: str) -> Iterator[dict[str, Any]]:
        token = None
        while True:
            request = self._users.history().list(
                userId="me",
                startHistoryId=history_id,
                historyTypes=_TYPES,
                maxResults=PAGE,
                pageToken=token,
            )
            answer = answered(request)
            yield answer
            token = answer.get("nextPageToken")
            if not token:
                return


def _things(answer: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield [(event, change)] of an answer, unvalidated."""
    records = answer.get("history") or []
    for record in records if isinstance(records, list) else [records]:
        if not isinstance(record, dict):
            yield "", record
            continue
        for event in (*_EVENTS, _GONE):
            changes = record.get(event) or []
            yield from ((event, change) for change in (changes if isinstance(changes, list) else [changes]))


def _change(thing: tuple[str, Any]) -> Json:
    """Return {event, id, labels, added}. Raises LookupError, TypeError or AttributeError if malformed."""
    event, change = thing
    message = change["message"]
    known, added = message.get("labelIds") or [], change.get("labelIds") or []
    if not isinstance(message["id"], str) or not all(isinstance(one, str) for one in (*known, *added)):
        raise TypeError("its id or its labels are not text")
    return {"event": event, "id": message["id"], "labels": {*known, *added}, "added": set(added)}


def _changes(told: list[Json | UnreadableItem], history_id: str) -> MailboxChanges:
    labels: dict[str, set[str]] = {}
    put: dict[str, set[str]] = {}
    arrived: set[str] = set()
    gone: set[str] = set()
    for one in told:
        if isinstance(one, UnreadableItem):
            continue
        if one["event"] == _GONE:
            gone.add(one["id"])
            continue
        labels.setdefault(one["id"], set()).update(one["labels"])
        if one["event"] == "messagesAdded":
            arrived.add(one["id"])
        else:
            put.setdefault(one["id"], set()).update(one["added"])
    there = {one: known for one, known in labels.items() if one not in gone}
    # A deletion that cannot be read starts no run, so it is not worth a notice.
    unreadable = [one for one in told if isinstance(one, UnreadableItem) and one.raw[0] != _GONE]
    return MailboxChanges(
        there, {one: added for one, added in put.items() if one not in arrived}, history_id, unreadable
    )


def _searched(name: str) -> str:
    # Gmail's search writes blanks and slashes of labels as hyphens (https://support.google.com/mail/answer/7190).
    return name.casefold().replace(" ", "-").replace("/", "-")
