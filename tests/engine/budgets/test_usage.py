"""What models have used, by what asked and what was asked."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.base.errors import InvalidInput
from engine.budgets.use import KINDS
from engine.orchestra import Orchestra
from engine.runs.prompt_tries.try_requests import TryRequest
from tests.engine.budgets.conftest import Desk, ask, loop
from tests.engine.conftest import OWNER
from tests.patience import PATIENCE_SECONDS, until
from tests.workspaces import init

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def test_each_answer_counts_once_by_each_kind_and_the_sums_are_what_the_runs_have_used(desk: Desk) -> None:
    desk.config()
    desk.workflow([loop(2), ask("last", model="small")])
    desk.workflow([ask()], "other")
    runs = [desk.run(), desk.run("other")]
    usage = desk.orchestra.usage
    names = {kind: {one.name: one.calls for one in usage.report(OWNER, kind).rows} for kind in KINDS}
    assert names == {
        "workflow": {"work": 3, "other": 1},
        "step": {"work: each.ask": 2, "work: last": 1, "other: ask": 1},
        "prompt": {"(no prompt)": 4},
        "model": {"big": 3, "small": 1},
        "connection": {"llm": 4},
    }
    shares = {one.name: one.shares for kind in KINDS for one in usage.report(OWNER, kind).rows}
    assert {name: said for name, said in shares.items() if said} == {"(no prompt)": "big 75%, small 25%"}
    for kind in KINDS:
        rows = usage.report(OWNER, kind).rows
        for member in ("input_tokens", "output_tokens"):
            assert sum(getattr(one, member) for one in rows) == sum(run["usage"][member] for run in runs), kind
        assert sum(one.usd for one in rows) == pytest.approx(sum(run["usage"]["cost_usd"] for run in runs))


def test_days_are_those_of_the_time_zone_and_a_day_without_calls_is_there(desk: Desk) -> None:
    now = [NOON]
    desk.now = lambda: now[0]
    desk.config(time_zone="Pacific/Auckland")  # where it is the day after
    desk.workflow([ask()])
    desk.run()
    now[0] = NOON + 2 * DAY
    desk.run()
    usage = desk.orchestra.usage
    report = usage.report(OWNER, days=3)
    assert [(one.name, one.calls) for one in report.days] == [("2026-11-21", 1), ("2026-11-22", 0), ("2026-11-23", 1)]
    assert [one.calls for one in usage.report(OWNER, days=2).rows] == [1]
    for days in (0, 367):
        with pytest.raises(InvalidInput, match="are not a time"):
            usage.report(OWNER, days=days)


def test_a_name_that_looks_like_a_formula_is_text_in_the_export(desk: Desk) -> None:
    desk.config(prices={"=1+1": {"input": 0, "output": 1}})
    desk.workflow([ask(model="=1+1")])
    desk.run()
    rows = list(csv.DictReader(io.StringIO(desk.orchestra.usage.csv(OWNER, "model"))))
    assert [(one["name"], one["demo"], one["calls"]) for one in rows] == [("'=1+1", "no", "1")]


@pytest.mark.slow
def test_prompts_count_by_version_and_the_demo_apart(tmp_path: Path) -> None:
    init(tmp_path / "workspace")
    orchestra = Orchestra.open(tmp_path / "workspace", demo=True)
    try:
        run_id = orchestra.runs.start(OWNER, "inbox-triage", {"limit": 2})
        assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "succeeded"
        tried = orchestra.tries.start(
            OWNER, "classify-mail", TryRequest(is_draft=True, variables={"text": "It crashes."})
        )
        orchestra.tries.wait(OWNER, "classify-mail", tried["id"], PATIENCE_SECONDS)
        wanted = {("classify-mail@1", 2, True), ("classify-mail (no version)", 1, True)}
        until(
            lambda: {(one.name, one.calls, one.demo) for one in orchestra.usage.report(OWNER, "prompt").rows} == wanted
        )
        assert {one.name for one in orchestra.usage.report(OWNER).rows} == {"inbox-triage", "(tries and tests)"}
    finally:
        orchestra.close()
