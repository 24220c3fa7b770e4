"""Markdown in parts: nothing lost, nothing torn, and recognised after Notion rewrote it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.notion.text.blocks import blocks_of
from clients.notion.text.markdown import arrived, essence, is_too_large, parts, says_at_end
from tests.clients.random_markdown import Writer

WORDS = st.lists(st.text(alphabet="abcü漢 *🎉", min_size=1, max_size=20), min_size=1, max_size=12).map(" ".join)
LISTS = st.lists(WORDS, min_size=1, max_size=12).map(lambda items: "\n\t".join(f"- {item}" for item in items))
CODE = st.lists(st.sampled_from(["", "x = 1", "y" * 40, "# no heading"]), max_size=12).map(
    lambda lines: "\n".join(["```python", *lines, "```"])
)
TEXTS = st.lists(WORDS | LISTS | CODE, max_size=10).flatmap(
    lambda blocks: st.sampled_from(["\n\n".join(blocks), "\n".join(blocks), "\n\n".join([*blocks, "```\nopen"])])
)


@pytest.mark.slow
@given(TEXTS)
def test_parts_hold_all_of_the_text_in_order(text: str) -> None:
    assert essence("\n".join(parts(text, 100, 10))) == essence(text)


@pytest.mark.slow
@given(TEXTS)
def test_parts_keep_to_their_size_but_for_what_is_one_block(text: str) -> None:
    assert all(len(part.encode()) <= 100 or is_too_large(part, 100, 10) for part in parts(text, 100, 10))


@pytest.mark.parametrize("seed", range(5))
def test_a_cut_never_lies_in_a_block_or_between_it_and_what_is_in_it(seed: int) -> None:
    text = Writer(seed).text(20_000)
    cut = parts(text, 1000, 20)
    assert len(cut) > 1
    assert [block for part in cut for block in blocks_of(part)] == blocks_of(text)


def test_a_cut_lies_between_lines() -> None:
    assert parts("one one\n\ntwo two\n\nthree three", 18) == ["one one\n\ntwo two", "three three"]


@pytest.mark.slow
@given(TEXTS.filter(lambda text: bool(text) and text == text.strip()))
def test_a_text_of_one_part_is_sent_as_it_was_written(text: str) -> None:
    lines = [line if line.strip() else "" for line in text.split("\n")]
    assert parts(text) == ["\n".join(lines)]


@pytest.mark.parametrize(
    ("part", "is_large"),
    [
        pytest.param("a" * 101, True, id="long line"),
        pytest.param("- a\n" + "\t- b\n" * 10, True, id="long list in a list"),
        pytest.param("a\n" * 10, False, id="many lines"),
        pytest.param("```\n" + "a\n" * 20 + "```", False, id="code is one block"),
    ],
)
def test_what_no_request_takes_as_it_is_is_known(part: str, is_large: bool) -> None:
    assert is_too_large(part, 100, 10) is is_large


@pytest.mark.parametrize(
    ("written", "given_back"),
    [
        pytest.param("Some *text*", "Some **text**", id="emphasis"),
        pytest.param("- a\n- b", "* a\n\n* b", id="list"),
        pytest.param("1. a\n1. b", "1. a\n2. b", id="numbers"),
        pytest.param("- [ ] a", "* [x] a", id="task"),
        pytest.param(
            "| a | b |\n|---|---|\n| 1 | 2 |",
            "<table><tr><td>a</td><td>b</td></tr>\n<tr><td>1</td><td>2</td></tr></table>",
            id="table",
        ),
        pytest.param("```py\nx\n```", "```python\nx\n```", id="language"),
        pytest.param("a < b & c_d", "a &lt; b &amp; c\\_d", id="escapes"),
        pytest.param("see https://x.y/z", "see [https://x.y/z](https://x.y/z)", id="bare address"),
        pytest.param("## a", '## a {color="blue" toggle="true"}', id="attributes"),
    ],
)
def test_a_text_is_recognised_after_it_was_rewritten(written: str, given_back: str) -> None:
    assert essence(written) == essence(given_back)


@pytest.mark.parametrize("other", ["e", "🎉🎊", "e\u0300", "日木"])
def test_other_letters_and_signs_are_another_text(other: str) -> None:
    assert essence("e\u0301 🎉 日本") != essence(other)
    assert essence(other)


@pytest.mark.parametrize(
    ("present", "count"),
    [
        pytest.param("old", 0, id="none of it is there"),
        pytest.param("old\none", 1, id="a part is there"),
        pytest.param("old\none\ntw", 1, id="half of a part more is there"),
        pytest.param("old\none\ntwo", 2, id="two parts are there"),
        pytest.param("old\none\ntwo\nthree", 3, id="all of it is there"),
        pytest.param("one\ntwo\nlater", 0, id="it is there, but not at the end"),
        pytest.param("one\none", 1, id="it was there before, too"),
    ],
)
def test_only_what_is_missing_is_left(present: str, count: int) -> None:
    assert arrived(essence(present), ["one", "two", "three"]) == count


@pytest.mark.parametrize(
    ("present", "count"),
    [
        pytest.param("", 0, id="nothing"),
        pytest.param("one", 1, id="a part"),
        pytest.param("one\ntwo\nthree", 3, id="all"),
        pytest.param("old\none", None, id="something else before"),
        pytest.param("one\nelse", None, id="something else after"),
    ],
)
def test_a_page_that_says_something_else_is_told_from_one_that_was_begun(present: str, count: int | None) -> None:
    assert arrived(essence(present), ["one", "two", "three"], is_all=True) == count


def test_of_a_part_without_a_letter_nobody_can_tell_so_it_is_sent() -> None:
    assert arrived("", ["---"]) == 0
    assert says_at_end("text\n---\n", "---")
    assert not says_at_end("text", "---")
