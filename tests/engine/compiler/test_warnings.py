"""What a workflow runs with, though its author may not have meant it, is a warning; and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.compiler.test_compiler import MAILS, SORT, call, compiled, flow, inputs, use
from tests.engine.conftest import set_step

ISSUE = call("issue", "github.create_issue", {"repository": "a/b", "title": "t"}, connection="work")
CHECK = call("check", "flow.assert", {"condition": "{{ inputs.flag }}"})
FLAG = inputs(flag={"type": "boolean"})
GET = call("get", "http.request", {"url": "https://example.com"})
POST = call("post", "http.request", {"url": "https://example.com", "method": "POST"})
STOP = call("stop", "flow.stop", {})
FAIL = call("fail", "flow.fail", {"message": "No."})
KINDS = inputs(kind={"enum": ["bug", "task"]}, marks={"type": "array", "items": {"enum": ["old", "new"]}})
USED = {"s": "{{ steps.sort.status }}", "u": "{{ steps.user.output }}", "e": "{{ steps.each.output }}"}
FLAGGED = {"flag": "{{ inputs.flag }}"}


def loop(*steps: Any, **more: Any) -> dict[str, Any]:
    return {"id": "each", "foreach": "{{ [1, 2] }}", "as": "n", "steps": list(steps), **more}


def warnings(document: Any) -> list[tuple[str, str | None, str | None]]:
    _, result = compiled(document)
    assert [str(one) for one in result.problems if one.severity == "error"] == []
    assert result.plan is not None
    assert all(one.remedy for one in result.problems)
    return [(one.code, one.step, one.field) for one in result.problems]


@pytest.mark.parametrize(
    ("document", "code", "step", "field"),
    [
        pytest.param(flow(CHECK, inputs={**FLAG, "properties": {**FLAG["properties"], "x": {}}}), "unused_input", None,
                     "inputs.properties.x", id="input"),
        pytest.param(flow(MAILS), "unused_output", "mails", "id", id="read"),
        pytest.param(flow(SORT), "unused_output", "sort", "id", id="model"),
        pytest.param(flow(GET), "unused_output", "get", "id", id="http-read"),
        pytest.param(flow(set_step("a")), "unused_output", "a", "id", id="values"),
        pytest.param(flow({"id": "g", "steps": [set_step("a")]}), "unused_output", "a", "id", id="in-a-group"),
        pytest.param(flow(loop(set_step("a"))), "unused_output", "a", "id", id="in-a-loop"),
        pytest.param(flow({**MAILS, "foreach": "{{ [1] }}"}), "unused_output", "mails", "id", id="a-loop-of-one-step"),
        pytest.param(
            flow({"id": "g", "steps": [set_step("a"), SORT], "output": {"k": "{{ steps.sort.output.kind }}"}},
                 call("c", "flow.assert", {"condition": "{{ steps.g.output.k == 'x' }}"})),
            "unused_output", "a", "id", id="left-out-of-the-output-of-its-group",
        ),
        pytest.param(flow(POST, on_failure=[set_step("a")]), "unused_output", "a", "id", id="after-a-failure"),
        pytest.param(flow(loop(ISSUE)), "no_key", "each", "foreach", id="writes-without-a-key"),
        pytest.param(flow({**POST, "foreach": "{{ [1] }}"}), "no_key", "post", "foreach", id="a-loop-of-one-write"),
        pytest.param(flow(loop({"id": "g", "steps": [ISSUE]})), "no_key", "each", "foreach", id="in-a-group-of-a-loop"),
        pytest.param(
            flow(loop(loop(ISSUE, id="inner", key="{{ m }}", foreach="{{ [n] }}", **{"as": "m"}))), "no_key", "each",
            "foreach", id="the-outer-loop-has-none",
        ),
    ],
)  # fmt: skip
def test_a_warning_has_its_place(document: Any, code: str, step: str | None, field: str) -> None:
    assert warnings(document) == [(code, step, field)]


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(flow(POST), id="a-write"),
        pytest.param(flow(CHECK, inputs=FLAG), id="an-assertion"),
        pytest.param(flow(call("w", "flow.wait", {"seconds": 1})), id="a-wait"),
        pytest.param(flow(call("w", "flow.approve", {"message": "Go on?"})), id="a-question"),
        pytest.param(flow(MAILS, outputs={"n": "{{ size(steps.mails.output.messages) }}"}), id="used-in-outputs"),
        pytest.param(flow(GET, outputs={"s": "{{ steps.get.status }}"}), id="only-its-status"),
        pytest.param(flow(POST, inputs=inputs(a={}, b={}), outputs={"all": "{{ inputs }}"}), id="all-inputs-at-once"),
        pytest.param(flow(set_step("a", **{"if": False}), POST), id="a-step-that-never-runs"),  # type: ignore[arg-type]
        pytest.param(flow(loop(set_step("a")), outputs={"v": "{{ steps.each.output }}"}), id="handed-on-by-a-loop"),
        pytest.param(flow({**POST, "on_error": {"steps": [set_step("instead")]}}), id="in-place-of-a-failed-step"),
        pytest.param(flow(loop(ISSUE, key="{{ n }}")), id="writes-with-a-key"),
        pytest.param(flow(loop({**ISSUE, "once": "{{ string(n) }}"})), id="writes-with-once"),
        pytest.param(flow(loop(set_step("a")), outputs={"v": "{{ steps.each.output }}"}), id="a-loop-without-writes"),
        pytest.param(flow(MAILS, POST, on_failure=[call("t", "flow.fail", {"message": "{{ inputs.flag ? '' : '' }}"})],
                          inputs=FLAG, outputs={"m": "{{ steps.mails.output }}"}), id="used-after-a-failure"),
    ],
)  # fmt: skip
def test_what_is_meant_is_no_warning(document: Any) -> None:
    assert warnings(document) == []


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        pytest.param([STOP, POST], "'post' never runs", id="behind-a-stop"),
        pytest.param([FAIL, POST, ISSUE], "'post', 'issue' never run", id="behind-a-failure"),
        pytest.param([POST, {**STOP, "needs": []}, {**ISSUE, "needs": ["stop"]}], "'issue' never runs", id="by-needs"),
        pytest.param([{**STOP, "if": True}, POST], "'post' never runs", id="an-if-that-always-holds"),
        pytest.param([{"id": "g", "steps": [POST, STOP]}, ISSUE], "'issue' never runs", id="behind-a-group"),
        pytest.param([loop(STOP, POST, key="{{ n }}")], "'post' never runs", id="in-a-loop"),
        pytest.param([STOP, FAIL, POST], "'fail', 'post' never run", id="two-ends"),
        pytest.param([{**POST, "on_error": {"steps": [FAIL, ISSUE]}}], "'issue' never runs", id="in-a-fallback"),
    ],
)
def test_steps_behind_the_end_are_told_once(steps: list[Any], told: str) -> None:
    [problem] = compiled(flow(*steps))[1].problems
    assert (problem.code, problem.severity, problem.field) == ("never_runs", "warning", "id")
    assert told in problem.message


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([POST, STOP], id="the-last"),
        pytest.param([{**STOP, "if": "{{ inputs.flag }}"}, POST], id="under-a-condition"),
        pytest.param([{**FAIL, "on_error": "continue"}, POST], id="the-run-goes-on"),
        pytest.param([{**FAIL, "on_error": {"steps": [ISSUE]}}, POST], id="a-fallback"),
        pytest.param([STOP, {**POST, "needs": []}], id="side-by-side"),
        pytest.param([loop(STOP, foreach="{{ [inputs.flag].filter(f, f) }}"), POST], id="perhaps-no-items"),
        pytest.param([{"id": "g", "if": "{{ inputs.flag }}", "steps": [STOP]}, POST], id="a-group-that-may-be-skipped"),
        pytest.param([{**STOP, "if": False}, POST], id="an-end-that-never-comes"),
        pytest.param([STOP, {**POST, "if": False}], id="taken-out-before"),
    ],
)
def test_what_may_run_behind_the_end_is_no_warning(steps: list[Any]) -> None:
    document = flow(CHECK, *steps, inputs=FLAG)
    assert warnings(document) == []


@pytest.mark.parametrize(
    ("expression", "value", "message", "remedy"),
    [
        pytest.param("steps.sort.status == 'suceeded'", "'suceeded'", "steps.sort.status is never 'suceeded'",
                     "Did you mean 'succeeded'?", id="status"),
        pytest.param("'x' != inputs.kind", "'x'", "inputs.kind is never 'x'", "There are: bug, task.", id="input"),
        pytest.param("inputs.kind in ['bug', 'tsk']", "'tsk'", "inputs.kind is never 'tsk'", "'task'", id="in-a-list"),
        pytest.param("steps.sort.output.kind == 'bgu'", "'bgu'", "output.kind is never 'bgu'", "'bug'", id="answer"),
        pytest.param("inputs.marks.exists(m, m == 'odl')", "'odl'", "m is never 'odl'", "'old'", id="in-a-macro"),
        pytest.param("inputs.marks[0] == 'odl'", "'odl'", "is never 'odl'", "'old'", id="of-an-item"),
        pytest.param("steps.each.output.all(e, e.status == 'ok')", "'ok'", "e.status is never 'ok'", "succeeded",
                     id="status-of-an-item"),
    ],
)  # fmt: skip
def test_a_comparison_that_never_holds_is_told_with_what_there_is(
    expression: str, value: str, message: str, remedy: str
) -> None:
    text, result = compiled(flow(SORT, loop(set_step("a")), use(expression), inputs=KINDS, outputs=USED))
    [problem] = [one for one in result.problems if one.code != "unused_input"]
    assert (problem.code, problem.severity, problem.field) == ("never_so", "warning", "with.values.v")
    assert result.plan is not None
    assert message in problem.message
    assert remedy in problem.remedy
    assert text.splitlines()[problem.line - 1][problem.column - 1 :].startswith(value)


@pytest.mark.parametrize(
    "expression",
    [
        "steps.sort.status != 'failed'",
        "steps.sort.status in ['succeeded', 'skipped']",
        "inputs.kind == 'bug' || inputs.kind == 'task'",
        "default(inputs.kind, 'none') == 'none'",
        "inputs.marks.exists(kind, kind == 'old')",
        "['x'].exists(inputs, inputs == 'y')",
        "inputs.kind + 'x' == 'bugx'",
        "'z' in inputs.marks.map(m, m + 'z')",
        "run.id == 'succeded'",
    ],
)
def test_a_comparison_that_may_hold_is_no_warning(expression: str) -> None:
    result = compiled(flow(SORT, loop(set_step("a")), use(expression), inputs=KINDS, outputs=USED))[1]
    assert [one.code for one in result.problems if one.code != "unused_input"] == []


@pytest.mark.parametrize(
    ("step", "told"),
    [
        pytest.param({**MAILS, "once": "x"}, ["once_without_write"], id="a-read"),
        pytest.param({**CHECK, "once": "x", "foreach": "{{ [1, 2] }}"}, ["once_without_write"], id="a-loop-of-one"),
        pytest.param({**POST, "once": "x"}, [], id="a-write"),
        pytest.param({**POST, "once": "{{ string(item) }}", "foreach": "{{ [1, 2] }}"}, [], id="a-loop-of-one-write"),
        pytest.param({**MAILS, "once": "x", "if": False}, [], id="a-step-that-never-runs"),
    ],
)
def test_once_is_for_writes(step: dict[str, Any], told: list[str]) -> None:
    outputs = {"s": f"{{{{ steps.{step['id']}.status }}}}", "flag": "{{ inputs.flag }}"}
    assert [code for code, _, _ in warnings(flow(step, inputs=FLAG, outputs=outputs))] == told


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        pytest.param([loop(ISSUE, key="same")], ["same_key"], id="a-text"),
        pytest.param([{**POST, "foreach": "{{ [1, 2] }}", "key": "{{ inputs.flag ? 'a' : 'b' }}"}], ["same_key"],
                     id="an-input"),
        pytest.param([loop(loop(ISSUE, id="inner", key="{{ n }}", **{"as": "m"}), key="{{ n }}")], ["same_key"],
                     id="the-key-of-the-outer-loop"),
        pytest.param([loop(ISSUE, key="{{ n }}")], [], id="of-the-item"),
        pytest.param([loop(ISSUE, key="no {{ index }}")], [], id="of-its-place"),
        pytest.param([loop({**ISSUE, "once": "{{ string(n) }}"}, key="same")], [], id="once-says-more"),
        pytest.param([loop(CHECK, key="same")], [], id="no-writes"),
        pytest.param([loop(ISSUE, key="same", foreach="{{ [1] }}")], [], id="one-item"),
        pytest.param([loop(ISSUE, key="same", **{"if": False})], [], id="a-loop-that-never-runs"),
    ],
)  # fmt: skip
def test_one_key_for_all_items_lets_only_the_first_write(steps: list[Any], told: list[str]) -> None:
    assert [code for code, _, _ in warnings(flow(*steps, inputs=FLAG, outputs=FLAGGED))] == told


@pytest.mark.parametrize(
    ("key", "source"),
    [
        pytest.param(
            "{{ m.subject }}", "the subject of the mail (`steps.mails.output.messages.subject`)", id="a-subject"
        ),
        pytest.param("{{ 'mail ' + m.subject }} {{ index }}", "the subject of", id="a-subject-and-its-place"),
        pytest.param("{{ steps.first.output.word }}", "`steps.first.output.word`", id="by-way-of-another-step"),
        pytest.param("{{ m.id }}", "", id="an-id"),
        pytest.param("{{ m.id }} {{ m.subject }}", "", id="an-id-and-a-subject"),
        pytest.param("{{ run.id }}: {{ m.subject }}", "", id="a-subject-in-one-run"),
        pytest.param("{{ m.subject == 'x' ? 'a' : m.id }}", "", id="it-only-chooses"),
        pytest.param("{{ m.url }}", "", id="an-address-of-the-service"),
    ],
)
def test_a_key_that_strangers_choose_is_warned_of(key: str, source: str) -> None:
    each = loop(
        set_step("cut", {"word": "{{ m.subject }}"}), ISSUE, key=key, foreach="{{ steps.mails.output.messages }}",
        output={"w": "{{ steps.cut.output.word }}"}, **{"as": "m"},
    )  # fmt: skip
    first = set_step("first", {"word": "{{ json(steps.mails.output.messages) }}"})
    _, result = compiled(
        flow(MAILS, first, each, outputs={"w": "{{ steps.first.output.word }} {{ steps.each.output }}"})
    )
    assert [str(one) for one in result.problems if one.severity == "error"] == []
    found = [one for one in result.problems if one.code == "outside_key"]
    assert [(one.step, one.field) for one in found] == [("each", "key")] * bool(source)
    assert all(
        one.message.startswith(f"Text from outside must not decide this: `steps.each.key` comes from {source}")
        for one in found
    )


def test_a_rerun_is_what_the_warning_of_a_loop_is_about() -> None:
    _, result = compiled(flow(loop(ISSUE)))
    [problem] = result.problems
    assert problem.severity == "warning"
    assert "every new run writes again" in problem.message
    assert '"key"' in problem.remedy
    assert "once" in problem.remedy


def test_a_misspelt_name_does_not_make_what_was_meant_unused() -> None:
    document = flow(use("inputs.flagg"), outputs={"v": "{{ steps.user.output }}"}, inputs=FLAG)
    assert [one.code for one in compiled(document)[1].problems] == ["expression"]
    document = flow(SORT, use("steps.srot.output.kind"), outputs={"v": "{{ steps.user.output }}"})
    assert [one.code for one in compiled(document)[1].problems] == ["expression"]


def test_a_wrong_key_is_not_said_to_be_the_same_for_all_items() -> None:
    assert [one.code for one in compiled(flow(loop(ISSUE, key="{{ nix.y }}")))[1].problems] == ["expression"]


def test_warnings_are_told_together_with_errors() -> None:
    document = flow(set_step("a"), call("b", "no.such", {}), inputs=FLAG)
    codes = {one.code: one.severity for one in compiled(document)[1].problems}
    assert codes == {"unused_input": "warning", "unused_output": "warning", "unknown_step_type": "error"}


GMAIL = {"id": "mail", "uses": "gmail.new_message", "with": {}, "connection": "gmail"}
MAIL_ID = inputs(mail={"type": "string", "default": ""}, limit={"type": "integer", "default": 1})
MAIL_USED = {"m": "{{ inputs.mail }}", "l": "{{ inputs.limit }}"}


@pytest.mark.parametrize(
    ("trigger", "field"),
    [
        pytest.param(GMAIL, "triggers.0.uses", id="no-inputs"),
        pytest.param({**GMAIL, "inputs": {"limit": 3, "mail": "item"}}, "triggers.0.inputs", id="only-constants"),
        pytest.param({**GMAIL, "inputs": {"mail": "{{ item.id }}"}}, None, id="the-item"),
        pytest.param({**GMAIL, "inputs": {"mail": "{{ string(size([item])) }}"}}, None, id="all-of-it"),
        pytest.param({"id": "s", "uses": "schedule", "with": {"cron": "0 7 * * *"}}, None, id="a-schedule"),
        pytest.param({"id": "m", "uses": "manual", "with": {}}, None, id="by-hand"),
    ],
)
def test_a_trigger_whose_runs_never_see_what_was_found_is_warned_of(trigger: Any, field: str | None) -> None:
    found = warnings(flow(POST, triggers=[trigger], inputs=MAIL_ID, outputs=MAIL_USED))
    assert found == ([("unused_item", None, field)] if field else [])
