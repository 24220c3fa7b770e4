"""What sorts a mail in Outlook, as labels: its categories, `UNREAD` and `FLAGGED`.

https://learn.microsoft.com/graph/api/message-update
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clients.errors import InvalidRequest
from clients.listing import Json
from clients.mail.labelled import LabelledMails, Names
from clients.outlook.box import SERVICE, OutlookBox

UNREAD, FLAGGED = "UNREAD", "FLAGGED"
_NAME_MOST = 255


def labels_of(record: Json) -> list[str]:
    """Return the labels of a message."""
    found = [str(one) for one in record.get("categories") or []]
    if record.get("isRead") is False:
        found.append(UNREAD)
    if (record.get("flag") or {}).get("flagStatus") == "flagged":
        found.append(FLAGGED)
    return found


class OutlookLabels:
    """The labels of mails. Thread-safe; raises only errors of `clients.errors`."""

    def __init__(self, box: OutlookBox) -> None:
        self._box = box

    def on(self, target: LabelledMails) -> Names:
        """Return the current labels of the mail, or of each mail of the thread."""
        return {str(one["id"]): labels_of(one) for one in self._box.records_of(target)}

    def change(self, target: LabelledMails, add: Sequence[str], remove: Sequence[str]) -> Names:
        """Add and remove labels by name; return the labels afterwards. A category need not exist before."""
        adding, removing = ([_name(label) for label in dict.fromkeys(labels)] for labels in (add, remove))
        return {str(one["id"]): labels_of(self._changed(one, adding, removing)) for one in self._box.records_of(target)}

    def _changed(self, record: Json, add: Sequence[str], remove: Sequence[str]) -> Json:
        before = labels_of(record)
        gone, there = _plain(remove), _plain(before)
        after = [one for one in before if one.casefold() not in gone]
        after += [one for one in add if one.casefold() not in there]
        changes = {name: value for name, value in _fields(after).items() if value != _fields(before)[name]}
        if not changes:
            return record
        message = str(record["id"])
        with self._box.there("mail", message):
            return self._box.noted(self._box.graph.asked("PATCH", self._box.at(message), json=changes) or {})


def _fields(labels: Sequence[str]) -> Json:
    """Return the fields of a message with these labels."""
    marks = _plain(labels)
    return {
        "categories": [one for one in labels if one.casefold() not in _plain([UNREAD, FLAGGED])],
        "isRead": UNREAD.casefold() not in marks,
        "flag": {"flagStatus": "flagged" if FLAGGED.casefold() in marks else "notFlagged"},
    }


def _plain(labels: Iterable[str]) -> set[str]:
    return {label.casefold() for label in labels}


def _name(label: str) -> str:
    name = " ".join(label.split())
    if not name or len(name) > _NAME_MOST:
        said = f"{label[:50]!r} cannot be the name of a category (1 to {_NAME_MOST} characters)."
        raise InvalidRequest(said, service=SERVICE)
    return name
