"""Markdown to blocks and back: nothing is lost, nothing raises, whatever the text."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demo import rich_text
from demo.markdown import Block, from_markdown, to_markdown
from demo.page import blocks_html

LINES = st.text(alphabet=st.sampled_from([*"ab1 *_`~[]()<>#-+.|\\!:/\tß"]), max_size=30)
TEXTS = st.lists(LINES, max_size=8).map("\n".join) | st.text(max_size=200)


def _letters(text: str) -> str:
    return "".join(re.findall(r"[^\W_]", text))


def _all_text(blocks: list[Block]) -> str:
    found = []
    for each in blocks:
        content: dict[str, Any] = each[each["type"]]
        pieces = [*content.get("rich_text", []), *(piece for cell in content.get("cells", []) for piece in cell)]
        found += [piece["plain_text"] + (piece["href"] or "") for piece in pieces]
        found.append(_all_text(content.get("children", [])))
    return "".join(found)


def _shape(blocks: list[Block]) -> list[Any]:
    """Kinds, letters and nesting; marks that touch each other may move by a sign."""
    return [(each["type"], _letters(_all_text([each])), _shape(_children(each))) for each in blocks]


def _children(each: Block) -> list[Block]:
    children: list[Block] = each[each["type"]].get("children", [])
    return children


@settings(deadline=None)
@given(TEXTS)
def test_any_text_is_read_and_what_is_written_reads_back_as_the_same_blocks(text: str) -> None:
    blocks = from_markdown(text)
    assert _shape(from_markdown(to_markdown(blocks))) == _shape(blocks)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\\# no heading", id="escaped heading"),
        pytest.param("1\\. no list", id="escaped number"),
        pytest.param("\\> no quotation", id="escaped quotation"),
        pytest.param("two<br>lines", id="line break"),
        pytest.param("*a\\*b*", id="star in italic"),
        pytest.param("[a\\]b](https://example.com/x_(y))", id="brackets in a link"),
        pytest.param("- a\n\t- b\n\t\t- c\n- d", id="nested"),
        pytest.param("1. a\n2. b\nbetween\n1. c", id="numbers start anew"),
        pytest.param("#### four", id="fourth heading"),
        pytest.param("- a\n\t```python\n\tx = 1\n\t\ty\n\t```\n\t- b", id="code in a list"),
        pytest.param("````\n```\ncode\n```\n````", id="code about code"),
        pytest.param("```java/c/c++/c#\nx\n```", id="a language of many signs"),
        pytest.param("$$\nE = mc^2\n$$", id="equation"),
        pytest.param("so $a_b + \\alpha$ is", id="equation in a line"),
        pytest.param("\\$1 and \\$2", id="two prices"),
        pytest.param("one $5", id="one price"),
        pytest.param("<details>\n<summary>More</summary>\n\t- a\n\t\t- b\n</details>\nafter", id="toggle"),
        pytest.param(
            "<details>\n<summary>a</summary>\n\t<details>\n\t<summary>b</summary>\n\t\tc\n\t</details>\n</details>",
            id="toggle in a toggle",
        ),
        pytest.param("a\n<empty-block/>\nb", id="empty paragraph"),
        pytest.param("\\<details> is a word", id="escaped tag"),
        pytest.param("![a cat](https://example.com/cat.png)", id="picture"),
        pytest.param("`` a`b ``", id="code with a backtick"),
    ],
)
def test_what_was_written_reads_back_letter_by_letter(text: str) -> None:
    assert to_markdown(from_markdown(text)) == text


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from([*"abß1 *_`~#->|.!\n"]), max_size=200))
def test_no_letter_is_lost(text: str) -> None:
    said = re.sub(r"^\s*(\d+[.)](\s|$)|(`{3,}|~{3,}).*$)", "", text, flags=re.MULTILINE)
    kept = _letters(_all_text(from_markdown(text)))
    assert _subsequence(_letters(said), kept)


def _subsequence(part: str, whole: str) -> bool:
    letters = iter(whole)
    return all(letter in letters for letter in part)


@settings(deadline=None)
@given(TEXTS)
def test_html_holds_no_tag_that_the_text_brought(text: str) -> None:
    html = blocks_html(from_markdown(f"<script>{text}"))
    assert "<script" not in html


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        pytest.param("a **b *c*** d", [("a ", ""), ("b ", "b"), ("c", "bi"), (" d", "")], id="nested"),
        pytest.param("2 * 3 * 4", [("2 * 3 * 4", "")], id="no marks"),
        pytest.param("snake_case_name", [("snake_case_name", "")], id="inside of a word"),
        pytest.param(r"\*no\*", [("*no*", "")], id="escaped"),
        pytest.param("`a*b*`", [("a*b*", "c")], id="code"),
    ],
)
def test_marks_are_read(text: str, pieces: list[tuple[str, str]]) -> None:
    names = {"b": "bold", "i": "italic", "c": "code"}
    found = [
        (each["plain_text"], "".join(sign for sign, name in names.items() if each["annotations"][name]))
        for each in rich_text.from_markdown(text)
    ]
    assert found == pieces


def test_a_bare_address_is_a_link_without_the_full_stop() -> None:
    found = rich_text.from_markdown("See https://example.com/a?b=1.")
    assert [each["href"] for each in found] == [None, "https://example.com/a?b=1", None]


def test_long_text_comes_in_pieces_that_notion_takes() -> None:
    pieces = from_markdown("x" * 4500)[0]["paragraph"]["rich_text"]
    assert [len(each["plain_text"]) for each in pieces] == [2000, 2000, 500]
