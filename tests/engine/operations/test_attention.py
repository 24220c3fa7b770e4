"""Which runs need attention."""

from __future__ import annotations

from typing import Any

import pytest

from engine.base.statuses import RunStatus
from engine.operations.attention import failing, unsettled
from engine.record.document import counts
from engine.record.types.run import RunKind
from engine.runs.run_list import RunRow
from engine.triggering.polling.status import DeadItem, TriggerError

TRIGGER = "trigger:new"


def row(
    run_id: str, workflow: str, status: str, by: str = "owner", failed_items: int = 0, unknown: int = 0, **more: Any
) -> RunRow:
    times = {"queued_at": "2026-11-20T08:00:00.000Z", "started_at": None, "ended_at": None, "duration_seconds": None}
    return RunRow(
        run_id=run_id,
        workflow=workflow,
        title=workflow,
        status=RunStatus(status),
        started_by=by,
        sentence="",
        counts={**counts(()), "failed_items": failed_items, "unknown_effects": unknown},
        **{"demo": True, **more},
        **times,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([row("2", "a", "failed"), row("1", "a", "succeeded")], ["2"], id="the latest failed"),
        pytest.param([row("2", "a", "succeeded"), row("1", "a", "failed")], [], id="made good"),
        pytest.param([row("2", "a", "failed"), row("1", "b", "failed")], ["2", "1"], id="two workflows"),
        pytest.param([row("2", "a", "running"), row("1", "a", "failed")], ["1"], id="the next is at work"),
        pytest.param([row("2", "a", "cancelled"), row("1", "a", "failed")], ["1"], id="the next was cancelled"),
        pytest.param(
            [row("2", "a", "succeeded"), row("1", "a", "failed", demo=False)], ["1"], id="made good in the demo"
        ),
        pytest.param(
            [row("2", "a", "succeeded", kind=RunKind.PART), row("1", "a", "failed")], ["1"], id="one step was tried"
        ),
        pytest.param([row("2", "a", "succeeded"), row("1", "a", "failed", unknown=1)], ["1"], id="an unknown write"),
        pytest.param([], [], id="none"),
        pytest.param([row("1", "a", "succeeded", failed_items=2)], ["1"], id="went well but for two items"),
        pytest.param([row("2", "a", "succeeded", TRIGGER), row("1", "a", "failed", TRIGGER)], ["1"], id="another mail"),
        pytest.param([row("2", "a", "failed"), row("1", "a", "failed", TRIGGER)], ["2", "1"], id="by hand and by mail"),
        pytest.param([row("3", "a", "failed", TRIGGER)], [], id="dismissed"),
    ],
)
def test_failed_runs_need_a_look_until_made_good(rows: list[RunRow], expected: list[str]) -> None:
    dead = [DeadItem("a", "new", "m1", "Invoice", "", TriggerError("RunFailed", "No.", ""), "1")]
    assert [one.run_id for one in failing(rows, dead)] == expected


@pytest.mark.parametrize(
    ("overtaken", "expected"),
    [
        pytest.param(set(), ["2", "0"], id="not made good"),
        pytest.param({"2"}, ["0"], id="made good"),
        pytest.param({"1"}, ["2", "0"], id="one of a trigger made good"),
    ],
)
def test_runs_that_were_set_aside_need_a_look_until_made_good(overtaken: set[str], expected: list[str]) -> None:
    set_aside = [row("2", "a", "failed"), row("1", "c", "failed", TRIGGER), row("0", "d", "interrupted")]
    assert [one.run_id for one in unsettled(set_aside, overtaken)] == expected
