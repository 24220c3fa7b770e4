"""New messages to a Telegram bot."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import Field

from clients.telegram.client import UPDATES_MOST, chat_id
from clients.telegram.service import TELEGRAM
from engine.base.clock import moment_of, timestamp
from engine.plugins.step import Fields, Output, destination, outside
from engine.plugins.trigger import Found, Item, Look, TriggerType

_KEPT_DAYS = 7
"""Telegram keeps messages for one day."""


class ChatFields(Fields):
    """The chat."""

    chat: str = destination("Only from this chat (empty: all)", "", format="telegram-chat")


class Message(Output):
    """A message; `number` names it in its chat, for an answer."""

    id: str
    number: int
    chat_id: str
    chat: str = outside("Title of the chat, or name of the person")
    text: str = outside("Text, or what is written under a picture")
    kind: str = Field(title="text, photo, document, voice, audio, video, sticker, location, contact, poll or other")
    author: str = outside("Name of the author")
    author_id: str
    at: str


class NewMessage(TriggerType):
    """Starts a run for each message that the bot receives: in private chats, groups and channels.

    Anyone can write to a bot: set `chat`, or check `chat_id`, which no sender can choose. Telegram keeps messages for a
    day; if the server is off for longer, they are lost.
    """

    name = "telegram.new_message"
    title = "A new Telegram message"
    happens = "a Telegram message arrives"
    unmade = "Telegram gives a bot no messages of its own."
    service = TELEGRAM.name
    fields = ChatFields
    item = Message
    poll_seconds = 10.0
    start_from = ("now", "since")
    remembered_days = _KEPT_DAYS

    def source(self, fields: ChatFields) -> str:
        """Return an empty text: a bot has one list of messages."""
        return ""

    def look(self, look: Look) -> Found:
        """List the messages that Telegram keeps and that came after the cursor, {from, update}.

        Nothing is confirmed, so that other triggers on the same bot see the messages, too. Only if Telegram keeps more
        than it sends at once, it is asked to forget what an earlier look has listed.
        """
        found = look.client.new_messages()
        if look.cursor is None:
            start = look.start.since or look.now
            last = max((one["update"] for one in found), default=0) if look.start.is_now else 0
            return Found([], {"from": timestamp(start), "update": last}, has_more=not look.start.is_now)
        cursor: Mapping[str, Any] = look.cursor
        if len(found) >= UPDATES_MOST and found[0]["update"] <= cursor["update"]:
            look.client.forget(cursor["update"])
            found = look.client.new_messages()
        new = [one for one in found if one["update"] > cursor["update"]]
        listed = new[: look.limit]
        last = max((one["update"] for one in listed), default=cursor["update"])
        earliest, only = moment_of(cursor["from"]), chat_id(look.fields.chat) if look.fields.chat else ""
        items = [_item(one) for one in listed if _counts(one, earliest, only)]
        return Found(items, {**cursor, "update": last}, has_more=len(new) > len(listed) or len(found) >= UPDATES_MOST)


def _counts(one: Mapping[str, Any], earliest: datetime, chat: str) -> bool:
    is_late = moment_of(one["at"]) >= earliest.replace(microsecond=0)  # Telegram's times are whole seconds
    return is_late and chat in {"", one["chat_id"]}


def _item(one: Mapping[str, Any]) -> Item:
    value = {name: one[name] for name in Message.model_fields}
    title = str(one["text"])[:80] or f"{one['kind']} from {one['author']}"
    return Item(str(one["id"]), value, " ".join(title.split()), moment_of(one["at"]))
