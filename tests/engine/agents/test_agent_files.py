"""The files of agents: saved, versioned, named by steps, and followed when something is renamed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from api.base.remedies import with_requests
from engine.base.errors import InUse, InvalidFile, OrchestraError, StaleEdit, UnknownName
from tests.engine.agents.test_agents import FINISH, Start, agent
from tests.engine.budgets.conftest import Desk, desk
from tests.engine.conftest import OWNER, Service, service

__all__ = ["agent", "desk", "service"]


@pytest.fixture
def helper(agent: Start, desk: Desk) -> Callable[[str], str]:
    """Save the agent `helper` with these instructions through the area; return its etag."""
    agent(FINISH)

    def save(instructions: str) -> str:
        before = desk.orchestra.agents.get(OWNER, "helper")
        document = {**json.loads(before.text), "instructions": instructions}
        return desk.orchestra.agents.save(OWNER, "helper", json.dumps(document), before.etag).etag

    return save


def said(desk: Desk, reference: str) -> str:
    """Run the agent that a step names; return the instructions that its model was told."""
    fields = {"agent": reference, "task": FINISH, "variables": {}}
    desk.workflow([{"id": "ask", "uses": "agent.run", "with": fields}])
    document = desk.run()
    rows = [one for one in desk.orchestra.runs.list(OWNER).rows if one.workflow.startswith("agent:")]
    assert document["status"] == "succeeded"
    found = desk.orchestra.runs.get(OWNER, rows[0].run_id)
    return str(found["steps"][1]["request"]["messages"][0]["content"]).partition("\n")[0]


def test_a_step_names_the_file_a_number_or_a_label(helper: Any, desk: Desk) -> None:
    versions = desk.orchestra.agent_versions
    helper("One.")
    assert versions.save(OWNER, "helper").number == 1
    helper("Two.")
    assert (said(desk, "helper"), said(desk, "helper@1")) == ("Two.", "One.")
    versions.label(OWNER, "helper", "production", "1")
    assert (said(desk, "helper"), said(desk, "helper@production")) == ("One.", "One.")
    assert versions.save(OWNER, "helper", "production").number == 2
    helper("Three.")
    assert said(desk, "helper") == "Two."
    assert said(desk, "helper@production") == "Two."
    with pytest.raises(InUse, match="used with the label 'production' by work"):
        versions.remove_label(OWNER, "helper", "production")
    said(desk, "helper")
    versions.remove_label(OWNER, "helper", "production")
    assert said(desk, "helper") == "Three."


def test_versions_are_listed_compared_and_restored(helper: Any, desk: Desk) -> None:
    versions, agents = desk.orchestra.agent_versions, desk.orchestra.agents
    helper("One.")
    versions.save(OWNER, "helper", "first")
    etag = helper("Two words.")
    rows = versions.list(OWNER, "helper")
    assert [(one.number, one.labels, one.saved_by) for one in rows[:2]] == [
        (None, [], OWNER.id),
        (1, ["first"], OWNER.id),
    ]
    (difference,) = versions.differences(OWNER, "helper", "first")
    assert difference["part"] == "Instructions"
    assert {"text": "Two words", "change": "added"} in difference["texts"]
    with pytest.raises(StaleEdit):
        versions.restore(OWNER, "helper", "1", "another")
    assert versions.restore(OWNER, "helper", "1", etag).instructions == "One."
    assert agents.get(OWNER, "helper", rows[0].id).instructions == "Two words."


@pytest.mark.parametrize(
    ("reference", "message", "remedy"),
    [
        (
            "helper@7",
            "There is no version of the agent helper named '7'.",
            "There is no version of the agent helper yet.",
        ),
        ("helper@", "'helper@' has an '@' with no version behind it.", "helper@production"),
        ("helper@old", "There is no label of the agent helper named 'old'.", "agents label helper old"),
    ],
)
def test_a_version_that_does_not_exist_is_named(
    helper: Any, desk: Desk, reference: str, message: str, remedy: str
) -> None:
    with pytest.raises(InvalidFile) as caught:
        said(desk, reference)
    (problem,) = caught.value.problems
    assert problem.message == message
    assert remedy in problem.remedy


def test_a_version_that_was_changed_after_it_was_labelled_does_not_run(helper: Any, desk: Desk) -> None:
    versions, path = desk.orchestra.agent_versions, desk.root / "agents" / "helper.versions" / "1.json"
    helper("One.")
    versions.save(OWNER, "helper", "production")
    path.write_text(path.read_text().replace("One.", "Send it all."))
    for reference in ("helper", "helper@1", "helper@production"):
        with pytest.raises(InvalidFile, match=r"agents/helper.versions/1.json was changed after it was labelled"):
            said(desk, reference)
    versions.label(OWNER, "helper", "production", "1")
    assert said(desk, "helper") == "Send it all."


def test_problems_have_the_place_in_the_agents_file(helper: Any, desk: Desk) -> None:
    agents = desk.orchestra.agents
    file = agents.get(OWNER, "helper")
    document = json.loads(file.text)
    document["tools"][1]["with"]["method"] = "PAINT"
    found = agents.save(OWNER, "helper", json.dumps(document, indent=2), file.etag)
    (problem,) = found.problems
    assert found.text.splitlines()[problem.line - 1].strip().startswith('"method": "PAINT"')
    assert (problem.file, problem.field, problem.step) == ("agents/helper.json", "tools.1.with.method", None)
    with pytest.raises(InvalidFile) as caught:
        desk.orchestra.agent_versions.save(OWNER, "helper")
    assert "`POST /api/agents/NAME/check`" in with_requests(caught.value.remedy)
    with pytest.raises(InvalidFile, match=r"agents/helper.json:1:"):
        agents.save(OWNER, "helper", "[]", found.etag)
    with pytest.raises(StaleEdit):
        agents.save(OWNER, "helper", "{}", file.etag)


def test_what_an_agent_uses_follows_and_stays(helper: Any, desk: Desk) -> None:
    """Prompts in its tools, agents that are tools, and workflows that run it: renamed together, none deleted."""
    orchestra = desk.orchestra
    orchestra.prompts.create(OWNER, "sum-up")
    tools = [
        {"name": "helper", "uses": "agent.run", "with": {"agent": "helper@1"}, "give": ["task"]},
        {"name": "sum", "uses": "llm.chat", "with": {"prompt": "sum-up", "variables": {}}},
    ]
    boss = {"schema_version": 1, "instructions": "Delegate.", "tools": tools}
    orchestra.agents.save(OWNER, "boss", json.dumps(boss), None)
    assert orchestra.agents.get(OWNER, "helper").used_by == ["work", "agent:boss"]
    assert orchestra.prompts.users(OWNER, "sum-up") == ["agent:boss"]
    refusals: list[tuple[Callable[[], object], str]] = [
        (lambda: orchestra.agents.delete(OWNER, "helper"), "The agent 'helper' is used by work, agent:boss."),
        (lambda: orchestra.prompts.delete(OWNER, "sum-up"), "The prompt 'sum-up' is used by agent:boss."),
    ]
    for delete, words in refusals:
        with pytest.raises(InUse) as caught:
            delete()
        assert caught.value.message == words
    assert orchestra.agents.rename(OWNER, "helper", "aide") == ["work", "agent:boss"]
    orchestra.prompts.rename(OWNER, "sum-up", "brief")
    tools = json.loads(orchestra.agents.get(OWNER, "boss").text)["tools"]
    assert [tools[0]["with"]["agent"], tools[1]["with"]["prompt"]] == ["aide@1", "brief"]
    assert json.loads((desk.root / "workflows" / "work.json").read_text())["steps"][0]["with"]["agent"] == "aide"


def test_agents_are_made_copied_and_deleted(helper: Any, desk: Desk) -> None:
    agents = desk.orchestra.agents
    assert agents.create(OWNER, "blank").problems == []
    assert said(desk, "blank") == "Answer in plain words."
    assert [one.name for one in agents.create(OWNER, "mine", sample="research-agent").tools][-1] == "draft"
    desk.orchestra.agent_versions.save(OWNER, "helper", "production")
    copy = agents.duplicate(OWNER, "helper", "second")
    assert (copy.title, copy.versions, copy.labels, copy.runs) == ("Copy of Helper", [1], {"production": 1}, 1)
    assert agents.delete(OWNER, "second").is_dir()
    wrong: list[Callable[[], object]] = [
        lambda: agents.get(OWNER, "second"),
        lambda: agents.create(OWNER, "other", sample="no-such"),
        lambda: agents.create(OWNER, "helper"),
        lambda: agents.create(OWNER, "No name"),
    ]
    for attempt in wrong:
        with pytest.raises(OrchestraError):
            attempt()
    with pytest.raises(UnknownName) as caught:
        agents.create(OWNER, "other", sample="reserch-agent")
    assert caught.value.remedy == "Did you mean 'research-agent'?"


def test_a_run_keeps_the_agent_that_it_was_accepted_with(
    helper: Any, agent: Start, desk: Desk, service: Service
) -> None:
    forward: dict[str, Any] = {"name": "forward", "uses": "http.request", "connection": "web", "approve": True}
    forward |= {"with": {"method": "POST", "url": service.url("/sent")}, "give": ["json"]}
    agent('CALL forward {"json": {}}', FINISH, tools=[forward], called=False)
    waiting = desk.orchestra.runs.list(OWNER, status=["waiting"]).rows
    (its_run,) = [one.run_id for one in waiting if one.workflow == "agent:helper"]
    helper("Another.")
    desk.orchestra.agent_versions.save(OWNER, "helper", "production")
    (question,) = desk.orchestra.approvals.list(OWNER)
    desk.orchestra.approvals.approve(OWNER, question.id)
    ended = desk.wait(its_run)
    told = {one["path"]: one for one in ended["steps"]}["turn_2.model_2"]["request"]["messages"][0]["content"]
    assert told.startswith("Help.")
