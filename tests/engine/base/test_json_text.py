"""The JSON text that the engine keeps says what was given, in the form of Python's own encoder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base.json_text import compact, indented, indented_inside, value_of
from tests.few import examples

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=30)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)
"""Numbers with a point may be written as 1e-7 or 1e-07."""


@pytest.mark.slow
@examples(25)
@given(st.dictionaries(st.text(), values))
def test_what_was_written_is_read_again(value: dict[str, Any]) -> None:
    assert json.loads(compact(value)) == value
    assert json.loads(indented(value)) == value
    assert json.loads(indented(value, {key: indented_inside(inner) for key, inner in value.items()})) == value


@pytest.mark.slow
@examples(25)
@given(st.dictionaries(st.text(), plain))
def test_it_is_what_python_would_write(value: dict[str, Any]) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=2) + "\n"
    assert indented(value) == text
    assert indented(value, {key: indented_inside(inner) for key, inner in value.items()}) == text
    assert compact(value) == json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "read"),
    [
        pytest.param(float("nan"), None, id="not a number"),
        pytest.param(2**70, 2**70, id="a whole number over 64 bits"),
        pytest.param("a\ud83d", "a\ufffd", id="half a surrogate pair"),
        pytest.param(nested(300), nested(300), id="300 levels"),
    ],
)
def test_what_not_every_encoder_takes_is_written_too(value: Any, read: Any) -> None:
    assert json.loads(compact({"x": value})) == {"x": read}
    assert json.loads(indented({"x": value})) == {"x": read}
    assert json.loads(indented({"x": value}, {"x": indented_inside(value)})) == {"x": read}


@dataclass
class Point:
    """No JSON."""

    x: int


@pytest.mark.parametrize("value", [datetime.now(UTC), Point(1), b"bytes", {1}], ids=["time", "object", "bytes", "set"])
def test_what_is_no_json_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        compact({"x": value})
    with pytest.raises(TypeError):
        indented({"x": value})


_READ = ['{"a": [1, -0.5, null, "ü"]}', "123456789012345678901234567890", "[NaN]", '"\\ud800"', "[" * 500 + "]" * 500]


@pytest.mark.parametrize("text", _READ)
def test_a_text_is_read_as_python_reads_it(text: str) -> None:
    assert repr(value_of(text)) == repr(value_of(text.encode())) == repr(json.loads(text))


@pytest.mark.parametrize("text", [b"", b'{"a": 1', b"\xff", b"{'a': 1}"])
def test_a_text_that_is_no_json_is_an_error(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        value_of(text)
