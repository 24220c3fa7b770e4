"""New mail in a folder of an Outlook mailbox: from its changes since a link, or by time once that link has expired.

https://learn.microsoft.com/graph/delta-query-messages
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from msgspec import Struct

from clients.listing import Json, UnreadableItem, readable
from clients.mail.addresses import Address
from clients.mail.dates import rfc3339
from clients.mail.parts import shown
from clients.microsoft.refusals import CursorRefused
from clients.outlook.box import OutlookBox

_FIELDS = "id,subject,from,receivedDateTime,isDraft"


class OutlookArrival(Struct, frozen=True):
    """A mail that is in a folder, or was changed there."""

    id: str
    subject: str
    sender: str
    """Name and address."""
    at: str
    """When it arrived (RFC 3339, UTC); a draft, when it was made."""


class FolderArrivals(Struct, frozen=True):
    """What has changed in a folder."""

    mails: list[OutlookArrival]
    """Those that are there now, the oldest first."""
    unreadable: list[UnreadableItem]
    link: str
    """Where the next look goes on."""


class OutlookArrivals:
    """The changes of folders. Thread-safe; raises only errors of `clients.errors`."""

    def __init__(self, box: OutlookBox) -> None:
        self._box = box

    def begin(self, folder: str, since: datetime) -> FolderArrivals:
        """Return the mails that have arrived in a folder since a time, and the link to later changes of such mails.

        Graph lists the whole folder first without a time, and no more than 5,000 mails with one.
        """
        options = urlencode({"$select": _FIELDS, "$filter": f"receivedDateTime ge {rfc3339(since)}"})
        return self._told(f"{self._box.url}/mailFolders/{self._box.folder(folder)}/messages/delta?{options}")

    def since(self, link: str) -> FolderArrivals | None:
        """Return the changes since a link, or None if Outlook no longer has them."""
        try:
            return self._told(link)
        except CursorRefused:
            return None

    def listed(self, folder: str, since: datetime | None) -> Iterator[OutlookArrival]:
        """Yield the mails of a folder, since a time if one is given, the newest first."""
        asked = {"filter": f"receivedDateTime ge {rfc3339(since)}"} if since else {}
        below = f"/mailFolders/{self._box.folder(folder)}"
        fields = {"select": _FIELDS, "orderby": "receivedDateTime desc"}
        found = readable(self._box.listed(below, None, **asked, **fields), _arrival)
        return (_named(one) for one in found if not isinstance(one, UnreadableItem))

    def _told(self, link: str) -> FolderArrivals:
        changed, following = self._box.graph.changes(link)
        there = [one for one in changed if not (isinstance(one, dict) and "@removed" in one)]
        found = list(readable(there, _arrival))
        mails = [_named(one) for one in found if not isinstance(one, UnreadableItem)]
        unreadable = [one for one in found if isinstance(one, UnreadableItem)]
        return FolderArrivals(sorted(mails, key=lambda one: one.at), unreadable, following)


def _arrival(one: Mapping[str, Any]) -> Json:
    """Return the facts of a mail. Raises LookupError, TypeError, ValueError or AttributeError if it is malformed."""
    if not isinstance(one["id"], str):
        raise TypeError("its id is not text")
    sender = (one.get("from") or {}).get("emailAddress") or {}
    return {
        "id": one["id"],
        "subject": shown(str(one.get("subject") or "")),
        "sender": str(Address(str(sender.get("name") or ""), str(sender.get("address") or ""))),
        "at": rfc3339(datetime.fromisoformat(one["receivedDateTime"])),
    }


def _named(found: Json) -> OutlookArrival:
    return OutlookArrival(**found)
