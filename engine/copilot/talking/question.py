"""What the co-pilot's model is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from engine.plugins.step import Usage


class ModelQuestion(Struct, frozen=True):
    """One request: a conversation, and the tools that the model may call, or else the form of its answer."""

    messages: Sequence[Mapping[str, Any]]
    tools: Sequence[Mapping[str, Any]]
    model: str
    seconds: float
    """How long the whole answer may take."""
    on_text: Callable[[str], None]
    usage: Usage = field(default_factory=Usage)
    schema: Mapping[str, Any] | None = None
    """The JSON Schema of the answer; None: words, and calls of tools."""
    most_tokens: int = 0
    """Of an answer with a schema."""
