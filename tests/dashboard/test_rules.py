"""The tab Rules of a workflow, and what a correction says of rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streamlit.testing.v1 import AppTest

from engine.orchestra import Orchestra
from tests.dashboard.conftest import OWNER
from tests.dashboard.test_run import words
from tests.patience import PATIENCE_SECONDS

Open = Callable[..., AppTest]


def test_a_new_rule_says_what_it_leaves_empty_before_it_is_added(orchestra: Orchestra, open_page: Open) -> None:
    at = open_page("workflow", name="inbox-triage", tab="rules")
    assert not at.exception
    assert "stays empty" not in words(at)
    [answer] = [one for one in at.selectbox if one.label == "Then the answer is"]
    answer.set_value("task").run()
    assert "stays empty, and is used by" in words(at)
    assert orchestra.rules.of(OWNER, "inbox-triage").steps[0].rules == []


def test_a_correction_says_what_holds_for_later_mails(orchestra: Orchestra, open_page: Open) -> None:
    run_id = orchestra.runs.start(OWNER, "inbox-triage", {"limit": 3})
    run: Any = orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    path = next(one["path"] for one in run["steps"] if one["id"] == "classify")
    at = open_page("run", id=run_id, open=path.rpartition(".")[0], step=path)
    [right] = [one for one in at.button_group if str(one.key).startswith("right-kind-")]
    right.set_value("unsure").run()
    assert not at.exception
    assert "A later run that reads the same mail gets this answer." in words(at)
    assert [one for one in at.get("page_link") if one.proto.label == "Rules"]
