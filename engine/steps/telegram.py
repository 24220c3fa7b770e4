"""Steps of Telegram: messages of a bot."""

from __future__ import annotations

from clients.telegram.service import MESSAGE, TELEGRAM
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
    ids_of,
)


class MessageFields(Fields):
    """The chat and the message."""

    chat: str = destination("Chat (its id, or @name)", format="telegram-chat", min_length=1)
    text: str = content("Message (Markdown)", min_length=1, widget="text", markup="markdown", limit=MESSAGE)
    reply_to: int | None = destination("Number of the message to answer", None, ge=1)


class Sent(Output):
    """The message; `id` is chat and number. Only public chats have addresses; `ids`: all messages of a long text."""

    id: str
    ids: list[str]
    chat: str
    url: str = address("Address")


class SendMessage(StepType):
    """Send a message as a bot. Telegram cannot say whether it arrived, so after a crash a person decides."""

    name = "telegram.send_message"
    title = "Send a Telegram message"
    agreed = "If you agree, this message goes to {to}."
    service = TELEGRAM.name
    effect = Effect.WRITES
    repeat = Repeat.UNFINDABLE
    approval = "always"
    done = "sent"
    undoes = "deletes the message, or all messages of a long text"
    fields = MessageFields
    output = Sent

    def target(self, fields: MessageFields) -> str:
        """Return the chat."""
        return fields.chat

    def call(self, call: Call) -> JsonValue:
        """Return {id, chat, url, ids}."""
        it: MessageFields = call.fields
        return call.client.send(it.chat, it.text, it.reply_to)

    def undo(self, call: Call, written: Written) -> None:
        """Delete the message; Telegram allows that for two days."""
        for one in reversed(ids_of(written)):
            call.client.delete(one)
