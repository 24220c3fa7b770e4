"""The co-pilot on the page of a run: for whom, of which runs, and what is sent before it is opened."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from engine.orchestra import Orchestra
from tests.dashboard.conftest import OWNER

WORKFLOW = {"schema_version": 1, "steps": [{"id": "one", "uses": "flow.set", "with": {"values": {"n": 1}}}]}


@pytest.fixture
def run_id(orchestra: Orchestra) -> str:
    """An ended run of the workflow `one`."""
    orchestra.workflows.save(OWNER, "one", json.dumps(WORKFLOW), None)
    run_id = orchestra.runs.start(OWNER, "one", {})
    assert orchestra.runs.wait(OWNER, run_id, 60)["status"] == "succeeded"
    return run_id


def buttons(at: AppTest) -> list[dict[str, Any]]:
    """Return what each button of the co-pilot is given."""
    assert not at.exception
    return [one for [one] in (json.loads(each.proto.json) for each in at.get("bidi_component")) if "panel" in one]


def test_the_button_has_nothing_of_the_panel_until_the_address_opens_it(
    open_page: Callable[..., AppTest], run_id: str
) -> None:
    [shown] = buttons(open_page("run", id=run_id))
    assert shown["panel"]["workflow"] == "one"
    assert shown["panel"]["run"] == {"id": run_id, "hasFailed": False}
    assert (shown["isOpen"], list(shown["texts"])) == (False, ["copilot"])
    [shown] = buttons(open_page("run", id=run_id, copilot="open"))
    assert (shown["isOpen"], list(shown["texts"])) == (True, ["copilot", "studio"])


def test_who_may_not_edit_has_no_co_pilot(
    orchestra: Orchestra, open_page: Callable[..., AppTest], sign_in: Callable[..., str], run_id: str
) -> None:
    orchestra.users.add(OWNER, "vera", "Vera", "viewer", "a long password 1")
    sign_in("vera")
    assert buttons(open_page("run", id=run_id, copilot="open")) == []


def test_a_run_of_a_deleted_workflow_has_no_co_pilot(
    orchestra: Orchestra, open_page: Callable[..., AppTest], run_id: str
) -> None:
    assert len(buttons(open_page("run", id=run_id))) == 1
    orchestra.workflows.delete(OWNER, "one")
    assert buttons(open_page("run", id=run_id)) == []
