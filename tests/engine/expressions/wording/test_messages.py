"""What fails while an expression is evaluated is said in plain words, with what to do."""

from __future__ import annotations

from typing import Any

import pytest

from engine.base.errors import ExpressionError
from engine.expressions.expressions import compile_template

VALUES: dict[str, Any] = {"none": [], "mixed": ["x", 1], "text": "100 %", "large": 1e308}
SAID = [
    ("'%q'.format([1])", "'%q', which has no value", "%s"),
    ("'%s %s'.format([1])", "no value number 2", "%s"),
    ("a.text.format([1])", "ends with a single '%'", "%%"),
    ("'%d'.format(['x'])", "%d does not take text", "%s"),
    ("'%x'.format([1.5])", "%x does not take a number with a point", "%s"),
    ("'%f'.format(['x'])", "take a number, and this is text", "%s"),
    ("math.greatest(a.none)", "math.greatest takes numbers", "size(x) > 0 ? math.greatest(x)"),
    ("math.least(a.mixed)", "math.least takes numbers", "double(x)"),
    ("math.greatest([])", "math.greatest takes numbers", "size(x) > 0"),
    ("math.least('x', 'y')", "math.least takes numbers", "double(x)"),
    ("a.mixed.join(', ')", "'join' takes a list of texts", "x.map(i, text(i)).join(', ')"),
    ("[1, 2].join(', ')", "this is a list of a whole number", "x.map(i, text(i)).join(', ')"),
    ("'abc'.join(', ')", "this is text", "x.map(i, text(i)).join(', ')"),
    ("a.none.join(1)", "puts a whole number between", "x.join(', ')"),
    ("a.large * 10.0", "inf", "the largest is about 1.8e308"),
    ("default(a.text.name, 'x')", "This is text; it has no field", "last name"),
]


@pytest.mark.parametrize(("expression", "message", "remedy"), SAID, ids=[one[0] for one in SAID])
def test_what_fails_is_said_in_plain_words(expression: str, message: str, remedy: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        compile_template(f"{{{{ {expression} }}}}", frozenset({"a"})).value({"a": VALUES})
    assert message in raised.value.message
    assert remedy in raised.value.remedy
