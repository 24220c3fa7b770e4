"""Events of a run: what goes into the journal comes out again."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from msgspec import UNSET

from engine.base.statuses import RunStatus, StepStatus
from engine.record.events import (
    Event,
    RunEnded,
    RunStarted,
    StepFinished,
    StepWaiting,
    WriteSettled,
    decoded,
    encoded,
    members,
)

KINDS: tuple[Any, ...] = get_args(Event)
RECORDS = (
    "JsonObject",
    "Failure",
    "Stopped",
    "StepEffect",
    "StopRecord",
    "UsageRecord",
    "Hold",
    "Paused",
    "PlannedStep",
    "Approved",
    "AwaitedMail",
    "RuleRecord",
)
VALUES: dict[str, Any] = {
    "RunStatus": RunStatus.FAILED,
    "StepStatus": StepStatus.FAILED,
    "Flag": True,
    "float": 1.5,
    **{name: {"an": ["object", 1.5, None]} for name in RECORDS},
    "Any": ["anything", 1.5, None],
    "Sequence[Sequence[Any]]": [["key", "title"]],
    "Sequence[str]": ["a time"],
}


def of_kind(kind: Any, names: tuple[str, ...]) -> Event:
    kinds = {name: kind.__annotations__[name].partition(" | ")[0] for name in names}
    event: Event = kind(**{name: VALUES.get(kinds[name], "a text") for name in names})
    return event


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_event_of_every_kind_comes_back(kind: Any) -> None:
    names = kind.__struct_fields__
    for told_ones in (names, names[: len(names) - len(kind.__struct_defaults__)]):
        event = of_kind(kind, told_ones)
        again = decoded(encoded(event))
        assert again == event
        assert type(again) is kind


def test_the_names_in_the_journal_stay() -> None:
    assert [kind.__struct_config__.tag for kind in KINDS] == [
        "run_started", "run_resumed", "definition_taken", "run_waiting", "run_failing", "run_interrupted", "run_ended",
        "account_named", "loop_started", "item_finished", "step_listed", "step_started", "attempt_failed",
        "model_failed", "write_settled", "step_waiting", "step_finished",
    ]  # fmt: skip


def test_null_is_told_and_absence_is_not() -> None:
    finished = StepFinished("now", "a", StepStatus.SUCCEEDED, output=None)
    assert json.loads(encoded(finished)) == {
        "type": "step_finished", "at": "now", "path": "a", "status": "succeeded", "output": None
    }  # fmt: skip
    again = decoded(encoded(finished))
    assert isinstance(again, StepFinished)
    assert again.output is None
    assert again.error is UNSET
    assert not again.error


def test_the_text_of_an_event_keeps_its_order() -> None:
    text = encoded(StepWaiting("now", "a", title="A", due_at=None, held={"by": "GitHub", "message": "No."}))
    told = '"at":"now","path":"a","title":"A","due_at":null,"held":{"by":"GitHub","message":"No."}'
    assert text == f'{{"type":"step_waiting",{told}}}'


def test_what_another_release_tells_is_left_out() -> None:
    assert decoded('{"type":"run_started","at":"now","weather":"fine"}') == RunStarted("now")


def test_what_an_event_tells() -> None:
    assert members(RunEnded("now", RunStatus.FAILED)) == {"at": "now", "status": "failed"}


def test_a_text_that_no_file_can_hold_breaks_nothing() -> None:
    settled = decoded(encoded(WriteSettled("now", "a", output="half \ud800 \U0001f600", effect=None)))
    assert isinstance(settled, WriteSettled)
    assert settled.output == "half \ufffd \U0001f600"


def test_integers_of_any_size_come_back() -> None:
    settled = WriteSettled("now", "a", output=[2**63, 2**64, -(2**70)], effect=None)
    assert decoded(encoded(settled)) == settled


@pytest.mark.parametrize("odd", [b"x", {1}, StepStatus], ids=["bytes", "a set", "a class"])
def test_what_is_no_json_is_refused(odd: Any) -> None:
    with pytest.raises(TypeError):
        encoded(WriteSettled("now", "a", output=odd, effect=None))
