"""Steps of Discord: messages of a bot or a webhook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from clients.discord.service import DISCORD, MESSAGE
from engine.plugins.step import (
    Call,
    Effect,
    Fields,
    JsonValue,
    Output,
    Prompts,
    Receipt,
    Repeat,
    StepType,
    Written,
    address,
    content,
    destination,
    ids_of,
    option,
    outside,
)
from engine.plugins.unreadable import newest


class MessageFields(Fields):
    """The channel and the message; a webhook already has its channel."""

    channel: str = destination("Channel (empty: the webhook's)", "", format="discord-channel")
    text: str = content("Message (Markdown)", min_length=1, widget="text", markup="markdown", limit=MESSAGE)
    reply_to: str = destination("Message to answer", "", pattern=r"^\d*$")


class Sent(Output):
    """The message; `ids`: all messages of a long text."""

    id: str
    ids: list[str]
    channel: str
    url: str = address("Address")


class SendMessage(StepType):
    """Send a message to a Discord channel. Nobody is mentioned, whatever the text says.

    A bot's message is found again by its text. Discord cannot say whether a webhook's message arrived, so after a crash
    a person decides.
    """

    name = "discord.send_message"
    title = "Send a Discord message"
    agreed = "If you agree, this message goes to {to}."
    service = DISCORD.name
    effect = Effect.WRITES
    repeat = Repeat.FINDABLE
    approval = "always"
    done = "sent"
    undoes = "deletes the message, or all messages of a long text"
    fields = MessageFields
    output = Sent

    def effect_of(self, arguments: Mapping[str, JsonValue]) -> tuple[Effect, Repeat | None]:
        """Return a findable write for a bot, which names its channel, and an unfindable one for a webhook."""
        return Effect.WRITES, Repeat.FINDABLE if arguments.get("channel") else Repeat.UNFINDABLE

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Refuse an answer without a channel: a webhook cannot answer."""
        if arguments.get("reply_to") and not arguments.get("channel"):
            return [("channel", "Give the channel of the message to answer: a webhook cannot answer.")]
        return []

    def is_marked(self, fields: MessageFields) -> bool:
        """Return no: Discord shows a nonce to the sender only, so an equal message looks the same."""
        return False

    def target(self, fields: MessageFields) -> str:
        """Return the channel."""
        return fields.channel

    def call(self, call: Call) -> JsonValue:
        """Return {id, channel, url, ids}."""
        it: MessageFields = call.fields
        if not it.channel:
            return call.client.send_by_webhook(it.text)
        since = call.intended_at if call.is_again else None
        return call.client.send(it.channel, it.text, it.reply_to, call.marker, since, _single(call.made_by_others))

    def find(self, call: Call) -> JsonValue | None:
        """Look for a message of the bot with the same text since then that belongs to no other write."""
        assert call.intended_at is not None
        it: MessageFields = call.fields
        return call.client.sent(it.channel, it.text, call.intended_at, _single(call.made_by_others))

    def undo(self, call: Call, written: Written) -> None:
        """Delete the message."""
        for one in reversed(ids_of(written)):
            call.client.delete(written.output["channel"], one)

    def receipt(self, output: JsonValue) -> Receipt:
        """Return all ids, by which the messages of other writes are known."""
        return Receipt(id=" ".join(output["ids"]), url=output["url"])


def _single(receipts: Iterable[str]) -> frozenset[str]:
    return frozenset(one for receipt in receipts for one in receipt.split())


class ReadFields(Fields):
    """The channel, and how many messages."""

    channel: str = destination("Channel", format="discord-channel", min_length=1)
    limit: int = option("At most", 50, ge=1, le=500)


class Message(Output):
    """A message."""

    id: str
    text: str = outside("Text")
    left_out: list[str] = outside("What is not in the text", [])
    author: str = outside("Author")
    author_id: str
    is_bot: bool
    at: str
    url: str = address("Address")


class Messages(Output):
    """The newest messages, oldest first; `has_more`: there are older ones."""

    messages: list[Message]
    has_more: bool


class ReadMessages(StepType):
    """Read the newest messages of a Discord channel. The bot needs the intent *Message Content*."""

    name = "discord.read_messages"
    title = "Read Discord messages"
    service = DISCORD.name
    effect = Effect.READS
    fields = ReadFields
    output = Messages

    def call(self, call: Call) -> JsonValue:
        """Return {messages, has_more}."""
        it: ReadFields = call.fields
        # One more shows whether there are older ones.
        return newest(call, call.client.messages(it.channel, it.limit + 1))
