"""Proposals that run twice on the stand-ins: what they write, and what the second run writes again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from engine.base.errors import InvalidFile, InvalidInput
from engine.copilot.proposals.records import DemoRun, SecondRun
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.workspaces import init

ADA = Principal("ada", "editor")
ISSUE = {"id": "issue", "uses": "github.create_issue", "with": {"repository": "acme/app", "title": "{{ name }}"}}
NAMES = {"id": "names", "uses": "flow.set", "with": {"values": {"values": ["ant", "bee", "cat"]}}}
EACH = {"id": "each", "foreach": "{{ steps.names.output.values }}", "as": "name", "steps": [ISSUE]}


@pytest.fixture(scope="module")
def orchestra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orchestra]:
    """A workspace without `--demo`, so that real accounts are what a plain run uses."""
    root = tmp_path_factory.mktemp("demo-runs") / "workspace"
    init(root)
    config = root / "config.yaml"
    config.write_text(config.read_text().replace("connections:\n", "connections:\n  web:\n    service: http\n", 1))
    document = {"schema_version": 1, "title": "Work", "steps": [NAMES]}
    (root / "workflows" / "work.json").write_text(json.dumps(document, indent=2) + "\n")
    orchestra = Orchestra.open(root)
    yield orchestra
    orchestra.close()


def tried(orchestra: Orchestra, *steps: Mapping[str, Any]) -> DemoRun:
    """What steps do that are proposed."""
    rev = orchestra.editing.draft_text(ADA, "work").state.rev
    ops = [{"op": "add", "step": step} for step in steps]
    one = orchestra.copilot.proposals.make(ADA, "work", rev, ops, "", source="model")
    one = orchestra.copilot.proposals.try_in_demo(ADA, "work", one.id)
    assert one.demo is not None
    assert orchestra.copilot.proposals.get(ADA, "work", one.id) == one
    return one.demo


def test_keys_make_a_second_run_write_nothing(orchestra: Orchestra) -> None:
    """The writes are counted by step type, and are those of this text alone, however often it was tried."""
    for _ in range(2):
        demo = tried(orchestra, {**EACH, "key": "{{ name }}"})
        assert (demo.status, demo.writes, demo.problems) == ("succeeded", {"github.create_issue": 3}, [])
        assert demo.destinations == ["github.create_issue: repository acme/app"]
        assert demo.second_run == SecondRun("succeeded", 0)


def test_without_keys_a_second_run_writes_again(orchestra: Orchestra) -> None:
    """That is what a person should know before it runs twice."""
    demo = tried(orchestra, EACH)
    assert demo.second_run == SecondRun("succeeded", 3)


def test_a_run_stays_in_the_demo(orchestra: Orchestra) -> None:
    """All its accounts are stand-ins."""
    run = orchestra.runs.get(ADA, tried(orchestra, EACH).run_id)
    assert run["demo"]
    assert {one["mode"] for one in run["accounts"].values()} == {"demo"}


def test_a_run_that_asks_a_person_ends_there(orchestra: Orchestra) -> None:
    """There is nobody to answer; the proposal says how many questions there are, and that is no problem of it."""
    demo = tried(orchestra, {"id": "ask", "uses": "flow.approve", "with": {"message": "Go on?"}}, EACH)
    assert (demo.status, demo.writes, demo.second_run) == ("waiting", {}, None)
    assert (demo.asks, demo.problems) == ({"flow.approve": 1}, [])
    each = {**EACH, "parallel": 3, "steps": [{**ISSUE, "approve": "always"}]}
    assert tried(orchestra, each).asks == {"github.create_issue": 3}
    orchestra.runs.wait(ADA, demo.run_id, 10)
    assert orchestra.runs.get(ADA, demo.run_id)["status"] == "cancelled"


def test_what_cannot_stay_in_the_demo_is_refused(orchestra: Orchestra) -> None:
    """So is a text that does not compile."""
    with pytest.raises(InvalidInput, match="stand-ins only"):
        tried(orchestra, {"id": "get", "uses": "http.request", "connection": "web", "with": {"url": "/x"}})
    with pytest.raises(InvalidInput, match="without a connection"):
        tried(orchestra, {"id": "get", "uses": "http.request", "with": {"url": "https://example.org/"}})
    with pytest.raises(InvalidFile):
        tried(orchestra, {"id": "get", "uses": "flow.set", "with": {"values": "{{ steps.nobody.output }}"}})
