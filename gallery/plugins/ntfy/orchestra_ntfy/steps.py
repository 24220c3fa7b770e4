"""Steps of ntfy: push messages."""

from __future__ import annotations

from engine.plugins.step import Call, Effect, Fields, JsonValue, Output, Repeat, StepType, content, destination
from orchestra_ntfy.client import NTFY


class PublishFields(Fields):
    """The topic and the message."""

    topic: str = destination("Topic", pattern="^[-_A-Za-z0-9]{1,64}$", format="ntfy-topic")
    title: str = content("Title", "")
    message: str = content("Message", min_length=1)


class Published(Output):
    """The message's id."""

    id: str


class Publish(StepType):
    """Sends a message to everybody who subscribes to a topic. The server keeps it for 12 hours."""

    name = "ntfy.publish"
    title = "Send a push message"
    makes = ("a message on a topic",)
    service = NTFY.name
    effect = Effect.WRITES
    repeat = Repeat.FINDABLE
    done = "pushed"
    lasts = "It was delivered to phones."
    fields = PublishFields
    output = Published

    def target(self, fields: PublishFields) -> str:
        """Return the topic."""
        return fields.topic

    def call(self, call: Call) -> JsonValue:
        """Send it; the marker goes along as a tag."""
        fields: PublishFields = call.fields
        return {"id": call.client.publish(fields.topic, fields.title, fields.message, call.marker)["id"]}

    def find(self, call: Call) -> JsonValue | None:
        """Look for the marker among the messages since the write was first tried."""
        assert call.intended_at is not None
        messages = call.client.messages(call.fields.topic, int(call.intended_at.timestamp()) - 60)
        found = next((one for one in messages if call.marker in one.get("tags", [])), None)
        return None if found is None else {"id": found["id"]}
