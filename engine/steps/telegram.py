"""Steps of Telegram: messages of a bot."""

from __future__ import annotations

from clients.telegram.service import TELEGRAM
from engine.plugins.step import (
    Call,
    Effect,
    Fields,
    JsonValue,
    Output,
    Repeat,
    StepType,
    Written,
    address,
    content,
    destination,
)

_MOST = 4096
"""Characters, by Telegram's own limit."""


class MessageFields(Fields):
    """The chat and the message."""

    chat: str = destination("Chat (its id, or @name)", format="telegram-chat", min_length=1)
    text: str = content("Message (Markdown)", min_length=1, max_length=_MOST, widget="text", markup="markdown")
    reply_to: int | None = destination("Number of the message to answer", None, ge=1)


class Sent(Output):
    """The message; `id` is chat and number. Only public chats have addresses."""

    id: str
    chat: str
    url: str = address("Address")


class SendMessage(StepType):
    """Send a message as a bot. Telegram cannot say whether it arrived, so after a crash a person decides."""

    name = "telegram.send_message"
    title = "Send a Telegram message"
    service = TELEGRAM.name
    effect = Effect.WRITES
    repeat = Repeat.UNFINDABLE
    approval = "always"
    done = "sent"
    undoes = "deletes the message"
    fields = MessageFields
    output = Sent

    def target(self, fields: MessageFields) -> str:
        """Return the chat."""
        return fields.chat

    def call(self, call: Call) -> JsonValue:
        """Return {id, chat, url}."""
        it: MessageFields = call.fields
        return call.client.send(it.chat, it.text, it.reply_to)

    def undo(self, call: Call, written: Written) -> None:
        """Delete the message; Telegram allows that for two days."""
        call.client.delete(written.output["id"])
