"""Events of a run: what goes into the journal comes out again."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest

from engine.base.json_text import compact
from engine.base.statuses import RunStatus, StepStatus
from engine.record.events import (
    ABSENT,
    Event,
    RunEnded,
    RunStarted,
    StepFinished,
    StepWaiting,
    decoded,
    encoded,
    told,
)

KINDS: tuple[Any, ...] = get_args(Event)


def through_the_journal(event: Event) -> Event:
    return decoded(json.loads(compact(encoded(event))))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_event_of_every_kind_comes_back(kind: Any) -> None:
    event = kind(**{name: {"status": StepStatus.FAILED}.get(name, [name, 1.5]) for name in kind._fields})
    assert through_the_journal(event) == event
    fewest = kind(*["x"] * (len(kind._fields) - len(kind._field_defaults)))
    assert through_the_journal(fewest) == fewest


def test_every_kind_has_a_name_of_its_own() -> None:
    named = {encoded(kind(*["x"] * len(kind._fields)))["type"] for kind in KINDS}
    assert len(named) == len(KINDS)


def test_null_is_told_and_absence_is_not() -> None:
    finished = StepFinished("now", "a", StepStatus.SUCCEEDED, output=None)
    assert encoded(finished) == {
        "type": "step_finished", "at": "now", "path": "a", "status": "succeeded", "output": None
    }  # fmt: skip
    again = through_the_journal(finished)
    assert isinstance(again, StepFinished)
    assert again.output is None
    assert again.error is ABSENT
    assert not again.error


def test_the_text_of_an_event_keeps_its_order() -> None:
    text = compact(encoded(StepWaiting("now", "a", title="A", due_at=None, held={"by": "GitHub"})))
    assert text == '{"type":"step_waiting","at":"now","path":"a","title":"A","due_at":null,"held":{"by":"GitHub"}}'


def test_what_another_release_tells_is_left_out() -> None:
    assert decoded({"type": "run_started", "at": "now", "weather": "fine"}) == RunStarted("now")


def test_what_an_event_tells() -> None:
    assert told(RunEnded("now", RunStatus.FAILED)) == {"at": "now", "status": "failed"}
