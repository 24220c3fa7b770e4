"""Testing a part from the form of a workflow: one step alone, outputs that are given, and the tick for what writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.patience import PATIENCE_SECONDS

Open = Callable[..., AppTest]
OWNER = Principal("owner", "owner")
SUMS: dict[str, Any] = {
    "schema_version": 1,
    "title": "Sums",
    "steps": [
        {"id": "one", "uses": "flow.set", "with": {"values": {"x": 1}}},
        {
            "id": "two",
            "title": "Set _two_",
            "uses": "flow.set",
            "with": {"values": {"x": "{{ steps.one.output.x + 1 }}"}},
        },
    ],
    "outputs": {"x": "{{ steps.two.output.x }}"},
}


def newest_run(orchestra: Orchestra) -> Any:
    row = orchestra.runs.list(OWNER, workflow="sums").rows[0]
    return orchestra.runs.wait(OWNER, row.run_id, PATIENCE_SECONDS)


def test_a_step_runs_alone_and_a_given_output_is_taken_by_what_comes_after(
    orchestra: Orchestra, workspace: Path, open_page: Open
) -> None:
    (workspace / "workflows" / "sums.json").write_text(json.dumps(SUMS))
    at = open_page("workflow", name="sums")
    assert not at.exception
    assert at.button(key="part-run-sums").disabled
    assert at.selectbox(key="part-only-sums").options == ["Set values · one", "Set _two_ · two"]  # no Markdown there
    for text in ("{", "[]", "7"):
        at.text_area(key="part-pins-sums").set_value(text).run()
        assert "JSON" in str(at.error[0].value)
        assert at.button(key="part-run-sums").disabled
    at.text_area(key="part-pins-sums").set_value('{"nobody": 1}').run()
    at.button(key="part-run-sums").click().run()
    assert "nobody" in str(at.error[0].value)
    assert orchestra.runs.list(OWNER, workflow="sums").rows == []

    at.text_area(key="part-pins-sums").set_value('{"one": {"x": 6}}').run()
    at.button(key="part-run-sums").click().run()
    assert newest_run(orchestra)["outputs"] == {"x": 7}

    at = open_page("workflow", name="sums")
    at.selectbox(key="part-only-sums").set_value("two").run()
    at.text_area(key="part-pins-sums").set_value('{"one": {"x": 41}}').run()
    at.button(key="part-run-sums").click().run()
    assert not at.error
    document = newest_run(orchestra)
    assert document["status"] == "succeeded"
    assert {step["path"]: step["output"] for step in document["steps"]}["two"] == {"x": 42}
    assert [row.is_test for row in orchestra.runs.list(OWNER, workflow="sums").rows] == [True, True]


def test_what_really_writes_needs_a_tick(open_page: Open) -> None:
    at = open_page("workflow", name="inbox-triage")
    at.selectbox(key="part-only-inbox-triage").set_value("each_mail.classify").run()
    assert not at.button(key="part-run-inbox-triage").disabled
    at.selectbox(key="part-only-inbox-triage").set_value("each_mail.task").run()
    assert at.button(key="part-run-inbox-triage").disabled
    at.checkbox(key="part-tick-inbox-triage-each_mail.task").check().run()
    assert not at.button(key="part-run-inbox-triage").disabled
