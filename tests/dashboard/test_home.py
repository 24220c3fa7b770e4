from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from engine.base.statuses import AccountMode
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.people.visits import GAP
from engine.plugins.trigger import Start
from engine.triggering.polling.status import Alarm
from engine.triggering.triggers import FailingTriggers, Triggers

Open = Callable[..., AppTest]
OWNER = Principal("owner", "owner")
SET = {"id": "a", "uses": "flow.set", "with": {"values": {"x": 1}}}


def said(at: AppTest) -> str:
    """Return the sentence of the page."""
    assert not at.exception
    return next(one.value for one in at.markdown).replace("\\", "")


def links(at: AppTest) -> dict[str, str]:
    """Return the addresses of the links by their labels as they are read."""
    return {re.sub(r"\\|\*|:color\[\]", "", one.proto.label): one.proto.query_string for one in at.get("page_link")}


def ran(orchestra: Orchestra, name: str, *steps: object, **more: object) -> str:
    document = {"schema_version": 1, "title": name.title(), "steps": list(steps), **more}
    (orchestra.workspace.root / "workflows" / f"{name}.json").write_text(json.dumps(document))
    run_id = orchestra.runs.start(OWNER, name, {})
    assert orchestra.runs.wait(OWNER, run_id, 60)["status"] != "running"
    return run_id


def test_what_failed_is_said_first_and_leads_to_its_run(orchestra: Orchestra, open_page: Open) -> None:
    broken = {"id": "no", "uses": "flow.assert", "with": {"condition": False, "message": "This is wrong"}}
    run_id = ran(orchestra, "fails", broken)
    at = open_page()
    assert said(at).startswith("“Fails” failed ")
    assert said(at).endswith(" Nothing else needs you.")
    assert [header.value for header in at.header] == ["Needs a look", "In the last 24 hours"]
    assert links(at)["Fails"] == f"id={run_id}"
    assert "first-run-button" not in {button.key for button in at.button}


def test_runs_are_summed_up_by_workflow_since_the_last_visit(
    orchestra: Orchestra, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = {"id": "night", "uses": "schedule", "with": {"cron": "0 3 * * *"}}
    ran(orchestra, "nightly", SET, triggers=[night])
    orchestra.triggers.turn_on(OWNER, "nightly", "night", Start())
    at = open_page()
    assert "In the last 24 hours" in [one.value for one in at.header]
    later = datetime.now(UTC) + GAP
    monkeypatch.setattr(orchestra.visits, "_clock", lambda: later)
    at = open_page()
    [title] = [one.value for one in at.header]
    assert title.startswith("Since you were here:")
    assert "Nightly" not in links(at)
    assert "No runs." in [one.value for one in at.caption]
    for _ in range(2):
        orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "nightly", {}), 60)
    at.run()
    assert [one.value for one in at.header] == [title], "being redrawn is no visit"
    assert links(at)["Nightly"] == "workflow=nightly"
    assert "2 runs: 2 done\\." in [one.value for one in at.markdown]
    assert "2 runs" in [one.value for one in at.caption]
    [coming] = orchestra.triggers.coming(OWNER)
    assert coming.look_again_at is not None
    assert coming.look_again_at.endswith("T03:00:00.000Z")
    assert any("Nightly" in one.value and ":material/sensors:" in one.value for one in at.markdown)


def test_a_row_approves_only_what_it_tells(orchestra: Orchestra, open_page: Open) -> None:
    def asked(step: dict[str, Any]) -> str:
        run_id = ran(orchestra, f"asks-{len(orchestra.approvals.list(OWNER))}", {"id": "it", **step})
        return next(one.id for one in orchestra.approvals.list(OWNER) if one.run_id == run_id)

    def issue(title: str, **more: str) -> str:
        fields = {"repository": "acme/app", "title": title, **more}
        return asked({"uses": "github.create_issue", "approve": "always", "with": fields})

    def mail(**more: Any) -> str:
        fields = {"to": ["ann@example.org"], "subject": "We do not agree", "text": "", **more}
        return asked({"uses": "gmail.send", "with": fields})

    whole = issue("Welcome")
    others = [
        issue("Hello", body="Hello"),
        issue("Welcome " * 20),
        issue("Hello [name]"),
        mail(text="agree"),
        mail(subject="Hi", text="Hi"),
        mail(to=["boss@corp.example"], cc=["ss@corp.example"]),
    ]
    at = open_page()
    assert said(at) == "7 questions wait for your answer. Everything else went well."
    assert links(at)["acme/app\u2002Welcome"] == f"question={whole}"
    assert {key for one in at.button if (key := str(one.key)).startswith("approve-")} == {f"approve-home-{whole}"}
    opened = [one.proto.query_string for one in at.get("page_link") if one.proto.label == "Open"]
    assert opened == [f"question={one}" for one in reversed(others)]
    at.button(key=f"approve-home-{whole}").click().run()
    assert orchestra.approvals.get(OWNER, whole).state == "approved"
    assert said(at) == "6 questions wait for your answer. Everything else went well."


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
    assert {button.key for button in at.button} & {"first-run-button", "first-run-choose"} == set()


def test_what_runs_now_is_followed(orchestra: Orchestra, open_page: Open) -> None:
    orchestra.demo.break_service(OWNER, "gmail", 60)
    run_id = orchestra.runs.start(OWNER, "inbox-triage", {})
    at = open_page()
    assert said(at) == "1 run is under way; nothing needs you."
    assert links(at)["Inbox triage"] == f"id={run_id}"
    orchestra.runs.cancel(OWNER, run_id)
    orchestra.runs.wait(OWNER, run_id, 60)
    assert said(at.run()) == "All is well; nothing needs you."
    assert any("Cancelled" in one.value for one in at.markdown)


def test_the_first_page_starts_only_a_sample_that_is_there(orchestra: Orchestra, open_page: Open) -> None:
    assert "first-run-button" in {button.key for button in open_page().button}
    orchestra.workflows.delete(OWNER, "inbox-triage")
    at = open_page()
    assert not at.exception
    assert "first-run-button" not in {button.key for button in at.button}, "it leads to workflows"


def test_connections_are_told_only_if_something_is_wrong_or_on_the_demo(
    orchestra: Orchestra, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = open_page()
    assert "On the demo: nothing goes out." in [one.value for one in at.caption]
    assert {"Look at the demo", "Use my own mail"} <= links(at).keys()
    assert [name for name in links(at) if "own mail" in name] == ["Use my own mail"], "one way to the first run"
    assert "Connections" not in links(at)
    monkeypatch.setenv("GITHUB_TOKEN", "a-token")
    orchestra.connections.set_mode(OWNER, "github", AccountMode.MINE)
    monkeypatch.delenv("GITHUB_TOKEN")
    at = open_page()
    assert "No key yet: GitHub\\." in [one.value for one in at.caption]
    assert "Connections" in links(at)


def test_nothing_on_the_page_says_that_all_is_well_above_an_alarm(
    orchestra: Orchestra, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran(orchestra, "fine", SET)
    assert said(open_page()) == "All is well; nothing needs you."
    alarm = Alarm("inbox-triage", "new_mail", "silent", "It has not polled successfully.", "Turn it on.", "")
    monkeypatch.setattr(Triggers, "difficulties", lambda *_: FailingTriggers([alarm], []))
    at = open_page()
    assert said(at) == "1 trigger needs a look. Nothing else needs you."
    assert "not polled successfully" in at.error[0].value
