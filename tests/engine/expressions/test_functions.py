"""What our functions compute, what they refuse and how they say it, and that text from outside stays such text."""

from __future__ import annotations

import re
from typing import Any

import pytest

from engine.base.errors import ExpressionError
from engine.expressions.expressions import compile_expression
from engine.expressions.function_table import FUNCTIONS, Function
from engine.expressions.interpreter import SCALAR_RESULTS
from engine.expressions.origins import derived, source
from engine.expressions.typed import Visible, compile_typed
from engine.runner.tags.tagging import _WITHOUT_TEXT

NAMES: dict[str, Any] = {
    "numbers": [3, 1, 2.5],
    "words": ["b", "a", "b"],
    "people": [{"name": "Bo", "age": 30, "team": "x"}, {"name": "Al", "age": 40, "team": "y"},
               {"name": "Cy", "age": 20, "team": "x"}],
    "none": [],
    "nothing": None,
    "order": "Order #17, then #18",
    "half": "cut \ud83d",
    "prices": ["1.234,50 €", "0,5"],
}  # fmt: skip
VALUES = [
    ("numbers.sort()", [1, 2.5, 3]),
    ("sort(numbers)", [1, 2.5, 3]),
    ("words.sort().reverse()", ["b", "b", "a"]),
    ("words.distinct()", ["b", "a"]),
    ("[1, 1.0, '1'].distinct()", [1, "1"]),
    ("people.sortBy(p, p.age).map(p, p.name)", ["Cy", "Bo", "Al"]),
    ("people.sortBy(p, -p.age)[0].name", "Al"),
    ("people.filter(p, p.age > 20).sort_by(q, q.name).map(p, p.name)", ["Al", "Bo"]),
    ("people.sortBy(p, people.filter(q, q.team == p.team).size())[0].name", "Al"),
    ("people.group_by(p, p.team).map(g, g.key + ': ' + g.items.map(p, p.name).join(' '))", ["x: Bo Cy", "y: Al"]),
    ("numbers.slice(1, 9)", [1, 2.5]),
    ("numbers.slice(3, 3)", []),
    ("none.sort()", []),
    ("[none, words].flatten()", ["b", "a", "b"]),
    ("[1, [2, [3]]].flatten()", [1, 2, [3]]),
    ("sum(numbers)", 6.5),
    ("sum(none)", 0),
    ("people.map(p, p.age).sum() + 1", 91),
    ("avg(people.map(p, p.age))", 30.0),
    ("max(numbers)", 3),
    ("people.map(p, p.name).min()", "Al"),
    ("zip(words, numbers)[1]", ["a", 1]),
    ("range(3)", [0, 1, 2]),
    ("prices.map(p, parse_number(p, 'de')).sum()", 1235.0),
    ("parse_number('12 %')", 0.12),
    ("parse_number('(1,234.50)')", -1234.5),
    ("parse_number('1\u202f234,5 EUR', 'fr')", 1234.5),
    ("parse_number(\"CHF 1’234.50\", 'de-CH')", 1234.5),
    ("parse_number('12,34,567.8', 'en-IN')", 1234567.8),
    ("parse_number('−7', 'pt_BR')", -7.0),
    ("parse_number(3)", 3.0),
    ("parse_number('١٬٢٣٤٫٥')", 1234.5),
    ("parse_number('\u061c-۱۲٪', 'fa')", -0.12),
    ("parse_number('१२,३४५.५', 'hi')", 12345.5),
    ("parse_number('฿๑๒๓')", 123.0),
    ("parse_number('１２,５', 'de')", 12.5),
    ("parse_number('1,234', 'de')", 1.234),
    ("parse_number('5,-', 'de')", 5.0),
    ("parse_number('CHF -5.--', 'de-CH')", -5.0),
    ("parse_number('US$ 5')", 5.0),
    ("parse_number('5,50-', 'de')", -5.5),
    ("regex.extract(order, '#([0-9]+)').orValue('')", "17"),
    ("regex.extract(order, 'x').hasValue()", False),
    ("regex_extract(order, '[0-9]+') + order.regex_extract('x')", "17"),
    ("regex_extract_all(order, '#([0-9]+)')", ["17", "18"]),
    (r"regex_replace(order, '#([0-9]+)', r'<\1>')", "Order <17>, then <18>"),
    (r"regex.replace('a.b', '[.]', r'\\')", "a\\b"),
    ("'ÄPFEL'.lower() + upper('ß')", "äpfelSS"),
    ("\"o'brien and SONS\".title()", "O'brien And Sons"),
    ("'17'.pad(4, '0') + pad('17', 4)", "0017  17"),
    ("'17171'.pad(4)", "17171"),
    ("'abc'.truncate(3) + 'abcd'.truncate(3)", "abcab…"),
    (r"'a\r\nb\n\nc\n'.split_lines()", ["a", "b", "", "c"]),
    ("strip_html('<p>Hi <b>Ann</b>,</p><style>p {}</style><div>a&nbsp;&lt; b</div>')", "Hi Ann,\na < b"),
    (
        "address('\"ann@corp.example\" <Eve@evil.example>') + address('ann@x.example, bo@x.example')",
        "eve@evil.example",
    ),
    ("parse_json('{\"a\": [1, 2.5, null]}').a[1]", 2.5),
    ("to_json(words)", '["b","a","b"]'),
    ("url_decode(url_encode('a/b ü+'))", "a/b ü+"),
    ("base64_decode(base64_encode('Grüße'))", "Grüße"),
    ("base64_decode('R3LDvMOfZQ')", "Grüße"),
    ("sha256('abc')", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ("uuid('a') == uuid('a') && uuid('a') != uuid('b')", True),
    ("format_date('2026-03-29T00:30:00Z', 'EEEE, d. MMMM yyyy, HH:mm XXX', 'Europe/Berlin', 'de')",
     "Sonntag, 29. März 2026, 01:30 +01:00"),
    ("format_date(timestamp('2026-03-29T01:30:00Z'), 'HH:mm xxx', 'Europe/Berlin')", "03:30 +02:00"),
    ("format_date('2026-01-05T13:07:09Z', \"h 'o''clock' a, yy/M/d, 'week' w, 'Q'Q\")",
     "1 o'clock PM, 26/1/5, week 2, Q1"),
    ("format_date('2026-11-28', 'dd.MM.yyyy', 'America/New_York')", "28.11.2026"),
    ("parse_date('28. Nov. 2026', 'd. MMM yyyy', 'Europe/Berlin', 'de')", "2026-11-27T23:00:00.000Z"),
    ("parse_date('Saturday, November 28, 2026 5:06 pm', 'EEEE, MMMM d, yyyy h:mm a')", "2026-11-28T17:06:00.000Z"),
    ("parse_date('2026-11-28 17:06 +0530', 'yyyy-MM-dd HH:mm XXX')", "2026-11-28T11:36:00.000Z"),
    ("day('2026-11-28T23:30:00Z', 'Europe/Berlin')", "2026-11-29"),
    ("day(timestamp('2026-11-28T23:30:00Z'))", "2026-11-28"),
    ("start_of('week', '2026-11-29T12:00:00Z', 'Europe/Berlin')", "2026-11-22T23:00:00.000Z"),
    ("start_of('day', '2026-03-29T12:00:00Z', 'Europe/Berlin')", "2026-03-28T23:00:00.000Z"),
    ("start_of('hour', '2026-10-25T01:30:00Z', 'Europe/Berlin')", "2026-10-25T01:00:00.000Z"),
    ("start_of('quarter', '2026-08-01', 'UTC')", "2026-07-01T00:00:00.000Z"),
    ("start_of('year', '2026-08-01', '+02:00')", "2025-12-31T22:00:00.000Z"),
]  # fmt: skip
REFUSED = [
    ("sum(words)", "'b' is not a number", "parse_number"),
    ("sum([nothing])", "null is not a number", "parse_number"),
    ("avg(none)", "no average", "size(x)"),
    ("max(none)", "An empty list has no greatest item", "size(x) > 0 ? max(x)"),
    ("[].min()", "An empty list has no least item", "size(x) > 0 ? min(x)"),
    ("sha256(half)", "half of a character", "where the text comes from"),
    ("uuid(half)", "half of a character", "where the text comes from"),
    (r"parse_json('\"\\ud83d\"')", "half of a character", ""),
    ("_arranged('sort', [])", "no function '_arranged'", "x.sort()"),
    ("[1].filter(i, _arranged('sort', []))", "no function '_arranged'", "x.sort()"),
    ("parse_number('5²')", "'5²' is not a number", ""),
    ("[1, 'a'].sort()", "cannot compare numbers with texts", "text(i)"),
    ("[timestamp('2026-01-02T00:00:00Z')].max()", "no list of times", "string(i)"),
    ("people.sort()", "cannot compare an object", "sortBy"),
    ("nothing.sort()", "what stands here is null", "Name a list"),
    ("order.sort()", "what stands here is text", "Name a list"),
    ("numbers.sort(1)", "sort() does not take", "x.sort()"),
    ("numbers.slice(-1, 2)", "slice(-1, 2)", "counted from 0"),
    ("zip(numbers, none)", "3 and 0 items", "slice()"),
    ("lists.range(20000)", "lists.range(20000)", "10,000"),
    ("parse_number('1.5e999')", "'1.5e999' is not a number as 'en'", "1,234.50"),
    ("parse_number('1.5', 'de')", "'1.5' is not a number as 'de'", "1.234,50"),
    *(
        (f"parse_number({text})", "not a number", "language")
        for text in ("'1,23,4'", "'INV 12'", "'0.123', 'de'", "'12.34.567', 'de'", "'+49 30 123', 'de'", "'--5'")
    ),
    ("parse_number('', 'de')", "not a number", "language"),
    ("parse_number('1', 'xx')", "'xx'", "'de-CH'"),
    ("regex.extract(order, '(a)(b)').orValue('')", "2 pairs of brackets", "(?:…)"),
    ("regex.replace(order, '#', r'\\1')", "no group", "\\1"),
    ("regex.replace(order, '(?=a)', '')", "looks ahead", "RE2"),
    ("regex.extract(order, '[0-9]+')", "may be missing", ".orValue"),
    ("pad(order, 2000)", "up to 1,000", "pad(x, 5, '0')"),
    ("truncate(order, 0)", "0 characters", "from 1 on"),
    ("parse_json('{\"a\": ')", "line 1 column", "regex.extract"),
    ("parse_json('[' + '[' + order)", "not JSON", "Take only"),
    ("parse_json('NaN')", "NaN is not a JSON number", "Take only"),
    ("parse_json('12345678901234567890')", "64 bits", ""),
    (r"parse_json('\"\\u0000\"')", "U+0000", ""),
    ("url_decode('%00')", "U+0000", ""),
    ("url_decode('%ff')", "not UTF-8", ""),
    ("base64_decode('/w==')", "not text in UTF-8", "files"),
    ("base64_decode('a*b')", "not Base64", ""),
    ("uuid()", "'uuid' does not take", "uuid(x)"),
    ("format_date('28.11.2026', 'yyyy')", "'28.11.2026' is not a time", "parse_date"),
    ("format_date('2026-11-28', 'YYYY-MM-DD')", "'YYYY'", "Write yyyy"),
    ("format_date('2026-11-28', '%Y-%m-%d')", "not a pattern", "yyyy"),
    ("format_date('2026-11-28', 'd MMM', 'UTC', 'xx')", "'xx'", "en, de"),
    ("parse_date('31.04.2026', 'dd.MM.yyyy')", "no day of the calendar", "31 April"),
    ("parse_date('11/28/2026', 'dd/MM/yyyy')", "no day of the calendar", ""),
    ("parse_date('tomorrow', 'dd.MM.yyyy')", "not written like", "order of day and month"),
    ("parse_date('10:15', 'HH:mm')", "no year", "yyyy"),
    ("day('2026-11-28', 'Berlin')", "'Berlin'", "Europe/Berlin"),
    ("start_of('decade', '2026-11-28')", "'decade'", "'week'"),
]


@pytest.mark.parametrize(("expression", "value"), [pytest.param(*one, id=one[0]) for one in VALUES])
def test_a_function_gives(expression: str, value: Any) -> None:
    assert compile_expression(expression, frozenset(NAMES)).value(NAMES) == value


@pytest.mark.parametrize(("expression", "said", "remedy"), [pytest.param(*one, id=one[0]) for one in REFUSED])
def test_a_function_refuses(expression: str, said: str, remedy: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        compile_expression(expression, frozenset(NAMES)).value(NAMES)
    assert said in refused.value.message
    assert remedy in refused.value.remedy
    assert "[remedy" not in refused.value.message


PERSON = {"type": "object", "properties": {"id": {"type": "string"}, "name": {"type": "string", "outside": True}},
          "additionalProperties": False}  # fmt: skip
PEOPLE = {"type": "array", "items": PERSON}


@pytest.mark.parametrize("macro", ["sort()", "distinct()", "reverse()", "slice(0, 2)", "sortBy(p, p.name)", "max()"])
def test_items_keep_their_types(macro: str) -> None:
    """A field of an item is checked behind a macro as it is before it, and is no more text from outside than there."""
    item = f"people.{macro}" if macro == "max()" else f"people.{macro}[0]"
    visible = Visible({"people": PEOPLE})
    with pytest.raises(Exception, match="no field 'nam'"):
        compile_typed(f"{item}.nam", visible)
    known = {"people": source(("steps", "find", "output"), PEOPLE)}
    assert derived(compile_typed(f"{item}.name", visible).tree, known).outside is not None
    assert derived(compile_typed(f"{item}.id", visible).tree, known).outside is None
    if macro != "max()":
        assert compile_typed(f"people.{macro}", visible).schema == PEOPLE | {"items": PERSON}


OURS = [one for one in FUNCTIONS if one.overloads or one.arguments is not None or one.implementation]


@pytest.mark.parametrize("function", [pytest.param(one, id=one.name) for one in OURS])
def test_text_from_outside_stays_such_text(function: Function) -> None:
    """Only what is a number or a time afterwards is clean; both provers know the same functions of this kind."""
    is_scalar = function.name in SCALAR_RESULTS
    assert is_scalar == (function.name in _WITHOUT_TEXT)
    given = "[{'name': s, 'team': s}]" if function.is_macro else "[s]" if function.takes.startswith("[") else "s"
    expression = re.sub(r"\bx\b", given, function.written)
    known = {"s": source(("steps", "read", "output", "subject"), {"type": "string", "outside": True})}
    visible = Visible({"s": {}})
    assert (derived(compile_typed(expression, visible).tree, known).outside is None) == is_scalar


@pytest.mark.parametrize(
    "expression",
    ["regex_extract(s, '(a+)+b')", "regex_replace(s, '(a|a)*b', '')", "regex_extract_all(s, '(a*)*b')",
     "strip_html(s)", "s.title()", "s.split_lines()", "address(s)"],
)  # fmt: skip
def test_odd_texts_take_linear_time(expression: str) -> None:
    compiled = compile_expression(expression, frozenset({"s"}))
    long = ("<div>" * 20_000, "<p>x" * 25_000, "<ul><li>" * 12_000, f"a{' ' * 100_000}b")
    for text in ("a" * 20_000, "<" * 20_000, "<a " * 7_000, "\r" * 20_000, *long):
        compiled.value({"s": text})


def test_thousands_of_items_are_sorted() -> None:
    items = [{"n": number * 7919 % 1_500} for number in range(1_500)]
    compiled = compile_expression("items.sortBy(i, i.n).map(i, i.n).slice(0, 3)", frozenset({"items"}))
    assert compiled.value({"items": items}) == [0, 1, 2]
