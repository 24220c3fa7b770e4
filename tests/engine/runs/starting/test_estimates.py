"""What a run is expected to cost: by the last runs of its workflow, also under another name, else by its prompts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.runs.starting.estimates import words
from tests.engine.budgets.conftest import Desk, ask, desk, loop
from tests.engine.conftest import OWNER, set_step

__all__ = ["desk"]


def preview(desk: Desk, name: str = "work") -> Any:
    return desk.orchestra.preview(OWNER, name, {}).estimate


def test_before_the_first_run_the_prompts_tell_with_their_assumption(desk: Desk) -> None:
    desk.config(prices={"big": {"input": 10, "output": 1_000}})
    numbers = set_step("numbers", {"all": [1, 2, 3]})
    each = {"id": "each", "foreach": "{{ steps.numbers.output.all }}", "steps": [ask(max_tokens=100)]}
    desk.workflow([numbers, each])
    found = preview(desk)
    once = (50 * 1_000 / 1e6, 100 * 1_000 / 1e6)
    assert found["low_usd"] == pytest.approx(3 * once[0], rel=0.05)
    assert found["high_usd"] == pytest.approx(3 * (once[1] + 2_000 * 10 / 1e6), rel=0.05)
    assert "1 model step" in found["sentence"]
    assert " for 3 items, estimated" in found["sentence"]
    without_items = desk.run()["estimate"]
    assert " per loop item, estimated" in without_items["sentence"]
    assert words(without_items).endswith(" an item")
    assert desk.asked == 3, "an estimate asks nobody"


def test_a_second_question_may_be_asked_twice_once_for_a_token_and_once_for_json(desk: Desk) -> None:
    desk.config(prices={"big": {"input": 1_000_000, "output": 0}, "small": {"input": 0, "output": 1_000_000}})
    schema = {"type": "object", "properties": {"kind": {"enum": ["bug", "wish"]}}}
    prompt = {
        "schema_version": 1,
        "title": "Sort",
        "messages": [{"role": "user", "content": "Sort this."}],
        "output_schema": schema,
        "parameters": {"max_tokens": 100},
        "sure_at_least": 0.8,
    }
    desk.orchestra.prompts.save_version(OWNER, "sort", json.dumps(prompt), None, "production")
    found = {}
    for model in ("big", "small"):
        fields = {"prompt": "sort", "model": model}
        desk.workflow([{"id": "sort", "uses": "llm.extract", "connection": "llm", "with": fields}])
        found[model] = preview(desk)
    text = found["big"]["low_usd"] / 2  # two questions
    assert found["big"]["high_usd"] == pytest.approx(3 * (text + 2_000))
    assert (found["small"]["low_usd"], found["small"]["high_usd"]) == pytest.approx((50 + 1, 100 + 1 + 20))


def test_later_the_last_runs_tell_also_after_a_rename(desk: Desk) -> None:
    desk.config()
    desk.workflow([ask()], id="work")
    first = desk.run()
    desk.workflow([loop(3)], id="work")
    second = desk.run()
    assert (first["usage"]["cost_usd"], second["usage"]["cost_usd"]) == pytest.approx((0.1, 0.3))
    assert second["estimate"]["sentence"] == "$0.1000, by the last run."
    desk.orchestra.workflows.rename(OWNER, "work", "other")
    desk.workflow([ask()], id="new")  # another workflow has its name now
    assert preview(desk, "other")["sentence"] == "$0.1000 to $0.3000, by the last 2 runs."
    assert "estimated" in preview(desk)["sentence"]
    listed = desk.orchestra.runs.list(OWNER, workflow="other").rows
    assert [row.run_id for row in listed] == [second["run_id"], first["run_id"]]
    assert desk.orchestra.runs.list(OWNER, workflow="work").rows == []


@pytest.mark.parametrize(
    ("prices", "step", "sentence"),
    [
        pytest.param({}, ask(), "The cost is not known: the price of 'big' is not.", id="unknown price"),
        pytest.param({"local": 0}, ask(), "$0.00, estimated", id="local"),
        pytest.param({}, set_step("a"), None, id="no model"),
    ],
)
def test_what_is_told_of_a_price_that_is_unknown_or_nothing(
    desk: Desk, prices: dict[str, Any], step: dict[str, Any], sentence: str | None
) -> None:
    desk.config(prices=prices)
    desk.workflow([step])
    found = preview(desk)
    assert found is None if sentence is None else found["sentence"].startswith(sentence)


def test_what_agents_and_called_workflows_use_is_told_to_be_missing_before_the_first_run(desk: Desk) -> None:
    desk.config()
    (desk.root / "agents").mkdir()
    agent = {"schema_version": 1, "title": "Helper", "connection": "llm", "instructions": "Help."}
    (desk.root / "agents" / "helper.json").write_text(json.dumps(agent))
    helps = {"id": "help", "uses": "agent.run", "with": {"agent": "helper", "task": "Sum it up."}}
    desk.workflow([helps])
    assert preview(desk)["sentence"].startswith("The cost is not known before it has run: its agents decide")
    desk.workflow([ask(), helps])
    found = preview(desk)
    assert found["high_usd"] == pytest.approx(0.1)
    assert found["sentence"].endswith("What the agents and workflows that it calls use is not in it.")
