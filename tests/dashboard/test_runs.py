from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.plugins.trigger import Start
from tests.dashboard.test_run_control import saved
from tests.engine.conftest import set_step, write_workflow
from tests.patience import until

Open = Callable[..., AppTest]
OWNER = Principal("owner", "owner")


@pytest.fixture
def two_runs(orchestra: Orchestra) -> tuple[str, str]:
    """One run of each of two workflows, the older first."""
    found = []
    for name, inputs in (("inbox-triage", {"query": "in:inbox invoice", "limit": 1}), ("commit-digest", {})):
        run_id = orchestra.runs.start(OWNER, name, inputs)
        assert orchestra.runs.wait(OWNER, run_id, 60)["status"] == "succeeded"
        found.append(run_id)
    return found[0], found[1]


WATCHING: dict[str, Any] = {
    "schema_version": 1,
    "inputs": {"type": "object", "properties": {"id": {"type": "string"}}},
    "triggers": [{"id": "mail", "uses": "gmail.new_message", "inputs": {"id": "{{ item.id }}"}}],
    "steps": [set_step("one")],
}


def shown(at: AppTest) -> list[str]:
    """The ids of the runs that the page links to."""
    assert not at.exception
    return [link.proto.query_string.removeprefix("id=") for link in at.get("page_link") if link.proto.page == "run"]


FILTERS: list[tuple[dict[str, Any], list[int]]] = [
    ({"workflow": "inbox-triage"}, [0]),
    ({"status": "Failed"}, []),
    ({"status": ["Failed", "Succeeded"]}, [1, 0]),
    ({"until": "2001-01-01"}, []),
    ({"until": "2099-01-01"}, [1, 0]),
    ({"text": "commit"}, [1]),
    ({"since": "1 day"}, [1, 0]),
]


def test_runs_stand_newest_first_and_the_filter_stands_in_the_address(
    two_runs: tuple[str, str], open_page: Open
) -> None:
    at = open_page("runs")
    assert shown(at) == [two_runs[1], two_runs[0]]
    at.date_input(key="until").set_value(datetime.now(UTC).date()).run()
    assert shown(at) == [two_runs[1], two_runs[0]], "today is within its own end"
    for params, expected in FILTERS:
        assert shown(open_page("runs", **params)) == [two_runs[index] for index in expected], params


def test_a_page_leads_to_the_older_ones_and_back_and_keeps_the_filter(
    two_runs: tuple[str, str], open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.views.runs._PAGE_ROWS", 1)
    first = open_page("runs", status=["Failed", "Succeeded"])
    assert shown(first) == [two_runs[1]]
    [query] = [link.proto.query_string for link in first.get("page_link") if link.proto.label == "Older"]
    assert "status=Failed" in query
    assert "status=Succeeded" in query
    older = open_page("runs", before=two_runs[1])
    assert shown(older) == [two_runs[0]]
    assert "Newest" in [link.proto.label for link in older.get("page_link")]
    past = open_page("runs", before=two_runs[0])
    assert shown(past) == []
    past.selectbox(key="workflow").select("commit-digest").run()
    assert shown(past) == [two_runs[1]], "another filter begins at the first page"


def test_who_looks_for_failures_also_finds_runs_of_which_parts_failed(orchestra: Orchestra, open_page: Open) -> None:
    failing = {"id": "no", "uses": "flow.assert", "with": {"condition": "{{ 1 > 2 }}"}, "on_error": "continue"}
    for name, steps in {
        "partly": [failing],
        "good": [set_step("one")],
        "bad": [{**failing, "on_error": "fail"}],
    }.items():
        write_workflow(orchestra.workspace.root, name, steps)
    run_ids = {name: orchestra.runs.start(OWNER, name, {}) for name in ("partly", "good", "bad")}
    for run_id in run_ids.values():
        orchestra.runs.wait(OWNER, run_id, 60)

    def listed(*status: str) -> list[str]:
        return [one.workflow for one in orchestra.runs.list(OWNER, status=status).rows]

    assert shown(open_page("runs", status="Failed")) == [run_ids["bad"], run_ids["partly"]]
    assert shown(open_page("runs", status="Succeeded, parts failed")) == [run_ids["partly"]]
    assert (listed("parts_failed"), listed("failed")) == (["partly"], ["bad"])
    assert listed("parts_failed", "succeeded", "failed") == ["bad", "good", "partly"]


def test_the_runs_that_one_run_called_are_shown_alone(orchestra: Orchestra, open_page: Open) -> None:
    saved(orchestra, "inner", {"id": "words", "uses": "flow.set", "with": {"values": {"text": "Hello"}}})
    saved(orchestra, "outer", {"id": "call", "uses": "workflow.run", "with": {"workflow": "inner"}})
    outer = orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "outer", {}), 60)
    inner = outer["steps"][0]["child_run_id"]
    until(lambda: orchestra.runs.get(OWNER, outer["run_id"])["status"] == "succeeded")
    at = open_page("runs", parent=outer["run_id"])
    assert shown(at) == [outer["run_id"], inner], "the way to the caller, then what it called"
    assert any("Called" in str(one.value) for one in at.markdown)


def test_where_nothing_is_shown_the_page_says_why_and_what_to_do(orchestra: Orchestra, open_page: Open) -> None:
    empty = open_page("runs")
    assert any(one.value.startswith("Each run of a workflow appears here") for one in empty.caption)
    assert "Choose a workflow to run" in [link.proto.label for link in empty.get("page_link")]
    sought = open_page("runs", text="nobody")
    assert [one.value for one in sought.info] == ["No runs match this filter."]
    assert "All runs" in [link.proto.label for link in sought.get("page_link")]


def test_the_filter_offers_workflows_without_reading_them(workspace: Path, open_page: Open) -> None:
    (workspace / "workflows" / "damaged.json").write_text("{", encoding="utf-8")
    offered = next(one for one in open_page("runs").selectbox if one.label == "Workflow").options
    assert "damaged" in offered
    assert offered == sorted(path.stem for path in (workspace / "workflows").glob("*.json") if "." not in path.stem)


def test_a_debug_run_that_was_left_paused_says_so_and_can_be_cancelled(
    orchestra: Orchestra, sign_in: Callable[..., str], open_page: Open
) -> None:
    run_id = orchestra.debugging.start(OWNER, "inbox-triage", {})
    orchestra.debugging.wait(OWNER, run_id, 60)
    for role in ("viewer", "operator"):
        orchestra.users.add(OWNER, role, role.title(), role)
        sign_in(role)
        at = open_page("runs")
        assert any("until somebody continues this debug run" in one.value for one in at.markdown)
        assert (f"cancel-runs-{run_id}" in [one.key for one in at.button]) is (role == "operator")
    at.button(key=f"cancel-runs-{run_id}").click().run()
    assert not at.exception
    until(lambda: orchestra.runs.get(OWNER, run_id)["status"] == "cancelled")
    assert shown(open_page("runs")) == [run_id]


def test_a_run_is_found_by_the_mail_that_started_it(orchestra: Orchestra, open_page: Open) -> None:
    orchestra.workflows.save(OWNER, "watching", json.dumps(WATCHING), None)
    orchestra.triggers.turn_on(OWNER, "watching", "mail", Start())
    ids = []
    for sender, subject in (("Ada <ada@example.org>", "Invoice 12"), ("Bob <bob@example.org>", "Offer für Mai")):
        orchestra.demo.deliver(OWNER, sender, subject, "Hello you")
        [result] = orchestra.triggers.poll(OWNER, "watching", "mail")
        ids += result.started
    by_subject, by_sender, by_text = (
        shown(open_page("runs", text=one)) for one in ("offer für", "ADA@ex", "Hello you")
    )
    assert (by_subject, by_sender) == ([ids[1]], [ids[0]])
    assert by_text == [], "what the mail says is not looked through"
