"""A trigger starts nothing on a real account that nobody has agreed to; what has changed since is asked about again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.base.errors import ConfirmationNeeded
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.plugins.trigger import Start
from tests.conftest import StandIns
from tests.engine.conftest import OWNER, Service, get_step, post_step, write_workflow
from tests.engine.triggering.conftest import TRIGGER, WORKFLOW, Feed
from tests.patience import until

ANN = Principal("ann", "owner")


def _own_github(feed: Feed, standins: StandIns, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the stand-in be the owner's account at GitHub."""
    monkeypatch.setenv("GITHUB_TOKEN", standins["github"].token)
    settings = {"service": "github", "token": "env:GITHUB_TOKEN", "base_url": standins["github"].base_url}
    (feed.root / "config.yaml").write_text(json.dumps({"connections": {"github": settings}}))


NEVER = "approvals:\n  default: never\n"


def _moved(feed: Feed, service: Service) -> None:
    hosts = f"['127.0.0.1:{service.port}', 'tickets.example']"
    (feed.root / "config.yaml").write_text(
        f"connections:\n  web:\n    service: http\n    allow_hosts: {hosts}\n{NEVER}"
    )


def test_turning_on_asks_and_what_has_changed_rests_until_somebody_agrees(feed: Feed, service: Service) -> None:
    feed.workflow([post_step("post", service.url("/write"))])
    with pytest.raises(ConfirmationNeeded) as refused:
        feed.orchestra.triggers.turn_on(ANN, WORKFLOW, TRIGGER, Start())
    assert not feed.status().is_on
    feed.orchestra.triggers.turn_on(ANN.agreeing(refused.value.needs_confirmation), WORKFLOW, TRIGGER, Start())
    feed.write("a")
    assert len(feed.poll().started) == 1
    feed.ended()
    assert service.seen["/write"] == 1

    _moved(feed, service)
    feed.write("b")
    result = feed.poll()
    assert result.started == []
    assert result.error is not None
    assert "tickets.example" in result.error.message
    assert feed.status().state == "needs you"
    with pytest.raises(ConfirmationNeeded):
        feed.orchestra.triggers.turn_on(ANN, WORKFLOW, TRIGGER)
    assert service.seen["/write"] == 1

    feed.orchestra.triggers.turn_on(ANN.agreeing(True), WORKFLOW, TRIGGER)
    assert len(feed.poll().started) == 1, "nothing was lost meanwhile"
    feed.ended()
    assert service.seen["/write"] == 2


def test_a_workflow_that_now_writes_where_it_only_read_rests(feed: Feed, service: Service) -> None:
    feed.workflow([get_step("look", service.url("/look"))])
    feed.on()
    feed.workflow([get_step("look", service.url("/look")), post_step("post", service.url("/write"))])
    feed.write("a")
    result = feed.poll()
    assert result.error is not None
    assert result.error.type == "NotWatched"
    assert (result.started, service.seen["/write"]) == ([], 0)


@pytest.mark.parametrize("where", ["acme/website", "{{ inputs.text }}"], ids=["fixed", "of the thing"])
def test_a_public_repository_is_asked_about_when_a_trigger_is_turned_on(
    feed: Feed, standins: StandIns, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = {"repository": where, "title": "{{ inputs.id }}", "body": "b"}
    issue = {"id": "issue", "uses": "github.create_issue", "with": fields, "allow": {"repository": ["acme/*"]}}
    _own_github(feed, standins, monkeypatch)
    feed.workflow([issue])
    with pytest.raises(ConfirmationNeeded) as refused:
        feed.orchestra.triggers.turn_on(ANN, WORKFLOW, TRIGGER, Start())
    assert refused.value.needs_confirmation[-1].endswith(":public")
    feed.orchestra.triggers.turn_on(ANN.agreeing(refused.value.needs_confirmation), WORKFLOW, TRIGGER, Start())
    feed.write({"id": "a", "text": "acme/website"})
    assert len(feed.poll().started) == 1


def test_a_repository_that_became_public_stops_the_trigger_and_loses_nothing(
    feed: Feed, standins: StandIns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.runs.starting.consent._PRIVATE_SECONDS", 0.0)
    fields = {"repository": "acme/app", "title": "{{ inputs.id }}", "body": "b"}
    _own_github(feed, standins, monkeypatch)
    feed.workflow([{"id": "issue", "uses": "github.create_issue", "with": fields}])
    feed.on()
    store = standins.stores["github"]
    record = store.get("github/repositories", "acme/app")
    assert record is not None
    store.put("github/repositories", "acme/app", {**record, "private": False})
    feed.write("a")
    result = feed.poll()
    assert result.started == []
    assert result.error is not None
    assert "public" in result.error.message
    feed.orchestra.triggers.turn_on(ANN.agreeing(True), WORKFLOW, TRIGGER)
    assert len(feed.poll().started) == 1


@pytest.mark.parametrize("uses", ["schedule", "folder.new_file", "workflow.finished"])
def test_a_trigger_that_touches_nothing_fires_whatever_it_was_turned_on_with(root: Path, uses: str) -> None:
    """`triggers on --demo` is another process than the server, and the server has no Demo for nothing."""
    (root / "drop").mkdir()
    fields = {
        "schedule": {"cron": "* * * * *"},
        "folder.new_file": {"path": "drop"},
        "workflow.finished": {"workflows": ["other"]},
    }
    pace = {} if uses == "schedule" else {"poll_seconds": 1}
    write_workflow(root, "other", [{"id": "a", "uses": "flow.set", "with": {"values": {"a": 1}}}])
    trigger = {"id": "it", "uses": uses, "with": fields[uses], **pace}
    write_workflow(root, "work", [{"id": "a", "uses": "flow.set", "with": {"values": {"a": 1}}}], triggers=[trigger])
    command = Orchestra.open(root, demo=True)
    try:
        command.triggers.turn_on(OWNER, "work", "it", Start())
    finally:
        command.close()
    served = Orchestra.open(root, serve=True)
    try:
        assert not served.triggers.status(OWNER, "work", "it").is_resting
        if uses == "folder.new_file":
            (root / "drop" / "a.txt").write_text("a")
        if uses == "workflow.finished":
            served.runs.start(OWNER, "other", {})
        if uses != "schedule":  # that would take a minute
            until(lambda: served.runs.list(OWNER, workflow="work").rows != [], "a run has begun")
    finally:
        served.close()
