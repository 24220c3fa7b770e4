"""Calls that a person rejected, on the page of the run and in its sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dashboard.run.board import board
from dashboard.run.row import table_rows
from engine.base.statuses import StepStatus
from engine.orchestra import Orchestra
from tests.dashboard.conftest import OWNER
from tests.patience import PATIENCE_SECONDS, until

ISSUE: dict[str, Any] = {"uses": "github.create_issue", "with": {"repository": "acme/app", "title": "One", "body": ""}}
ASKED = {"id": "issue", "approve": "always", **ISSUE}
FREE = {"id": "note", "approve": "never", **ISSUE}


def rejected(orchestra: Orchestra, steps: list[dict[str, Any]]) -> Any:
    """A run over one mail whose question was rejected."""
    loop = {"id": "each", "foreach": "{{ ['Hello'] }}", "as": "mail", "item_title": "{{ mail }}", "steps": steps}
    orchestra.workflows.save(OWNER, "work", json.dumps({"schema_version": 1, "steps": [loop]}), None)
    run_id = orchestra.runs.start(OWNER, "work", {})
    until(lambda: orchestra.approvals.count_open(OWNER) == 1)
    [question] = orchestra.approvals.list(OWNER)
    orchestra.approvals.reject(OWNER, question.id, "Not this one")
    return orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)


@pytest.mark.parametrize(
    ("steps", "word", "said"),
    [
        pytest.param(
            [{**ASKED, "on_error": "continue"}],
            ["✕ Rejected", "red"],
            '1 mail: 1 issue rejected by a person. "Hello".',
            id="the-run-goes-on",
        ),
        pytest.param(
            [FREE, {**ASKED, "on_error": "continue"}],
            ["! Partly rejected", "orange"],
            '1 mail: 1 note, 1 issue rejected by a person. "Hello".',
            id="something-was-written",
        ),
        pytest.param(
            [ASKED],
            ["✕ Rejected", "red"],
            '1 mail: 1 rejected by a person. "Hello": Rejected by owner: Not this one.',
            id="the-run-fails",
        ),
    ],
)
def test_what_a_person_rejected_is_not_done(
    orchestra: Orchestra, steps: list[dict[str, Any]], word: list[str], said: str
) -> None:
    run = rejected(orchestra, steps)
    [[_, _, choice, item, _, _, cells]] = table_rows(board(run))
    assert (item, cells[-1]) == (word, ["✕ Rejected", "red"])
    assert choice == StepStatus.FAILED
    assert run["sentence"] == said
