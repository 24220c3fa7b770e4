"""Where expressions begin and end in a text, and how they are spelt for CEL."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base.errors import ExpressionError
from engine.expressions.function_table import BY_NAME
from engine.expressions.templates import expression_tokens, parts, spelling, tokens
from tests.few import examples


def shape(text: str) -> list[tuple[str, bool]]:
    return [(part.text, part.is_expression) for part in parts(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [("", False)], id="empty"),
        pytest.param("plain } }} { text", [("plain } }} { text", False)], id="no-opening"),
        pytest.param("{{ a }}", [(" a ", True)], id="whole"),
        pytest.param("x{{a}}y", [("x", False), ("a", True), ("y", False)], id="middle"),
        pytest.param("{{a}}{{b}}", [("a", True), ("b", True)], id="side-by-side"),
        pytest.param("{{ '}}' }}", [(" '}}' ", True)], id="closing-in-a-text"),
        pytest.param('{{ "a\\"}}" }}', [(' "a\\"}}" ', True)], id="escaped-quote"),
        pytest.param("{{ '''it's }}''' }}", [(" '''it's }}''' ", True)], id="triple-quotes"),
        pytest.param("{{ {'a': {'b': 1}} }}", [(" {'a': {'b': 1}} ", True)], id="maps"),
        pytest.param("{{{'a':1}}}", [("{'a':1}", True)], id="map-without-spaces"),
        pytest.param("{{ [x, y][0] }}", [(" [x, y][0] ", True)], id="list"),
        pytest.param("{{ '{{' }}", [(" '{{' ", True)], id="literal-braces"),
        pytest.param("a\n{{\n b\n}}\n", [("a\n", False), ("\n b\n", True), ("\n", False)], id="lines"),
        pytest.param("{{ 'http://x' }}", [(" 'http://x' ", True)], id="address"),
    ],
)
def test_a_text_is_cut_at_its_expressions(text: str, expected: list[tuple[str, bool]]) -> None:
    assert shape(text) == expected


@pytest.mark.parametrize(
    ("text", "offset", "said"),
    [
        pytest.param("ab {{ x", 3, "not closed", id="open"),
        pytest.param("ab {{ x }", 8, "closes nothing", id="half-closed"),
        pytest.param("{{ (x }}", 3, "is not closed", id="bracket-left-open"),
        pytest.param("{{ x) }}", 4, "closes nothing", id="bracket-too-much"),
        pytest.param("{{ [x) }}", 5, "closes nothing", id="wrong-bracket"),
        pytest.param("{{ ok }} {{ '}} ", 12, "no closing quote", id="second-one"),
        pytest.param("{{ '''a }} ", 3, "no closing quote", id="triple-quotes"),
        pytest.param("{{ a // }}", 0, "not closed", id="comment-to-the-end"),
    ],
)
def test_what_does_not_end_is_named_with_its_place(text: str, offset: int, said: str) -> None:
    with pytest.raises(ExpressionError, match=said) as raised:
        parts(text)
    assert raised.value.details["offset"] == offset


def test_a_line_break_inside_a_text_says_how_to_write_one() -> None:
    with pytest.raises(ExpressionError) as raised:
        parts("{{ x.split('\n') }}")
    assert "write a line break as \\\\n" in raised.value.remedy


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("default(a.b, 1)", "a.?b.orValue(1)", id="default"),
        pytest.param("default(a.b.c, 'x')", "a.?b.?c.orValue('x')", id="default-deep"),
        pytest.param("default(a['x-y'].c, [])", "a[?'x-y'].?c.orValue([])", id="default-odd-key"),
        pytest.param("default(a[b.c], 0)", "a[?b.c].orValue(0)", id="default-index"),
        pytest.param("default(a.b, default(c.d, 1))", "a.?b.orValue(c.?d.orValue(1))", id="default-in-default"),
        pytest.param("text(a)", "text([a])", id="text"),
        pytest.param("json([1, 2])", "json([[1,2]])", id="json"),
        pytest.param("text(default(a.b, 1)) + 'x'", "text([a.?b.orValue(1)])+'x'", id="both"),
        pytest.param("a.text(1)", "a.text(1)", id="method-of-that-name"),
        pytest.param("text", "text", id="variable-of-that-name"),
        pytest.param("a in b", "a in b", id="words-stay-apart"),
        pytest.param("'default(a.b, 1)'", "'default(a.b, 1)'", id="inside-a-text"),
        pytest.param("1.5e3 + 0x1F - 2u", "1.5e3+0x1F-2u", id="numbers"),
        pytest.param("a // why\n + b", "a+b", id="comment"),
    ],
)
def test_own_functions_are_spelt_in_cel(source: str, expected: str) -> None:
    assert spelling(expression_tokens(source), {}, BY_NAME).text == expected


@pytest.mark.parametrize(
    ("source", "offset"),
    [
        pytest.param("1 + default(a, 2)", 4, id="default-of-a-name"),
        pytest.param("default(a.b)", 0, id="default-of-one"),
        pytest.param("default(a.b, 1, 2)", 0, id="default-of-three"),
        pytest.param("default(f(x).y, 1)", 9, id="default-of-a-call"),
        pytest.param("default(a.b + 1, 1)", 12, id="default-of-a-sum"),
        pytest.param("x + text()", 4, id="text-of-nothing"),
        pytest.param("json(a, b)", 0, id="json-of-two"),
        pytest.param("text(a", 4, id="not-closed"),
    ],
)
def test_wrong_use_of_own_functions_is_named_with_its_place(source: str, offset: int) -> None:
    with pytest.raises(ExpressionError) as raised:
        spelling(expression_tokens(source), {}, BY_NAME)
    assert raised.value.details["offset"] == offset


def test_every_place_leads_back_to_the_author() -> None:
    source = "  default( q.b ,  'é' ) +\n  nope"
    spelt = spelling(expression_tokens(source), {}, BY_NAME)
    for name in ("q", "'é'", "nope"):
        assert spelt.source_of(spelt.text.index(name)) == source.index(name)


def test_a_place_behind_a_text_of_two_lines_leads_back() -> None:
    source = "'''x\ny''' + nope"
    spelt = spelling(expression_tokens(source), {}, BY_NAME)
    assert spelt.source_of(spelt.offset(2, len("y'''+") + 1)) == source.index("nope")


@examples(300)
@given(st.text().filter(lambda text: "{{" not in text))
def test_a_text_without_braces_is_one_literal_part(text: str) -> None:
    assert shape(text) == [(text, False)]


@examples(300)
@given(st.text(alphabet="{}'\"\\()[]ab .,/rR\n", max_size=60))
def test_a_text_is_cut_without_loss_or_refused(text: str) -> None:
    try:
        found = parts(text)
    except ExpressionError as refused:
        offset = refused.details["offset"]
        assert 0 <= offset <= len(text)
        return
    assert "".join(f"{{{{{part.text}}}}}" if part.is_expression else part.text for part in found) == text
    for part in found:
        assert text.startswith(part.text, part.offset)


@examples(300)
@given(st.text(alphabet="{}'\"\\()[]defaultxjson .,/\n\0é", max_size=60))
def test_tokens_are_the_text_and_spelling_ends(source: str) -> None:
    assert "".join(token.text for token in tokens(source)) == source
    try:
        spelling(expression_tokens(source), {}, BY_NAME)
    except ExpressionError as refused:
        assert 0 <= refused.details["offset"] <= len(source)  # noqa: PT017 - most texts are fine


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{{ " + "'a" * 50_000, id="quotes"),
        pytest.param("{{ " + "'''a" * 25_000, id="triple-quotes"),
        pytest.param("{{ " + '"\\' * 50_000, id="escapes"),
        pytest.param("{{ " + "'\n" * 50_000, id="open-quotes"),
        pytest.param("{{ " + "'''\\" * 25_000, id="triple-escapes"),
        pytest.param("{{ " + "r" * 100_000, id="prefixes"),
        pytest.param("{{ " + "(" * 100_000, id="brackets"),
        pytest.param("{{ a }}" * 15_000, id="many"),
        pytest.param("{" * 100_000, id="braces"),
    ],
)
def test_a_hundred_thousand_characters_take_no_time_worth_naming(text: str) -> None:
    began = time.process_time()
    try:
        for part in parts(text):
            spelling(expression_tokens(part.text), {}, BY_NAME)
    except ExpressionError:
        pass
    assert time.process_time() - began < 5
