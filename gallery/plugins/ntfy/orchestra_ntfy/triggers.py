"""New messages on a topic of ntfy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from engine.base.clock import timestamp
from engine.plugins.step import Fields, Output, destination, outside
from engine.plugins.trigger import Found, Item, Look, OwnWrite, TriggerType
from orchestra_ntfy.client import NTFY


class TopicFields(Fields):
    """The topic."""

    topic: str = destination("Topic", pattern="^[-_A-Za-z0-9]{1,64}$", format="ntfy-topic")


class Message(Output):
    """A message."""

    id: str
    title: str = outside("Its title")
    message: str = outside("Its text")
    sent_at: datetime


class NewMessage(TriggerType):
    """Starts a run for each new message on a topic."""

    name = "ntfy.new_message"
    title = "A new message on a topic"
    service = NTFY.name
    fields = TopicFields
    item = Message
    start_from = ("now", "since")
    watches = "a message on a topic"
    made_by = ("ntfy.publish",)

    def source(self, fields: TopicFields) -> str:
        """Return the topic: another topic has other messages."""
        return fields.topic

    def look(self, look: Look) -> Found:
        """List the messages since the last one seen; the first look only notes from when on they count."""
        if look.cursor is None:
            return Found([], int((look.start.since or look.now).timestamp()))
        listed = look.client.messages(look.fields.topic, look.cursor)
        new = set(look.unseen(one["id"] for one in listed))
        found = [one for one in listed if one["id"] in new][: look.limit]
        items = []
        for one in found:
            at = datetime.fromtimestamp(one["time"], UTC)
            title = one.get("title", "")
            value = {"id": one["id"], "title": title, "message": one["message"], "sent_at": timestamp(at)}
            items.append(Item(one["id"], value, title or one["message"][:80], at))
        cursor = max((one["time"] for one in found), default=look.cursor)
        return Found(items, cursor, has_more=len(found) == look.limit)

    def is_made(self, look: Look, item: Item, made: Sequence[OwnWrite]) -> bool:
        """Compare the ids."""
        return any(one.receipt_id == item.id for one in made)
