"""What may be missing is an error at its place; what is guarded, in whichever way, is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from engine.base.problem import Problem
from engine.compiler.analysis.constants import value_without
from engine.expressions.expressions import compile_expression
from tests.engine.compiler.test_compiler import MAILS, SORT, call, compiled, flow, place, use
from tests.engine.conftest import set_step

FLAG = {"type": "object", "properties": {"flag": {"type": "boolean"}, "other": {"type": "boolean"}}}


def maybe(step_id: str = "a", condition: str = "inputs.flag", **more: Any) -> dict[str, Any]:
    """A step that may be skipped; its output is {kind, list}."""
    return {**set_step(step_id, {"kind": "bug", "list": "{{ [1] }}"}, **more), "if": f"{{{{ {condition} }}}}"}


CONTINUED = {**set_step("a", {"kind": "x"}), "on_error": "continue"}
BOTH = {**maybe(), "on_error": "continue"}
SURE = set_step("s", {"kind": "bug", "ok": True})


def absent(document: Mapping[str, Any]) -> list[Problem]:
    _, result = compiled({"inputs": FLAG, **document})
    errors = [one for one in result.problems if one.severity == "error"]
    assert {one.code for one in errors} <= {"maybe_absent"}, [*map(str, errors)]
    return errors


def loop(*steps: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "each", "foreach": "{{ [1, 2] }}", "as": "n", "steps": list(steps), **more}


def group(*steps: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "group", "steps": list(steps), **more}


UNGUARDED = [
    pytest.param(flow(maybe(), use("steps.a.output.kind")), "steps.a.output", id="skipped"),
    pytest.param(flow(maybe(), use("steps.a.output")), "steps.a.output", id="the-output-itself"),
    pytest.param(flow(CONTINUED, use("steps.a.output.kind")), "steps.a.output", id="failed"),
    pytest.param(flow(BOTH, use("steps.a.output.kind")), "steps.a.output", id="skipped-or-failed"),
    pytest.param(flow(SURE, use("steps.s.error.message")), "steps.s.error", id="error-of-one-that-cannot-go-on"),
    pytest.param(flow(CONTINUED, use("steps.a.error.message")), "steps.a.error", id="error"),
    pytest.param(flow({**SURE, "if": False}, use("steps.s.output.kind")), "steps.s.output", id="constantly-false"),
    pytest.param(flow({**SURE, "if": "{{ 1 > 2 }}"}, use("steps.s.output.kind")), "steps.s.output", id="folded"),
    pytest.param(flow(maybe(), use("has(steps.a.output.kind)")), "steps.a.output", id="has-of-the-field-only"),
    pytest.param(
        flow(maybe(), use("has(steps.a.output.kind) ? steps.a.output.kind : ''")), "steps.a.output", id="told-once"
    ),
    pytest.param(flow(maybe(), use("inputs.flag ? 1 : size(steps.a.output.kind)")), "steps.a.output", id="other-side"),
    pytest.param(
        flow(maybe(), use("!has(steps.a.output) ? steps.a.output.kind : ''")), "steps.a.output", id="wrong-side"
    ),
    pytest.param(flow(maybe(), use("has(steps.a.output) || steps.a.output.kind == 'x'")), "steps.a.output", id="or"),
    pytest.param(
        flow(maybe(), use("steps.a.status != 'failed' ? steps.a.output.kind : ''")), "steps.a.output", id="status"
    ),
    pytest.param(
        flow(BOTH, use("steps.a.status != 'skipped' ? steps.a.output.kind : ''")), "steps.a.output", id="or-failed"
    ),
    pytest.param(
        flow(maybe(), use("steps.a.output.kind", **{"if": "{{ inputs.other }}"})), "steps.a.output", id="another-if"
    ),
    pytest.param(
        flow(maybe(), use("steps.a.output.kind", **{"if": "{{ inputs.flag || inputs.other }}"})), "steps.a.output",
        id="a-wider-if",
    ),
    pytest.param(
        flow(maybe(condition="inputs.flag && inputs.other"), use("steps.a.output.kind", **{"if": "{{ inputs.flag }}"})),
        "steps.a.output", id="half-of-the-if",
    ),
    pytest.param(flow(group(maybe()), use("steps.group.output.a.kind")), "steps.group.output.a", id="in-a-group"),
    pytest.param(flow(group(maybe("b"), **{"if": "{{ inputs.flag }}"}), use("steps.group.output.b.kind")),
                 "steps.group.output", id="group-skipped"),
    pytest.param(flow(loop(maybe()), use("steps.each.output.map(m, m.a.kind)")), "m.a", id="in-a-loop"),
    pytest.param(flow(loop(CONTINUED), use("steps.each.output[0].a.kind")), "steps.each.output[0].a", id="indexed"),
    pytest.param(
        flow(loop(maybe()), use("steps.each.output.filter(m, !has(m.a)).map(m, m.a.kind)")), "m.a", id="filtered-wrong"
    ),
    pytest.param(
        flow(loop(maybe("a"), maybe("b")), use("steps.each.output.filter(m, has(m.b)).map(m, m.a.kind)")), "m.a",
        id="filtered-by-another",
    ),
    pytest.param(
        flow(
            loop(maybe()),
            {"id": "second", "foreach": "{{ steps.each.output }}", "as": "m", "steps": [use("m.a.kind")]},
        ),
        "m.a", id="handed-on-by-a-loop",
    ),
    pytest.param(
        flow(loop(maybe()), group(SURE, output={"all": "{{ steps.each.output }}"}),
             use("steps.group.output.all.map(m, m.a.kind)")), "m.a", id="handed-on-by-a-group",
    ),
    pytest.param(
        flow(loop(maybe(condition="index == 0"), {**loop(use("steps.a.output.kind", **{"if": "{{ index == 0 }}"})),
                                                  "id": "inner", "as": "m"})),
        "steps.a.output", id="the-same-words-of-another-loop",
    ),
    pytest.param(
        flow(loop(maybe()), use("steps.each.output.map(m, has(m.a) ? steps.each.output.map(m, m.a.kind) : [])")),
        "m.a", id="a-name-used-again",
    ),
    pytest.param(
        flow(maybe(), use("default(steps.a.output.kind, 'bug') == 'bug' ? steps.a.output.kind : ''")), "steps.a.output",
        id="a-default-that-passes",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("document", "path"), UNGUARDED)
def test_what_may_be_missing_is_told_once_with_its_path_and_both_remedies(document: Any, path: str) -> None:
    [problem] = absent(document)
    assert f"has({path})" in problem.remedy
    assert f"default({path}" in problem.remedy


IN_IF = {"if": "{{ inputs.flag }}"}
GUARDED = [
    pytest.param(flow(maybe(), use("has(steps.a.output) ? steps.a.output.kind : ''")), id="has"),
    pytest.param(flow(maybe(), use("!has(steps.a.output) ? '' : steps.a.output.kind")), id="not-has"),
    pytest.param(flow(maybe(), use("has(steps.a.output)")), id="has-itself"),
    pytest.param(flow(maybe(), use("default(steps.a.output.kind, '')")), id="default"),
    pytest.param(flow(maybe(), use("steps.a.?output.?kind.orValue('')")), id="optional"),
    pytest.param(flow(maybe(), use("steps.a.?output.kind.orValue('')")), id="optional-all-the-way"),
    pytest.param(flow(maybe(), use("steps.a.?output.hasValue() ? steps.a.output.kind : ''")), id="hasValue"),
    pytest.param(flow(maybe(), use("steps.a.status")), id="status-alone"),
    pytest.param(flow(maybe(), use("json(steps.a)")), id="the-whole-step"),
    pytest.param(flow(maybe(), use("steps.a.status == 'succeeded' ? steps.a.output.kind : ''")), id="status"),
    pytest.param(flow(maybe(), use("'succeeded' == steps.a.status ? steps.a.output.kind : ''")), id="status-turned"),
    pytest.param(flow(maybe(), use("steps.a.status != 'skipped' ? steps.a.output.kind : ''")), id="not-skipped"),
    pytest.param(flow(BOTH, use("steps.a.status in ['skipped', 'failed'] ? '' : steps.a.output.kind")), id="status-in"),
    pytest.param(flow(CONTINUED, use("steps.a.status == 'failed' ? steps.a.error.message : ''")), id="error-by-status"),
    pytest.param(flow(CONTINUED, use("has(steps.a.error) ? steps.a.error.message : steps.a.output.kind")), id="either"),
    pytest.param(flow(maybe(), use("has(steps.a.output) && steps.a.output.kind == 'x'")), id="and"),
    pytest.param(flow(maybe(), use("steps.a.output.kind == 'x' && has(steps.a.output)")), id="and-turned"),
    pytest.param(flow(maybe(), use("!has(steps.a.output) || steps.a.output.kind == 'x'")), id="or"),
    pytest.param(
        flow(maybe(), use("has(steps.a.output) && inputs.other ? steps.a.output.kind : ''")), id="conjunct-in-a-choice"
    ),
    pytest.param(flow(maybe(), use("steps.a.output.kind", **{"if": "{{ has(steps.a.output) }}"})), id="own-if"),
    pytest.param(
        flow(maybe(), use("steps.a.output.kind", **{"if": "{{ steps.a.status == 'succeeded' }}"})),
        id="own-if-by-status",
    ),
    pytest.param(flow(maybe(), use("steps.a.output.kind", **IN_IF)), id="the-same-if"),
    pytest.param(
        flow(maybe(), use("steps.a.output.kind", **{"if": "{{ inputs.other && inputs.flag }}"})), id="conjunct"
    ),
    pytest.param(flow(maybe(), use("inputs.flag ? steps.a.output.kind : ''")), id="the-same-in-a-choice"),
    pytest.param(flow(maybe(), group(use("steps.a.output.kind"), **IN_IF)), id="if-of-the-group"),
    pytest.param(flow(maybe(), loop(use("steps.a.output.kind"), **IN_IF)), id="if-of-the-loop"),
    pytest.param(flow(maybe(), {**loop(SURE), "foreach": "{{ steps.a.output.list }}", **IN_IF}), id="foreach-after-if"),
    pytest.param(flow(group(maybe(), use("steps.a.output.kind"), **IN_IF)), id="if-of-both"),
    pytest.param(
        flow(SURE, maybe(condition="steps.s.output.kind != 'bug'"),
             use("steps.a.output.kind", **{"if": "{{ !('bug' == steps.s.output.kind) }}"})),
        id="the-same-said-otherwise",
    ),
    pytest.param(
        flow(maybe("b"), maybe("a", "!inputs.flag"), use("inputs.flag ? steps.b.output.kind : steps.a.output.kind")),
        id="one-of-two",
    ),
    pytest.param(
        flow(SORT, maybe(condition="steps.sort.output.kind == 'bug' || steps.sort.output.kind == 'task'"),
             use("steps.a.output.kind", **{"if": "{{ steps.sort.output.kind == 'task' }}"})), id="a-narrower-if",
    ),
    pytest.param(
        flow(SORT, maybe(condition="steps.sort.output.kind in ['bug', 'task']"),
             use("steps.a.output.kind", **{"if": "{{ steps.sort.output.kind == 'task' }}"})), id="one-of-a-list",
    ),
    pytest.param(
        flow(SORT, maybe(condition="steps.sort.output.kind != 'bug'"),
             use("steps.a.output.kind", **{"if": "{{ steps.sort.output.kind == 'task' }}"})), id="another-value",
    ),
    pytest.param(
        flow(maybe(), maybe("b", "has(steps.a.output)"),
             use("steps.a.output.kind + steps.b.output.kind", **{"if": "{{ has(steps.b.output) }}"})),
        id="by-way-of-another",
    ),
    pytest.param(
        flow(maybe(), use("default(steps.a.output.kind, '') == 'bug' ? steps.a.output.kind : ''")), id="default-equals"
    ),
    pytest.param(
        flow(maybe(), use("size(default(steps.a.output.list, [])) > 0 ? steps.a.output.list[0] : 0")), id="default-size"
    ),
    pytest.param(
        flow(maybe(), use("default(steps.a.output, null) != null ? steps.a.output.kind : ''")), id="default-null"
    ),
    pytest.param(flow({**SURE, "if": True}, use("steps.s.output.kind")), id="constantly-true"),
    pytest.param(flow({**SURE, "if": "{{ 1 < 2 }}"}, use("steps.s.output.kind")), id="folded-true"),
    pytest.param(
        flow({**SURE, "if": False}, use("has(steps.s.output) ? steps.s.output.kind : ''")), id="never-but-guarded"
    ),
    pytest.param(flow(maybe(), use("steps.a.output.kind", **{"if": False})), id="where-nothing-ever-comes"),
    pytest.param(
        flow({**BOTH, "on_error": {"steps": [set_step("c")]}, "if": True}, use("steps.a.output")), id="with-a-fallback"
    ),
    pytest.param(flow(group(maybe()), use("has(steps.group.output.a) ? steps.group.output.a.kind : ''")), id="group"),
    pytest.param(flow(group(maybe()), use("default(steps.group.output.a.kind, '')")), id="group-default"),
    pytest.param(flow(group(maybe()), use("steps.group.output.a.kind", **IN_IF)), id="group-with-the-same-if"),
    pytest.param(flow(loop(maybe()), use("steps.each.output.filter(m, has(m.a)).map(x, x.a.kind)")), id="filter"),
    pytest.param(flow(loop(maybe()), use("steps.each.output.map(m, has(m.a), m.a.kind)")), id="map-with-a-filter"),
    pytest.param(flow(loop(maybe()), use("steps.each.output.all(m, has(m.a) && m.a.kind == 'x')")), id="all"),
    pytest.param(flow(loop(maybe()), use("steps.each.output.map(m, default(m.a.kind, ''))")), id="map-default"),
    pytest.param(
        flow(loop(SORT, maybe(condition="steps.sort.output.kind == 'bug'")),
             use("steps.each.output.filter(m, m.sort.kind == 'bug').map(m, m.a.kind)")), id="filter-by-the-same",
    ),
    pytest.param(
        flow(loop(maybe()), {"id": "second", "foreach": "{{ steps.each.output.filter(m, has(m.a)) }}", "as": "m",
                             "steps": [use("m.a.kind")]}), id="foreach-of-a-filter",
    ),
    pytest.param(
        flow(set_step("user", {"v": "{{ steps.a.output.kind }}"}, needs=["a"], **{"if": "{{ has(steps.a.output) }}"}),
             maybe(needs=[])), id="needs-against-the-order",
    ),
    pytest.param(
        flow(maybe(), {**set_step("b"), "on_error": {"steps": [use("steps.a.output.kind")]}, **IN_IF}),
        id="in-a-fallback",
    ),
    pytest.param(flow(MAILS, use("steps.mails.output.messages.map(m, m.subject)")), id="nothing-is-missing"),
]  # fmt: skip


@pytest.mark.parametrize("document", GUARDED)
def test_what_is_guarded_is_no_problem(document: Any) -> None:
    assert [str(one) for one in absent(document)] == []


def test_outputs_of_the_workflow_are_read_with_the_same_care() -> None:
    [problem] = absent(flow(maybe(), outputs={"v": "{{ steps.a.output.kind }}"}))
    assert (problem.step, problem.field) == (None, "outputs.v")
    assert absent(flow(maybe(), outputs={"v": "{{ default(steps.a.output.kind, '') }}"})) == []


def test_the_place_is_that_of_the_path() -> None:
    document = flow(maybe(), use("'é' + text(1) + steps.a.output.kind"), inputs=FLAG)
    text, result = compiled(document)
    [problem] = [one for one in result.problems if one.code == "maybe_absent"]
    assert (problem.line, problem.column) == place(text, "steps.a.output")
    assert (problem.step, problem.field, problem.severity) == ("user", "with.values.v", "error")


@pytest.mark.parametrize(
    ("document", "said"),
    [
        pytest.param(flow(maybe(), use("steps.a.output")), "Step 'a' may have been skipped", id="skipped"),
        pytest.param(flow(CONTINUED, use("steps.a.output")), "Step 'a' may have failed", id="failed"),
        pytest.param(flow(BOTH, use("steps.a.output")), "skipped or have failed", id="both"),
        pytest.param(flow({**SURE, "if": False}, use("steps.s.output")), "Step 's' never runs", id="never"),
        pytest.param(flow(group(maybe()), use("steps.group.output.a")), "not in steps.group.output", id="group"),
        pytest.param(flow(CONTINUED, use("steps.a.error")), "only where it has failed", id="error"),
        pytest.param(flow(SURE, use("steps.s.error")), "never has an 'error' here", id="no-error"),
    ],
)
def test_the_message_says_why_it_may_be_missing(document: Any, said: str) -> None:
    [problem] = absent(document)
    assert said in problem.message


@pytest.mark.parametrize("at_first", [True, False])
def test_a_guard_on_either_side_of_and_is_enough_when_the_expression_runs(at_first: bool) -> None:
    """The rule that the compiler relies on: an error on one side does not count where the other side decides."""
    guard, use_ = "has(steps.a.output)", "steps.a.output.kind == 'x'"
    source = f"{guard} && {use_}" if at_first else f"{use_} && {guard}"
    expression = compile_expression(source, frozenset({"steps"}))
    assert expression.value({"steps": {"a": {"status": "skipped"}}}) is False


def test_a_definition_accepted_by_an_earlier_release_still_has_a_plan() -> None:
    _, result = compiled({**flow(maybe(), use("steps.a.output.kind")), "inputs": FLAG})
    assert result.plan is None
    assert result.accepted is not None
    _, worse = compiled({**flow(maybe(), use("steps.a.output.kind"), call("x", "no.such", {})), "inputs": FLAG})
    assert worse.accepted is None


# --- steps that run in place of a failed one

CALL = call("h", "http.request", {"url": "https://example.com"})
SURE_FALLBACK = {"steps": [set_step("sure", {"status": 1})]}


def in_place(*steps: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A call that others may stand in for."""
    return {**CALL, "on_error": {"steps": list(steps)}, **more}


SKIPPABLE = maybe("fb")
BY_FALLBACK = [
    pytest.param(in_place(SKIPPABLE), "steps.h.output.status", id="skipped"),
    pytest.param(in_place({**set_step("fb"), "on_error": "continue"}), "steps.h.output", id="failed"),
    pytest.param(in_place(in_place(SKIPPABLE, id="deeper")), "steps.h.output.status", id="deeper"),
    pytest.param(in_place(SKIPPABLE), "steps.h.status == 'succeeded' ? steps.h.output.status : 0", id="asked-in-vain"),
    pytest.param(group(in_place(SKIPPABLE)), "steps.group.output.h.status", id="in-a-group"),
]


@pytest.mark.parametrize(("step", "expression"), BY_FALLBACK)
def test_what_runs_in_place_of_a_step_may_have_no_output_either(step: Any, expression: str) -> None:
    [problem] = absent(flow(step, use(expression)))
    assert "in its place" in problem.message
    assert "has(" in problem.remedy


@pytest.mark.parametrize(
    ("step", "expression"),
    [
        pytest.param(in_place(set_step("fb", {"status": 1})), "steps.h.output.status", id="certain"),
        pytest.param(in_place(SKIPPABLE, set_step("last")), "steps.h.output", id="only-the-last-counts"),
        pytest.param(in_place(SKIPPABLE), "has(steps.h.output) ? steps.h.output.status : 0", id="has"),
        pytest.param(in_place(SKIPPABLE), "default(steps.h.output.status, 0)", id="default"),
        pytest.param(in_place(SKIPPABLE, **{"if": "{{ inputs.flag }}"}), "steps.h.status", id="status"),
        pytest.param(
            in_place({**SKIPPABLE, "on_error": SURE_FALLBACK, "if": True}), "steps.h.output", id="certain-in-the-end"
        ),
        pytest.param(
            group(in_place(SKIPPABLE), **{"if": "{{ inputs.flag }}"}),
            "default(steps.group.output.h.status, 1)",
            id="under-the-same-condition",
        ),
    ],
)
def test_what_certainly_runs_in_place_of_a_step_has_an_output(step: Any, expression: str) -> None:
    assert absent(flow(step, use(expression))) == []


# --- what is said where a question was asked the wrong way round


@pytest.mark.parametrize(
    "expression",
    [
        "has(steps.a.output) || steps.a.output.kind == 'x'",
        "has(steps.a.output) ? 'no' : steps.a.output.kind",
        "!has(steps.a.output) && steps.a.output.kind == 'x'",
    ],
)
def test_a_question_the_wrong_way_round_is_not_called_a_step_that_never_runs(expression: str) -> None:
    [problem] = absent(flow(maybe(), use(expression)))
    assert problem.message == "Step 'a' certainly has no 'output' at this place."
    assert "where has(steps.a.output) is true" in problem.remedy


def test_an_error_that_was_ruled_out_is_not_said_to_end_the_run() -> None:
    [problem] = absent(flow(CONTINUED, use("has(steps.a.error) || steps.a.error.message == 'x'")))
    assert problem.message == "Step 'a' certainly has no 'error' at this place."


def test_a_step_that_is_passed_on_keeps_its_name() -> None:
    [problem] = absent(flow(maybe(), use("[steps.a].map(s, s.output.kind)")))
    assert problem.message == "Step 'a' may have been skipped; then it has no 'output'."
    assert "has(s.output)" in problem.remedy


@pytest.mark.parametrize(
    ("source", "is_so"),
    [
        pytest.param("steps.a.?output.orValue(1) == 1.0", True, id="numbers"),
        pytest.param("steps.a.?output.orValue(1) == true", False, id="no truth is a number"),
    ],
)
def test_stand_ins_are_compared_as_at_run_time(source: str, is_so: bool) -> None:
    expression = compile_expression(source, frozenset({"steps"}))
    path = expression.written.parts[0].parts[0]
    assert value_without(path, expression.written) is is_so
    assert expression.value({"steps": {"a": {"status": "skipped"}}}) is is_so
