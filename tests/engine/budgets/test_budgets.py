"""What budgets do to runs, with a model over HTTP that counts how often it is asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clients.models.metering import ModelRequest
from engine.budgets.meter import CallPermit
from engine.budgets.rule import CallVerdict
from engine.store.spending import Amount, Reservation
from tests.engine.budgets.conftest import Desk, ask, loop
from tests.engine.conftest import OWNER
from tests.patience import until

CHAT_PATH = "POST /v1/chat/completions"
COST_OF_ONE = 0.1
"""Of an answer of `big`, which is cut at 10 tokens."""


@pytest.mark.parametrize(
    ("settings", "budget", "most"),
    [
        pytest.param({}, {"run": {"calls": 5}}, 5, id="calls of a run"),
        pytest.param({}, {"day": {"calls": 5}}, 5, id="calls in a day"),
        pytest.param({}, {"month": {"calls": 5}}, 5, id="calls in a month"),
        pytest.param({"day": {"calls": 5}}, None, 5, id="calls of all in a day"),
        pytest.param({"month": {"calls": 5}}, None, 5, id="calls of all in a month"),
        pytest.param({"workflow": {"run": {"calls": 5}}}, None, 5, id="the default of each workflow"),
        pytest.param({"workflow": {"run": {"calls": 50}}}, {"run": {"calls": 5}}, 5, id="lower than the default"),
        pytest.param({"workflow": {"run": {"calls": 1}}}, {"run": {"calls": 5}}, 5, id="higher than the default"),
        pytest.param({"month": {"calls": 50}}, {"run": {"calls": 5}, "day": {"calls": 9}}, 5, id="the first counts"),
        pytest.param({}, {"run": {"usd": 5 * COST_OF_ONE}}, 6, id="dollars"),
        pytest.param({}, {"run": {"tokens": 100}}, 6, id="tokens"),
        pytest.param({}, {"run": {"calls": 0}}, 0, id="nothing at all"),
    ],
)
@pytest.mark.parametrize("parallel", [1, 6], ids=["one by one", "six at once"])
def test_a_long_loop_pauses_at_its_budget_with_at_most_one_call_over_it(
    desk: Desk, settings: Mapping[str, Any], budget: Mapping[str, Any] | None, most: int, parallel: int
) -> None:
    desk.config(budgets=settings)
    desk.workflow([loop(40, parallel)], budget=budget)
    run = desk.run()
    assert run["status"] == "waiting", run["error"]
    assert min(most, 1) <= desk.asked <= most
    waiting = [step for step in run["steps"] if step["status"] == "waiting" and step["uses"]]
    assert "is used up" in waiting[0]["held"]["message"]


def other_workflow(desk: Desk) -> None:
    """A workflow that calls `work`, which calls itself nowhere: its calls count for both."""
    call = {"id": "call", "uses": "workflow.run", "with": {"workflow": "work", "inputs": {}}}
    three = {"id": "each", "foreach": "{{ [1, 2, 3] }}", "steps": [call]}
    desk.workflow([three], "caller", budget={"run": {"calls": 5}})


def test_calls_of_called_runs_count_for_the_run_that_called_them(desk: Desk) -> None:
    desk.config()
    desk.workflow([loop(2)], budget={"run": {"calls": 2}})
    other_workflow(desk)
    run = desk.run("caller")
    assert (run["status"], desk.asked) == ("waiting", 5)
    assert len(desk.orchestra.budgets.overview(OWNER).paused_runs) == 1, "the called run waits; its caller waits for it"


def test_a_budget_that_only_warns_stops_nothing_and_is_told(desk: Desk) -> None:
    desk.config(budgets={"day": {"calls": 2, "on_limit": "warn"}})
    desk.workflow([loop(4)])
    run = desk.run()
    assert (run["status"], desk.asked) == ("succeeded", 4)
    told = "Today's budget of all workflows is used up; as it only warns, the call was made."
    assert [told in step["note"] for step in run["steps"] if "note" in step].count(True) == 2
    [row] = desk.orchestra.budgets.overview(OWNER).budgets
    assert (row.state, row.sentence) == ("used_up", "4 calls of 2 calls")


def test_every_budget_is_listed_whether_it_is_used_or_not(desk: Desk) -> None:
    desk.config(budgets={"month": {"usd": 9}, "workflow": {"run": {"calls": 5}, "day": {"usd": 2}}})
    desk.workflow([loop(1)], budget={"run": {"calls": 3}})
    rows = desk.orchestra.budgets.overview(OWNER).budgets
    assert [(one.workflow, one.is_default, one.period, one.sentence) for one in rows] == [
        (None, False, "month", "$0.00 of $9.00"),
        (None, True, "run", "5 calls for each run"),
        (None, True, "day", "$2.00 for each workflow"),
        ("work", False, "run", "3 calls for each run"),
    ]
    assert rows[1].place == "config.yaml, `budgets.workflow.run`"
    assert desk.run()["status"] == "succeeded"
    assert [one.period for one in desk.orchestra.budgets.overview(OWNER).budgets if one.used] == ["month", "day"]


def test_from_its_limit_on_another_model_is_asked_and_that_is_recorded(desk: Desk) -> None:
    desk.config()
    desk.workflow([loop(5)], budget={"run": {"usd": 2 * COST_OF_ONE, "on_limit": {"model": "small"}}})
    run = desk.run()
    assert run["status"] == "succeeded"
    assert run["usage"]["cost_usd"] == pytest.approx(2 * COST_OF_ONE + 3 * COST_OF_ONE / 10)
    told = "The budget of this run of workflow 'work' is used up; small was asked instead of big."
    assert [told in step["note"] for step in run["steps"] if "note" in step].count(True) == 3


def test_what_another_model_may_use_is_limited_by_other_budgets(desk: Desk) -> None:
    desk.config(budgets={"day": {"calls": 4}})
    desk.workflow([loop(9)], budget={"run": {"calls": 2, "on_limit": {"model": "small"}}})
    assert (desk.run()["status"], desk.asked) == ("waiting", 4)


@pytest.mark.parametrize(
    ("prices", "strict", "error"),
    [
        pytest.param({}, True, "PriceUnknown", id="strict"),
        pytest.param({"unknown": {"input": 1, "output": 1}}, True, None, id="declared for unknown ones"),
        pytest.param({"local": 0}, True, None, id="local"),
        pytest.param({}, False, None, id="not strict"),
    ],
)
def test_a_model_without_a_known_price(desk: Desk, prices: Mapping[str, Any], strict: bool, error: str | None) -> None:
    desk.config(budgets={"strict": strict}, prices=prices)
    desk.workflow([ask()])
    run = desk.run()
    assert (run["error"] and run["error"]["type"]) == error
    assert desk.asked == (0 if error else 1)
    if error:
        assert "prices" in run["error"]["remedy"]
    assert desk.orchestra.budgets.overview(OWNER).day.unpriced_calls == (1 if not strict else 0)


@pytest.mark.parametrize("longest", [2**63 - 1, -(2**62)], ids=["enormous", "negative"])
def test_a_lost_answer_of_any_length_counts_as_a_number_that_is_none_of_others(desk: Desk, longest: int) -> None:
    """A prompt sends any `max_tokens`: what is reserved must fit into the state, and take nothing from a budget."""
    said = [{"role": "user", "content": "Sum up."}]
    prompt = {"schema_version": 1, "model": "big", "messages": said, "parameters": {"max_tokens": longest}}
    desk.config(budgets={"day": {"tokens": 2 * 10**9}})
    desk.orchestra.prompts.create(OWNER, "odd")
    etag = desk.orchestra.prompts.get(OWNER, "odd").etag
    desk.orchestra.prompts.save_version(OWNER, "odd", json.dumps(prompt), etag, "production")
    desk.workflow([{"id": "ask", "uses": "llm.chat", "with": {"prompt": "odd"}, "retry": {"attempts": 1}}])
    desk.standins.faults("openai", match=CHAT_PATH, cut=True, when="after_effect")
    assert desk.run()["status"] == "failed"
    assert 0 < desk.orchestra.budgets.overview(OWNER).day.tokens < 2 * 10**9


def test_a_run_that_cannot_wait_fails(desk: Desk) -> None:
    desk.config()
    desk.workflow([loop(9)], budget={"run": {"calls": 2}}, timeout_seconds=600)
    run = desk.run()
    assert (run["status"], run["error"]["type"], desk.asked) == ("failed", "BudgetExceeded", 2)
    assert "of 2 calls" in run["error"]["message"]


def test_a_raised_budget_lets_paused_runs_go_on_and_others_wait_on(desk: Desk) -> None:
    desk.config(budgets={"month": {"calls": 3}})
    desk.workflow([loop(5)])
    run = desk.run()
    assert desk.orchestra.budgets.overview(OWNER).paused_runs == [run["run_id"]]
    desk.orchestra.budgets.resume(OWNER)
    assert (desk.wait(run["run_id"])["status"], desk.asked) == ("waiting", 3), "nothing was raised"
    desk.config(budgets={"month": {"calls": 5}})
    assert desk.orchestra.budgets.resume(OWNER) == [run["run_id"]]
    assert (desk.wait(run["run_id"])["status"], desk.asked) == ("succeeded", 5)
    assert desk.orchestra.budgets.overview(OWNER).paused_runs == []
    assert desk.orchestra.audit(OWNER)[0].action == "budgets.resume"


@pytest.mark.parametrize("period", ["run", "day"])
def test_a_raised_budget_of_a_file_counts_for_a_run_that_is_resumed_with_it(desk: Desk, period: str) -> None:
    desk.config()
    desk.workflow([loop(5)], budget={period: {"calls": 3}}, id="work")
    run_id = desk.run()["run_id"]
    desk.workflow([loop(5)], budget={period: {"calls": 9}}, id="work")
    desk.orchestra.runs.resume(OWNER, run_id, newest=True)
    assert (desk.wait(run_id)["status"], desk.asked) == ("succeeded", 5)


@pytest.mark.parametrize(
    ("settings", "budget", "said"),
    [
        pytest.param({"month": {"calls": 0}}, None, "An owner can raise it (config.yaml, `budgets.month`); then "
                     "resume it: `orchestra budgets resume`.", id="of-all"),
        pytest.param({"workflow": {"run": {"calls": 0}}}, None, "An owner can raise it (config.yaml, "
                     "`budgets.workflow.run`); then resume it: `orchestra budgets resume`.", id="of-each-workflow"),
        pytest.param({}, {"run": {"calls": 0}}, "An owner or editor can raise it (workflows/work.json, `budget.run`); "
                     "then resume the run: `orchestra runs resume RUN --newest`.", id="of-a-file"),
        pytest.param({}, {"day": {"calls": 0}}, "An owner or editor can raise it (workflows/work.json, `budget.day`); "
                     "then resume the run: `orchestra runs resume RUN --newest`.", id="of-a-day-of-a-file"),
    ],
)  # fmt: skip
def test_a_run_that_waits_for_a_budget_says_who_can_raise_it(
    desk: Desk, settings: Mapping[str, Any], budget: Mapping[str, Any] | None, said: str
) -> None:
    desk.config(budgets=settings)
    desk.workflow([ask()], budget=budget)
    [held] = [step["held"] for step in desk.run()["steps"] if step.get("held")]
    assert held["message"].endswith(said)


BERLIN_EVENING = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)
"""Half past eleven in the evening there."""


def test_a_paused_run_goes_on_by_itself_when_the_day_ends_in_its_time_zone(desk: Desk) -> None:
    clock = [BERLIN_EVENING]
    desk.now = lambda: clock[0]
    desk.config(budgets={"day": {"calls": 2}}, time_zone="Europe/Berlin")
    desk.workflow([loop(3)])
    run = desk.run()
    assert (run["status"], run["due_at"]) == ("waiting", "2026-11-20T23:00:00.000Z")
    clock[0] += timedelta(minutes=31)
    until(lambda: desk.asked == 3, "the day to end")
    until(lambda: desk.orchestra.runs.get(OWNER, run["run_id"])["ended_at"])
    assert desk.orchestra.runs.get(OWNER, run["run_id"])["status"] == "succeeded"
    overview = desk.orchestra.budgets.overview(OWNER)
    assert (overview.day.calls, overview.month.calls) == (1, 3)


def test_retries_count_and_a_lost_answer_counts_in_full(desk: Desk) -> None:
    desk.config(budgets={"day": {"usd": 9}})
    desk.workflow([{**ask(), "retry": {"attempts": 3, "backoff_seconds": 0}}])
    desk.standins.faults("openai", match=CHAT_PATH, status=500)
    desk.standins.faults("openai", match=CHAT_PATH, cut=True, when="after_effect")
    run = desk.run()
    assert (run["status"], desk.asked) == ("succeeded", 3)
    [row] = desk.orchestra.budgets.overview(OWNER).budgets
    assert row.used is not None
    assert row.used.calls == 3
    assert row.used.usd == pytest.approx(2 * COST_OF_ONE), "the refused call cost nothing, the lost answer all of it"


def test_a_call_under_way_is_reserved_and_counts_for_its_run_although_that_was_cancelled(desk: Desk) -> None:
    desk.config(budgets={"day": {"usd": 9}})
    desk.workflow([ask()])
    desk.standins.faults("openai", match=CHAT_PATH, delay_seconds=1)
    run_id = desk.orchestra.runs.start(OWNER, "work", {})
    until(lambda: desk.asked)  # reserved before it was sent
    found = desk.orchestra.budgets.overview(OWNER)
    assert (found.day.calls, found.day.spent_usd, found.day.reserved_usd) == (1, 0, found.day.usd)
    assert found.budgets[0].used == found.day
    desk.orchestra.runs.cancel(OWNER, run_id)
    run = desk.wait(run_id)
    assert (run["status"], run["usage"]["output_tokens"]) == ("cancelled", 0)
    assert desk.orchestra.usage.of_run(OWNER, run_id).is_more_than(run["usage"])
    assert desk.orchestra.budgets.overview(OWNER).day == found.day, "how far the model came is not known"


class Counter:
    """Keeps what it is told to count."""

    def __init__(self) -> None:
        self.settled: list[Amount] = []

    def amount(self, _models: object, input_tokens: int, output_tokens: int, _cached: object) -> Amount:
        """Return what one call uses."""
        return Amount(1, input_tokens, output_tokens)

    def add(self, usage: Mapping[str, int], amount: Amount) -> None:
        """Do nothing."""

    def settle(self, _reserved: object, amount: Amount, _answered: str) -> None:
        """Keep an amount."""
        self.settled.append(amount)


@pytest.mark.parametrize(
    ("told", "used"),
    [
        pytest.param((7, 3), (7, 3), id="both"),
        pytest.param((0, 3), (50, 3), id="no input"),
        pytest.param((7, 0), (7, 20), id="no output"),
        pytest.param((0, 0), (50, 20), id="neither"),
    ],
)
def test_a_token_count_that_is_missing_is_estimated(told: tuple[int, int], used: tuple[int, int]) -> None:
    meter: Any = Counter()
    reserved = Reservation("1", "asker", [], "", "")
    permit = CallPermit(meter, reserved, CallVerdict("big", Amount()), ModelRequest("big", 50, 100))
    permit.answered("big", {"input_tokens": told[0], "output_tokens": told[1]}, said=20)
    assert meter.settled == [Amount(1, *used)]


def test_a_trigger_that_fires_for_ever_stops_at_the_budget_of_its_workflow(desk: Desk) -> None:
    desk.config()
    desk.workflow([ask()], budget={"day": {"calls": 3}})
    runs = [desk.run() for _ in range(6)]
    assert [run["status"] for run in runs] == ["succeeded"] * 3 + ["waiting"] * 3
    assert desk.asked == 3
