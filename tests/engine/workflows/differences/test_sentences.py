"""What has changed between two documents, in sentences."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from engine.workflows.differences.sentences import differences
from engine.workflows.editing.applying import applied
from engine.workflows.editing.operations import operations
from engine.workspace.canonical import canonical

WORK: dict[str, Any] = {
    "schema_version": 1,
    "title": "Work",
    "inputs": {"type": "object", "properties": {"n": {"type": "integer"}}},
    "triggers": [{"id": "daily", "uses": "schedule", "with": {"cron": "0 7 * * *"}}],
    "steps": [
        {"id": "mails", "title": "Mails", "uses": "flow.set", "with": {"values": {}}},
        {"id": "label", "uses": "flow.set", "needs": ["mails"]},
        {
            "id": "each_mail",
            "foreach": "{{ steps.mails.output.m }}",
            "steps": [{"id": "issue", "title": "Issue", "uses": "flow.set", "with": {"title": "a", "body": "b"}}],
        },
    ],
}


@pytest.mark.parametrize(
    ("op", "said"),
    [
        (
            {"op": "set", "step": "issue", "field": "with.title", "value": "{{ x }}"},
            ['Issue: title now takes "{{ x }}"'],
        ),
        ({"op": "unset", "step": "issue", "field": "with.body"}, ["Issue: body is no longer given"]),
        ({"op": "remove", "steps": ["label"]}, ["Step label was removed"]),
        (
            {"op": "set", "step": "each_mail", "field": "parallel", "value": 4},
            ["Loop each_mail: it runs at most 4 items at once"],
        ),
        ({"op": "set", "step": "issue", "field": "if", "value": "{{ a == 1 }}"}, ["Issue: it runs only if a == 1"]),
        (
            {"op": "set", "step": "label", "field": "needs", "value": []},
            ["label: it no longer waits for any step"],
        ),
        ({"op": "unset", "step": "label", "field": "needs"}, ["label: it waits for all steps before it"]),
        ({"op": "move", "steps": ["label"], "into": "each_mail"}, ["Step label was moved after issue in each_mail"]),
        ({"op": "move", "steps": ["mails"], "after": "each_mail"}, ["Step mails was moved after each_mail"]),
        (
            {"op": "add", "step": {"id": "new", "uses": "flow.set"}, "before": "issue"},
            ["Step new was added as the first step in each_mail"],
        ),
        ({"op": "set", "field": "title", "value": "Other"}, ['The title is now "Other"']),
        ({"op": "set", "field": "inputs.properties.m", "value": {}}, ["Input m was added"]),
        (
            {"op": "set", "field": "triggers.0.with.cron", "value": "0 8 * * *"},
            ['Trigger daily: with.cron is now "0 8 * * *"'],
        ),
        ({"op": "set", "field": "outputs.a", "value": 1}, ['The field outputs is now {"a": 1}']),
    ],
    ids=lambda value: value["op"] if isinstance(value, dict) else "",
)
def test_an_operation_is_a_sentence(op: Any, said: list[str]) -> None:
    def no_rename(*_: Any) -> Any:
        raise AssertionError

    after = applied(canonical(WORK, "workflow"), "work", operations([op]), no_rename)
    assert differences(WORK, json.loads(after.text)) == said


def test_another_id_is_one_sentence_and_not_a_change_of_each_reference() -> None:
    after = copy.deepcopy(WORK)
    after["steps"][0]["id"] = "letters"
    after["steps"][1]["needs"] = ["letters"]
    after["steps"][2]["foreach"] = "{{ steps.letters.output.m }}"
    assert differences(WORK, after) == ["Step mails is now called letters"]


@pytest.mark.parametrize("odd", [None, [], {"steps": {}}, {"steps": [1, {"id": 3}, {}]}, {"on_failure": "x"}])
def test_what_is_no_workflow_is_compared_as_far_as_it_is_one(odd: Any) -> None:
    differences(WORK, odd)
    differences(odd, WORK)
    assert differences(odd, odd) == []
