"""No schema and no value makes its check slow: patterns are linear, all other work is counted."""

from __future__ import annotations

import time
from typing import Any

import pytest

from engine.documents.schema_check import misfits, schema_faults
from engine.expressions.patterns import BadPattern, pattern
from tests.few import rare

_SLOW = "a" * 40 + "!"
_WIDE = {
    "$defs": {f"a{n}": {"oneOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 12} for n in range(6)} | {"a6": {"type": "integer"}},
    "$ref": "#/$defs/a0",
}
_TWICE = {"$ref": "#/$defs/a0", "$defs": {"a40": {"type": "integer"}}}
for _n in range(40):
    _again = {"properties": {"x": {"$ref": f"#/$defs/a{_n + 1}"}}}
    _TWICE["$defs"][f"a{_n}"] = {**_again, "allOf": [_again]}  # type: ignore[index]


def _nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"x": value}
    return value


@pytest.mark.parametrize(
    ("schema", "value", "words"),
    [
        pytest.param({"pattern": "(a+)+$"}, _SLOW, "does not match", id="nested-repetition"),
        pytest.param({"pattern": "(a|aa)+$"}, _SLOW, "does not match", id="alternatives"),
        pytest.param({"pattern": "(.*)*x(.*)*y"}, "x" * 10_000, "does not match", id="two-ends"),
        pytest.param(
            {"patternProperties": {"(a+)+$": {}}, "additionalProperties": False}, {_SLOW: 1}, "unexpected", id="names"
        ),
        pytest.param(
            {
                "properties": {
                    "default": {"$schema": "https://json-schema.org/draft/2020-12/schema", "pattern": "(a+)+$"}
                }
            },
            {"default": _SLOW},
            "does not match",
            id="dialect-inside",
        ),
        pytest.param(
            {
                "$schema": "http://json-schema.org/draft-07/schema#",
                "properties": {"a": {"$ref": "#"}},
                "pattern": "(a+)+$",
            },
            {"a": _SLOW},
            "does not match",
            id="dialect",
        ),
        pytest.param({"propertyNames": {"pattern": "(a+)+$"}}, {_SLOW: 1}, "does not match", id="property-names"),
        pytest.param({"pattern": "[01]*1[01]{1000}x"}, "01" * 500_000, "more than 1,000,000 steps", id="many-states"),
        pytest.param(_WIDE, "x", "more than 1,000,000 steps", id="wide-alternatives"),
        rare(_TWICE, _nested(40), "more than 1,000,000 steps", id="each-level-twice"),
        pytest.param(
            {"uniqueItems": True}, [{"a": n} for n in range(50_000)] + [{"a": 1.0}], "non-unique", id="unique"
        ),
        pytest.param({"anyOf": [{"type": "integer"}] * 1000}, "x" * 900_000, "steps", id="long-sentences"),
        rare({"items": {"enum": list(range(4000))}}, list(range(90_000)), "steps", id="long-enum"),
    ],
)
@pytest.mark.slow
def test_a_check_ends_soon_with_a_sentence(schema: Any, value: Any, words: str) -> None:
    assert list(schema_faults(schema)) == []
    began = time.thread_time()
    told = next(misfits(value, schema))
    assert time.thread_time() - began < 15
    assert words in told


@pytest.mark.parametrize(
    ("source", "words"),
    [
        pytest.param("(?=a)b", "looks ahead or behind", id="ahead"),
        pytest.param("(?<!a)b", "looks ahead or behind", id="behind"),
        pytest.param(r"(a)\1", "refers back", id="back-reference"),
        pytest.param(r"a\Z", "Write $", id="end-of-python"),
        pytest.param("(a{1000}){1000}", "more than 1,000 times", id="counted"),
        pytest.param("(((a{100}){10}b){1}" + r"[\p{L}\p{N}]{40}" + ")", "steps", id="large-program"),
        pytest.param("a" * 2001, "2,001 characters", id="long"),
        pytest.param("a++", "in a row", id="possessive"),
        pytest.param("\ud800", "half a character", id="surrogate"),
    ],
)
@pytest.mark.parametrize("schema_of", [lambda p: {"pattern": p}, lambda p: {"patternProperties": {p: {}}}])
def test_a_pattern_that_cannot_be_used_is_told_of_at_its_place(source: str, words: str, schema_of: Any) -> None:
    [(path, told)] = list(schema_faults(schema_of(source)))
    assert "attern" in str(path[0])
    assert words in told


@pytest.mark.parametrize(
    ("source", "text"),
    [
        pytest.param(r"^\u0041\/\-$", "A/-", id="code-unit"),
        pytest.param(r"^\u{1F600}$", "\U0001f600", id="code-point"),
        pytest.param(r"^(?<year>\d{4})-\d\d$", "2026-11", id="named-group"),
        pytest.param(r"^\\u0041$", "\\u0041", id="escaped-backslash"),
        pytest.param(r"^\p{Lu}", "Éa", id="property"),
        pytest.param("b", "abc", id="anywhere"),
    ],
)
def test_patterns_of_json_schema_mean_what_they_mean_there(source: str, text: str) -> None:
    assert pattern(source).is_found_in(text)


def test_a_text_with_half_a_character_is_checked_like_any_other() -> None:
    assert pattern("^a.b$").is_found_in("a\ud800b")


def test_an_end_is_the_end_of_the_text() -> None:
    assert not pattern("^a$").is_found_in("a\n")


def test_a_schema_of_many_parts_is_refused() -> None:
    [(_, told)] = schema_faults({"properties": {f"x{n}": {"type": "string"} for n in range(15_000)}})
    assert "at most 20,000" in told


def test_equal_is_what_json_calls_equal() -> None:
    assert list(misfits(1.0, {"enum": [1]})) == []
    assert list(misfits(True, {"const": 1})) == ["1 was expected."]
    assert list(misfits([1, True, "1"], {"uniqueItems": True})) == []


def test_a_pattern_that_is_none_never_gets_to_a_value() -> None:
    with pytest.raises(BadPattern):
        pattern("(")


def test_data_in_a_schema_is_no_schema() -> None:
    data = {"$schema": "http://json-schema.org/draft-07/schema#"}
    assert list(misfits(data, {"const": data})) == []
    assert list(misfits(data, {"enum": [data]})) == []
    assert list(misfits({"$schema": 1}, {"properties": {"$schema": {"type": "integer"}}})) == []


_LARGE = "(a|b|[^x]{1,999}){0,1}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("patterns", "said"),
    [
        pytest.param([f"{_LARGE}{n}" for n in range(9_000)], "1,000,000 steps", id="large"),
        pytest.param([rf"(\pL{{1,60}}\pN){{1,10}}{n}" for n in range(9_000)], "1,000,000 steps", id="refused"),
        pytest.param([f"a{n}" for n in range(9_000)], "400 different patterns", id="many"),
    ],
)
@pytest.mark.parametrize("keyword", ["pattern", "patternProperties"])
def test_patterns_that_take_long_together_are_refused_at_once(patterns: list[str], said: str, keyword: str) -> None:
    if keyword == "pattern":
        schema: dict[str, Any] = {"properties": {f"p{n}": {"pattern": one} for n, one in enumerate(patterns)}}
    else:
        schema = {"patternProperties": {one: {} for one in patterns}}
    began = time.thread_time()
    [(_, sentence)] = schema_faults(schema)
    assert said in sentence
    assert time.thread_time() - began < 4


@pytest.mark.slow
def test_one_pattern_used_everywhere_counts_once() -> None:
    schema = {"properties": {f"p{n}": {"pattern": f"{_LARGE}one"} for n in range(3_000)}}
    assert list(schema_faults(schema)) == []


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        pytest.param(
            "date",
            ["2026-02-28", "2028-02-29"],
            ["2026-02-30", "2026-02-29", "2026-2-3", "20260228", "soon", ""],
            id="date",
        ),
        pytest.param(
            "date-time",
            ["2026-02-28T10:00:00Z", "2026-02-28T10:00", "2026-02-28 23:59:60.5+05:30"],
            ["2026-02-30T10:00:00Z", "2026-02-28T24:00:00Z", "2026-02-28", "2026-02-28T10:00:00+25:00"],
            id="date-time",
        ),
        pytest.param(
            "time", ["10:00", "23:59:60Z", "10:00:00.25-03:00"], ["24:00", "10:60", "10", "10:00:61"], id="time"
        ),
    ],
)
def test_a_date_or_time_that_does_not_exist_is_refused(name: str, good: list[str], bad: list[str]) -> None:
    schema = {"type": "string", "format": name}
    assert [list(misfits(one, schema)) for one in good] == [[] for _ in good]
    assert [list(misfits(one, schema)) for one in bad] == [[f"{one!r} is not a {name}."] for one in bad]
