"""Every step type that writes says how it is undone, or why it cannot be; and what it says it does, it has."""

from __future__ import annotations

import pytest

from engine.plugins.registry import step_types
from engine.plugins.step import Effect, StepType

WRITES = [kind for kind in step_types().values() if kind.effect is Effect.WRITES]
every_write = pytest.mark.parametrize("kind", WRITES, ids=lambda kind: str(kind.name))


@every_write
def test_a_write_says_how_it_is_undone_or_why_it_cannot_be(kind: StepType) -> None:
    words = kind.undoes or kind.lasts
    assert kind.undoes or kind.lasts != StepType.lasts, "the reason is one of its own"
    assert kind.undoes == "" or not words.endswith("."), "what undoing does stands within a sentence"
    assert kind.undoes != "" or words.endswith("."), "why it lasts is a sentence"
    assert kind.stays == "" or kind.undoes


@every_write
def test_a_write_does_what_it_says(kind: StepType) -> None:
    assert (type(kind).undo is not StepType.undo) == bool(kind.undoes)
    assert (type(kind).update is not StepType.update) == kind.updates


def test_what_reads_or_touches_nothing_has_nothing_to_undo() -> None:
    others = [kind for kind in step_types().values() if kind.effect is not Effect.WRITES]
    assert others
    assert [kind.name for kind in others if kind.undoes or kind.updates] == []
