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


def test_warnings_are_told_together_with_errors() -> None:
    document = flow(set_step("a"), call("b", "no.such", {}), inputs=FLAG)
    codes = {one.code: one.severity for one in compiled(document)[1].problems}
    assert codes == {"unused_input": "warning", "unused_output": "warning", "unknown_step_type": "error"}
