"""Prompts as data: what is wrong with one and where, and messages whose gaps are filled once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base.errors import ExpressionError, InvalidFile, InvalidInput
from engine.documents.json_file import parse
from engine.prompts.prompt import checked, messages
from engine.prompts.prompt_check import problems_of


def prompt(**changes: Any) -> Any:
    document = {
        "schema_version": 1,
        "labels": {"production": 1},
        "variables": {"subject": {"type": "string"}},
        "messages": [{"role": "user", "content": ["Subject: {{ subject }}"]}],
    }
    return {key: value for key, value in {**document, **changes}.items() if value is not None}


def test_a_right_prompt_has_no_problems() -> None:
    assert problems_of(parse(json.dumps(prompt()), "p.json"), [1]) == []


@pytest.mark.parametrize(
    ("changes", "field", "code", "words"),
    [
        pytest.param({"schema_version": 2}, "schema_version", "wrong_value", "1", id="schema-version"),
        pytest.param({"schema_version": True}, "schema_version", "wrong_value", "not true", id="true-for-1"),
        pytest.param(
            {"messages": [{"role": "user", "content": "{{ subject.startWith('a') }}"}]},
            "messages.0.content",
            "expression",
            "Did you mean 'startsWith'?",
            id="misspelt-function",
        ),
        pytest.param({"schema_version": None}, "schema_version", "missing_key", "is missing", id="no-schema-version"),
        pytest.param({"mesages": []}, "mesages", "unknown_key", "Did you mean 'messages'?", id="misspelt-key"),
        pytest.param(
            {"messages": [{"role": "user", "contents": "y", "content": "x"}], "variables": {}},
            "messages.0.contents",
            "unknown_key",
            "Did you mean 'content'?",
            id="misspelt-key-inside",
        ),
        pytest.param({"messages": []}, "messages", "wrong_value", "must not be empty", id="no-messages"),
        pytest.param(
            {"messages": [{"role": "boss", "content": "{{ subject }}"}]},
            "messages.0.role",
            "wrong_value",
            "'boss'",
            id="role",
        ),
        pytest.param(
            {"messages": [{"role": "user", "content": 5}]}, "messages.0.content", "wrong_type", "not 5", id="content"
        ),
        pytest.param(
            {"labels": {"production": 7}}, "labels.production", "missing_version", "version 7", id="no-version"
        ),
        pytest.param(
            {"labels": {"production": "1"}}, "labels.production", "wrong_type", "whole number", id="label-type"
        ),
        pytest.param({"labels": {"7": 1}}, "labels.7", "label", "'7' cannot be a label", id="label-that-is-a-number"),
        pytest.param(
            {"variables": {}}, "messages.0.content.0", "undeclared_variable", "'subject' is used", id="undeclared"
        ),
        pytest.param(
            {"variables": {"subject": {}, "spare": {}}}, "variables.spare", "unused_variable", "never used", id="unused"
        ),
        pytest.param({"variables": {"Subject x": {}}}, "variables.Subject x", "wrong_value", "lower-case", id="name"),
        pytest.param(
            {"variables": {"subject": {"type": "x"}}},
            "variables.subject.type",
            "schema",
            "not a JSON Schema",
            id="schema",
        ),
        pytest.param(
            {"output_schema": {"type": "array"}}, "output_schema", "schema", "is an object", id="output-no-object"
        ),
        pytest.param(
            {"messages": [{"role": "user", "content": "{{ subject + 1 }} {{ subject"}]},
            "messages.0.content",
            "expression",
            "not closed",
            id="open-expression",
        ),
        pytest.param(
            {"messages": [{"role": "user", "content": ["{{ subject }}"]}, {"role": "user", "content": [" "]}]},
            "messages.1.content",
            "empty_message",
            "empty",
            id="empty-message",
        ),
        pytest.param(
            {"sure_at_least": 0.8}, "sure_at_least", "no_choices", "Add a field with an 'enum'", id="no-choices"
        ),
        pytest.param({"sure_at_least": 0}, "sure_at_least", "wrong_value", "more than 0", id="sure-of-nothing"),
        pytest.param({"sure_at_least": 1.2}, "sure_at_least", "wrong_value", "at most 1", id="too-sure"),
        pytest.param(
            {"assertions": [{"type": "judge", "criterion": "It is kind."}]},
            "assertions.0.type",
            "wrong_value",
            "'judge'",
            id="no-judge-in-a-run",
        ),
        pytest.param(
            {"samples": [{"name": "s", "variables": {"subject": 5}}]},
            "samples.0.variables",
            "sample",
            "does not fit",
            id="sample",
        ),
    ],
)
def test_each_mistake_has_its_field(changes: dict[str, Any], field: str, code: str, words: str) -> None:
    [problem] = problems_of(parse(json.dumps(prompt(**changes)), "p.json"), [1])
    assert (problem.field, problem.code) == (field, code)
    assert words in f"{problem.message} {problem.remedy}"


MAIL = {
    "type": "object",
    "properties": {"subject": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}}},
}


@pytest.mark.parametrize(
    ("expression", "message", "remedy"),
    [
        pytest.param("mail.subjct", "no field 'subjct'", "did you mean `mail.subject`?", id="a-field"),
        pytest.param("mail.subject.name", "This is text; it has no fields", "", id="a-field-of-text"),
        pytest.param("mail.tags.map(t, t.name)", "This is text; it has no fields", "", id="in-a-macro"),
        pytest.param("mail.subject + 1", "text", "", id="types"),
        pytest.param("subject.matches('[a-')", "not a regular expression", "", id="a-part-that-always-fails"),
        pytest.param("count / 0", "divides by zero", "Guard it", id="by-zero"),
    ],
)
def test_the_fields_of_variables_are_checked(expression: str, message: str, remedy: str) -> None:
    variables = {"subject": {"type": "string"}, "mail": MAIL, "count": {"type": "integer"}}
    content = f"{{{{ subject }}}} {{{{ mail }}}} {{{{ count }}}} {{{{ {expression} }}}}"
    document = prompt(variables=variables, messages=[{"role": "user", "content": content}])
    [problem] = problems_of(parse(json.dumps(document), "p.json"), [1])
    assert (problem.code, problem.field) == ("expression", "messages.0.content")
    assert message in problem.message
    assert remedy in problem.remedy


@pytest.mark.parametrize(
    "expression",
    [
        "mail.subject.startsWith('Re') ? mail.tags[0] : subject",
        "mail.tags.map(t, t + '!').join(', ')",
        "default(mail.subject, 'none')",
        "anything.at.all",
        "json(mail)",
        "double(count) > 0.5 ? string(count) : ''",
    ],
)
def test_what_variables_have_is_no_problem(expression: str) -> None:
    variables = {"subject": {"type": "string"}, "mail": MAIL, "count": {"type": "integer"}, "anything": {}}
    content = f"{{{{ subject }}}} {{{{ mail }}}} {{{{ count }}}} {{{{ anything }}}} {{{{ {expression} }}}}"
    document = prompt(variables=variables, messages=[{"role": "user", "content": content}])
    assert problems_of(parse(json.dumps(document), "p.json"), [1]) == []


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        pytest.param({"messages": [{"role": "boss", "content": "{{ subjct }}"}]},
                     {"wrong_value", "undeclared_variable"}, id="role"),
        pytest.param({"messages": [{"role": "user", "content": 5}, {"role": "user", "content": "{{ subject + }}"}]},
                     {"wrong_type", "expression"}, id="another-message"),
        pytest.param({"schema_version": 2, "messages": [{"role": "user", "content": ["", "{{ subject.x }}"]}]},
                     {"wrong_value", "expression"}, id="lines"),
        pytest.param({"variables": None, "varables": {"subject": {}}}, {"unknown_key"}, id="misspelt-variables"),
        pytest.param({"variables": {"Big": {}}, "messages": [{"role": "user", "content": "{{ Big }} {{ big }}"}]},
                     {"wrong_value"}, id="a-wrong-name"),
        pytest.param({"variables": ["subject"]}, {"wrong_type"}, id="no-variables"),
        pytest.param({"messages": "{{ subjct }}"}, {"wrong_type"}, id="no-messages"),
        pytest.param({"messages": ["{{ subjct }}", {"role": "user"}, 5]}, {"wrong_type", "missing_key"}, id="no-text"),
    ],
)  # fmt: skip
def test_a_wrong_form_hides_no_mistake_in_an_expression(changes: dict[str, Any], codes: set[str]) -> None:
    found = problems_of(parse(json.dumps(prompt(**changes)), "p.json"), [1])
    assert {one.code for one in found} == codes


def test_a_mistake_in_an_expression_stands_at_its_line_and_column() -> None:
    text = json.dumps(
        prompt(
            messages=[{"role": "user", "content": ['a "quoted" {{ subject }}', "", "é {{ subjct }} and {{ other }}"]}]
        ),
        indent=1,
    )
    lines = text.split("\n")
    found = problems_of(parse(text, "p.json"), [1])
    assert [problem.code for problem in found] == ["undeclared_variable", "undeclared_variable"]
    for problem, word in zip(found, ("subjct", "other"), strict=True):
        assert lines[problem.line - 1][problem.column - 1 :].startswith(word)
    assert "Did you mean 'subject'?" in found[0].remedy


def test_a_text_that_is_no_object_is_one_problem() -> None:
    [problem] = problems_of(parse("[]", "p.json"), [])
    assert problem.code == "form"
    with pytest.raises(InvalidFile):
        checked(parse("[]", "p.json"))


@given(st.text(), st.lists(st.text(st.characters(exclude_characters="{}"))))
def test_values_are_filled_in_once_and_never_expanded(subject: str, lines: list[str]) -> None:
    document = prompt(messages=[{"role": "system", "content": lines}, {"role": "user", "content": "S: {{ subject }}"}])
    assert messages(document, {"subject": subject}) == [
        {"role": "system", "content": "\n".join(lines)},
        {"role": "user", "content": f"S: {subject}"},
    ]


def test_an_order_in_a_value_stays_a_value() -> None:
    order = "{{ subject }} {{ '{{' }} {{ 1 / 0 }}"
    assert messages(prompt(), {"subject": order}) == [{"role": "user", "content": f"Subject: {order}"}]


def test_defaults_stand_in_and_objects_are_shown_as_json() -> None:
    document = prompt(
        variables={"subject": {"type": "string", "default": "none"}, "rows": {"type": "array"}},
        messages=[{"role": "user", "content": "{{ subject }} {{ json(rows) }} {{ rows }} {{ size(rows) }}"}],
    )
    assert messages(document, {"rows": [{"a": 1}]})[0]["content"] == 'none [{"a":1}] [{"a":1}] 1'


@pytest.mark.parametrize(
    ("variables", "error", "words"),
    [
        pytest.param({}, InvalidInput, "'subject' has no value", id="missing"),
        pytest.param({"subject": "x", "subjct": 1}, InvalidInput, "no variable 'subjct'", id="unknown"),
        pytest.param({"subject": 5}, InvalidInput, "5 is not of type 'string'", id="type"),
        pytest.param({"subject": None}, InvalidInput, "null is not of type 'string'", id="null"),
    ],
)
def test_variables_that_do_not_fit_are_named(variables: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        messages(prompt(), variables)


def test_an_expression_without_a_value_names_its_message() -> None:
    document = prompt(messages=[{"role": "user", "content": "{{ subject.size }}"}])
    with pytest.raises(ExpressionError, match="Message 1 of the prompt"):
        messages(document, {"subject": "x"})
