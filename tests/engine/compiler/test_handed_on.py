"""Names and kinds stay known where a value is handed on: by flow.set, by the output of a group or loop, by a call."""

from __future__ import annotations

import time
from typing import Any

import pytest

from engine.base.problem import Problem
from tests.engine.compiler.checks import test_called_workflows as test_callees
from tests.engine.compiler.test_compiler import MAILS, SORT, call, compiled, flow, inputs, use
from tests.engine.conftest import Run, set_step

GIVEN = inputs(
    n={"type": "integer"},
    s={"type": "string"},
    x={"type": "number"},
    maybe={"type": ["integer", "null"], "default": None},
    rows={"type": "array", "items": {"type": "object", "properties": {"id": {"type": "string"}}}},
)
VALUES = {
    "n": "{{ inputs.n }}",
    "s": "{{ inputs.s }}",
    "x": "{{ inputs.x }}",
    "yes": "{{ inputs.n > 1 }}",
    "maybe": "{{ inputs.maybe }}",
    "text": "a {{ inputs.n }}",
    "rows": [{"id": "a", "n": 1}, {"id": "b", "n": 2}],
    "mixed": [{"id": "a"}, 1],
    "ids": "{{ inputs.rows.map(r, {'id': r.id, 'n': size(r.id)}) }}",
    "table": "{{ {'bug': 'red', 'task': 'blue'} }}",
    "any": "{{ dyn(inputs.n) }}",
    "none": None,
    "mails": "{{ steps.mails.output }}",
    "found": "{{ steps.mails.output.messages.filter(m, m.subject == 'x') }}",
    "when": "{{ timestamp('2026-01-01T00:00:00Z') }}",
}
SET = set_step("a", VALUES)


def group(output: Any) -> dict[str, Any]:
    return {"id": "g", "steps": [{**MAILS, "id": "inner"}], "output": output}


def problems(*steps: Any, **more: Any) -> list[Problem]:
    document = flow(*steps, **{"inputs": GIVEN, **more})
    return [one for one in compiled(document)[1].problems if one.severity == "error"]


WRONG = [
    pytest.param("steps.a.output.n + 'x'", "a whole number and text", id="integer"),
    pytest.param("steps.a.output.s + 1", "text and a whole number", id="text"),
    pytest.param("steps.a.output.x + 1", "a number with a point and a whole number", id="number"),
    pytest.param("steps.a.output.yes + 1", "true or false and a whole number", id="condition"),
    pytest.param("steps.a.output.text + 1", "text and a whole number", id="mixed-text"),
    pytest.param("steps.a.output.rows.map(r, r.idd)", "no field 'idd'", id="literal-list"),
    pytest.param("steps.a.output.rows[0].idd", "no field 'idd'", id="literal-item"),
    pytest.param("steps.a.output.rows[0].n + 'x'", "a whole number and text", id="literal-item-kind"),
    pytest.param("steps.a.output.ids.map(r, r.idd)", "no field 'idd'", id="mapped"),
    pytest.param("steps.a.output.ids[0].n + 'x'", "a whole number and text", id="mapped-kind"),
    pytest.param("steps.a.output.table.bgu", "no field 'bgu'", id="object-in-an-expression"),
    pytest.param("steps.a.output.mails.mesages", "no field 'mesages'", id="whole-output"),
    pytest.param("steps.a.output.found.map(m, m.subjct)", "no field 'subjct'", id="filtered"),
    pytest.param("steps.b.output.again.n + 'x'", "a whole number and text", id="twice"),
    pytest.param("steps.a.output.when + 1", "text and a whole number", id="time-is-text"),
]


@pytest.mark.parametrize(("expression", "said"), WRONG)
def test_a_value_of_flow_set_keeps_its_names_and_kinds(expression: str, said: str) -> None:
    [problem] = problems(MAILS, SET, set_step("b", {"again": "{{ steps.a.output }}"}), use(expression))
    assert said in problem.message
    assert problem.remedy


RIGHT = [
    "steps.a.output.maybe == null ? 0 : steps.a.output.maybe + 1",
    "steps.a.output.any + 'x'",
    "steps.a.output.none",
    "steps.a.output.mixed[0].whatever",
    "steps.a.output.table[inputs.s]",
    "inputs.s in steps.a.output.table",
    "size(steps.a.output.table)",
    "steps.a.output.table.size()",
    "steps.a.output.table.map(k, k)",
    "steps.a.output.table.exists(k, k == 'bug')",
    "steps.a.output.table == {'bug': 'red'}",
    "{'bug': 'red'} != steps.a.output.table",
    "steps.a.output.rows[0] == steps.a.output.ids[0]",
    "steps.a.output.mails == steps.mails.output",
    "steps.a.output.rows == steps.a.output.ids",
    "steps.a.output.mails == null",
    "steps.a.output.rows[0] in steps.a.output.ids",
    "steps.a.output.n == null",
    "size(steps.a.output.rows.filter(r, r == steps.a.output.ids[0]))",
    "steps.a.output.rows + steps.a.output.ids",
    "steps.a.output.rows + [{'id': 'c'}]",
    "steps.a.output.n + 1",
    "steps.a.output.when + 'x'",
    "text(steps.a.output.table) + json(steps.a.output.rows)",
]


@pytest.mark.parametrize("expression", RIGHT)
def test_what_may_be_so_is_no_problem(expression: str) -> None:
    assert [*map(str, problems(MAILS, SET, use(expression)))] == []


@pytest.mark.parametrize(
    ("output", "expression"),
    [
        pytest.param("{{ steps.inner.output }}", "steps.g.output.mesages", id="output-of-a-step"),
        pytest.param("{{ steps.inner.output.messages }}", "steps.g.output.map(m, m.subjct)", id="list"),
        pytest.param("{{ {'i': steps.inner.output.messages} }}", "steps.g.output.j", id="object"),
        pytest.param({"i": "{{ steps.inner.output }}"}, "steps.g.output.i.mesages", id="tree"),
    ],
)
def test_the_output_of_a_group_keeps_its_names(output: Any, expression: str) -> None:
    [problem] = problems(group(output), use(expression))
    assert "There is no field" in problem.message
    assert problem.remedy


def test_groups_in_groups_and_loops_hand_names_on() -> None:
    outer = {"id": "outer", "steps": [group("{{ steps.inner.output.messages }}")]}
    [problem] = problems(outer, use("steps.outer.output.g.map(m, m.subjct)"))
    assert problem.remedy.startswith("`m.subjct`")
    each = {**group("{{ steps.inner.output.messages }}"), "foreach": "{{ [1] }}"}
    [problem] = problems(each, use("steps.g.output[0].output[0].subjct"))
    assert "no field 'subjct'" in problem.message


def test_a_loop_over_what_is_handed_on_knows_its_items() -> None:
    each = {"id": "each", "foreach": "{{ steps.g.output }}", "as": "it", "steps": [use("it.titel")]}
    [problem] = problems(group("{{ steps.inner.output.messages }}"), each)
    assert "no field 'titel'" in problem.message


def test_what_stands_later_in_the_file_is_known_where_it_runs_first() -> None:
    late = {**use("steps.a.output.n + 'x'"), "needs": ["a"]}
    [problem] = problems(late, {**set_step("a", {"n": "{{ inputs.n }}"}), "needs": []})
    assert "a whole number and text" in problem.message


def test_a_name_of_a_step_is_suggested_as_before() -> None:
    [problem] = problems(MAILS, SET, use("steps.a.output.n + size(steps.mials.output.messages)"))
    assert "did you mean `steps.mails`?" in problem.remedy


def test_what_a_called_workflow_hands_on_keeps_its_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    child = flow(
        set_step("a", {"v": "{{ inputs.n }}"}), inputs=GIVEN, outputs={"v": "{{ steps.a.output.v }}", "l": ["a"]}
    )
    monkeypatch.setattr(test_callees, "SHELF", {"child": child})
    for expression in ("steps.c.output.v + 'x'", "steps.c.output.l[0] + 1"):
        caller = flow(call("c", "workflow.run", {"workflow": "child", "inputs": {}}), use(expression))
        found = [one for one in test_callees.compiled(caller)[1].problems if one.step == "user"]
        assert [one.message for one in found if one.severity == "error"] != []


@pytest.mark.slow
def test_a_long_row_of_values_is_compiled_soon() -> None:
    row = [set_step("s0", {"v": 1})]
    row += [set_step(f"s{n}", {"v": f"{{{{ steps.s{n - 1}.output.v + 1 }}}}"}) for n in range(1, 400)]
    begun = time.process_time()
    assert problems(*row) == []
    assert time.process_time() - begun < 4
    [problem] = problems(*row, use("steps.s399.output.v + 'x'"))
    assert "a whole number and text" in problem.message


def test_it_runs_as_it_is_checked(run: Run) -> None:
    table = set_step("a", {"table": "{{ {'bug': 'red'} }}", "rows": [{"id": "a"}]})
    asked = {
        "v": [
            "{{ steps.a.output.table[inputs.s] }}",
            "{{ inputs.s in steps.a.output.table }}",
            "{{ size(steps.a.output.table) }}",
            "{{ steps.a.output.table == {'bug': 'red'} }}",
            "{{ steps.a.output.table.map(k, k) }}",
            "{{ steps.a.output.rows == [{'id': 'a'}] }}",
        ]
    }
    document = run([table, set_step("user", asked)], {"s": "bug"}, inputs=inputs(s={"type": "string"}))
    assert document["steps"][-1]["output"]["v"] == ["red", True, 1, True, ["bug"], True]


def test_a_model_s_answer_is_handed_on_with_its_fields() -> None:
    [problem] = problems(SORT, set_step("a", {"v": "{{ steps.sort.output }}"}), use("steps.a.output.v.knid"))
    assert "no field 'knid'" in problem.message
