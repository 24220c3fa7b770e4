"""Shared by steps that list objects: one unreadable object does not stop the others, and what is left out is noted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from clients.errors import BadAnswer
from clients.listing import ItemList
from clients.wording import counted
from engine.plugins.step import Call, JsonValue, Result, StepType, fields_schema, outside


class UnreadableThing(BaseModel):
    """An object that was listed but cannot be read, with the reason."""

    model_config = ConfigDict(extra="forbid")

    id: str
    title: str = outside("Title")
    reason: str = outside("Reason")


def unreadable_of(call: Call, found: ItemList, kind: str) -> JsonValue:
    """Return the unreadable objects for the output, and leave a note on the call if there are any.

    `kind`: what they are, in the plural, such as "pages". Raises BadAnswer if no object can be read.
    """
    if not found.unreadable:
        return []
    first = found.unreadable[0]
    if not found:
        raise BadAnswer(f"Nothing that was listed can be read: {first.reason}")
    count = f"{len(found.unreadable):,} of {len(found.unreadable) + len(found):,} {kind}"
    called = "First: " * (len(found.unreadable) > 1)
    call.notes.append(f"{count} could not be read. {called}{first.title!r}: {first.reason}")
    return [{"id": one.id, "title": one.title, "reason": one.reason} for one in found.unreadable]


def newest(call: Call, found: Sequence[Mapping[str, JsonValue]]) -> JsonValue:
    """Return {messages, has_more} of one message more than `limit`, and leave a note for what their texts leave out.

    `found` is in the order of time; each message says in `left_out` what is not in its text.
    """
    shown = found[-call.fields.limit :]
    partly = [one for one in shown if one["left_out"]]
    if partly:
        first = f"{partly[0]['at']}: {' '.join(partly[0]['left_out'])}"
        count = f"{len(partly)} of {counted(len(shown), 'message')}"
        call.notes.append(f"The text of {count} leaves something out. {'First: ' * (len(partly) > 1)}{first}")
    return {"messages": list(shown), "has_more": len(found) > len(shown)}


def answered(kind: StepType, call: Call) -> Result:
    """Make a call; if its output says that it is not all there is, leave a note that says it to people, too.

    Raises what `StepType.call` raises.
    """
    result = kind.call(call)
    if isinstance(result, dict) and kind.output is not None and (note := _more(kind, call, result)):
        call.notes.append(note)
    return result


_MARKS = ("truncated", "is_cut")
"""Members of an output that say the same as `has_more`; a note of the step may already have said more about it."""


_AT_MOST = "At most"
"""The title of the field that limits most lists."""


def _more(kind: StepType, call: Call, output: Mapping[str, JsonValue]) -> str:
    """Return a sentence about what the output leaves out; empty if nothing, or if the step has noted it."""
    marks = [name for name in _MARKS if output.get(name) is True]
    if output.get("has_more") is not True and (not marks or call.notes):
        return ""
    limit = getattr(call.fields, "limit", None)
    if limit is None:
        return "" if call.notes else f"Not all of it was read: the output says `{(*marks, 'has_more')[0]}`."
    schema = fields_schema(kind.fields)["properties"]["limit"]
    raised = "raise 'At most'" if schema.get("title") == _AT_MOST else "raise the limit"
    way = "narrow what you look for" if limit == schema.get("maximum") else raised
    return f"There are more than the {limit:,} that were read: {way} to get the others."
