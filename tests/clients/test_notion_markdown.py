"""Markdown in parts: nothing lost, nothing torn, and recognised after Notion rewrote it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.notion_markdown import essence, missing_after, parts

WORDS = st.lists(st.text(alphabet="abcü漢 *", min_size=1, max_size=20), min_size=1, max_size=12).map(" ".join)
LISTS = st.lists(WORDS, min_size=1, max_size=12).map(lambda items: "\n".join(f"- {item}" for item in items))
CODE = st.lists(st.sampled_from(["", "x = 1", "y" * 40, "# no heading"]), max_size=12).map(
    lambda lines: "\n".join(["```python", *lines, "```"])
)
TEXTS = st.lists(WORDS | LISTS | CODE, max_size=10).flatmap(
    lambda blocks: st.sampled_from(["\n\n".join(blocks), "\n".join(blocks), "\n\n".join([*blocks, "```\nopen"])])
)


@given(TEXTS)
def test_parts_hold_all_of_the_text_in_order(text: str) -> None:
    assert essence("\n".join(parts(text, 100, 10))) == essence(text)


@given(TEXTS)
def test_parts_keep_to_their_size_and_close_their_code(text: str) -> None:
    cut = parts(text, 100, 10)
    assert all(len(part) <= 102 and part.count("\n") < 10 for part in cut)
    assert all(part.count("```") % 2 == 0 for part in cut[:-1])


@given(TEXTS)
def test_a_short_text_is_one_part(text: str) -> None:
    assert len(parts(text)) == (1 if text.strip() else 0)


def test_a_cut_lies_between_paragraphs() -> None:
    assert parts("one one\n\ntwo two\n\nthree three", 18) == ["one one\n\ntwo two", "three three"]


def test_a_code_block_that_is_cut_is_code_on_both_sides() -> None:
    cut = parts("```py\n" + "x = 1\n" * 6 + "```", 30)
    assert all(part.startswith("```py\n") and part.endswith("\n```") for part in cut)
    assert len(cut) > 1


def test_a_word_is_not_torn_where_there_is_a_space() -> None:
    assert all(word in {"lorem", "ipsum"} for part in parts("lorem ipsum " * 50, 64) for word in part.split())


@pytest.mark.parametrize(
    ("written", "given_back"),
    [
        pytest.param("Some *text*", "Some **text**", id="emphasis"),
        pytest.param("- a\n- b", "* a\n\n* b", id="list"),
        pytest.param("1. a\n1. b", "1. a\n2. b", id="numbers"),
        pytest.param(
            "| a | b |\n|---|---|\n| 1 | 2 |",
            "<table><tr><td>a</td><td>b</td></tr>\n<tr><td>1</td><td>2</td></tr></table>",
            id="table",
        ),
        pytest.param("```py\nx\n```", "```python\nx\n```", id="language"),
        pytest.param("a < b & c_d", "a &lt; b &amp; c\\_d", id="escapes"),
    ],
)
def test_a_text_is_recognised_after_it_was_rewritten(written: str, given_back: str) -> None:
    assert essence(written) == essence(given_back)


@pytest.mark.parametrize(
    ("tail", "text", "missing"),
    [
        pytest.param("old", "one\n\ntwo", "one\n\ntwo", id="none of it is there"),
        pytest.param("old\none", "one\n\ntwo", "two", id="a part is there"),
        pytest.param("old\none\ntwo", "one\n\ntwo", "", id="all of it is there"),
        pytest.param("one\ntwo\nlater", "one\n\ntwo", "one\n\ntwo", id="it is there, but not at the end"),
        pytest.param("old", "---", "---", id="nothing to recognise"),
    ],
)
def test_only_what_is_missing_is_left(tail: str, text: str, missing: str) -> None:
    assert missing_after(tail, text) == missing
