"""The step and trigger types of other tests, which sessions use beside the engine's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import engine.steps
import engine.triggers
from assurance.semantics.engines import more_step_types
from engine.plugins import registry

_STEP_TYPES = str(Path(__file__).with_name("step_types"))
_TRIGGER_TYPES = str(Path(__file__).parents[3] / "tests" / "engine" / "triggering" / "trigger_types")


@contextmanager
def more_kinds() -> Iterator[None]:
    """Let the registry find them."""
    engine.triggers.__path__.append(_TRIGGER_TYPES)
    engine.steps.__path__.append(_STEP_TYPES)
    registry.TRIGGERS.forget()
    try:
        with more_step_types():
            yield
    finally:
        engine.triggers.__path__.remove(_TRIGGER_TYPES)
        engine.steps.__path__.remove(_STEP_TYPES)
        registry.TRIGGERS.forget()
