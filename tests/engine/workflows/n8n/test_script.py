"""Expressions of n8n have the value in CEL that they have in JavaScript, or are not translated."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.expressions.expressions import compile_expression
from engine.workflows.n8n.functions import Untranslatable, step_into
from engine.workflows.n8n.script import Path, translated

ITEM: dict[str, Any] = {
    "subject": "  Invoice 17 ",
    "from": "Ann <Ann@a.example>",
    "count": 3,
    "labels": ["INBOX", "money"],
    "lines": [{"sku": "a", "price": 2.5}, {"sku": "b", "price": 1.0}],
    "Your name": "Bo",
    "is_open": True,
    "is_paid": False,
    "zero": 0,
    "nothing": None,
}
NAMES: dict[str, Any] = {"mail": ITEM, "run": {"id": "r1", "started_at": "2026-11-20T09:30:00Z"}, "index": 2}


class Mail:
    """`$json` and the node "Mails" are one mail."""

    def item(self, node: str | None, path: Path) -> str:
        if node not in (None, "Mails"):
            raise Untranslatable
        return "mail" + "".join(map(step_into, path))

    def items(self, node: str | None) -> str:
        return "[mail]"

    def has_items(self, node: str | None) -> bool:
        return False


VALUES = [
    ("$json.subject", "  Invoice 17 "),
    ("$json['Your name']", "Bo"),
    ('$json["from"]', "Ann <Ann@a.example>"),
    ("$json.labels[0]", "INBOX"),
    ("$json.lines[1].sku", "b"),
    ("$('Mails').item.json.subject.trim()", "Invoice 17"),
    ('$node["Mails"].json.count', 3),
    ("$('Mails').first().json.count + 1", 4),
    ("$input.item.json.count", 3),
    ("$input.all().length", 1),
    ("$json.subject.trim().toLowerCase()", "invoice 17"),
    ("'a' + $json.count", "a3"),
    ("$json.count + ' mails'", "3 mails"),
    ("`${$json.count} of ${$json.labels.length}`", "3 of 2"),
    ("``", ""),
    ("$json.count > 2 && !$json.is_open === false", True),
    ("$json.count === 3 ? 'three' : 'other'", "three"),
    ("$json.missing ?? 'none'", "none"),
    ("$json.missing || 'none'", "none"),
    ("$json.subject ? 'yes' : 'no'", "yes"),
    ("$json.missing === undefined", True),
    ("$json.nothing == null", True),
    ("$json.zero === null", False),
    ("$json.nothing ?? 'none'", "none"),
    ("$json.zero ?? 'none'", 0),
    ("$json.zero || 'none'", "none"),
    ("$json.is_paid || 'none'", "none"),
    ("$json.count || 'none'", 3),
    ("$json.is_paid ? 'paid' : 'open'", "open"),
    ("!$json.is_paid && !$json.nothing && !$json.missing", True),
    ("$json.lines.filter(line => line.discount).length", 0),
    ("!$json.labels.isEmpty()", True),
    ("$now.plus({ days: 1 }).toISO()", "2026-11-21T09:30:00Z"),
    ("['a', 'b'].includes('b')", True),
    ("$json.subject.includes('Invoice')", True),
    ("$json.labels.map(l => l.toLowerCase()).join(', ')", "inbox, money"),
    ("$json.lines.filter((line) => line.price > 2).length", 1),
    ("$json.lines.some(line => line.sku == 'b')", True),
    ("$json.lines.every(line => line.sku == 'b')", False),
    ("$json.from.split('<')[0].trim()", "Ann"),
    ("$json.from.extractEmail()", "ann@a.example"),
    ("'a-b-c'.replace('-', '+')", "a+b-c"),
    ("'a-b-c'.replaceAll('-', '+')", "a+b+c"),
    ("$json.subject.slice(2, 9)", "Invoice"),
    ("$json['Your name'].substring(1, 99)", "o"),
    ("Number('2.5') * 2", None),  # whole numbers and others cannot be mixed here
    ("Math.round(2.4)", 2.0),
    ("Math.max(1, 4)", 4),
    ("String($json.count)", "3"),
    ("JSON.stringify({ id: $json.count, 'a b': [1] })", '{"a b":[1],"id":3}'),
    ("$now.toISO()", "2026-11-20T09:30:00Z"),
    ("$now.toFormat('yyyy-MM-dd')", "2026-11-20"),
    ("$now.minus({ days: 2 }).toFormat('dd.MM.yyyy')", "18.11.2026"),
    ("$now.plus(3, 'hours').toFormat('HH:mm')", "12:30"),
    ("$execution.id", "r1"),
    ("$itemIndex + 1", 3),
    (r"'it\'s'", "it's"),
    ("-$json.count", -3),
    ("(1 + 2) * 3", 9),
    ("2 - (3 - 4)", 3),
]


@pytest.mark.parametrize(("script", "value"), VALUES)
def test_value(script: str, value: Any) -> None:
    cel = translated(script, Mail())
    if value is not None:
        assert compile_expression(cel, frozenset(NAMES)).value(NAMES) == value


@pytest.mark.parametrize(
    "script",
    [
        "",
        "$json.",
        "$('Other').item.json.a",
        "$json[",
        "$(",
        "$json.a[1.5]",
        "$now.plus(",
        "$json.map(",
        "$input.all().map(i => i.json.id)",
        "$json.cents / 100",  # whole numbers are divided otherwise
        "$json.count == '3'",  # true in JavaScript
        "$json.a && $json.b",  # gives the value of b
        "$json.text.match(/a+/)",
        "$json.text.foo()",
        "$json.map(function (a) { return a })",
        "$json.items.reduce((a, b) => a + b)",
        "$fromAI('to')",
        "$jmespath($json, 'a')",
        "a = 1",
        "$json.a; $json.b",
        "process.env.HOME",
        "this",
        "new Function('x')()",
        "'open",
        "`${`nested`}`",
        "$now.minus({ months: 1 })",
        "'abc'.slice(-2)",
        "(" * 200 + "1" + ")" * 200,
        "!" * 1000 + "true",
        "1 +" * 6000 + "1",
    ],
)
def test_no_counterpart(script: str) -> None:
    with pytest.raises(Untranslatable):
        translated(script, Mail())


@given(st.text("$json.ab(){}[]'\"`+-=!?:,>|& 01\\\n", max_size=40))
def test_any_text_is_translated_or_refused(script: str) -> None:
    with suppress(Untranslatable):
        translated(script, Mail())
