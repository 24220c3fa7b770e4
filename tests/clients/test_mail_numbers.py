"""A line that begins with a day or a year keeps its number, in mails and in chats."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from clients.chats.markdown import SLACK, TELEGRAM, rendered
from clients.mail.rendered import html_of


@pytest.mark.parametrize(
    ("markdown", "html", "chat"),
    [
        pytest.param("28. November: Treffen", "<p>28. November: Treffen</p>", "28. November: Treffen", id="a date"),
        pytest.param("2026. Ende", "<p>2026. Ende</p>", "2026. Ende", id="a year"),
        pytest.param("28.", "28.", "28.", id="a number alone"),
        pytest.param("- 28. Mai", "<ul><li><p>28. Mai</p></li></ul>", "• 28. Mai", id="in a bullet"),
        pytest.param("> 28. Mai", "<blockquote><p>28. Mai</p></blockquote>", None, id="in a quote"),
        pytest.param("1. Mai\n5. Mai", "<p>1. Mai</p><p>5. Mai</p>", "1. Mai\n5. Mai", id="dates in a row"),
        pytest.param("28. Mai\n\nText", "<p>28. Mai</p><p>Text</p>", "28. Mai\n\nText", id="a text below"),
        pytest.param("3. c\n4. d", '<ol start="3"><li>c</li><li>d</li></ol>', "3. c\n4. d", id="a list from 3"),
        pytest.param("3) c\n4) d", '<ol start="3"><li>c</li><li>d</li></ol>', "3) c\n4) d", id="a list with brackets"),
        pytest.param("1. a\n1. b", "<ol><li>a</li><li>b</li></ol>", "1. a\n2. b", id="all of them 1"),
        pytest.param("01. Mai\n02. Mai", "<p>01. Mai</p><p>02. Mai</p>", "01. Mai\n02. Mai", id="days with a zero"),
        pytest.param("1. a", "<ol><li>a</li></ol>", "1. a", id="one item"),
        pytest.param("28.     x", "28.<pre><code>x</code></pre>", None, id="before code"),
        pytest.param(
            "1. a\n   - 28. b\n2. c",
            "<ol><li>a<ul><li><p>28. b</p></li></ul></li><li>c</li></ol>",
            None,
            id="a date in a list",
        ),
    ],
)
def test_a_number_is_kept(markdown: str, html: str, chat: str | None) -> None:
    assert html_of(markdown).replace("\n", "") == html
    for marks in (SLACK, TELEGRAM):
        assert chat is None or rendered(markdown, marks) == chat


@given(st.lists(st.sampled_from(["28. a", "2. b", "3) c", "- d", "> 7. e", "", "f", "   g", "    9. h"]), max_size=10))
def test_no_number_of_a_paragraph_is_lost_and_the_tags_are_closed(lines: list[str]) -> None:
    page = html_of("\n".join(lines))
    tree = BeautifulSoup(page, "html.parser")
    assert str(tree) == page
    assert "".join(tree.get_text().split()).count("28.") == page.count("28.")
    for item in tree.select("ol"):
        assert len(item.find_all("li", recursive=False)) > 1 or item.get("start") is None


@given(st.lists(st.sampled_from("28. 3. 2026. 7) a b".split()), min_size=1, max_size=6))
def test_lines_of_one_number_and_a_word_come_out_as_they_are(words: list[str]) -> None:
    text = "\n\n".join(f"{word} x" for word in words)
    assert "".join(rendered(text, SLACK).split()) == "".join(text.split())
