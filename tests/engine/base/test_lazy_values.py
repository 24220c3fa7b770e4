"""Values that are not in memory: handed on unopened by a plain path, opened where an expression looks inside."""

from __future__ import annotations

from typing import Any

import pytest

from engine.base.errors import ExpressionError
from engine.base.lazy_values import Deferred, complete
from engine.expressions.expressions import compile_template, render

ROOTS = frozenset({"a", "b"})


class Counted(Deferred):
    """A value that counts how often it is opened."""

    def __init__(self, value: Any) -> None:
        self.value, self.count = value, 0

    def opened(self) -> Any:
        self.count += 1
        return self.value


def value_of(text: str, **names: Any) -> Any:
    return compile_template(text, ROOTS).value({"a": None, "b": None, **names})


def test_a_plain_path_hands_it_on_unopened() -> None:
    text = Counted("x")
    assert value_of("{{ a.text }}", a={"text": text}) is text
    assert render({"values": [compile_template("{{ a }}", ROOTS)]}, {"a": text}) == {"values": [text]}
    assert text.count == 0


def test_a_path_through_it_opens_it_and_hands_on_what_is_inside() -> None:
    inner = Counted("x")
    outer = Counted({"text": inner, "n": 1})
    assert value_of("{{ a.out.text }}", a={"out": outer}) is inner
    assert (outer.count, inner.count) == (1, 0)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        pytest.param("{{ size(a.text) }}", 3, id="function"),
        pytest.param("{{ a.text + '!' }}", "abc!", id="operator"),
        pytest.param("<{{ a.text }}>", "<abc>", id="mixed-text"),
        pytest.param(
            "{{ json(a) }}", '{"deep":{"n":1},"list":[1,"abc"],"other":"never","text":"abc"}', id="inside-all"
        ),
        pytest.param("{{ a.deep.n + 1 }}", 2, id="inside-one"),
        pytest.param("{{ a.list[1] }}", "abc", id="in-a-list"),
        pytest.param("{{ a.list.map(x, text(x)) }}", ["1", "abc"], id="macro"),
        pytest.param("{{ default(a.deep.n, 7) }}", 1, id="guarded"),
        pytest.param("{{ default(a.deep.m, 7) }}", 7, id="guarded-and-absent"),
        pytest.param("{{ json([a.deep, a.deep.n]) }}", '[{"n":1},1]', id="whole-and-part"),
    ],
)
def test_what_looks_inside_gets_the_value(template: str, expected: Any) -> None:
    data = {
        "text": Counted("abc"),
        "deep": Counted({"n": 1}),
        "list": Counted([1, Counted("abc")]),
        "other": Counted("never"),
    }
    assert value_of(template, a=data) == expected
    if "json(a)" not in template:
        assert data["other"].count == 0  # exactly the values that are named are opened


def test_an_expression_opens_only_what_it_names() -> None:
    unnamed = Counted("x")
    assert value_of("{{ a.n + 1 }}", a={"n": 1, "text": unnamed}) == 2
    assert unnamed.count == 0


def test_a_name_that_is_missing_inside_is_told_with_what_is_there() -> None:
    with pytest.raises(ExpressionError, match="no 'txt' in a") as caught:
        value_of("{{ a.txt }}", a=Counted({"text": 1}))
    assert "'text'" in caught.value.remedy


def test_complete_copies_nothing_that_has_nothing_to_open() -> None:
    plain = {"a": [1, {"b": "x"}]}
    assert complete(plain) is plain
    assert complete({"a": [Counted([Counted("x")])], "b": plain})["b"] is plain
