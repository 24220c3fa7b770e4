"""What never works in an expression is told when the file is checked: also beside what the run is given."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.base.errors import InvalidFile, UnknownName
from engine.base.problem import Problem
from engine.compiler.compiler import CompilerContext, compile_workflow
from engine.documents.json_file import parse

PROPERTIES = {
    "n": {"type": "integer"},
    "s": {"type": "string"},
    "l": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}},
    "o": {"type": "object"},
}


def _no_prompt(reference: str) -> Any:
    raise UnknownName("prompt", reference, [])


def problems(expression: str) -> tuple[list[Problem], str]:
    """Return what is wrong with an expression, and the text of the file from the first place on."""
    used = {name: "{{ inputs.%s }}" % name for name in PROPERTIES}  # noqa: UP031 - braces stand for themselves
    step = {"id": "a", "uses": "flow.set", "with": {"values": {**used, "x": f"{{{{ {expression} }}}}"}}}
    document = {
        "schema_version": 1,
        "inputs": {"type": "object", "properties": PROPERTIES},
        "steps": [step],
        "outputs": {"x": "{{ steps.a.output }}"},
    }
    text = json.dumps(document, indent=1)
    found = compile_workflow(parse(text, "workflows/work.json"), "work", CompilerContext({}, _no_prompt)).problems
    return found, text.splitlines()[found[0].line - 1][found[0].column - 1 :] if found else ""


WRONG = [
    pytest.param("inputs.n / 0", "0 ", "divides by zero", "Guard it", id="division"),
    pytest.param("inputs.n % 0", "0 ", "divides by zero", "Guard it", id="rest"),
    pytest.param("inputs.n > 1 ? inputs.n : 1 / 0", "0 ", "divides by zero", "Guard it", id="in-a-choice"),
    pytest.param("inputs.l.map(one, size(one.name) / 0)", "0)", "divides by zero", "Guard it", id="in-a-map"),
    pytest.param("inputs.s.matches('[a-')", "'[a-'", "not a regular expression", "RE2", id="pattern"),
    pytest.param("inputs.s.matches('(?=a)b')", "'(?=a)b'", "not a regular expression", "RE2", id="look-ahead"),
    pytest.param("inputs.l.filter(one, one.name.matches('*'))", "'*'", "not a regular expression", "RE2", id="filter"),
    pytest.param("timestamp(inputs.s) - duration('7 days')", "'7 days'", "not a duration", "'90s'", id="duration"),
    pytest.param("timestamp(inputs.s) > timestamp('today')", "'today'", "not a time", "2026-", id="time"),
    pytest.param("inputs.n + int('x')", "'x'", "cannot be turned into", "Look at", id="number"),
    pytest.param("inputs.n + [1, 2][2]", "2]", "no item 2", "size(list)", id="item-of-a-list"),
    pytest.param("inputs.l[-1].name", "-1]", "no item -1", "size(list)", id="item-before-the-first"),
    pytest.param("inputs.n + 99999999999999999999", "9999", "64 bits", "-2^63", id="too-large"),
    pytest.param("size(inputs.s, 2)", "size", "does not take these arguments", "size(x)", id="too-many-arguments"),
    pytest.param("inputs.s.startsWith()", "startsWith", "does not take these", "startsWith('a')", id="too-few"),
    pytest.param("inputs.l.map(one)", "map", "does not take these", "x.map(item,", id="macro-with-one"),
    pytest.param("inputs.l.filter(a, b, c)", "filter", "does not take these", "x.filter(item,", id="macro-with-three"),
    pytest.param("inputs.l.map(a.b, a)", ".b", "names the item", "x.map(item", id="item-that-is-a-path"),
    pytest.param("inputs.s.startWith('a')", "startWith", "nothing named", "'startsWith'", id="near-function"),
    pytest.param("inputs.s.toLowerCase()", "toLowerCase", "nothing named", "'lowerAscii'", id="foreign-function"),
    pytest.param("inputs.l.every(one, one.name != '')", "every", "nothing named", "x.all(item", id="foreign-macro"),
    pytest.param(
        "inputs.l.map(one, one.name == ')', to)", "to", "nothing named 'to'", "There are", id="bracket-in-text"
    ),
    pytest.param(
        "inputs.l.exist(one, one.name == ')' && one.name != '')", "exist", "nothing", "x.exists(", id="near-macro"
    ),
    pytest.param("math.max(inputs.n, 1)", "max", "nothing named", "math.greatest", id="foreign-in-math"),
    pytest.param("inputs.s.length", ".length", "no fields", "size(inputs.s)", id="foreign-field"),
    pytest.param("inputs.n > 1 and inputs.n < 3", "and", "'and'", "&&", id="and"),
    pytest.param("not (inputs.n > 1)", "not", "'not'", "!x", id="not"),
    pytest.param("not inputs.n > 1", "inputs", "'not'", "!x", id="not-without-brackets"),
    pytest.param("inputs.l.map(one => one.name)", "=>", "'=>'", "x.map(item", id="arrow"),
    pytest.param("inputs.s == None ? '' : inputs.s", "None", "nothing named 'None'", "Write null.", id="none"),
    pytest.param("inputs.n > 1 ? True : false", "True", "nothing named 'True'", "Write true.", id="true"),
    pytest.param("inputs.s ?? 'x'", "? ", "'??'", "default(", id="two-question-marks"),
    pytest.param("inputs.n order", "order", "cannot be read at 'order'", "Texts stand in quotes", id="word-like-or"),
    pytest.param("$json.subject", "$json", "'$'", "steps.<id>.output", id="dollar"),
    pytest.param("has(inputs.l[0])", "[0]", "asks for a field", "size(x)", id="has-an-item"),
    pytest.param("default(inputs.s)", "default", "a path and a value", "default(steps", id="default-of-one"),
    pytest.param("inputs.s + 'abc", "'abc", "no closing quote", "where it ends", id="open-quote"),
    pytest.param("size(inputs.s", "(inputs.s", "'(' is not closed", "')'", id="open-bracket"),
]
RIGHT = [
    "inputs.n / 2",
    "inputs.n == 0 ? 0 : 10 / inputs.n",
    "double(inputs.n) / 0.5",
    "inputs.s.matches('^[a-z]+[0-9]{2}$')",
    "inputs.s.matches('(?i)a|b')",
    "inputs.s.matches(inputs.s)",
    "inputs.s.matches('^\U0001f600|é|\u2028')",
    "timestamp(inputs.s) - duration('168h30m')",
    "timestamp(inputs.s) > timestamp('2026-01-01T00:00:00+02:00')",
    "inputs.l[0].name + ['a', 'b'][1]",
    "inputs.o['-1']",
    "{-1: 'a'}[-1] + inputs.s",
    "inputs.l.map(one, one.name != '', one.name)",
    "math.greatest(inputs.n, 1)",
    "inputs.s.split(',').map(map, map.trim())",
]


@pytest.mark.parametrize(("expression", "at", "said", "remedy"), WRONG)
def test_a_mistake_is_told_once_where_it_is_and_what_to_write(expression: str, at: str, said: str, remedy: str) -> None:
    found, rest = problems(expression)
    assert [said in found[0].message, remedy in found[0].remedy] == [True, True], found
    assert len(found) == 1, found
    assert rest.startswith(at), rest


@pytest.mark.parametrize("expression", RIGHT)
def test_what_may_work_is_no_mistake(expression: str) -> None:
    assert problems(expression)[0] == []


def _step(step_id: str, **more: Any) -> dict[str, Any]:
    return {"id": step_id, "uses": "flow.set", "with": {"values": {"v": 1}}, **more}


def _told(change: dict[str, Any]) -> list[tuple[str, str]]:
    document = {"schema_version": 1, "title": "Work", **change}
    file = parse(json.dumps(document), "workflows/work.json")
    found = compile_workflow(file, "work", CompilerContext({}, _no_prompt)).problems
    return [(one.code, f"{one.message} {one.remedy}") for one in found]


OWN = _step("a") | {"with": {"values": {"v": "{{ steps.a.output.v }}"}}}
BACKUP = _step("a", on_error={"steps": [_step("b") | {"with": {"values": {"v": "{{ steps.a.output.v }}"}}}]})
AROUND = {"id": "g", "steps": [_step("b") | {"with": {"values": {"v": "{{ steps.g.output.b.v }}"}}}]}
LIKE_A = _step("b") | {"with": {"values": {"v": {"id": "a", "of": "{{ steps.a.output.v }}"}}}}
GIVEN: dict[str, Any] = {"outputs": {"v": "{{ steps.a.output.v }}"}}


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        pytest.param({"steps": [OWN], **GIVEN}, "order", "cannot use its own output", id="itself"),
        pytest.param(
            {"steps": [BACKUP], **GIVEN},
            "order",
            "'a' has failed here; it has no output. Use error",
            id="in-its-fallback",
        ),
        pytest.param(
            {"steps": [AROUND], "outputs": {"v": "{{ steps.g.output.b.v }}"}}, "order", "inside 'g'", id="around-it"
        ),
        pytest.param(
            {"steps": [LIKE_A, _step("a")], "outputs": {"v": "{{ steps.b.output.v }}"}},
            "order",
            "Move this step below 'a'",
            id="beside-a-value-that-is-called-like-the-step",
        ),
        pytest.param(
            {"steps": [_step("a")], "schema_version": True, **GIVEN},
            "wrong_value",
            "must be 1, not true",
            id="true-for-1",
        ),
        pytest.param(
            {"steps": [_step("a")], "outputs": {"v": "{{ steps.other.output.v }}"}},
            "expression",
            "no field 'other'",
            id="a-stranger",
        ),
        pytest.param(
            {"steps": [{"id": "w", "uses": "flow.wait", "with": {"until": "tomorrow"}}]},
            "field",
            "'until' must be a time with its offset",
            id="no-time",
        ),
        pytest.param(
            {"steps": [{"id": "w", "uses": "flow.wait", "with": {"until": "2026-01-01T00:00:00Z", "seconds": 1}}]},
            "field",
            "not both. Take out",
            id="two-that-exclude-each-other",
        ),
        pytest.param(
            {"steps": [_step("a")], **GIVEN, "inputs": {"type": "object", "properties": {"n": {"type": "intger"}}}},
            "inputs",
            "no type 'intger'. Did you mean 'integer'?",
            id="type-of-an-input",
        ),
    ],
)
def test_one_mistake_of_structure_is_one_problem(change: dict[str, Any], code: str, said: str) -> None:
    told = _told(change)
    assert [one for one, _ in told] == [code], told
    assert said in told[0][1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"a": 1, "a": 2}',
        '{"a": NaN}',
        '{"a": 99999999999999999999}',
        '{"a": "\\ud800"}',
        "[" * 100,
        "{'a': 1}",
    ],
)
def test_each_mistake_of_grammar_has_a_remedy(text: str) -> None:
    with pytest.raises(InvalidFile) as raised:
        parse(text, "workflows/work.json")
    assert all(one.remedy for one in raised.value.problems)
