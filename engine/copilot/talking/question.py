"""What the co-pilot's model is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.plugins.step import Usage


@dataclass(frozen=True)
class ModelQuestion:
    """One request: a conversation, and the tools that the model may call."""

    messages: Sequence[Mapping[str, Any]]
    tools: Sequence[Mapping[str, Any]]
    model: str
    seconds: float
    """For the whole answer."""
    on_text: Callable[[str], None]
    usage: Usage = field(default_factory=Usage)
