"""A workflow that another calls is checked with it: its name, its inputs, its outputs, and itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from engine.base.errors import InvalidFile, UnknownName
from engine.base.problem import Problem
from engine.compiler.compiler import Compiled, CompilerContext, compile_workflow
from engine.documents.json_file import parse
from engine.plugins.step import Effect
from tests.engine.compiler.test_compiler import MAILS, SERVICES, SORT, call, flow, inputs, place, prompt, use
from tests.engine.conftest import Run, set_step, write_workflow

GREET = {
    **flow(set_step("text", {"text": "Hello {{ inputs.name }}", "n": "{{ inputs.times }}"})),
    "inputs": inputs(name={"type": "string"}, times={"type": "integer", "default": 1, "maximum": 9}),
    "outputs": {"text": "{{ 'Hello ' + inputs.name }}", "n": "{{ inputs.times }}", "all": "{{ [inputs.name] }}"},
}
READER = flow(MAILS, SORT, outputs={"mails": "{{ steps.mails.output.messages }}"})
WRITER = flow(call("post", "http.request", {"url": "https://example.com", "method": "POST"}))
BROKEN = flow(use("steps.nope"), call("x", "no.such", {}))
LOOP_A = flow(
    call("b", "workflow.run", {"workflow": "loop_b", "inputs": {"n": 1}}), inputs=inputs(n={"type": "integer"})
)
LOOP_B = flow(
    call("a", "workflow.run", {"workflow": "loop_a", "inputs": {"n": 2}}), inputs=inputs(n={"type": "integer"})
)
STOPPED = {**GREET, "steps": [*GREET["steps"], call("stop", "flow.stop", {"outputs": {"other": 1}})]}
EARLY = {
    **flow(call("stop", "flow.stop", {"outputs": {"r": 1, "why": "early"}}, **{"if": "{{ inputs.early }}"})),
    "inputs": inputs(early={"type": "boolean"}),
    "outputs": {"r": "normal", "all": "{{ [inputs.early] }}"},
}
SHELF: Mapping[str, Any] = {
    "greet": GREET,
    "reader": READER,
    "writer": WRITER,
    "broken": BROKEN,
    "loop_a": LOOP_A,
    "loop_b": LOOP_B,
    "stopped": STOPPED,
    "early": EARLY,
    "silent": {**EARLY, "steps": [call("stop", "flow.stop", {"message": "m"}, **{"if": "{{ inputs.early }}"})]},
    "open": {
        **EARLY,
        "steps": [call("stop", "flow.stop", {"outputs": "{{ {'r': 1} }}"}, **{"if": "{{ inputs.early }}"})],
    },
    "nothing": {**EARLY, "steps": [call("stop", "flow.stop", {"message": "m"})]},
    "never": {**EARLY, "steps": [call("stop", "flow.stop", {"message": "m"}, **{"if": False})]},
    "caller_of_broken": flow(call("c", "workflow.run", {"workflow": "broken"})),
}


def workflow(name: str) -> Mapping[str, Any]:
    if name == "torn":
        raise InvalidFile("workflows/torn.json is torn.", [Problem("Torn.", file="workflows/torn.json")])
    if name not in SHELF:
        raise UnknownName("workflow", name, list(SHELF))
    found: Mapping[str, Any] = SHELF[name]
    return found


AROUND = CompilerContext(SERVICES, prompt, workflow)


def compiled(document: Any, name: str = "work") -> tuple[str, Compiled]:
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return text, compile_workflow(parse(text, f"workflows/{name}.json"), name, AROUND)


def run_of(name: Any, more: Any = None) -> dict[str, Any]:
    given = {} if more is None else {"inputs": more}
    return call("called", "workflow.run", {"workflow": name, **given})


@pytest.mark.parametrize(
    ("step", "code", "field", "at", "message", "remedy"),
    [
        pytest.param(
            run_of("gret"),
            "unknown_workflow",
            "with.workflow",
            '"gret"',
            "'gret'",
            "Did you mean 'greet'?",
            id="unknown",
        ),
        pytest.param(
            run_of("{{ 'greet' }}"),
            "workflow_name",
            "with.workflow",
            "\"{{ 'greet'",
            "cannot be an expression",
            "the name itself",
            id="by-expression",
        ),
        pytest.param(
            run_of("greet"),
            "workflow_input",
            "with",
            '{\n        "workflow"',
            "needs the input 'name'",
            "Add 'name'",
            id="input-missing",
        ),
        pytest.param(
            run_of("greet", {"nme": "x"}),
            "workflow_input",
            "with.inputs.nme",
            '"x"',
            "no input 'nme'",
            "Did you mean 'name'?",
            id="input-misspelt",
        ),
        pytest.param(
            run_of("greet", {"name": "{{ 5 }}"}),
            "type",
            "with.inputs.name",
            '"{{ 5',
            "text",
            "string(…)",
            id="type-of-an-expression",
        ),
        pytest.param(
            run_of("greet", {"name": 5}), "field", "with.inputs.name", "5\n", "does not fit", "", id="literal"
        ),
        pytest.param(
            run_of("greet", {"name": "a", "times": 10}), "field", "with.inputs.times", "10", "maximum", "", id="limit"
        ),
        pytest.param(
            run_of("broken"),
            "called_workflow",
            "with.workflow",
            '"broken"',
            "has 2 problems: There",
            "orchestra validate broken",
            id="with-problems",
        ),
        pytest.param(
            run_of("torn"), "called_workflow", "with.workflow", '"torn"', "has 1 problem: Torn.", "", id="torn"
        ),
        pytest.param(
            run_of("caller_of_broken"),
            "called_workflow",
            "with.workflow",
            '"caller_of',
            "'broken' has 2",
            "",
            id="two-calls-away",
        ),
    ],
)
def test_a_mistake_in_a_call_is_told_at_the_caller(
    step: Any, code: str, field: str, at: str, message: str, remedy: str
) -> None:
    text, result = compiled(flow(step))
    assert result.plan is None
    [problem] = [one for one in result.problems if one.severity == "error"]
    assert (problem.code, problem.step, problem.field) == (code, "called", field)
    assert (problem.line, problem.column) == place(text, at)
    assert message in problem.message
    assert remedy in problem.remedy


def test_what_a_call_gives_has_the_types_of_the_outputs() -> None:
    said = run_of("greet", {"name": "a"})
    right = flow(
        said, use("steps.called.output.text.size() + steps.called.output.n + size(steps.called.output.all[0])")
    )
    assert [one.code for one in compiled(right)[1].problems if one.severity == "error"] == []
    for wrong, remedy in (("txt", "did you mean `steps.called.output.text`?"), ("n + 'x'", "string(x)")):
        [problem] = [
            one
            for one in compiled(flow(said, use(f"steps.called.output.{wrong}")))[1].problems
            if one.step == "user" and one.severity == "error"
        ]
        assert remedy in problem.remedy
    [problem] = [
        one
        for one in compiled(flow(run_of("reader"), use("steps.called.output.mails[0].subjct")))[1].problems
        if one.severity == "error"
    ]
    assert problem.remedy.endswith("did you mean `steps.called.output.mails[0].subject`?")


def test_where_a_run_may_end_early_the_outputs_may_be_anything() -> None:
    _, result = compiled(flow(run_of("stopped", {"name": "a"}), use("steps.called.output.other")))
    assert [one for one in result.problems if one.severity == "error"] == []


@pytest.mark.parametrize(
    ("name", "expression", "told"),
    [
        pytest.param("silent", "steps.called.output.r", "r", id="stopped-without-outputs"),
        pytest.param("early", "steps.called.output.all", "all", id="not-of-the-stop"),
        pytest.param("early", "steps.called.output.why", "why", id="of-the-stop-only"),
        pytest.param("early", "steps.called.output.r", None, id="of-both"),
        pytest.param("silent", "default(steps.called.output.r, '')", None, id="default"),
        pytest.param("silent", "has(steps.called.output.r) ? steps.called.output.r : ''", None, id="has"),
        pytest.param("silent", "steps.called.output", None, id="all-of-it"),
        pytest.param("open", "steps.called.output.r", None, id="outputs-by-expression"),
        pytest.param("never", "steps.called.output.r", None, id="a-stop-that-never-runs"),
        pytest.param("stopped", "steps.called.output.other", None, id="a-stop-that-always-runs"),
        pytest.param("stopped", "steps.called.output.text", "text", id="outputs-that-never-come"),
        pytest.param("nothing", "steps.called.output.r", "r", id="a-stop-that-always-runs-without-outputs"),
    ],
)
def test_what_a_called_workflow_may_end_without_is_told(name: str, expression: str, told: str | None) -> None:
    given = {"name": "a"} if name == "stopped" else {"early": True}
    found = [one for one in compiled(flow(run_of(name, given), use(expression)))[1].problems if one.severity == "error"]
    assert [(one.code, f"without {told!r}" in one.message) for one in found] == [("maybe_absent", True)] * bool(told)
    assert all(f"has(steps.called.output.{told})" in one.remedy for one in found)


def test_a_loop_of_calls_knows_what_each_may_lack() -> None:
    each = {**run_of("silent", {"early": True}), "foreach": "{{ [1] }}"}
    [problem] = [
        one
        for one in compiled(flow(each, use("steps.called.output.map(c, c.called.r)")))[1].problems
        if one.severity == "error"
    ]
    assert (problem.code, "default(c.called.r, …)" in problem.remedy) == ("maybe_absent", True)


def test_a_name_that_no_ending_has_is_an_error() -> None:
    [problem] = [
        one
        for one in compiled(flow(run_of("early", {"early": True}), use("steps.called.output.wyh")))[1].problems
        if one.severity == "error"
    ]
    assert problem.remedy.endswith("did you mean `steps.called.output.why`?")


def test_a_plan_knows_all_that_can_be_reached() -> None:
    _, result = compiled(flow(run_of("reader"), {**run_of("writer"), "id": "second"}))
    plan = result.plan
    assert plan is not None
    assert set(plan.workflows) == {"reader", "writer"}
    assert dict(plan.workflows["reader"]) == READER
    assert plan.connections == ("gmail", "llm")
    assert list(plan.prompts) == ["sort@production"]
    assert [node.effect for node in plan.nodes()] == [Effect.READS, Effect.WRITES]


def test_workflows_may_call_each_other_in_a_circle() -> None:
    _, result = compiled(LOOP_A, "loop_a")
    assert result.plan is not None
    assert set(result.plan.workflows) == {"loop_a", "loop_b"}
    _, wrong = compiled({**LOOP_A, "inputs": inputs(n={"type": "string"})}, "loop_a")
    assert [one.code for one in wrong.problems if one.severity == "error"] == ["called_workflow"]


GUARD = {"if": "{{ inputs.n > 0 }}"}
STOP = call("stop", "flow.stop", {}, **GUARD)


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        pytest.param([run_of("work", {"n": 1})], "calls itself, and nothing", id="itself"),
        pytest.param([{"id": "g", "steps": [run_of("work", {"n": 1})]}], "calls itself, and nothing", id="in-a-group"),
        pytest.param([run_of("back", {"n": 1})], "itself again by way of 'back',", id="by-way-of-another"),
        pytest.param([run_of("far", {"n": 1})], "by way of 'far' and 'back'", id="by-way-of-two"),
        pytest.param([{**run_of("work", {"n": 1}), **GUARD}], None, id="with-if"),
        pytest.param([{"id": "g", "steps": [run_of("work", {"n": 1})], **GUARD}], None, id="in-a-group-with-if"),
        pytest.param([{**run_of("work"), "foreach": "{{ [1] }}"}], None, id="for-each-of-a-list"),
        pytest.param([STOP, run_of("work", {"n": 1})], None, id="a-stop-in-front"),
        pytest.param([run_of("guarded", {"n": 1})], None, id="the-other-has-if"),
        pytest.param([run_of("loop_a", {"n": 1})], None, id="a-circle-of-others"),
    ],
)
def test_calls_without_an_end_are_warned_of(
    monkeypatch: pytest.MonkeyPatch, steps: list[Any], said: str | None
) -> None:
    takes = inputs(n={"type": "integer", "default": 0})
    back = flow(run_of("work", {"n": 1}), inputs=takes)
    work = flow(*steps, inputs=takes)
    for name, document in {
        "work": work,
        "back": back,
        "far": flow(run_of("back", {"n": 1}), inputs=takes),
        "guarded": flow({**run_of("work", {"n": 1}), **GUARD}, inputs=takes),
    }.items():
        monkeypatch.setitem(SHELF, name, document)
    problems = compiled(work)[1].problems
    assert not [one for one in problems if one.severity == "error"]
    found = [one for one in problems if one.code == "endless_calls"]
    assert [(one.step, one.field) for one in found] == ([] if said is None else [("called", "with.workflow")])
    assert all(said is not None and said in one.message and "'if'" in one.remedy for one in found)


def test_a_workflow_that_calls_itself_is_checked_against_what_it_says_now() -> None:
    itself = flow(run_of("work", {"limt": 1}), inputs=inputs(limit={"type": "integer"}))
    [problem] = [one for one in compiled(itself)[1].problems if one.severity == "error"]
    assert (problem.code, problem.remedy) == ("workflow_input", "Did you mean 'limit'?")


def test_a_loop_of_calls_that_write_needs_a_key() -> None:
    each = {**run_of("writer"), "foreach": "{{ [1] }}"}
    assert [one.code for one in compiled(flow(each))[1].problems] == ["no_key"]
    assert [one.code for one in compiled(flow({**each, "key": "{{ item }}"}))[1].problems] == []
    reads = {**run_of("reader"), "foreach": "{{ [1] }}"}
    assert "no_key" not in [one.code for one in compiled(flow(reads))[1].problems]


def test_long_rows_of_calls_are_followed_only_so_far() -> None:
    row = {f"w{n}": flow(run_of(f"w{n + 1}")) for n in range(200)}
    around = CompilerContext(SERVICES, prompt, lambda name: row[name])
    text = json.dumps(row["w0"])
    result = compile_workflow(parse(text, "workflows/w0.json"), "w0", around)
    assert [one.code for one in result.problems] == ["called_workflow"]


def test_a_call_runs_with_what_was_checked(run: Run, root: Any) -> None:
    write_workflow(root, "greet", GREET["steps"], inputs=GREET["inputs"], outputs=GREET["outputs"])
    document = run([run_of("greet", {"name": "{{ 'An' + 'n' }}"})], outputs={"said": "{{ steps.called.output.text }}"})
    assert document["outputs"] == {"said": "Hello Ann"}
    assert set(document["definition"]["workflows"]) == {"greet"}
