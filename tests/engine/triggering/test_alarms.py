"""People are notified once when a trigger needs attention, and once when it works again."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine.base.clock import timestamp
from engine.base.json_text import JsonObject
from engine.compiler.definition.plan import Plan
from engine.orchestra import Orchestra
from engine.plugins.trigger import Start
from engine.triggering.alarms import AlarmNotices, alarm_of, is_silent
from engine.triggering.notices.channel import NoticeChannel
from engine.triggering.notices.webhook import WebhookMessages
from engine.triggering.polling.status import TriggerError, TriggerStatus, state_of
from tests.engine.conftest import OWNER, set_step, write_workflow
from tests.engine.triggering.conftest import TRIGGER, WORKFLOW, Feed
from tests.patience import PATIENCE_SECONDS

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
WELL = TriggerStatus(
    workflow="work", workflow_title="Work", id="line", title="A new line", uses="feed.line", connection=None,
    account="", demo=False, is_on=True, is_resting=False, needs_start=False, start_from=("now",), poll_seconds=60,
    turned_on_at="2026-11-20T11:00:00.000Z", succeeded_at="2026-11-20T11:59:30.000Z",
    look_again_at="2026-11-20T12:00:30.000Z",
)  # fmt: skip
BROKEN = TriggerError("InvalidFile", "broken", "Correct it.")


def ago(seconds: float) -> str:
    return timestamp(NOW - timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        pytest.param({}, False, id="well"),
        pytest.param({"succeeded_at": ago(119), "look_again_at": ago(59)}, False, id="a little late"),
        pytest.param({"succeeded_at": ago(121), "look_again_at": ago(61)}, True, id="two periods"),
        pytest.param({"succeeded_at": ago(121), "look_again_at": ago(61), "is_on": False}, False, id="off"),
        pytest.param({"succeeded_at": ago(9999), "look_again_at": ago(61), "is_resting": True}, False, id="resting"),
        pytest.param({"succeeded_at": ago(65), "poll_seconds": 1, "look_again_at": ago(64)}, True, id="often"),
        pytest.param({"succeeded_at": ago(55), "poll_seconds": 1, "look_again_at": ago(54)}, False, id="a minute more"),
        pytest.param({"succeeded_at": ago(9999), "look_again_at": ago(-9)}, False, id="a schedule that knows when"),
        pytest.param({"succeeded_at": ago(9999), "look_again_at": ago(-9), "failures": 3}, True, id="it only failed"),
        pytest.param({"succeeded_at": None, "turned_on_at": ago(50)}, False, id="just turned on"),
        pytest.param({"succeeded_at": None, "turned_on_at": ago(200)}, True, id="never looked at"),
    ],
)
def test_when_a_trigger_is_silent(changes: dict[str, Any], wanted: bool) -> None:
    assert is_silent(replace(WELL, **changes), NOW) is wanted


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        pytest.param({}, None, id="well"),
        pytest.param({"dead": 2}, "dead", id="dead things"),
        pytest.param({"dead": 2, "is_silent": True}, "silent", id="silent"),
        pytest.param({"is_silent": True, "error": TriggerError("AuthError", "no")}, "account", id="account"),
        pytest.param({"error": TriggerError("AccountRefuses", "no")}, "account", id="known account"),
        pytest.param({"error": TriggerError("Unavailable", "down")}, None, id="one failed look"),
        pytest.param({"problem": BROKEN, "is_silent": True}, "file", id="file"),
        pytest.param({"problem": BROKEN, "is_on": False}, None, id="a broken file of one that is off"),
    ],
)
def test_what_needs_a_person(changes: dict[str, Any], kind: str | None) -> None:
    alarm = alarm_of(replace(WELL, **changes), NOW)
    assert (alarm and alarm.kind) == kind
    assert alarm is None or (alarm.message and alarm.remedy) or kind == "account"


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        pytest.param({}, "on", id="well"),
        pytest.param({"is_on": False, "problem": BROKEN}, "off", id="off"),
        pytest.param({"error": TriggerError("Unavailable", "down")}, "trying again", id="one failed look"),
        pytest.param({"error": TriggerError("Unavailable", "down"), "is_silent": True}, "silent", id="silent"),
        pytest.param({"error": TriggerError("AuthError", "no"), "is_silent": True}, "needs you", id="account"),
        pytest.param({"problem": BROKEN, "is_silent": True}, "broken", id="file"),
    ],
)
def test_how_a_trigger_stands_in_a_word(changes: dict[str, Any], state: str) -> None:
    assert state_of(replace(WELL, **changes)) == state


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        pytest.param(130, "for 2 minutes.", id="minutes"),
        pytest.param(3 * 3600 + 5, "for 3 hours.", id="hours"),
        pytest.param(47 * 3600, "for 47 hours.", id="not yet two days"),
        pytest.param(50 * 3600, "for 2 days.", id="days"),
    ],
)
def test_how_long_a_trigger_has_been_silent_is_told_in_words(seconds: float, said: str) -> None:
    alarm = alarm_of(replace(WELL, is_silent=True, succeeded_at=ago(seconds)), NOW)
    assert alarm is not None
    assert said in alarm.message


@pytest.fixture
def told(feed: Feed) -> Feed:
    """A workspace whose settings name a workflow that tells people; the trigger is on."""
    inputs = {"type": "object", "properties": {"kind": {"type": "string"}, "message": {"type": "string"}}}
    write_workflow(feed.root, "tell", [set_step("a")], inputs=inputs)
    config = feed.root / "config.yaml"
    config.write_text(config.read_text() + "notifications:\n  workflow: tell\n")
    feed.on()
    return feed


def notifications(feed: Feed) -> AlarmNotices:
    triggering = feed.orchestra._families.triggers.triggering
    needs, statuses = triggering._needs, triggering._statuses.in_question
    plan, loaded = feed.orchestra._families.opened.compiled.plan, needs.context.loaded
    channel = NoticeChannel(needs.acceptor, plan, loaded, needs.clock)
    messages = WebhookMessages(needs.state.settings, lambda: loaded().webhook, needs.clock)
    link = lambda: "http://127.0.0.1:8501/triggers"  # noqa: E731
    return AlarmNotices(needs.worker, needs.state.triggers, channel, messages, needs.clock, statuses, str, link)


def said(feed: Feed) -> list[JsonObject]:
    rows = feed.orchestra.runs.list(OWNER, workflow="tell").rows
    return [feed.orchestra.runs.wait(OWNER, row.run_id, PATIENCE_SECONDS)["inputs"] for row in reversed(rows)]


def test_an_alarm_starts_the_workflow_once_and_once_when_it_is_over(told: Feed) -> None:
    checks = notifications(told)
    told.clock.move(600)
    checks.check()
    assert said(told) == [], "it may be over in a moment"
    for _ in range(3):
        checks.check()
    [first] = said(told)
    assert first["kind"] == "silent"
    assert "has not polled successfully for " in first["message"]
    told.poll()
    for _ in range(3):
        checks.check()
    assert [one["kind"] for one in said(told)] == ["silent", "over"]
    told.clock.move(600)
    checks.check()
    checks.check()
    assert [one["kind"] for one in said(told)] == ["silent", "over", "silent"]


def test_a_trigger_that_rests_for_other_accounts_hides_no_alarm_of_the_one_in_use(told: Feed) -> None:
    told.orchestra.close()
    told.orchestra = Orchestra(told.root, demo=True, clock=told.clock)
    told.on()
    checks = notifications(told)
    told.clock.move(600)
    checks.check()
    checks.check()
    assert [one["kind"] for one in said(told)] == ["silent"]


def test_alarms_read_no_file_of_a_trigger_that_is_off_and_well(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("idle", "ill"):
        document = json.loads((feed.root / "workflows" / f"{WORKFLOW}.json").read_text())
        write_workflow(feed.root, name, [set_step("a")], inputs=document["inputs"], triggers=document["triggers"])
    triggers, read = feed.orchestra.triggers, list[str]()
    feed.on()
    triggers.turn_on(OWNER, "ill", TRIGGER, Start())
    feed.write({"id": "x", "read": "BadAnswer"})
    triggers.poll(OWNER)
    triggers.turn_off(OWNER, "ill", TRIGGER)
    resolver = feed.orchestra._families.triggers.triggering._resolver
    plan = resolver.plan

    def heard(name: str) -> Plan:
        read.append(name)
        return plan(name)

    monkeypatch.setattr(resolver, "plan", heard)
    kinds = [(alarm.workflow, alarm.kind) for alarm in triggers.alarms(OWNER)]
    assert kinds == [("ill", "dead"), (WORKFLOW, "dead")]
    assert read == ["ill", WORKFLOW]
    assert feed.orchestra.health.now().counts["triggers"] == {"on": 1, "silent": 0, "dead": 2}


def test_an_alarm_is_told_once_by_however_many_processes_look(told: Feed) -> None:
    told.clock.move(600)
    for _ in range(2):
        for checks in (notifications(told), notifications(told)):
            checks.check()
            checks.check()
    assert len(said(told)) == 1


def test_a_workflow_that_tells_and_cannot_run_stops_nothing(told: Feed, caplog: pytest.LogCaptureFixture) -> None:
    (told.root / "workflows" / "tell.json").write_text("{")
    checks = notifications(told)
    told.clock.move(600)
    checks.check()
    checks.check()
    assert "cannot run" in caplog.text
    checks.check()
    assert caplog.text.count("cannot run") == 1


def test_the_workflow_that_tells_is_never_told_of_its_own_triggers(told: Feed) -> None:
    config = told.root / "config.yaml"
    config.write_text(config.read_text().replace("workflow: tell", f"workflow: {WORKFLOW}"))
    checks = notifications(told)
    told.clock.move(600)
    checks.check()
    checks.check()
    assert told.orchestra.runs.list(OWNER).rows == []


def test_the_alarm_of_a_private_workflow_quotes_nothing(told: Feed) -> None:
    told.workflow(privacy="local")
    checks = notifications(told)
    told.fault(error="RateLimited")
    told.poll()
    told.clock.move(600)
    for _ in range(2):
        checks.check()
    [first] = said(told)
    assert first["message"] == f"The trigger '{TRIGGER}' of '{WORKFLOW}' needs attention."
