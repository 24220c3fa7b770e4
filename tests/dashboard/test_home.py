from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from engine.base.statuses import AccountMode
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.plugins.trigger import Start
from engine.triggering.polling.status import Alarm
from engine.triggering.triggers import FailingTriggers, Triggers

Open = Callable[..., AppTest]
OWNER = Principal("owner", "owner")
SET = {"id": "a", "uses": "flow.set", "with": {"values": {"x": 1}}}


def test_what_ran_and_what_failed_stands_on_the_first_page(orchestra: Orchestra, open_page: Open) -> None:
    broken = {
        "schema_version": 1,
        "title": "Fails",
        "steps": [{"id": "no", "uses": "flow.assert", "with": {"condition": False, "message": "This is wrong"}}],
    }
    orchestra.workflows.save(OWNER, "fails", json.dumps(broken), None)
    run_id = orchestra.runs.start(OWNER, "fails", {})
    assert orchestra.runs.wait(OWNER, run_id, 60)["status"] == "failed"
    at = open_page()
    assert not at.exception
    assert [header.value for header in at.header][:2] == ["Needs a look", "Last runs"]
    assert any(caption.value.startswith("1 failed") for caption in at.caption)
    assert "first-run-button" not in {button.key for button in at.button}
    [query] = {link.proto.query_string for link in at.get("page_link") if "Fails" in link.proto.label}
    assert query == f"id={run_id}"


def test_the_first_page_counts_the_runs_and_says_what_comes_next(orchestra: Orchestra, open_page: Open) -> None:
    nightly = {
        "schema_version": 1,
        "title": "Nightly",
        "triggers": [{"id": "night", "uses": "schedule", "with": {"cron": "0 3 * * *"}}],
        "steps": [SET],
    }
    (orchestra.workspace.root / "workflows" / "nightly.json").write_text(json.dumps(nightly))
    orchestra.triggers.turn_on(OWNER, "nightly", "night", Start())
    for _ in range(2):
        orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "nightly", {}), 60)
    assert [one["succeeded"] for one in orchestra.runs.days(OWNER)] == [0] * 13 + [2]
    at = open_page()
    assert "2 runs in 14 days" in [one.value for one in at.caption]
    [coming] = orchestra.triggers.coming(OWNER)
    assert coming.look_again_at is not None
    assert coming.look_again_at.endswith("T03:00:00.000Z")
    assert any("Nightly" in one.value and ":material/sensors:" in one.value for one in at.markdown)


def test_a_first_visitor_with_own_accounts_is_shown_the_mails_first(orchestra: Orchestra, open_page: Open) -> None:
    gmail = orchestra.demo.endpoints()["gmail"]
    orchestra.connections.add(OWNER, "gmail", "gmail", {"token": gmail["token"], "base_url": gmail["base_url"]})
    orchestra.connections.set_mode(OWNER, "gmail", AccountMode.MINE)
    at = open_page()
    assert "You see which ones" in " ".join(one.value for one in at.markdown)
    at.button(key="first-run-choose").click().run()
    assert not at.exception
    assert "inbox-triage" in at.query_params["name"]
    assert not orchestra.runs.list(OWNER).rows


def test_a_first_visitor_who_may_not_run_can_look(
    orchestra: Orchestra, sign_in: Callable[..., str], open_page: Open
) -> None:
    orchestra.users.add(Principal("local:x", "owner"), "vera", "Vera", "viewer", "correct horse battery")
    sign_in("vera")
    at = open_page()
    assert not at.exception
    assert "no account is needed" in " ".join(one.value for one in at.markdown)
    assert {button.key for button in at.button} & {"first-run-button", "first-run-choose", "check-all"} == set()


def test_what_runs_now_is_followed(orchestra: Orchestra, open_page: Open) -> None:
    orchestra.demo.break_service(OWNER, "gmail", 60)
    run_id = orchestra.runs.start(OWNER, "inbox-triage", {})
    at = open_page()
    assert not at.exception
    assert any(caption.value.startswith("1 running") for caption in at.caption)
    orchestra.runs.cancel(OWNER, run_id)
    orchestra.runs.wait(OWNER, run_id, 60)
    assert not at.run().exception
    assert any("Cancelled" in one.value for one in at.markdown)


def test_connections_are_checked_on_the_first_page_which_starts_only_a_sample_that_is_there(
    orchestra: Orchestra, open_page: Open
) -> None:
    at = open_page()
    at.button(key="check-all").click().run()
    assert not at.exception
    assert sum("works" in one.value for one in at.markdown) == 5

    orchestra.workflows.delete(OWNER, "inbox-triage")
    at = open_page()
    assert not at.exception
    assert "first-run-button" not in {button.key for button in at.button}, "it leads to workflows"


def test_nothing_on_the_page_says_that_all_is_well_above_an_alarm(
    orchestra: Orchestra, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    orchestra.workflows.save(OWNER, "fine", json.dumps({"schema_version": 1, "steps": [SET]}), None)
    orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "fine", {}), 60)
    assert "nothing needs you" in " ".join(one.value for one in open_page().caption)
    alarm = Alarm("inbox-triage", "new_mail", "silent", "It has not polled successfully.", "Turn it on.", "")
    monkeypatch.setattr(Triggers, "difficulties", lambda *_: FailingTriggers([alarm], []))
    at = open_page()
    said = " ".join(one.value for one in at.caption)
    assert "nothing needs you" not in said
    assert "1 item needs you" in said
    assert "not polled successfully" in at.error[0].value
