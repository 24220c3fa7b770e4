"""A run on another database, on the page of that run."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from streamlit.testing.v1 import AppTest

from engine.orchestra import Orchestra
from tests.dashboard.conftest import OWNER

WORKFLOW: dict[str, Any] = {
    "schema_version": 1,
    "inputs": {"type": "object", "properties": {"repository": {"type": "string", "default": "acme/app"}}},
    "steps": [
        {
            "id": "issue",
            "uses": "github.create_issue",
            "once": "always the same",
            "with": {"repository": "{{ inputs.repository }}", "title": "One", "body": ""},
        }
    ],
}


def test_a_run_that_wrote_nothing_says_so_and_offers_what_does(
    orchestra: Orchestra, open_page: Callable[..., AppTest]
) -> None:
    orchestra.workflows.save(OWNER, "issue", json.dumps(WORKFLOW), None)
    for repository, is_told in (("acme/app", False), ("acme/app", False), ("acme/website", True)):
        run_id = orchestra.runs.start(OWNER, "issue", {"repository": repository})
        run = orchestra.runs.wait(OWNER, run_id, 60)
        assert run["status"] == "succeeded", run["error"]
        page = open_page("run", id=run_id)
        assert bool(page.warning) is is_told, "one that wrote, or kept the same, says nothing"
    assert "Nothing was written" in page.warning[0].value
    assert page.button(key="kept-update")
    page.button(key="kept-force").click().run()
    assert not page.exception
    assert page.radio(key="again-receipts").value == "force"


def test_an_update_is_not_offered_where_the_service_cannot_make_it(
    orchestra: Orchestra, open_page: Callable[..., AppTest]
) -> None:
    step = {"id": "label", "uses": "gmail.create_label", "once": "always", "with": {"name": "{{ inputs.repository }}"}}
    orchestra.workflows.save(OWNER, "label", json.dumps({**WORKFLOW, "steps": [step]}), None)
    for name in ("acme", "widgets"):
        run_id = orchestra.runs.start(OWNER, "label", {"repository": name})
        run = orchestra.runs.wait(OWNER, run_id, 60)
    assert run["status"] == "succeeded", run["error"]
    assert "with an update" not in run["sentence"]
    page = open_page("run", id=run_id)
    assert "Nothing was written" in page.warning[0].value
    assert [one.key for one in page.button if str(one.key).startswith("kept-")] == ["kept-force"]


def test_the_step_of_an_item_whose_key_another_item_has_says_so(
    orchestra: Orchestra, open_page: Callable[..., AppTest]
) -> None:
    [issue] = WORKFLOW["steps"]
    step = {**issue, "with": {"repository": "acme/app", "title": "{{ item }}", "body": ""}}
    del step["once"]
    loop = {"id": "each", "foreach": "{{ ['a', 'b'] }}", "key": "same", "steps": [step]}
    orchestra.workflows.save(OWNER, "issue", json.dumps({"schema_version": 1, "steps": [loop]}), None)
    for _ in range(2):
        run_id = orchestra.runs.start(OWNER, "issue", {})
        assert orchestra.runs.wait(OWNER, run_id, 60)["status"] == "succeeded"
        page = open_page("run", id=run_id, open="each[1]")
        assert any("Not written: item 1 of this run has the same key" in one.value for one in page.markdown)
        assert not page.warning
