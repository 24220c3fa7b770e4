"""Shared by steps that list objects of a service: one unreadable object does not stop the others."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from clients.errors import BadAnswer
from clients.listing import ItemList
from clients.wording import counted
from engine.plugins.step import Call, JsonValue, outside


class UnreadableThing(BaseModel):
    """An object that was listed but cannot be read, with the reason."""

    model_config = ConfigDict(extra="forbid")

    id: str
    title: str = outside("Title")
    reason: str = outside("Reason")


def unreadable_of(call: Call, found: ItemList) -> JsonValue:
    """Return the unreadable objects for the output, and leave a note on the call if there are any.

    Raises BadAnswer if none can be read.
    """
    if not found.unreadable:
        return []
    first = found.unreadable[0]
    if not found:
        raise BadAnswer(f"Nothing that was listed can be read: {first.reason}")
    count = f"{len(found.unreadable)} of {counted(len(found.unreadable) + len(found), 'thing')}"
    called = "First: " * (len(found.unreadable) > 1)
    call.notes.append(f"{count} could not be read. {called}{first.title!r}: {first.reason}")
    return [{"id": one.id, "title": one.title, "reason": one.reason} for one in found.unreadable]
