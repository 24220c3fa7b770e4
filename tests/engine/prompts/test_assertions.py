"""What each type of assertion accepts, and what it says of anything else."""

from __future__ import annotations

from typing import Any

import pytest

from engine.prompts.assertions import AnswerFacts
from engine.prompts.cases import CaseModel
from tests.counted_steps import at_most

JSON = '{"kind": "bug", "title": "Export fails", "tags": [{"name": "export"}], "open": true}'
VALUE = {"kind": "bug", "title": "Export fails", "tags": [{"name": "export"}], "open": True}
HOLD: list[tuple[dict[str, Any], AnswerFacts]] = [
    ({"type": "equals", "value": VALUE}, AnswerFacts(JSON, VALUE)),
    ({"type": "equals", "value": "Hello"}, AnswerFacts(" Hello\n")),
    ({"type": "contains", "value": "fails"}, AnswerFacts("It fails.")),
    ({"type": "contains", "field": "title", "value": "fails"}, AnswerFacts(JSON, VALUE)),
    ({"type": "not_contains", "value": "password"}, AnswerFacts("It fails.")),
    ({"type": "not_contains", "field": "body", "value": "x"}, AnswerFacts(JSON, VALUE)),
    ({"type": "regex", "pattern": "^Exp.*fails$", "field": "title"}, AnswerFacts(JSON, VALUE)),
    ({"type": "similar", "value": "the  export FAILS today", "at_least": 0.75}, AnswerFacts("The export fails now")),
    ({"type": "similar", "field": "title", "value": "Export fails"}, AnswerFacts(JSON, VALUE)),
    ({"type": "similar", "value": "a b " * 50_000}, AnswerFacts("b a " * 50_000)),
    ({"type": "valid_json"}, AnswerFacts(f"Here: {JSON}")),
    ({"type": "json_schema", "schema": {"type": "object", "required": ["kind"]}}, AnswerFacts(JSON, VALUE)),
    ({"type": "field_equals", "field": "tags.0.name", "value": "export"}, AnswerFacts(JSON, VALUE)),
    ({"type": "field_equals", "field": "open", "value": True}, AnswerFacts(JSON, VALUE)),
    ({"type": "max_tokens", "value": 20}, AnswerFacts("Hi", output_tokens=20)),
    ({"type": "max_cost", "value": 0.01}, AnswerFacts("Hi", cost_usd=0.01)),
    ({"type": "max_seconds", "value": 2}, AnswerFacts("Hi", seconds=2.0)),
]
FAIL: list[tuple[dict[str, Any], AnswerFacts, str]] = [
    (
        {"type": "equals", "value": {"open": 1}},
        AnswerFacts('{"open": true}', {"open": True}),
        'It is {"open": true}, not',
    ),
    ({"type": "equals", "value": "Hello"}, AnswerFacts("hello"), 'It is "hello", not "Hello".'),
    ({"type": "contains", "value": "no"}, AnswerFacts("yes"), 'It does not contain "no": "yes".'),
    ({"type": "contains", "field": "body", "value": "no"}, AnswerFacts(JSON, VALUE), "There is no 'body' in"),
    ({"type": "not_contains", "value": "fails"}, AnswerFacts(JSON), 'It contains "fails"'),
    ({"type": "regex", "pattern": "^b"}, AnswerFacts("ab"), "It does not match '^b'"),
    ({"type": "similar", "value": "It fails."}, AnswerFacts("All is well"), 'It is 0% like "It fails.", not 80%: "All'),
    ({"type": "similar", "field": "body", "value": "x"}, AnswerFacts(JSON, VALUE), "There is no 'body' in"),
    ({"type": "valid_json"}, AnswerFacts("no"), 'It is not JSON: "no".'),
    ({"type": "json_schema", "schema": {"type": "object", "required": ["x"]}}, AnswerFacts(JSON), "'x' is a required"),
    ({"type": "field_equals", "field": "kind", "value": "task"}, AnswerFacts(JSON), '\'kind\' is "bug", not "task".'),
    ({"type": "field_equals", "field": "tags.7", "value": 1}, AnswerFacts(JSON), "There is no 'tags.7'"),
    ({"type": "max_tokens", "value": 19}, AnswerFacts("Hi", output_tokens=20), "It has 20 tokens, more than 19."),
    ({"type": "max_cost", "value": 0.01}, AnswerFacts("Hi", cost_usd=0.02), "It costs $0.020000, more than $0.010000."),
    ({"type": "max_cost", "value": 1}, AnswerFacts("Hi"), "Its cost is not known"),
    ({"type": "max_seconds", "value": 2}, AnswerFacts("Hi", seconds=2.1), "It took 2.1 s, more than 2 s."),
]


def fault(assertion: dict[str, Any], facts: AnswerFacts) -> str:
    [one] = CaseModel.model_validate({"name": "A", "assertions": [assertion]}).assertions
    return one.fault(facts)


@pytest.mark.parametrize(("assertion", "facts"), HOLD)
def test_an_answer_as_expected_passes(assertion: dict[str, Any], facts: AnswerFacts) -> None:
    assert fault(assertion, facts) == ""


@pytest.mark.parametrize("period", [1, 5, 50])
def test_no_answer_takes_more_steps_than_its_words_allow(period: int) -> None:
    value = " ".join(f"p{at % period}" for at in range(1_000))
    facts = AnswerFacts(" ".join(f"p{at % period} x{at}" for at in range(500)))
    with at_most(20_000):
        assert fault({"type": "similar", "value": value}, facts).startswith("It is 50% like")


@pytest.mark.parametrize(("assertion", "facts", "words"), FAIL)
def test_any_other_answer_fails_in_words(assertion: dict[str, Any], facts: AnswerFacts, words: str) -> None:
    assert words in fault(assertion, facts)


def test_a_pattern_takes_linear_time() -> None:
    assert fault({"type": "regex", "pattern": "^(a|a)*$"}, AnswerFacts("a" * 50_000 + "b")) != ""
