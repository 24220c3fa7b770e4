"""Triggers whose items are sent to this server, by people who fill in a form or by services that call a webhook."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from clients.errors import NotFound, Unavailable
from engine.base.clock import moment_of
from engine.base.errors import StorageError
from engine.forms.inbox import Inbox, Submission
from engine.plugins.step import JsonValue
from engine.plugins.trigger import Found, Item, Look, TriggerType

_BEFORE = "it was sent before the trigger was turned on"
_DISK = "Check the disk of the workspace, and who may read its folder."
_TITLE_MOST = 80


class FromInbox(TriggerType):
    """Its items wait in an inbox, from which nothing is lost; the first look leaves out what is already there."""

    sent: ClassVar[str]
    """What waits, for errors."""
    poll_seconds = 10.0
    again_seconds: ClassVar[float | None] = None
    """When it looks again where something was new; None: as usual."""
    start_from = ("now",)

    def look(self, look: Look) -> Found:
        """List what waits, the oldest first."""
        inbox: Inbox = look.around.inbox
        try:
            new = look.unseen(inbox.ids())
            listed = new[: look.limit]
            items = [item for id_ in listed if (item := self._listed(inbox, id_, look)) is not None]
        except (OSError, StorageError) as error:
            raise Unavailable(f"{self.sent} cannot be read: {error}", remedy=_DISK) from error
        again = look.now + timedelta(seconds=self.again_seconds) if self.again_seconds and items else None
        return Found(items, {}, has_more=len(new) > len(listed), look_again_at=again)

    def read(self, look: Look, item: Item) -> Item:
        """Return an item with its value. Raises NotFound, Unavailable."""
        inbox: Inbox = look.around.inbox
        try:
            found = inbox.get(item.id)
        except StorageError as error:
            raise Unavailable(error.message, remedy=_DISK) from error
        if found is None:
            raise NotFound(f"{self.sent} is gone.")
        return Item(item.id, self.value_of(look.fields, inbox, found), item.title, item.at)

    def _listed(self, inbox: Inbox, id_: str, look: Look) -> Item | None:
        found = inbox.get(id_)
        if found is None:  # taken by another process since it was listed
            return None
        title = " ".join(self.title_of(look.fields, found).split())[:_TITLE_MOST]
        return Item(id_, None, title, moment_of(found.at), _BEFORE if look.cursor is None else "")

    @abstractmethod
    def title_of(self, fields: Any, found: Submission) -> str:
        """Return what a person knows it by."""

    @abstractmethod
    def value_of(self, fields: Any, inbox: Inbox, found: Submission) -> Mapping[str, JsonValue]:
        """Return what `item` means. Raises ServiceError."""
