"""Where a value comes from: its references, the operations on the way, and whether text from outside may be left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from engine.expressions.celtypes import ANYTHING, Schema
from engine.expressions.origins import Derived, Known, Reference, derived, listed, references, source
from engine.expressions.syntax import Node
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
    "inputs": {"type": "object", "properties": {"to": {"type": "string"}, "limit": {"type": "integer"}}},
    "plain": {"$ref": "#/$defs/Plain", "$defs": MAIL["$defs"]},
}
KNOWN: Known = {
    ("mail",): source(("steps", "read", "output"), MAIL),
    ("mails",): source(("steps", "find", "output", "messages"), SCHEMAS["mails"]),
    ("answer",): source(("steps", "ask", "output"), is_outside=True),
    ("inputs",): source(("inputs",), SCHEMAS["inputs"]),
    ("inputs", "to"): source(("trigger", "sender"), {"type": "string"}, is_outside=True),
    ("plain",): source(("plain",), SCHEMAS["plain"]),
}


def tree(text: str) -> Node:
    return compile_typed(text, Visible(dict.fromkeys(SCHEMAS, ANYTHING))).tree


def found(*texts: str, **more: Any) -> Derived:
    return derived([tree(text) for text in texts], KNOWN, **more)


def paths(value: Derived) -> set[str]:
    return {".".join(one.path) for one in value.origins}


CLEAN = [
    "1",
    "'literal text'",
    "mail.id",
    "inputs",
    "plain",
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
    "inputs.to",
    "json(mail)",
    "text(inputs.to)",
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
    "answer == mail.id ? answer : 'a'",
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
    assert not found(text).carries_text


@pytest.mark.parametrize("text", CARRYING)
def test_text_from_outside_may_be_in(text: str) -> None:
    assert found(text).carries_text


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("1", set()),
        ("mail.subject", {"steps.read.output.subject"}),
        ("mails[0].subject", {"steps.find.output.messages.subject"}),
        ("mails.map(m, m.parent.title)", {"steps.find.output.messages.parent.title"}),
        ("inputs.to + inputs.limit", {"trigger.sender", "inputs.limit"}),
        ("{'a': mail.subject, 'b': mail.id}.b", {"steps.read.output.id"}),
        ("mail.size > 1 ? mail.id : inputs.to", {"steps.read.output.size", "steps.read.output.id", "trigger.sender"}),
        ("mails.exists(m, m.id == inputs.to)", {"steps.find.output.messages.id", "trigger.sender"}),
        ("answer.split(',')[0]", {"steps.ask.output"}),
    ],
)
def test_a_value_derives_from(text: str, origins: set[str]) -> None:
    assert paths(found(text)) == origins


def test_an_origin_names_the_operations_on_its_way() -> None:
    [subject] = found("mail.subject.trim().split(',')").origins
    assert subject.operations == {"trim", "split"}
    assert {".".join(one.path): one.operations for one in found("size(mail.subject) > 1 ? mail.id : 'x'").origins} == {
        "steps.read.output.subject": {"size", "_>_", "?:"},
        "steps.read.output.id": frozenset(),
    }


def test_mixed_text_derives_from_all_its_expressions() -> None:
    mixed = found("mail.id", "mail.subject", "mail.size")
    assert paths(mixed) == {"steps.read.output.id", "steps.read.output.subject", "steps.read.output.size"}
    assert mixed.carries_text
    assert not found("mail.id", "mail.size").carries_text


def test_a_condition_that_was_tested_before_counts() -> None:
    tested = listed(tree("answer.to in ['a', 'b'] && mail.size > 1"))
    assert not found("answer.to", facts=tested).carries_text
    assert found("answer.cc", facts=tested).carries_text
    assert found("answer.to", facts=listed(tree("answer.to in ['a']"), truth=False)).carries_text


def test_every_reference_is_collected_but_the_variables_of_macros() -> None:
    used = references(tree("mails.map(m, m.id + mail.subject + (has(mail.text) ? mail.?kind.orValue('') : m))"))
    assert used == (
        Reference(("mails",)),
        Reference(("mail", "subject")),
        Reference(("mail", "text"), is_guarded=True),
        Reference(("mail", "kind"), is_guarded=True),
    )
