"""Calls that a person rejected, on the page of the run and in its sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.parts.status import REJECTED, look_of
from dashboard.run.board import board
from dashboard.run.row import table_rows
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
    ("steps", "word", "badge", "said"),
    [
        pytest.param(
            [{**ASKED, "on_error": "continue"}],
            ["⊘ Rejected", "gray"],
            "Rejected",
            '1 mail: 1 issue rejected by owner. "Hello".',
            id="the-run-goes-on",
        ),
        pytest.param(
            [FREE, {**ASKED, "on_error": "continue"}],
            ["⊘ Partly rejected", "gray"],
            "Partly rejected",
            '1 mail: 1 note, 1 issue rejected by owner. "Hello".',
            id="something-was-written",
        ),
        pytest.param(
            [ASKED],
            ["⊘ Rejected", "gray"],
            "Rejected",
            '1 mail: 1 rejected by owner. "Hello": Rejected by owner: Not this one.',
            id="the-run-fails",
        ),
    ],
)
def test_what_a_person_rejected_is_not_done(
    orchestra: Orchestra, steps: list[dict[str, Any]], word: list[str], badge: str, said: str
) -> None:
    run = rejected(orchestra, steps)
    [[_, _, choice, item, _, _, cells]] = table_rows(board(run))
    assert (item, cells[-1]) == (word, ["⊘ Rejected", "gray"])
    assert choice == REJECTED
    look = look_of(run["status"], run["counts"])
    assert (look.word, look.color) == (badge, "gray")
    assert run["sentence"] == said


def test_nobody_is_asked_to_repair_what_a_person_rejected(
    orchestra: Orchestra, open_page: Callable[..., AppTest]
) -> None:
    run = rejected(orchestra, [ASKED])
    assert (run["status"], run["counts"]["rejected"]) == ("failed", 1)
    assert orchestra.attention.now(OWNER).failed == []
    at = open_page("run", id=run["run_id"], open="each[0]", step="issue")
    assert not at.exception
    assert [one.label for one in at.button if one.key == "resume"] == ["Ask again"]
    assert not at.error
    assert ":gray-badge[:material/block: Rejected by you]" in [one.value for one in at.markdown]


def test_what_was_rejected_is_not_counted_with_what_failed(
    orchestra: Orchestra, open_page: Callable[..., AppTest]
) -> None:
    fails = {"id": "check", "uses": "flow.assert", "with": {"condition": "{{ mail == 'Hello' }}"}}
    each: dict[str, Any] = {"foreach": "{{ ['Hello', 'Bye'] }}", "as": "mail", "on_item_error": "continue"}
    loop = {"id": "each", **each, "steps": [fails, ASKED]}
    orchestra.workflows.save(OWNER, "work", json.dumps({"schema_version": 1, "steps": [loop]}), None)
    run_id = orchestra.runs.start(OWNER, "work", {})
    until(lambda: orchestra.approvals.count_open(OWNER) == 1)
    orchestra.approvals.reject(OWNER, orchestra.approvals.list(OWNER)[0].id)
    run = orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert "rejected" not in run["counts"]
    assert [one.run_id for one in orchestra.attention.now(OWNER).failed] == [run_id]
    at = open_page("run", id=run_id)
    assert [one.label for one in at.button if one.key == "resume"] == ["Run the failed 1 again"]
    assert len(at.error) == 1
