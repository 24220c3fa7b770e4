"""What each type of assertion accepts, and what it says of anything else."""

from __future__ import annotations

from typing import Any

import pytest

from engine.prompts.assertions import Facts
from engine.prompts.cases import CaseModel

JSON = '{"kind": "bug", "title": "Export fails", "tags": [{"name": "export"}], "open": true}'
VALUE = {"kind": "bug", "title": "Export fails", "tags": [{"name": "export"}], "open": True}
HOLD: list[tuple[dict[str, Any], Facts]] = [
    ({"type": "equals", "value": VALUE}, Facts(JSON, VALUE)),
    ({"type": "equals", "value": "Hello"}, Facts(" Hello\n")),
    ({"type": "contains", "value": "fails"}, Facts("It fails.")),
    ({"type": "contains", "field": "title", "value": "fails"}, Facts(JSON, VALUE)),
    ({"type": "not_contains", "value": "password"}, Facts("It fails.")),
    ({"type": "not_contains", "field": "body", "value": "x"}, Facts(JSON, VALUE)),
    ({"type": "regex", "pattern": "^Exp.*fails$", "field": "title"}, Facts(JSON, VALUE)),
    ({"type": "similar", "value": "the  export FAILS today", "at_least": 0.75}, Facts("The export fails now")),
    ({"type": "similar", "field": "title", "value": "Export fails"}, Facts(JSON, VALUE)),
    ({"type": "similar", "value": "a b " * 50_000}, Facts("b a " * 50_000)),
    ({"type": "valid_json"}, Facts(f"Here: {JSON}")),
    ({"type": "json_schema", "schema": {"type": "object", "required": ["kind"]}}, Facts(JSON, VALUE)),
    ({"type": "field_equals", "field": "tags.0.name", "value": "export"}, Facts(JSON, VALUE)),
    ({"type": "field_equals", "field": "open", "value": True}, Facts(JSON, VALUE)),
    ({"type": "max_tokens", "value": 20}, Facts("Hi", output_tokens=20)),
    ({"type": "max_cost", "value": 0.01}, Facts("Hi", cost_usd=0.01)),
    ({"type": "max_seconds", "value": 2}, Facts("Hi", seconds=2.0)),
]
FAIL: list[tuple[dict[str, Any], Facts, str]] = [
    ({"type": "equals", "value": {"open": 1}}, Facts('{"open": true}', {"open": True}), 'It is {"open": true}, not'),
    ({"type": "equals", "value": "Hello"}, Facts("hello"), 'It is "hello", not "Hello".'),
    ({"type": "contains", "value": "no"}, Facts("yes"), 'It does not contain "no": "yes".'),
    ({"type": "contains", "field": "body", "value": "no"}, Facts(JSON, VALUE), "There is no 'body' in"),
    ({"type": "not_contains", "value": "fails"}, Facts(JSON), 'It contains "fails"'),
    ({"type": "regex", "pattern": "^b"}, Facts("ab"), "It does not match '^b'"),
    ({"type": "similar", "value": "It fails."}, Facts("All is well"), 'It is 0% like "It fails.", not 80%: "All'),
    ({"type": "similar", "field": "body", "value": "x"}, Facts(JSON, VALUE), "There is no 'body' in"),
    ({"type": "valid_json"}, Facts("no"), 'It is not JSON: "no".'),
    ({"type": "json_schema", "schema": {"type": "object", "required": ["x"]}}, Facts(JSON), "'x' is a required"),
    ({"type": "field_equals", "field": "kind", "value": "task"}, Facts(JSON), '\'kind\' is "bug", not "task".'),
    ({"type": "field_equals", "field": "tags.7", "value": 1}, Facts(JSON), "There is no 'tags.7'"),
    ({"type": "max_tokens", "value": 19}, Facts("Hi", output_tokens=20), "It has 20 tokens, more than 19."),
    ({"type": "max_cost", "value": 0.01}, Facts("Hi", cost_usd=0.02), "It costs $0.020000, more than $0.010000."),
    ({"type": "max_cost", "value": 1}, Facts("Hi"), "Its cost is not known"),
    ({"type": "max_seconds", "value": 2}, Facts("Hi", seconds=2.1), "It took 2.1 s, more than 2 s."),
]


def fault(assertion: dict[str, Any], facts: Facts) -> str:
    [one] = CaseModel.model_validate({"name": "A", "assertions": [assertion]}).assertions
    return one.fault(facts)


@pytest.mark.parametrize(("assertion", "facts"), HOLD)
def test_an_answer_as_expected_passes(assertion: dict[str, Any], facts: Facts) -> None:
    assert fault(assertion, facts) == ""


@pytest.mark.parametrize(("assertion", "facts", "words"), FAIL)
def test_any_other_answer_fails_in_words(assertion: dict[str, Any], facts: Facts, words: str) -> None:
    assert words in fault(assertion, facts)


def test_a_pattern_takes_linear_time() -> None:
    assert fault({"type": "regex", "pattern": "^(a|a)*$"}, Facts("a" * 50_000 + "b")) != ""
