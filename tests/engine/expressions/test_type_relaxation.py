"""Where the checker is stricter than JSON it is not heard; where a name or kind is wrong it still is."""

from __future__ import annotations

from typing import Any

import pytest

from engine.base.problem import Problem
from tests.engine.compiler.test_compiler import call, compiled, flow, use
from tests.engine.conftest import Run, set_step

OWNER = {"type": "object", "properties": {"owner": {"type": "string"}}}
GIVEN = {
    "type": "object",
    "properties": {
        "m": {"type": "string"},
        "o": {**OWNER, "default": {"owner": "x"}},
        "flag": {"type": "boolean"},
        "named": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
OPT = {**set_step("opt", {"owner": "Ann", "list": [1], "table": {"bug": "red"}}), "if": "{{ inputs.flag }}"}
OTHER = set_step("other", {"owner": "Bob", "list": [1], "table": {"bug": "blue"}})
ISSUES = call("issues", "github.list_issues", {"repository": "a/b"}, connection="github")
SAME = {**ISSUES, "id": "same"}


def problems(expression: str) -> list[Problem]:
    document = flow(OPT, OTHER, use(expression), inputs=GIVEN)
    return [one for one in compiled(document)[1].problems if one.severity == "error"]


ALLOWED = [
    "default(steps.opt.output, {})",
    "default(inputs.o, {})",
    "default(steps.opt.output, {'owner': 'x', 'list': [1]})",
    "has(steps.opt.output) ? steps.opt.output : {}",
    "has(steps.opt.output) ? {'a': {'b': 1}} : steps.other.output",
    "has(steps.opt.output) ? steps.opt.output : steps.other.output",
    "default(steps.opt.output, steps.other.output)",
    "has(steps.opt.output) ? steps.opt.output.owner : null",
    "inputs.flag ? null : inputs.named",
    "inputs.flag ? (inputs.flag ? null : 'a') : 'b'",
    "inputs.flag ? 'a' : inputs.flag ? 'b' : null",
    "default(inputs.m, null)",
    "[default(inputs.m, null), default(steps.opt.output, {})]",
    "inputs.flag ? [steps.other.output] : [{'owner': 'x'}]",
    "steps['other'].output.owner",
    "steps.other['output']['owner']",
    "default(steps.other.output['owner'], 'x')",
    "steps.other.output.table[inputs.m]",
    "[1, 2].map(n, inputs.flag ? n : null)",
]


@pytest.mark.parametrize("expression", ALLOWED)
def test_what_json_allows_is_no_problem(expression: str) -> None:
    assert [*map(str, problems(expression))] == []


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("default(steps.opt.output, {}) + steps.other.output.ownr", "no field 'ownr'"),
        ("inputs.flag ? steps.other.output.ownr : null", "no field 'ownr'"),
        ("inputs.flag ? 'a' : 1", "text on one side and a whole number"),
        ("steps.other.output['ownr']", "no field 'ownr'"),
        ("default(steps.opt.output.owner, null) + steps.opt.output.owner", "may have been skipped"),
    ],
)
def test_what_is_wrong_is_told_all_the_same(expression: str, said: str) -> None:
    [problem] = problems(expression)
    assert said in problem.message


def test_the_place_of_what_is_wrong_behind_is_the_authors() -> None:
    expression = "default(inputs.m, null) == null ? steps.other.output : steps.other.output.ownr"
    [problem] = problems(expression)
    text, _ = compiled(flow(OPT, OTHER, use(expression), inputs=GIVEN))
    line = text.split("\n")[problem.line - 1]
    assert line[problem.column - 1 :].startswith(".ownr")


def test_what_was_asked_for_is_known_behind_it() -> None:
    assert problems("default(steps.opt.output.owner, null) != null ? steps.opt.output.owner : ''") == []


@pytest.mark.parametrize(("flag", "seen"), [(True, ["Ann", "Ann", {"bug": "red"}]), (False, [None, None, {}])])
def test_it_runs_as_it_is_checked(run: Run, flag: bool, seen: list[Any]) -> None:
    values = {
        "v": [
            "{{ has(steps.opt.output) ? steps.opt.output.owner : null }}",
            "{{ default(steps.opt.output.owner, null) }}",
            "{{ default(steps.opt.output.table, {}) }}",
        ]
    }
    document = run([OPT, set_step("user", values)], {"flag": flag, "m": "x", "named": {}}, inputs=GIVEN)
    assert document["steps"][-1]["output"] == {"v": seen}
