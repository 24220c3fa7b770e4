"""Whether a question fits into what a model reads at once, and what is left out of its variables if it does not.

A server that cuts a long question itself does so in silence, and often cuts the instructions. So a question that
certainly does not fit is an error before it is sent; or a rule of the step shortens its variables, never its
instructions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from clients.errors import InvalidRequest
from clients.models.metering import most_tokens
from clients.models.reading import least_tokens, likely_tokens
from engine.plugins.step import JsonValue
from engine.prompts.messages import WireMessage

TooLong = Literal["fail", "newest", "start_and_end"]
Messages = Sequence[WireMessage]
Rendering = Callable[[Mapping[str, JsonValue]], Messages]
"""Fills in the variables of a prompt."""

_WORTH_ASKING = 1_000
"""Tokens: no model reads less at once, so that no server is asked about a short question."""
_AROUND_A_MESSAGE = 16
_AROUND_ALL = 64
"""Tokens that the template of a model adds, such as instructions of its own if there are none."""
_ANSWER_SHARE = 4
"""Without `max_tokens`, a quarter of the context stays free for the answer."""
_CUT = "[…]"


class Room(Struct, frozen=True):
    """How much a model reads at once."""

    client: Any
    model: str
    """Empty: the connection's own."""
    context_tokens: int

    def count(self, messages: Messages) -> int:
        """Return the tokens of messages, with what a model's template adds: as the server counts them, else about."""
        texts = _texts(messages)
        counted = self.client.count_tokens("\n".join(texts), self.model)
        around = _AROUND_ALL + _AROUND_A_MESSAGE * len(messages)
        return around + (sum(map(likely_tokens, texts)) if counted is None else counted)

    def require(self, messages: Messages) -> None:
        """Raise InvalidRequest if the messages certainly do not fit."""
        if most_tokens(messages) <= self.context_tokens:
            return
        counted = self.client.count_tokens("\n".join(_texts(messages)), self.model)
        tokens = least_tokens(messages) if counted is None else counted
        if tokens >= self.context_tokens:
            raise self.too_long(tokens, is_counted=counted is not None)

    def too_long(self, tokens: int, *, is_counted: bool) -> InvalidRequest:
        """Return the error for a question that does not fit."""
        name, most = self.name, self.context_tokens
        words = f"The question has {tokens:,} tokens, and {name} reads {most:,} at once. Nothing was sent."
        if not is_counted:
            words = f"The question has about {tokens:,} tokens, and {name} reads {most:,} at once. Nothing was sent."
        return InvalidRequest(
            words,
            remedy="Give it less text, let it be shortened (`too_long: newest` or `start_and_end`, with a prompt and "
            "variables), or load the model with a larger context.",
        )

    @property
    def name(self) -> str:
        """What the model is called."""
        return self.model or str(self.client.model)


def room_for(client: Any, model: str, messages: Messages) -> Room | None:
    """Return how much the model reads at once; None if that is unknown, or if the question is short."""
    if least_tokens(messages) < _WORTH_ASKING:
        return None
    tokens = client.context_tokens(model)
    return None if tokens is None else Room(client, model, tokens)


def fitted(
    render: Rendering, variables: Mapping[str, JsonValue], rule: TooLong, room: Room, answer_tokens: int | None
) -> tuple[Messages, list[str]]:
    """Return the messages with their variables shortened, the longest first, and a sentence about each cut.

    `answer_tokens`: what the answer may have. Raises InvalidRequest if the rest alone is too long.
    """
    answer = min(answer_tokens or room.context_tokens // _ANSWER_SHARE, room.context_tokens // 2)
    most, given, notes = room.context_tokens - answer, dict(variables), list[str]()
    messages = render(given)
    tokens = room.count(messages)
    for name in _longest_first(variables):
        if tokens <= most:
            break
        whole, before = given[name], tokens
        kept = _most_kept(whole, rule, lambda value: room.count(render({**given, name: value})) <= most)  # noqa: B023
        given[name] = kept
        messages = render(given)
        tokens = room.count(messages)
        notes.append(_note(name, rule, before - tokens, room))
    if tokens > most:
        raise room.too_long(tokens, is_counted=False)
    return messages, notes


def _longest_first(variables: Mapping[str, JsonValue]) -> list[str]:
    lengths = {name: len(str(value)) for name, value in variables.items() if isinstance(value, str | list)}
    return sorted(lengths, key=lambda name: -lengths[name])


def _most_kept(whole: Any, rule: TooLong, fits: Callable[[JsonValue], bool]) -> JsonValue:
    """Return the value with as much of it as fits: letters of a text, entries of a list."""
    least, most = 0, len(whole)  # invariant: `most` does not fit
    while most - least > max(1, len(whole) // 200):
        middle = (least + most) // 2
        if fits(_cut(whole, rule, middle)):
            least = middle
        else:
            most = middle
    return _cut(whole, rule, least)


def _cut(whole: Any, rule: TooLong, kept: int) -> JsonValue:
    """Return so many letters or entries: the last ones, or as many from the start as from the end."""
    first = kept // 2 if rule == "start_and_end" else 0
    start, end = whole[:first], whole[len(whole) - (kept - first) :]
    return f"{start}{_CUT}{end}" if isinstance(whole, str) else [*start, *end]


def _note(name: str, rule: TooLong, tokens: int, room: Room) -> str:
    model, most = room.name, room.context_tokens
    if rule == "newest":
        return f"The beginning of {name!r} was left out, about {tokens:,} tokens: {model} reads {most:,} at once."
    return f"The middle of {name!r} was left out, about {tokens:,} tokens: {model} reads {most:,} at once."


def _texts(messages: Messages) -> list[str]:
    found: list[str] = []
    for message in messages:
        content = message["content"]
        parts = [content] if isinstance(content, str) else [str(part.get("text") or "") for part in content]
        found += parts
    return found
