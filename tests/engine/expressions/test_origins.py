"""Where a value comes from, and whether text from outside may be left of it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from engine.expressions.cel_types import ANYTHING, Schema
from engine.expressions.origins import Derived, ValueOrigin, derived, has_outside_text, mixed, source
from engine.expressions.syntax import SyntaxNode
from engine.expressions.typed import Visible, compile_typed

OUTSIDE: Schema = {"type": "string", "outside": True}
MAIL: Schema = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "subject": OUTSIDE,
        "text": {"anyOf": [{"type": "string"}, {"type": "null"}], "outside": True},
        "size": {"type": "integer", "outside": True},
        "kind": {"type": "string", "enum": ["bug", "task"], "outside": True},
        "labels": {"type": "array", "items": {"type": "string"}, "outside": True},
        "headers": {"type": "object", "additionalProperties": OUTSIDE},
        "parent": {"$ref": "#/$defs/Thread"},
    },
    "additionalProperties": False,
    "$defs": {
        "Thread": {
            "type": "object",
            "properties": {"title": OUTSIDE, "count": {"type": "integer"}, "up": {"$ref": "#/$defs/Thread"}},
            "additionalProperties": False,
        },
        "Plain": {"type": "object", "properties": {"up": {"$ref": "#/$defs/Plain"}}, "additionalProperties": False},
    },
}
SCHEMAS: Mapping[str, Schema] = {
    "mail": MAIL,
    "mails": {"type": "array", "items": MAIL, "$defs": MAIL["$defs"]},
    "answer": ANYTHING,
    "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
    "inputs": {"type": "object", "properties": {"to": {"type": "string"}, "limit": {"type": "integer"}}},
    "plain": {"$ref": "#/$defs/Plain", "$defs": MAIL["$defs"]},
}
KNOWN: Mapping[str, Derived] = {
    "mail": source(("steps", "read", "output"), MAIL),
    "mails": source(("steps", "find", "output", "messages"), SCHEMAS["mails"]),
    "answer": source(("steps", "ask", "output"), is_outside=True),
    "counts": source(("steps", "count", "output"), SCHEMAS["counts"], is_outside=True),
    "inputs": Derived((ValueOrigin(("inputs",), SCHEMAS["inputs"], is_input=True),)),
    "plain": source(("plain",), SCHEMAS["plain"]),
}


def tree(text: str) -> SyntaxNode:
    return compile_typed(text, Visible(dict.fromkeys(SCHEMAS, ANYTHING))).tree


def found(*texts: str, certain: str | None = None) -> Derived:
    values = [derived(tree(text), KNOWN, [] if certain is None else [tree(certain)]) for text in texts]
    return values[0] if len(values) == 1 else mixed(values)


def paths(value: Derived) -> set[str]:
    return {".".join(one.path) for one in value.origins}


def inputs(value: Derived) -> set[str]:
    return {".".join(one.path) for one in value.inputs}


CLEAN = [
    "1",
    "'literal text'",
    "mail.id",
    "plain",
    "counts.a",
    "counts['a'] + 1",
    "mail.size",
    "mail.parent.up.count",
    "mail.kind",
    "[mail.kind]",
    "size(mail.subject)",
    "mail.subject == 'x'",
    "mail.subject.contains('x') || mail.subject.matches('^x')",
    "has(mail.text)",
    "int(mail.subject) + 1",
    "string(size(answer))",
    "timestamp(mail.subject)",
    "mails.exists(m, m.subject == 'x')",
    "mails.exists_one(m, m.subject == 'x')",
    "mails.all(m, m.subject != '')",
    "mails.map(m, m.id)",
    "mails.filter(m, m.subject == 'x').map(m, m.id)",
    "mails.map(m, {'id': m.id, 's': m.subject}).map(m, m.id)",
    "mails.map(m, {'id': m.id, 's': m.subject})[0].id",
    "{'a': mail.subject, 'b': mail.id}.b",
    "[{'a': mail.subject, 'b': 1}, {'a': 'x', 'b': mail.id}][0].b",
    "({'a': mail.subject, 'b': mail.id}).?b.orValue('none')",
    "answer in ['a', 'b'] ? answer : 'a'",
    "!(answer in ['a', 'b']) ? 'a' : answer",
    "answer == 'a' || answer == 'b' ? answer : 'a'",
    "answer != 'a' && answer != 'b' ? 'c' : answer",
    "answer.to in ['a', 'b'] && mail.size > 1 ? answer.to : 'a'",
    "answer == mail.id ? answer : 'a'",
    "answer in [mail.id, 'b'] ? answer : 'a'",
    "answer.trim() in ['a'] ? answer.trim() : 'a'",
    "answer.filter(x, x in ['a', 'b'])",
    "answer.map(x, x in ['a', 'b'] ? x : 'a')",
    "answer.filter(x, x in ['a', 'b']).map(x, 'to-' + x)",
    "mail.subject.startsWith('x') ? 'a' : 'b'",
    "['a', 'b'][answer]",
]
CARRYING = [
    "mail.subject",
    "mail.text",
    "mail",
    "mails",
    "mails[0]",
    "mail.labels",
    "mail.labels[0]",
    "mail.headers",
    "mail.headers['X-To']",
    "mail.headers.map(k, k)",
    "mail.parent.up.title",
    "mail.unheard_of",
    "answer",
    "answer.deep.inside[0]",
    "json(mail)",
    "counts",
    "counts.map(k, k)[0]",
    "counts.map(k, {'name': k})[0].name",
    "'a' + mail.subject",
    "mail.subject.trim().split(',')[0]",
    "'%s of %d'.format([mail.subject, mail.size])",
    "[mail.subject].join(',')",
    "[1, mail.subject]",
    "{'a': mail.subject}",
    "{mail.subject: 1}",
    "{'a': mail.subject}['a']",
    "{mail.subject: 1}.map(k, k)",
    "{'a': mail.subject, 'b': mail.id}.map(k, k)",
    "mail.size > 1 ? mail.subject : 'x'",
    "mail.size > 1 ? 'x' : mail.subject",
    "default(mail.subject, 'x')",
    "default(mail.id, mail.subject)",
    "mail.?subject.orValue('x')",
    "mails.map(m, m.subject)",
    "mails.filter(m, m.id == 'x')",
    "mails.filter(m, m.id == 'x').map(m, m.subject)[0]",
    "(mails + mails)[0].subject",
    "[{'a': mail.subject}, {'a': 'x'}][0].a",
    "mails.map(m, {'id': m.id, 's': m.subject})[0].s",
    "answer in ['a', mail.subject] ? answer : 'a'",
    "answer in mail.labels ? answer : 'a'",
    "answer == mail.text ? answer : 'a'",
    "mails.filter(m, m.subject == m.text).map(m, m.subject)",
    "mails.map(mail, answer == mail.id ? answer : 'a')",
    "answer in mail.labels || answer == 'a' ? answer : 'a'",
    "answer in ['a'] ? 'a' : answer",
    "answer == 'a' || mail.size > 1 ? answer : 'a'",
    "!(answer == 'a' && mail.size > 1) ? answer : 'a'",
    "answer.to in ['a'] ? answer : 'a'",
    "answer.startsWith('https://example.com') ? answer : 'a'",
    "answer.matches('^[a-z]+$') ? answer : 'a'",
    "mails.map(m, m.subject in ['a'] ? mails.map(m, m.subject) : ['a'])",
]


@pytest.mark.parametrize("text", CLEAN)
def test_no_text_from_outside_is_left_in(text: str) -> None:
    assert found(text).rank == 0


@pytest.mark.parametrize("text", CARRYING)
def test_text_from_outside_may_be_in(text: str) -> None:
    assert found(text).outside is not None


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("inputs.to", {"inputs.to"}),
        ("text(inputs.to)", {"inputs.to"}),
        ("inputs", {"inputs"}),
        ("inputs.limit", set()),
        ("mail.id in ['a'] ? inputs.to : 'b'", {"inputs.to"}),
        ("answer in [inputs.to] ? answer : 'b'", {"inputs.to"}),
        ("answer == inputs.to ? answer : inputs.to", {"inputs.to"}),
        ("answer == inputs.to ? inputs.to : 'a'", {"inputs.to"}),
    ],
)
def test_text_of_an_input_is_that_of_who_starts_the_workflow(text: str, names: set[str]) -> None:
    value = found(text)
    assert value.outside is None
    assert inputs(value) == names


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("1", set()),
        ("mail.subject", {"steps.read.output.subject"}),
        ("mails[0].subject", {"steps.find.output.messages.[].subject"}),
        ("mails.map(m, m.parent.title)", {"steps.find.output.messages.[].parent.title"}),
        ("inputs.to + mail.subject", {"inputs.to", "steps.read.output.subject"}),
        ("{'a': mail.subject, 'b': mail.id}.b", {"steps.read.output.id"}),
        ("mail.size > 1 ? mail.id : inputs.to", {"steps.read.output.id", "inputs.to"}),
        ("mails.exists(m, m.id == inputs.to)", set()),
        ("answer.split(',')[0]", {"steps.ask.output"}),
    ],
)
def test_a_value_derives_from(text: str, origins: set[str]) -> None:
    assert paths(found(text)) == origins


@pytest.mark.parametrize(
    ("text", "is_exact"),
    [
        ("mail.subject", True),
        ("mails.filter(m, m.size > 1)[0].subject", True),
        ("mail.size > 1 ? mail.subject : 'a'", True),
        ("mail.subject + ''", False),
        ("mail.subject.trim()", False),
        ("text(mail.subject)", False),
    ],
)
def test_an_origin_says_whether_it_is_the_value_itself(text: str, is_exact: bool) -> None:
    assert [one.is_exact for one in found(text).origins] == [is_exact]


def test_mixed_text_derives_from_all_its_expressions() -> None:
    assert paths(found("mail.id", "mail.subject", "mail.size")) == {"steps.read.output.subject"}
    assert found("mail.id", "mail.size").rank == 0


def test_a_condition_that_was_tested_before_counts() -> None:
    tested = "answer.to in ['a', 'b'] && mail.size > 1"
    assert found("answer.to", certain=tested).rank == 0
    assert found("answer.cc", certain=tested).rank == 2
    assert found("answer.to", certain=f"!({tested})").rank == 2
    assert found("answer.to", certain="!(answer.to != 'a')").rank == 0


def test_deep_literals_count_as_one_value() -> None:
    deep = "mail.subject"
    for _ in range(20):
        deep = f"{{'a': {deep}, 'b': {deep}}}" if len(deep) < 500 else f"{{'a': {deep}}}"
    assert found(deep).outside is not None


def test_a_reference_means_what_a_validator_takes_it_for() -> None:
    choice: Schema = {"enum": ["x"]}
    near: Schema = {"$defs": {"a": choice}, "properties": {"a": {"type": "string"}}, "$ref": "#/properties/a"}
    inner: Schema = {"$defs": {"a": choice}, "$ref": "#/$defs/a"}
    far: Schema = {"$defs": {"a": {"type": "string"}}, "anyOf": [inner]}
    assert [has_outside_text(one, is_outside=True) for one in (near, far, inner)] == [True, True, False]
