"""What runs for new things will cost: by what such runs have cost, else by the length of the things."""

from __future__ import annotations

import json

import pytest

from engine.orchestra import Orchestra
from engine.plugins.trigger import Start
from engine.triggering.polling.status import CostEstimate
from tests.conftest import StandIns
from tests.engine.conftest import OWNER
from tests.engine.triggering.conftest import TRIGGER, WORKFLOW, Feed

ASK = {
    "id": "ask", "uses": "llm.chat", "connection": "llm",
    "with": {"messages": [{"role": "user", "content": "{{ inputs.text }}"}]},
}  # fmt: skip


def models(feed: Feed, *settings: str) -> None:
    """Give the workspace a connection to a model, and the workflow a step that asks it."""
    config = feed.root / "config.yaml"
    lines = ["  llm:", "    service: openai", "    api_key: env:MODEL_KEY", *(f"    {one}" for one in settings)]
    config.write_text(config.read_text() + "\n".join(lines) + "\n")
    feed.orchestra.close()
    feed.orchestra = Orchestra(feed.root, clock=feed.clock)
    feed.workflow([ASK])


def estimate(feed: Feed) -> CostEstimate:
    preview = feed.orchestra.triggers.preview(OWNER, WORKFLOW, TRIGGER, Start(last=10))
    assert preview.cost is not None
    return preview.cost


def test_before_anything_has_run_the_length_of_the_things_tells(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_KEY", "sk-none")
    models(feed, "model: gpt-4.1-mini")
    feed.write({"id": "a", "text": "short"}, {"id": "b", "text": "short"})
    found = estimate(feed)
    assert found.based_on == "the length of these items"
    assert found.usd is not None
    assert found.per_item_usd is not None
    assert found.usd == pytest.approx(2 * found.per_item_usd, rel=0.01)
    assert 0 < found.usd < 0.01
    assert found.sentence.startswith("Less than a cent for 2 runs")


def test_later_what_such_runs_have_cost_tells(feed: Feed, standins: StandIns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_KEY", standins["openai"].token)
    models(feed, f"base_url: {standins['openai'].base_url}", "model: demo-extractive")
    feed.on()
    feed.write("a", "b")
    runs = feed.ended(*feed.poll().started)
    assert {run["status"] for run in runs} == {"succeeded"}
    feed.write("c", "d", "e")
    assert estimate(feed) == CostEstimate(
        None, None, "the last 2 runs", "What this costs is not known: the model's price is not."
    )
    for run, cost in zip(runs, (0.01, 0.03), strict=True):
        (path,) = feed.root.glob(f"logs/*/{run['run_id']}.json")
        path.write_text(json.dumps({**run, "usage": {**run["usage"], "cost_usd": cost}}))
    found = estimate(feed)
    assert (found.usd, found.per_item_usd, found.based_on) == (0.06, 0.02, "the last 2 runs")
    path.write_text("{")
    assert estimate(feed).based_on == "the last run", "a damaged log tells nothing, and keeps nothing from being told"
