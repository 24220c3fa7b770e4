"""What the checker refuses is said in plain words, with what to do: no name of a type or function that nobody wrote."""

from __future__ import annotations

import re

import pytest

from engine.base.problem import Problem
from tests.engine.compiler.test_compiler import compiled, flow, use
from tests.engine.conftest import set_step
from tests.engine.expressions.test_type_relaxation import GIVEN, OPT, OTHER

LOOP = {"id": "l", "foreach": "{{ [1] }}", "steps": [set_step("z", {"v": 1})]}
INTERNAL = re.compile(r"wf\.|optional_type|@in|wrapper|null_type|list\(|map\(|google|\bdyn\b|_\?|comprehension")


def problems(expression: str) -> list[Problem]:
    document = flow(OPT, OTHER, LOOP, use(expression), inputs=GIVEN)
    return [one for one in compiled(document)[1].problems if one.severity == "error"]


SAID = [
    ("steps[inputs.m].output", "fixed names", "behind a dot"),
    ("steps.l.output.z.v", "This is a list; it has no fields.", "x[0]"),
    ("steps.other.output.list.owner", "This is a list; it has no fields.", "x[0]"),
    ("inputs.m.x", "This is text; it has no fields.", "last name"),
    ("[1].filter(x, 1)", "The condition is a whole number, not true or false.", "Compare it"),
    ("[1].filter(x, 'a')", "The condition is text, not true or false.", "Compare it"),
    ("[1].all(x, 'a')", "The condition is text, not true or false.", "Compare it"),
    ("1 ? 2 : 3", "The condition is a whole number, not true or false.", "Compare it"),
    ("!1", "The condition is a whole number, not true or false.", "Compare it"),
    ("1 && true", "The condition is a whole number, not true or false.", "Compare it"),
    ("inputs.flag ? 'a' : 1", "'? :' gives text on one side and a whole number on the other.", "string(x)"),
    ("inputs.flag ? steps.other.output : 'a'", "'? :' gives an object on one side and text", "both sides"),
    ("default(inputs.m, 1)", "'default' stands in for text with a whole number.", "or null"),
    ("default(steps.other.output, 'a')", "'default' stands in for an object with text.", "or null"),
    ("inputs.m.orValue(1)", "'orValue' is for what may be missing, and this is text.", "default("),
    ("steps.opt.?output.?owner.orValue(1)", "'orValue' stands in for text with a whole number.", "or null"),
    ("1 in inputs.m", "'in' looks into a list or an object, and this is text.", "contains"),
    ("[1]['a']", "An item of a list is named by a whole number, not by text.", "x[0]"),
    ("inputs.named[1]", "A field of an object is named by text, not by a whole number.", "string(x)"),
    ("inputs.m.map(x, x)", "This goes through a list, and what stands here is text.", "[a, b]"),
    ("steps.map(s, s.output)", "This goes through a list, and what stands here is an object.", "[a, b]"),
    ("size(1)", "'size' does not work on a whole number.", "list"),
    ("string(steps.other.output)", "'string' does not work on an object.", "json(x)"),
    ("steps.other.output + 1", "'+' does not work on an object and a whole number.", "kinds that go together"),
    ("run.started_at - duration('1d')", "", "timestamp(run.started_at)"),
    ("optional.of(1) + 1", "'+' does not work on a value that may be missing and a whole number.", "orValue"),
]


@pytest.mark.parametrize(("expression", "message", "remedy"), SAID)
def test_what_does_not_work_is_said_in_plain_words(expression: str, message: str, remedy: str) -> None:
    [problem] = problems(expression)
    assert message in problem.message
    assert remedy in problem.remedy
    assert not INTERNAL.search(problem.message.replace("'orValue'", "") + problem.remedy.replace("x.map(", ""))


def test_the_place_of_a_default_is_the_default() -> None:
    [problem] = problems("'a' + default(inputs.m, 1)")
    text, _ = compiled(flow(OPT, OTHER, LOOP, use("'a' + default(inputs.m, 1)"), inputs=GIVEN))
    assert text.split("\n")[problem.line - 1][problem.column - 1 :].startswith("default(")


def test_whether_a_step_has_an_output_may_be_asked_with_in() -> None:
    assert problems("'owner' in steps.other.output") == []
    [problem] = problems("'output' in steps.opt")
    assert problem.message == "'in' does not look into what has fixed names."
    assert "has(" in problem.remedy
