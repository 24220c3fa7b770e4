"""What a step type is to people: what it brings in, gives out, decides, or calls."""

from __future__ import annotations

from typing import Literal

from engine.base.services import service_of
from engine.plugins.step import Effect, StepType

Kind = Literal["input", "output", "process", "agent", "tool", "unknown"]


def kind_of(found: StepType | None) -> Kind:
    """Return the kind of a step type, `unknown` for None."""
    if found is None:
        return "unknown"
    if found.is_tool:
        return "tool"
    if found.service is None:
        return "process"
    service = service_of(found.service)
    if service is not None and service.is_model:
        return "agent"
    return "input" if found.effect is Effect.READS else "output" if found.effect is Effect.WRITES else "process"
