"""What is new in a Gmail mailbox: by the history of its changes, and by search where that history is forgotten.

History ids last for a week at least, often longer, and sometimes for hours only
(https://developers.google.com/workspace/gmail/api/guides/sync).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from clients.errors import NotFound
from clients.gmail.labels import Labels
from clients.gmail.transport import PAGE, answered, entries, listed

_EVENTS = {"messagesAdded": "messageAdded", "labelsAdded": "labelAdded"}
_TYPES = [*_EVENTS.values(), "messageDeleted"]


@dataclass(frozen=True)
class Changes:
    """Mails that arrived or got a label and were not deleted since: their ids in the order of the history."""

    labels: dict[str, set[str]]
    """Every label id that was told of each."""
    put: dict[str, set[str]]
    """The label ids that were put on each mail that was there already; a mail that arrived is not among them."""
    history_id: str
    """Where the history stands now."""


class History:
    """The changes of one mailbox. Threads may share it; raises errors of `clients.errors` only."""

    def __init__(self, users: Any, labels: Labels) -> None:
        self._users, self._labels = users, labels

    def here(self) -> str:
        """Give the id at which the history stands now."""
        return str(answered(self._users.getProfile(userId="me"), "historyId")["historyId"])

    def since(self, history_id: str) -> Changes | None:
        """Give what has changed since an id; None where Gmail has forgotten that far back."""
        labels: dict[str, set[str]] = {}
        put: dict[str, set[str]] = {}
        arrived: set[str] = set()
        gone: set[str] = set()
        here = history_id
        try:
            for answer in self._pages(history_id):
                here = max(here, str(answer.get("historyId") or here), key=int)
                for record in entries(answer, "history"):
                    _note(record, labels)
                    arrived |= _ids(record, "messagesAdded")
                    gone |= _ids(record, "messagesDeleted")
                    for message, added in _told(record, "labelsAdded"):
                        put.setdefault(str(message["id"]), set()).update(added)
        except NotFound:
            return None
        there = {one: known for one, known in labels.items() if one not in gone}
        return Changes(there, {one: added for one, added in put.items() if one not in arrived}, here)

    def ids(self, query: str, limit: int) -> list[str]:
        """Give the ids of the newest mails that a search finds, the newest first, at most `limit`."""
        if limit < 1:
            return []
        found, _ = listed(self._users.messages(), "messages", limit, q=query)
        return [str(entry["id"]) for entry in found]

    def label_ids(self, name: str) -> set[str]:
        """Give the ids of the labels that `label:name` means in a search, where `-` stands for a space."""
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


def _note(record: dict[str, Any], labels: dict[str, set[str]]) -> None:
    for event in _EVENTS:
        for message, added in _told(record, event):
            labels.setdefault(str(message["id"]), set()).update(message.get("labelIds") or [], added)


def _ids(record: dict[str, Any], event: str) -> set[str]:
    return {str(message["id"]) for message, _ in _told(record, event)}


def _told(record: dict[str, Any], event: str) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """Give each mail of which a record tells such an event, with the label ids that it was given by it."""
    for change in record.get(event) or []:
        if change.get("message", {}).get("id"):
            yield change["message"], change.get("labelIds") or []


def _searched(name: str) -> str:
    return name.casefold().replace(" ", "-").replace("/", "-")
