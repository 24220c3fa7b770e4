"""Markdown as blocks, and blocks in requests: whatever the text, each request is one that Notion takes."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.listing import Json
from clients.notion.block_writer import overlap
from clients.notion.text.batches import batches
from clients.notion.text.blocks import blocks_of, children_of, with_children
from clients.notion.text.inline import pieces_of, written
from clients.notion.text.markdown import essence, parts
from demo.notion import tree as notion_tree
from tests.clients.random_markdown import Writer

TEXTS = {
    "random": Writer(1).text(60_000),
    "deep": "\n".join("\t" * depth + "- a" for depth in range(40)),
    "wide": "- a\n" + "\t- b\n" * 250 + "- c",
    "many small lists": ("- a\n" + "\t- b\n" * 50) * 30,
    "a wide and deep tree": "\n".join("- a\n" + "\t- b\n\t\t- c\n\t\t\t- d\n" * 40 for _ in range(30)),
    "one line": "Ω" * 450_000,
    "one line of pairs": "😀" * 250_000,
    "code": "```py\n" + "x = '漢'\n" * 50_000 + "```",
    "marks": "**a** " * 1000,
    "a long table": "| a | b |\n| - | - |\n" + "| c | d |\n" * 1500,
    "many lines": "a\n" * 2500,
    "a long equation": "$$\n" + "x + " * 400 + "\n$$",
    "a long address": "[a](https://example.com/" + "b" * 3000 + ")",
}


def letters(blocks: list[Json]) -> str:
    """What blocks say, one after the other."""
    return "".join(_own_letters(block) + letters(children_of(block)) for block in blocks)


def _own_letters(block: Json) -> str:
    content = block[block["type"]]
    pieces = [*content.get("rich_text", []), *(piece for cell in content.get("cells", []) for piece in cell)]
    return "".join(piece.get("text", {}).get("content", "") for piece in pieces)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_each_request_is_one_that_notion_takes_and_nothing_is_left_out(text: str) -> None:
    blocks = blocks_of(text)
    assert _delivered(blocks) == letters(blocks)


def _delivered(blocks: list[Json]) -> str:
    said = ""
    for batch in batches(blocks):
        notion_tree.check(batch.sent)  # the limits as the stand-in holds them
        assert len(json.dumps({"children": batch.sent}, ensure_ascii=False).encode()) < 500_000
        said += letters(batch.sent)
        said += _delivered(batch.inside_of_last)
    return said


def test_blocks_come_in_the_order_of_the_text_whatever_their_size() -> None:
    blocks = blocks_of("before\n- a\n\t- b\n\t\t- c\n\t\t\t- d\nafter")
    sent = [batch.sent for batch in batches(blocks)]
    assert [[block["type"] for block in some] for some in sent] == [["paragraph", "bulleted_list_item"], ["paragraph"]]
    assert next(batches(blocks)).inside_of_last == children_of(blocks[1])


@given(st.text(alphabet=st.sampled_from([*"ab1 *_`~[]()<>#-+.|\\!$:/\tß\n"]), max_size=200) | st.text(max_size=200))
def test_any_text_at_all_becomes_blocks_that_notion_takes(text: str) -> None:
    for batch in batches(blocks_of(text)):
        notion_tree.check(batch.sent)


@pytest.mark.parametrize(
    ("line", "kind", "said"),
    [
        pytest.param("###### deep", "heading_4", "deep", id="six signs"),
        pytest.param("* [X] done", "to_do", "done", id="task"),
        pytest.param("+ b", "bulleted_list_item", "b", id="plus"),
        pytest.param("12) n", "numbered_list_item", "n", id="number"),
        pytest.param(">quote", "quote", "quote", id="quote"),
        pytest.param("\\# none", "paragraph", "# none", id="escaped"),
        pytest.param("***", "divider", "", id="rule"),
        pytest.param("<empty-block/>", "paragraph", "", id="empty"),
        pytest.param("![a](ftp://x)", "paragraph", "!a", id="no picture"),
    ],
)
def test_a_line_becomes_a_block_by_its_sign(line: str, kind: str, said: str) -> None:
    [block] = blocks_of(line)
    assert (block["type"], _own_letters(block)) == (kind, said)


@pytest.mark.parametrize(
    ("fence", "language"),
    [("py", "python"), ("TypeScript", "typescript"), ("klingon", "plain text"), ("", "plain text")],
)
def test_a_language_is_one_that_notion_has(fence: str, language: str) -> None:
    [block] = blocks_of(f"```{fence}\nx\n```")
    assert block["code"]["language"] == language


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        pytest.param("a **b *c*** d", [("a ", ""), ("b ", "b"), ("c", "bi"), (" d", "")], id="nested"),
        pytest.param("snake_case_name 2 * 3", [("snake_case_name 2 * 3", "")], id="no marks"),
        pytest.param("$5 or $6", [("$5 or $6", "")], id="prices"),
        pytest.param("a $x^2$", [("a ", ""), ("x^2", "e")], id="equation"),
        pytest.param("a<br>b<b>c", [("a\nb<b>c", "")], id="tags"),
        pytest.param("&amp; \\&amp;", [("& &amp;", "")], id="entities"),
    ],
)
def test_marks_are_read(text: str, pieces: list[tuple[str, str]]) -> None:
    signs = {"b": "bold", "i": "italic", "c": "code"}
    found = [
        (
            piece["equation"]["expression"] if piece["type"] == "equation" else piece["text"]["content"],
            "".join(sign for sign, name in signs.items() if piece.get("annotations", {}).get(name))
            + "e" * (piece["type"] == "equation"),
        )
        for piece in pieces_of(text)
    ]
    assert found == pieces


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "//example.com"])
def test_a_link_leads_to_the_web_or_nowhere(address: str) -> None:
    assert not any(piece["text"].get("link") for piece in pieces_of(f"[x]({address})"))


@pytest.mark.parametrize("link", ["[the report]({})", '[the report]({} "Report")', "![the report](<{}>)"])
def test_an_address_that_is_too_long_for_a_link_stands_behind_its_words(link: str) -> None:
    address = "https://example.com/" + "a_b*(c)" * 360
    text = f"See {link.format(address)} now"
    for sent in (text, *parts(text)):
        shown = "".join(written(piece) for piece in pieces_of(sent))
        assert shown == f"See the report ({address}) now"
    assert essence(text) == essence(parts(text)[0]) == essence(shown)


XML_TABLE = (
    '<table header-row="true">\n\t<tr>\n\t\t<td>a</td>\n\t\t<td>**b**</td>\n\t</tr>\n<tr><td>c</td></tr>\n</table>'
)


def test_a_table_in_notion_s_own_form_is_a_table() -> None:
    [table] = blocks_of(XML_TABLE)
    rows = [row["table_row"]["cells"] for row in children_of(table)]
    assert (table["table"]["table_width"], letters([table])) == (2, "abc")
    assert [len(row) for row in rows] == [2, 2]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(XML_TABLE, id="table"),
        pytest.param("<callout icon='x'>\nOne\n\tTwo\n</callout>", id="callout"),
        pytest.param("::: callout {icon='x'}\nOne\nTwo\n:::", id="callout in colons"),
        pytest.param(
            "<columns>\n\t<column>\n\t\tOne\n\t</column>\n\t<column>\n\t\tTwo\n\t</column>\n</columns>", id="columns"
        ),
    ],
)
def test_what_stands_between_tags_is_never_torn_and_what_it_says_is_kept(text: str) -> None:
    assert parts(f"before\n{text}\nafter", 10, 2) == ["before", text, "after"]
    said = letters(blocks_of(text))
    assert "".join(re.findall(r"One|Two|a|b|c", said)) == said


def test_children_are_put_in_and_taken_out() -> None:
    [block] = blocks_of("- a\n\t- b")
    assert children_of(with_children(block, [])) == []
    assert with_children(with_children(block, []), children_of(block)) == block


@given(st.text("ab", max_size=30), st.text("ab", max_size=12))
def test_the_overlap_is_the_longest_beginning_at_the_end(present: str, wanted: str) -> None:
    expected = next(count for count in range(len(wanted), -1, -1) if present.endswith(wanted[:count]))
    assert overlap(present, wanted) == expected
