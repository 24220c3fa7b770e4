"""Steps of Slack: messages, channels, reactions."""

from __future__ import annotations

from typing import Any

from clients.slack.service import MESSAGE, SLACK
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
    option,
    outside,
)
from engine.plugins.unreadable import newest


class MessageFields(Fields):
    """The channel and the message."""

    channel: str = destination("Channel", format="slack-channel", min_length=1)
    text: str = content("Message (Markdown)", min_length=1, widget="text", markup="markdown", limit=MESSAGE)
    thread: str = destination("Message to answer in its thread", "")


class Sent(Output):
    """The message; `id` is its timestamp, which identifies it in its channel. `ids`: all messages of a long text."""

    id: str
    ids: list[str]
    channel: str
    url: str = address("Address")


class SendMessage(StepType):
    """Send a message to a Slack channel. It is found again by its metadata, so it is never sent twice."""

    name = "slack.send_message"
    title = "Send a Slack message"
    agreed = "If you agree, this message goes to {to}."
    service = SLACK.name
    effect = Effect.WRITES
    repeat = Repeat.FINDABLE
    approval = "always"
    done = "sent"
    undoes = "deletes the message, or all messages of a long text"
    fields = MessageFields
    output = Sent

    def target(self, fields: MessageFields) -> str:
        """Return the channel."""
        return fields.channel

    def call(self, call: Call) -> JsonValue:
        """Return {id, channel, url, ids}."""
        it: MessageFields = call.fields
        return call.client.send(
            it.channel, it.text, it.thread, call.marker, call.intended_at if call.is_again else None
        )

    def find(self, call: Call) -> JsonValue | None:
        """Look for the marker in the metadata of the messages since then."""
        assert call.intended_at is not None
        it: MessageFields = call.fields
        return call.client.sent(it.channel, it.text, it.thread, call.marker, call.intended_at)

    def undo(self, call: Call, written: Written) -> None:
        """Delete the message."""
        for one in reversed(ids_of(written)):
            call.client.delete(written.output["channel"], one)


class ChannelsFields(Fields):
    """All channels that the bot sees."""


class Channel(Output):
    """A channel."""

    id: str
    name: str = outside("Name, with #")
    url: str = address("Address")
    is_member: bool
    is_private: bool


class Channels(Output):
    """The channels."""

    channels: list[Channel]


class ListChannels(StepType):
    """List the channels that the bot sees, without archived ones."""

    name = "slack.list_channels"
    title = "List Slack channels"
    service = SLACK.name
    effect = Effect.READS
    fields = ChannelsFields
    output = Channels

    def call(self, call: Call) -> JsonValue:
        """Return {channels}."""
        return {"channels": call.client.channels()}


class ReadFields(Fields):
    """The channel or thread, and how many messages."""

    channel: str = destination("Channel", format="slack-channel", min_length=1)
    thread: str = destination("Only the thread of this message", "")
    limit: int = option("At most", 50, ge=1, le=1000)


class Message(Output):
    """A message; `author` is an id, or the name that a program gave itself."""

    id: str
    text: str = outside("Text")
    left_out: list[str] = outside("What is not in the text", [])
    author: str = outside("Author")
    is_bot: bool
    at: str
    thread: str
    url: str = address("Address")


class Messages(Output):
    """The newest messages, oldest first; `has_more`: there are older ones."""

    messages: list[Message]
    has_more: bool


class ReadMessages(StepType):
    """Read the newest messages of a Slack channel or thread."""

    name = "slack.read_messages"
    title = "Read Slack messages"
    service = SLACK.name
    effect = Effect.READS
    fields = ReadFields
    output = Messages

    def call(self, call: Call) -> JsonValue:
        """Return {messages, has_more}."""
        it: ReadFields = call.fields
        # One more shows whether there are older ones.
        return newest(call, call.client.messages(it.channel, it.thread, it.limit + 1))


class ReactionFields(Fields):
    """The message and the reaction."""

    channel: str = destination("Channel", format="slack-channel", min_length=1)
    message: str = destination("Message (its id)", pattern=r"^\d+\.\d+$")
    name: str = option("Reaction, such as white_check_mark", pattern=r"^:?[a-z0-9_+'-]+:?$", max_length=100)


class Reacted(Output):
    """The message that has the reaction."""

    id: str


class AddReaction(StepType):
    """Add a reaction to a Slack message. If it is already there, nothing changes."""

    name = "slack.add_reaction"
    title = "React to a Slack message"
    service = SLACK.name
    effect = Effect.WRITES
    repeat = Repeat.SAFE
    approval = "always"
    done = "marked"
    undoes = "removes the reaction"
    fields = ReactionFields
    output = Reacted

    def target(self, fields: Any) -> str:
        """Return the channel."""
        return str(fields.channel)

    def call(self, call: Call) -> JsonValue:
        """Return {id}."""
        it: ReactionFields = call.fields
        call.client.react(it.channel, it.message, it.name)
        return {"id": it.message}

    def undo(self, call: Call, written: Written) -> None:
        """Take the reaction back."""
        it: ReactionFields = call.fields
        call.client.unreact(it.channel, it.message, it.name)
