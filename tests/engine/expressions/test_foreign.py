"""What people bring along from other languages is refused with the form that it has here."""

from __future__ import annotations

import pytest

from engine.base.errors import ExpressionError, UnknownName
from engine.expressions.expressions import compile_expression
from engine.plugins.registry import step_type


@pytest.mark.parametrize(
    ("source", "ours"),
    [
        pytest.param("inputs.a | upper", "x.upper()", id="a filter of Jinja"),
        pytest.param("inputs.a|length > 2", "size(x)", id="another one"),
        pytest.param("1 if inputs.a else 2", "condition ? a : b", id="a choice of Python"),
        pytest.param("inputs.a.matches(/^x/)", "x.matches('", id="a pattern of JavaScript"),
        pytest.param("/^a/.test(inputs.a)", "x.matches('", id="a pattern that is asked"),
        pytest.param("inputs.a === 2", "a == b", id="equal in JavaScript"),
        pytest.param("inputs.a !== 2", "a != b", id="unlike in JavaScript"),
        pytest.param("inputs.a <> 2", "a != b", id="unlike in SQL"),
        pytest.param("$json.x", "steps.<id>.output", id="a name of n8n"),
        pytest.param("'a|b' + (inputs.a", "", id="a bar in a text"),
    ],
)
def test_the_remedy_shows_our_form(source: str, ours: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        compile_expression(source, frozenset({"inputs", "steps", "run"}))
    assert ours in refused.value.remedy
    assert ours or "|" not in refused.value.message


@pytest.mark.parametrize("name", ["trello.create_card", "teams.send", "jira.create_issue"])
def test_a_service_that_there_is_not_is_called_by_http(name: str) -> None:
    with pytest.raises(UnknownName) as refused:
        step_type(name)
    assert "http.request" in refused.value.remedy
    assert "Did you mean" not in refused.value.remedy


def test_a_slip_of_the_pen_gets_the_nearest_name() -> None:
    with pytest.raises(UnknownName, match="gmial") as refused:
        step_type("gmial.send")
    assert refused.value.remedy == "Did you mean 'gmail.send'?"
