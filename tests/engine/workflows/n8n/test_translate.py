"""Workflows of n8n become workflows that compile; what has no counterpart is named, kept and never guessed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base.errors import InUse, InvalidInput
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.plugins.registry import step_type
from engine.plugins.step import fields_schema
from engine.workflows.bundles.bundles import Imported
from engine.workflows.n8n.nodes import ROWS
from engine.workflows.n8n.translate import Translated, translate

ADA = Principal("ada", "editor")
EXPORTS = Path(__file__).parent / "exports"
SERVICES = "gmail github notion slack telegram discord google_sheets sql openai".split()


def exported(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EXPORTS / f"{name}.json").read_text())
    return found


def steps_of(found: Translated) -> dict[str, dict[str, Any]]:
    """Return all steps by id."""
    ahead, steps = list(found.document["steps"]), {}
    while ahead:
        step = ahead.pop()
        steps[step["id"]] = step
        ahead += step.get("steps", [])
    return steps


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Orchestra]:
    lines = [f"  {name}: {{service: {name}}}\n" for name in SERVICES]
    (tmp_path / "config.yaml").write_text("connections:\n" + "".join(lines))
    orchestra = Orchestra.open(tmp_path)
    yield orchestra
    orchestra.close()


def imported(orchestra: Orchestra, name: str) -> Imported:
    return orchestra.bundles.imported(ADA, exported(name), file=f"{name}.json")


@pytest.mark.parametrize("name", sorted(one.stem for one in EXPORTS.glob("*.json")))
def test_the_only_errors_are_what_was_not_translated(workspace: Orchestra, name: str) -> None:
    made = imported(workspace, name)
    errors = [one for one in made.workflow.problems if one.severity == "error"]
    places = {"unknown-nodes": [("mail", "with.subject"), ("mail", "with.text")]}.get(name, [])
    assert [(one.step, one.field) for one in errors] == places
    assert workspace.workflows.get(ADA, made.workflow.name).document == made.workflow.document


def test_what_was_not_translated_is_listed_and_kept(workspace: Orchestra) -> None:
    made = imported(workspace, "unknown-nodes")
    assert [one.split(":")[0] for one in made.to_finish] == ["Deals", "Code", "Mail", "Mail"]
    steps = {one["id"]: one for one in (made.workflow.document or {})["steps"]}
    assert steps["code"]["uses"] == "flow.fail"
    assert "items.filter(i => i.json.amount > 1000)" in steps["code"]["note"]
    assert steps["mail"]["with"]["to"] == ["boss@example.com", "team@example.com"]
    assert steps["mail"]["with"]["subject"] == "Deal {{ $json.name.match(/x+/)[0] }}"
    assert all(one in (made.workflow.document or {})["description"] for one in made.to_finish)


def test_nothing_is_replaced(workspace: Orchestra) -> None:
    imported(workspace, "contact-form")
    with pytest.raises(InUse):
        imported(workspace, "contact-form")


def test_a_list_becomes_a_loop_and_a_switch_groups_in_order() -> None:
    loop = translate(exported("classify-with-model"), "f").document["steps"][1]
    assert loop["foreach"] == "{{ steps.mails.output.messages }}"
    assert loop["key"] == "{{ mails_item.id }}"
    assert [(one["id"], one.get("if")) for one in loop["steps"]] == [
        ("ask", None),
        ("what_is_it_bug", "{{ steps.ask.output.text == 'bug' }}"),
        ("what_is_it_question", "{{ !(steps.ask.output.text == 'bug') && (steps.ask.output.text == 'question') }}"),
        (
            "what_is_it_otherwise",
            "{{ !(steps.ask.output.text == 'bug') && !(steps.ask.output.text == 'question') }}",
        ),
    ]
    assert loop["steps"][1]["steps"][0]["with"]["title"] == "{{ mails_item.subject }}"


def test_both_ends_of_an_if_meet_after_it() -> None:
    loop = translate(exported("issues-both-ways"), "f").document["steps"][1]
    assert [one["id"] for one in loop["steps"]] == ["old_and_without_labels_yes", "log"]


def test_what_comes_after_a_loop_is_behind_it() -> None:
    steps = translate(exported("post-json"), "f").document["steps"]
    assert [one["id"] for one in steps] == ["rows", "each_rows", "done"]
    sent = steps[1]["steps"][0]["with"]["json"]
    assert sent == {
        "sku": "{{ rows_item.values.sku }}",
        "count": "{{ rows_item.values.count }}",
        "note": "for {{ rows_item.values.name }}",
    }


def test_the_fields_of_a_trigger_become_inputs() -> None:
    document = translate(exported("contact-form"), "f").document
    assert document["triggers"][0]["inputs"] == {
        "your_name": "{{ item.values.your_name }}",
        "message": "{{ item.values.message }}",
    }
    assert document["steps"][1]["with"]["text"] == "Hello {{ inputs.your_name }}, we have your message."


def node(type_: str, parameters: Mapping[str, Any], name: str = "One", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": f"n8n-nodes-base.{type_}", "typeVersion": 1, "parameters": parameters, **more}


def alone(type_: str, parameters: Mapping[str, Any], **more: Any) -> Translated:
    return translate({"nodes": [node(type_, parameters, **more)], "connections": {}}, "f")


def test_braces_in_a_text_stay_braces() -> None:
    step = alone("slack", {"channel": "#a", "text": "Write {{ $json.a }} so"}).document["steps"][0]
    assert step["with"]["text"] == "Write {{ '{{' }} $json.a }} so"


def test_a_node_that_is_switched_off_is_left_out() -> None:
    found = alone("slack", {"channel": "#a", "text": "b"}, disabled=True)
    assert [one["uses"] for one in found.document["steps"]] == ["flow.fail"]
    assert "switched off" in found.left[0]


@pytest.mark.parametrize(
    ("rule", "cron"),
    [
        ({"interval": [{}]}, "0 0 * * *"),
        ({"interval": [{"field": "minutes", "minutesInterval": 10}]}, "*/10 * * * *"),
        ({"interval": [{"field": "weeks", "triggerAtDay": [1, 5], "triggerAtHour": 9}]}, "0 9 * * 1,5"),
        ({"interval": [{"field": "months", "triggerAtDayOfMonth": 15, "triggerAtHour": 8}]}, "0 8 15 * *"),
        ({"interval": [{"field": "cronExpression", "expression": "0 30 7 * * 1-5"}]}, "30 7 * * 1-5"),
    ],
)
def test_schedule(rule: dict[str, Any], cron: str) -> None:
    assert alone("scheduleTrigger", {"rule": rule}).document["triggers"][0]["with"] == {"cron": cron}


def test_a_schedule_that_cron_cannot_say_is_named() -> None:
    found = alone("scheduleTrigger", {"rule": {"interval": [{"field": "days", "daysInterval": 3}]}})
    assert "daysInterval" in found.left[0]


@pytest.mark.parametrize(
    "sent",
    [
        {"nodes": [{"type": "x"}], "connections": {}},
        {"nodes": ["x"], "connections": {}},
        {"nodes": [node("set", {}), node("set", {})], "connections": {}},
        {"nodes": [node("set", {}, str(number)) for number in range(1001)], "connections": {}},
    ],
)
def test_a_broken_file_is_refused(sent: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        translate(sent, "f")


@pytest.mark.parametrize("uses", sorted({one.uses for one in ROWS.values()}))
def test_every_field_of_a_row_is_one_of_its_step_type(uses: str) -> None:
    known = set(fields_schema(step_type(uses).fields)["properties"])
    assert all(set(one.fields) <= known for one in ROWS.values() if one.uses == uses)


def graph(nodes: list[dict[str, Any]], *links: tuple[str, str, int]) -> Translated:
    """Translate nodes; a link is (source, target, output of the source)."""
    connections: dict[str, Any] = {}
    for source, target, output in links:
        outputs = connections.setdefault(source, {"main": []})["main"]
        outputs += [[] for _ in range(output + 1 - len(outputs))]
        outputs[output].append({"node": target, "type": "main", "index": 0})
    return translate({"nodes": nodes, "connections": connections}, "f")


def say(name: str) -> dict[str, Any]:
    return node("slack", {"channel": "#a", "text": name}, name)


READ = node("gmail", {"operation": "getAll", "limit": 5}, "Read")
RULES = [{"value2": "a"}, {"value2": "b", "output": 1}, {"value2": "c", "output": 1}]


def test_a_node_that_some_outputs_lead_to_runs_only_for_those() -> None:
    switch = node("switch", {"dataType": "string", "value1": "={{ $json.subject }}", "rules": {"rules": RULES}}, "Kind")
    found = graph([READ, switch, say("Both"), say("A")], ("Read", "Kind", 0), ("Kind", "A", 0), ("Kind", "Both", 1))
    a, both = (f"read_item.subject == '{one}'" for one in "ab")
    steps = steps_of(found)
    assert steps["kind_1"]["if"] == f"{{{{ {a} }}}}"
    c = "read_item.subject == 'c'"
    assert steps["kind_2"]["if"] == f"{{{{ (!({a}) && ({both})) || (!({a}) && !({both}) && ({c})) }}}}"
    assert [one["id"] for one in steps["kind_2"]["steps"]] == ["both"]


def test_where_two_of_three_outputs_meet_their_conditions_are_joined() -> None:
    rules = {"values": [{"conditions": CONDITION("a")}, {"conditions": CONDITION("b")}, {"conditions": CONDITION("c")}]}
    found = graph(
        [READ, node("switch", {"rules": rules}, "Kind", typeVersion=3.2), say("Send")],
        ("Read", "Kind", 0),
        ("Kind", "Send", 0),
        ("Kind", "Send", 1),
    )
    a, b = (f"read_item.subject == '{one}'" for one in "ab")
    assert steps_of(found)["before_send"]["if"] == f"{{{{ ({a}) || (!({a}) && ({b})) }}}}"


def CONDITION(text: str, left: str = "={{ $json.subject }}", **operator: str) -> dict[str, Any]:
    one = {"leftValue": left, "rightValue": text, "operator": {"type": "string", "operation": "equals", **operator}}
    return {"options": {}, "conditions": [one], "combinator": "and"}


@pytest.mark.parametrize(
    ("parameters", "when"),
    [
        ({"conditions": {"boolean": [{"value1": "={{ $json.subject }}"}]}}, "read_item.subject == false"),
        ({"conditions": {"number": [{"value1": "={{ $json.id }}", "operation": "larger"}]}}, "read_item.id > 0"),
        (
            {"conditions": {"string": [{"value1": "a"}, {"value1": "b"}]}, "combineConditions": "OR"},
            "('a' == '') || ('b' == '')",
        ),
        ({"conditions": CONDITION("x", "=Re: {{ $json.subject }}")}, "('Re: ' + text(read_item.subject)) == 'x'"),
        ({"conditions": CONDITION("/^v[0-9]/i", operation="regex")}, "read_item.subject.matches('(?i)^v[0-9]')"),
        ({"conditions": CONDITION("", operation="exists")}, "!(default(read_item.subject, null) == null)"),
        ({"conditions": CONDITION("", operation="empty")}, "default(read_item.subject, null) in [null, '']"),
        ({"conditions": CONDITION("5", operation="equals", type="number"), "looseTypeValidation": True}, "n8n"),
    ],
)
def test_condition(parameters: dict[str, Any], when: str) -> None:
    found = graph([READ, node("if", parameters, "Is it"), say("Yes")], ("Read", "Is it", 0), ("Is it", "Yes", 0))
    assert steps_of(found)["is_it_yes"]["if"] == f"{{{{ {when} }}}}"


def test_what_is_not_translated_is_said() -> None:
    filters = {"operation": "getAll", "filters": {"labelIds": ["UNREAD"], "q": "a"}, "options": {}}
    read = node("gmail", filters, "Read", onError="continueErrorOutput", executeOnce=True)
    raw = node("set", {"mode": "raw", "jsonOutput": "{}"}, "Raw", typeVersion=3.4)
    old = node("httpRequest", {"requestMethod": "POST", "url": "https://a.example"}, "Old")
    found = graph([read, raw, old, say("Failed")], ("Read", "Raw", 0), ("Raw", "Old", 0), ("Read", "Failed", 1))
    text = "\n".join(found.left)
    assert "`filters.labelIds`" in text
    assert "Failed was left out" in text
    assert "continueErrorOutput" in text
    steps = steps_of(found)
    assert [steps[one]["uses"] for one in ("raw", "old")] == ["flow.fail", "flow.fail"]
    assert steps["read"]["with"] == {"query": "a", "limit": 50}


def test_keys_in_parameters_do_not_land_in_the_file() -> None:
    sent = {
        "url": "https://a.example",
        "sendHeaders": True,
        "headerParameters": {
            "parameters": [{"name": "Authorization", "value": "Bearer sk-live"}, {"name": "X-A", "value": "b"}]
        },
    }
    found = graph([node("httpRequest", sent, "Ask", typeVersion=4), node("hubspot", {"apiKey": "sk-live"}, "Deals")])
    assert "sk-live" not in json.dumps(found.document)
    assert steps_of(found)["ask"]["with"]["headers"] == {"X-A": "b"}
    assert "Authorization" in found.left[0]


@pytest.mark.parametrize(
    ("kind", "parameters", "more"),
    [
        ("wait", {"amount": {"a": 1}, "unit": "seconds"}, {}),
        ("wait", {"amount": [1], "unit": "days"}, {}),
        ("github", {"owner": "a", "repository": "b", "operation": "get", "issueNumber": "²"}, {}),
        ("slack", {"channel": "#a", "text": "b"}, {"typeVersion": 10**400}),
        ("httpRequest", {"sendBody": True, "specifyBody": "json", "jsonBody": "[" * 50_000}, {"typeVersion": 4}),
        ("httpRequest", {"sendBody": True, "specifyBody": "json", "jsonBody": '"\ue0007\ue001"'}, {"typeVersion": 4}),
        ("slack", {"channel": "#a", "text": "={{ $json.a" + ".substring(0,9)" * 40 + " }}"}, {}),
        ("slack", {"channel": "#a", "text": "={{ $json.a[" + "9" * 5000 + "] }}"}, {}),
        ("switch", {"rules": {"values": [1, None]}}, {}),
    ],
)
def test_odd_parameters_are_no_failure(kind: str, parameters: dict[str, Any], more: dict[str, Any]) -> None:
    assert len(json.dumps(alone(kind, parameters, **more).document)) < 200_000


def test_too_many_conditions_within_each_other_are_refused() -> None:
    ifs = [node("if", {"conditions": CONDITION("a")}, str(number)) for number in range(500)]
    with pytest.raises(InvalidInput, match="within each other"):
        graph([*ifs, say("End")], *((str(n), str(n + 1), 0) for n in range(499)), ("499", "End", 0))


def test_what_a_trigger_filters_by_is_not_lost_in_silence() -> None:
    found = alone("gmailTrigger", {"filters": {"q": "a", "labelIds": ["Label_1"]}, "pollTimes": {"item": [{}]}})
    assert found.document["triggers"][0]["with"] == {"query": "a"}
    assert found.left == ("One: n8n also sets `filters.labelIds`, which is not translated.",)


def test_a_condition_that_is_refused_does_not_vanish_where_outputs_meet() -> None:
    ifs = [node("if", {"conditions": {}}, name) for name in ("A", "B")]
    found = graph([READ, *ifs, say("Send")], ("Read", "A", 0), ("A", "B", 1), ("A", "Send", 0), ("B", "Send", 1))
    assert "n8n" in steps_of(found)["before_send"]["if"]


def test_what_two_triggers_give_is_not_mixed_up() -> None:
    triggers = [node("gmailTrigger", {}, "One"), node("gmailTrigger", {}, "Two")]
    text = {"channel": "#a", "text": "={{ $json.subject }}"}
    found = graph([*triggers, node("slack", text, "Say")], ("One", "Say", 0), ("Two", "Say", 0))
    assert steps_of(found)["say"]["with"]["text"] == "{{ $json.subject }}"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "={{ $json.a }}", "={{ $('b').x", "a"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["conditions", "values", "rules", "value", "messages", "rule", "interval"]), inner
        )
    ),
    max_leaves=8,
)
_TYPES = "if filter switch set wait splitOut splitInBatches httpRequest gmail notion openAi scheduleTrigger formTrigger"


@given(
    st.lists(
        st.tuples(st.sampled_from(_TYPES.split()), st.dictionaries(st.text(max_size=3), _JSON) | _JSON), max_size=4
    ),
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 3)), max_size=8),
)
def test_any_file_is_translated_or_refused(nodes: list[Any], links: list[tuple[int, int, int]]) -> None:
    sent: dict[str, Any] = {"nodes": [node(kind, given_, str(n)) for n, (kind, given_) in enumerate(nodes)]}
    sent["connections"] = {
        str(source): {"main": [[{"node": str(target)}]] * (output + 1)} for source, target, output in links
    }
    found = translate(sent, "f")
    assert found.document["steps"]
    json.dumps(found.document)
