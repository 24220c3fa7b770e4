"""The members of the record of a run are listed once, in its types; other lists agree with them."""

from __future__ import annotations

import pytest

from api.routes.run_documents import RunRowView
from engine.record.document import COPIED, LISTED
from engine.record.events import StepFinished, StepListed, StepWaiting
from engine.record.types.run import Run
from engine.record.types.step import StepRecord
from engine.runs.run_list import RunRow
from engine.store.runs import RunRecord
from tests.engine.conftest import Run as Started
from tests.engine.conftest import set_step
from tests.engine.record.members import misfits

_SET_BY_HAND = {"path", "title", "status", "started_at"}
"""Members that the builder works out, though events tell of them."""
_OF_ROWS = {
    "title",
    "workflow_id",
    "is_test",
    "owner",
    "lane",
    "end_number",
    "plan_hash",
    "is_drifted",
    "drift",
    "acceptance",
    "connections",
    "is_at_work",
    "item",
}
"""What only the list of runs knows of a run."""


@pytest.mark.parametrize("event", [StepFinished, StepWaiting])
def test_all_that_an_event_tells_of_a_step_gets_into_its_record(event: type[StepFinished | StepWaiting]) -> None:
    told = set(event.__struct_fields__) & set(StepRecord.__annotations__) - {
        "paused",
        "scheduled",
    }  # which go with the wait
    assert told - {"status"} == (set(COPIED) | _SET_BY_HAND) - {"status"}


def test_an_interrupted_step_keeps_what_its_event_tells() -> None:
    assert set(StepListed.__struct_fields__) - {"at"} == set(LISTED) | {"path", "started_at"}


def test_the_list_of_runs_has_members_of_runs() -> None:
    known = set(Run.__annotations__) | _OF_ROWS
    assert set(RunRecord._fields) <= known
    assert set(RunRow.__struct_fields__) == set(RunRowView.model_fields)
    assert set(RunRowView.model_fields) <= known


def test_a_member_that_no_type_lists_and_one_that_is_missing_are_found(run: Started) -> None:
    document = run([set_step("a")])
    assert misfits(document) == []
    [step] = document["steps"]
    assert misfits({**document, "colour": "red"}) == ["colour"]
    assert misfits({**document, "steps": [{**step, "colour": "red"}]}) == ["a.colour"]
    del document["inputs"]
    assert misfits(document) == ["inputs"]
