"""What a plan says: effects, what may run side by side, and what is decided before anything runs."""

from __future__ import annotations

from typing import Any

import pytest

from engine.compiler.definition.plan import Node, Plan
from engine.expressions.expressions import Template
from engine.plugins.step import Effect
from tests.engine.compiler.test_compiler import MAILS, SORT, call, compiled, flow, inputs, place, use
from tests.engine.conftest import Run, Service, get_step, post_step, set_step, statuses

POST = call("post", "http.request", {"url": "https://example.com", "method": "POST"})
GET = call("get", "http.request", {"url": "https://example.com"})


def plan_of(document: Any) -> Plan:
    _, result = compiled(document)
    assert [str(one) for one in result.problems if one.severity == "error"] == []
    assert result.plan is not None
    return result.plan


def node(plan: Plan, step_id: str) -> Node:
    return next(one for one in plan.nodes() if one.id == step_id)


@pytest.mark.parametrize(
    ("step", "effect"),
    [
        pytest.param(set_step("s"), Effect.PURE, id="pure"),
        pytest.param({**GET, "id": "s"}, Effect.READS, id="read"),
        pytest.param({**POST, "id": "s"}, Effect.WRITES, id="write-by-its-arguments"),
        pytest.param({"id": "s", "steps": [set_step("a"), GET]}, Effect.READS, id="group"),
        pytest.param({"id": "s", "foreach": "{{ [1] }}", "key": "{{ item }}", "steps": [GET, POST]}, Effect.WRITES,
                     id="loop"),
        pytest.param({**POST, "id": "s", "foreach": "{{ [1] }}", "key": "{{ item }}"}, Effect.WRITES, id="loop-of-one"),
        pytest.param({**GET, "id": "s", "on_error": {"steps": [POST]}}, Effect.WRITES, id="by-its-fallback"),
        pytest.param({"id": "s", "steps": [{**POST, "if": False}, GET]}, Effect.READS, id="what-never-runs"),
        pytest.param({**POST, "id": "s", "if": False}, Effect.PURE, id="never-runs-itself"),
    ],
)  # fmt: skip
def test_a_step_has_the_strongest_effect_of_what_is_in_it(step: Any, effect: Effect) -> None:
    assert node(plan_of(flow(step)), "s").effect is effect


@pytest.mark.parametrize(
    ("needs", "levels"),
    [
        pytest.param([None, None, None], (("a",), ("b",), ("c",)), id="one-after-another"),
        pytest.param([[], [], ["a", "b"]], (("a", "b"), ("c",)), id="two-at-once"),
        pytest.param([["c"], ["c"], []], (("c",), ("a", "b")), id="against-the-order-of-the-file"),
        pytest.param([[], None, []], (("a", "c"), ("b",)), id="mixed"),
    ],
)
def test_levels_tell_what_may_run_side_by_side(needs: list[list[str] | None], levels: Any) -> None:
    steps = [
        {**set_step(name), **({} if needed is None else {"needs": needed})}
        for name, needed in zip("abc", needs, strict=True)
    ]
    assert plan_of(flow(*steps)).block.levels == levels


@pytest.mark.parametrize(
    ("written", "value"),
    [
        pytest.param("{{ 6 * 7 }}", 42, id="number"),
        pytest.param("{{ [1, 2].map(x, x * 2) }}", [2, 4], id="list"),
        pytest.param("a{{ 1 + 1 }}b{{ 'c' }}", "a2bc", id="mixed-text"),
        pytest.param("{{ '{{ x }}' }}", "{{ x }}", id="braces-stay-text"),
        pytest.param("{{ null }}", None, id="null"),
    ],
)
def test_what_depends_on_nothing_is_worked_out_at_once(run: Run, written: str, value: Any) -> None:
    action = node(plan_of(flow(set_step("s", {"v": written}))), "s").action
    assert action is not None
    assert action.arguments == {"values": {"v": value}}
    assert run([set_step("s", {"v": written})])["steps"][0]["output"] == {"v": value}


def test_what_depends_on_something_is_not() -> None:
    action = node(plan_of(flow(set_step("s", {"v": "{{ 1 + inputs.n }}"}), inputs=inputs(n={"type": "integer"}))), "s")
    assert action.action is not None
    assert isinstance(action.action.arguments["values"]["v"], Template)


@pytest.mark.parametrize(
    ("document", "code", "at", "said"),
    [
        pytest.param(flow(set_step("s", {"v": "{{ 1 / 0 }}"})), "expression", " 1 / 0", "divides by zero", id="zero"),
        pytest.param(flow(set_step("s", {"v": "x {{ int('a') }}"})), "expression", " int('a')", "turned", id="number"),
        pytest.param(flow({**SORT, "if": "{{ [true][3] }}"}), "expression", " [true][3]", "no item 3", id="index"),
        pytest.param(flow(call("s", "gmail.search_messages", {"query": "x", "limit": "{{ 0 - 5 }}"})), "field",
                     '"{{ 0 - 5 }}"', "at least", id="a-value-that-the-field-refuses"),
        pytest.param(flow(call("s", "flow.wait", {"until": "{{ 'soon' }}"})), "field", "\"{{ 'soon'", "", id="a-time"),
    ],
)  # fmt: skip
def test_a_constant_that_cannot_be_is_a_mistake(document: Any, code: str, at: str, said: str) -> None:
    text, result = compiled(document)
    [problem] = [one for one in result.problems if one.severity == "error"]
    assert problem.code == code
    assert said in problem.message
    assert (problem.line, problem.column) == place(text, at)


def test_a_step_that_never_runs_is_folded_away(run: Run, service: Service) -> None:
    plan = plan_of(flow({**MAILS, "if": "{{ 1 == 2 }}"}, POST))
    assert node(plan, "mails").is_folded
    assert plan.connections == ()
    document = run([post_step("off", service.url("/off"), **{"if": "{{ 2 < 1 }}"}), get_step("on", service.url("/on"))])
    assert statuses(document) == {"off": "skipped", "on": "succeeded"}
    assert dict(service.seen) == {"/on": 1}


@pytest.mark.parametrize("condition", [True, "{{ true }}", "{{ 1 < 2 || false }}"])
def test_a_condition_that_is_always_true_is_none(condition: Any) -> None:
    assert node(plan_of(flow(set_step("s", **{"if": condition}))), "s").condition is True


def test_a_loop_over_a_constant_runs(run: Run) -> None:
    loop = {
        "id": "each",
        "foreach": "{{ [1, 2, 3].filter(x, x > 1) }}",
        "as": "n",
        "steps": [set_step("s", {"v": "{{ n }}"})],
    }
    document = run([loop], outputs={"v": "{{ steps.each.output.map(one, one.s.v) }}"})
    assert document["outputs"] == {"v": [2, 3]}


FAILING = call("bad", "flow.fail", {"message": "No."})
TELL = set_step("tell", {"why": "{{ error.type }}: {{ error.message }} ({{ error.step }})", "in": "{{ inputs.x }}"})


@pytest.mark.parametrize("on_failure", [[TELL], {"steps": [TELL]}], ids=["list", "object"])
def test_steps_for_a_failure_are_written_in_two_forms(run: Run, on_failure: Any) -> None:
    schema = inputs(x={"type": "integer", "default": 3})
    document = run([FAILING], on_failure=on_failure, inputs=schema)
    assert document["status"] == "failed"
    [step] = [one for one in document["steps"] if one["id"] == "tell"]
    assert step["path"] == "on_failure.tell"
    assert step["output"] == {"why": "AssertionFailed: No. (bad)", "in": 3}


BAD_USE = use("steps.nope.output")


@pytest.mark.parametrize(
    ("on_failure", "code", "step", "field", "at"),
    [
        pytest.param([BAD_USE], "expression", "user", "with.values.v", ".nope", id="list"),
        pytest.param({"steps": [BAD_USE]}, "expression", "user", "with.values.v", ".nope", id="object"),
        pytest.param([{"id": "x", "uses": "no.such"}], "unknown_step_type", "x", "uses", '"no.such"', id="type"),
        pytest.param([{**TELL, "zzz": 1}], "unknown_key", "tell", "zzz", '"zzz"', id="key-in-a-list"),
        pytest.param({"steps": [{**TELL, "zzz": 1}]}, "unknown_key", "tell", "zzz", '"zzz"', id="key-in-an-object"),
        pytest.param({"stepps": [TELL]}, "unknown_key", None, "on_failure.stepps", '"stepps"', id="misspelt"),
        pytest.param(
            [{"uses": "flow.set", "with": {"values": {}}}],
            "missing_key",
            "number 1",
            "id",
            '{\n      "uses"',
            id="no-id",
        ),
        pytest.param([], "wrong_value", None, "on_failure", "[]", id="empty"),
        pytest.param(5, "wrong_type", None, "on_failure", "5", id="number"),
        pytest.param([{**TELL, "id": "bad"}], "duplicate_id", "bad", "id", None, id="an-id-of-a-step"),
        pytest.param([use("steps.bad.output")], "expression", "user", "with.values.v", ".bad", id="a-step-from-inside"),
    ],
)
def test_a_mistake_in_them_has_its_place(
    on_failure: Any, code: str, step: str | None, field: str, at: str | None
) -> None:
    document = {"inputs": inputs(x={}), "on_failure": on_failure, **flow(FAILING)}
    text, result = compiled(document)
    found = [one for one in result.problems if one.severity == "error"]
    assert [(one.code, one.step, one.field) for one in found] == [(code, step, field)], [*map(str, found)]
    if at is not None:
        assert (found[0].line, found[0].column) == place(text, at)


def test_a_step_that_cannot_be_seen_after_a_failure_is_explained() -> None:
    _, result = compiled(flow(FAILING, on_failure=[use("steps.bad.status")]))
    [problem] = [one for one in result.problems if one.severity == "error"]
    assert "'bad' cannot be seen in 'on_failure'" in problem.message
    assert "error.step" in problem.remedy
