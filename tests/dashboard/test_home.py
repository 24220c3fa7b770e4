from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.views.home import failing
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.runs.run_list import RunRow

Open = Callable[..., AppTest]
OWNER = Principal("owner", "owner")


def row(run_id: str, workflow: str, status: str) -> RunRow:
    times = {"queued_at": "2026-11-20T08:00:00.000Z", "started_at": None, "ended_at": None, "duration_seconds": None}
    return RunRow(
        run_id=run_id,
        workflow=workflow,
        title=workflow,
        status=status,
        demo=True,
        started_by="owner",
        sentence="",
        counts={},
        **times,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([row("2", "a", "failed"), row("1", "a", "succeeded")], ["2"], id="the latest failed"),
        pytest.param([row("2", "a", "succeeded"), row("1", "a", "failed")], [], id="made good"),
        pytest.param([row("2", "a", "failed"), row("1", "b", "failed")], ["2", "1"], id="two workflows"),
        pytest.param([], [], id="none"),
    ],
)
def test_failed_runs_need_a_look_until_made_good(rows: list[RunRow], expected: list[str]) -> None:
    assert [one.run_id for one in failing(rows)] == expected


def test_a_first_visitor_starts_the_main_job_with_one_button(orchestra: Orchestra, open_page: Open) -> None:
    at = open_page()
    assert "no account is needed" in " ".join(one.value for one in at.markdown)
    at.button(key="first-run-button").click().run()
    assert not at.exception
    rows = orchestra.runs.list(OWNER).rows
    assert [one.workflow for one in rows] == ["inbox-triage"]
    assert rows[0].run_id in at.query_params["id"]
    run = orchestra.runs.wait(OWNER, rows[0].run_id, 120)
    assert run["status"] == "succeeded"
    assert "25 mails" in run["sentence"]


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


def test_a_first_visitor_with_own_accounts_is_shown_the_mails_first(orchestra: Orchestra, open_page: Open) -> None:
    gmail = orchestra.demo.endpoints()["gmail"]
    orchestra.connections.add(OWNER, "gmail", "gmail", {"token": gmail["token"], "base_url": gmail["base_url"]})
    orchestra.connections.set_mode(OWNER, "gmail", "mine")
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


def test_connections_can_be_checked_from_the_first_page(open_page: Open) -> None:
    at = open_page()
    at.button(key="check-all").click().run()
    assert not at.exception
    assert sum("works" in one.value for one in at.markdown) == 4


def test_without_the_sample_the_first_page_leads_to_workflows(orchestra: Orchestra, open_page: Open) -> None:
    orchestra.workflows.delete(OWNER, "inbox-triage")
    at = open_page()
    assert not at.exception
    assert "first-run-button" not in {button.key for button in at.button}
