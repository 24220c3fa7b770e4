"""What a text says is what a Notion page says: its numbers, its money, its emphasis over several lines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from clients.notion.client import NotionClient
from clients.notion.service import NotionSettings
from clients.notion.text.blocks import blocks_of, children_of
from clients.notion.text.literal import literal, needs_blocks, plain
from clients.notion.text.markdown import essence
from clients.transport import http_client

if TYPE_CHECKING:
    from tests.conftest import StandIns

SAME = {
    "a date": "28. November 2026 um 10 Uhr: Treffen",
    "a date in a paragraph": "Treffen am\n28. November\nin Berlin",
    "a year": "2026. Das war es.",
    "a number alone": "28.",
    "a leading zero": "01. Dezember\n02. Dezember",
    "a list from 3": "3. c\n4. d",
    "a list from 0": "0. a\n1. b",
    "dates in a row": "1. Dezember: Ann\n5. Dezember: Ben",
    "a list that is interrupted": "1. a\nnow\n2. b",
    "a list after a list": "1. a\n2. b\n1. c\n2. d",
    "a bracket": "3) c\n4) d",
    "a list in a list": "1. a\n\t3. c\n\t4. d\n2. b",
    "a date in a bullet": "- 28. November\n- 3. Dezember",
    "a date in a quote": "> 28. November",
    "a date in a task": "- [ ] 28. November",
    "a date in a toggle": "<details>\n<summary>Plan</summary>\n\t28. November\n</details>",
    "a real list": "1. a\n2. b\n3. c",
    "sums of money": "Pay $120 or US$ 130, not $99.95/month.",
    "a range": "from $1k to $2k, then 3$",
    "currencies": "R$ 50 e R$60, A$5/US$ 6, (NZ$7), $5-$10, $5/$6, $100$",
    "money and other currencies": "$1 = 0.92 €. 100$ = 92 €",
    "money in a list": "- $5\n- $6 and $7",
    "money and emphasis": "**$5** or *$6*",
    "an equation": "so $x^2$ and $f(x)$ and $2x + 3 = 7$ and $\\alpha$",
    "an equation and money": "$a_1$ costs $5, or $6",
    "code": "`$5 $6` costs $7 or $8",
    "a block of code": "```\n28. $5 $6\n**a\n```",
    "a table": "| What | Sum |\n| --- | --- |\n| 28. | $5 or $6 |",
    "variables": "set $HOME/$USER and $PATH",
}
"""Texts that come back letter by letter."""


@contextmanager
def notion(standins: StandIns, zone: str = "UTC") -> Iterator[NotionClient]:
    endpoint = standins["notion"]
    with http_client() as http:
        settings = NotionSettings(token=SecretStr(endpoint.token), base_url=endpoint.base_url)
        yield NotionClient(settings, http, zone=lambda: zone)


@pytest.mark.parametrize("text", SAME.values(), ids=SAME.keys())
def test_a_page_says_what_the_text_says(standins: StandIns, text: str) -> None:
    with notion(standins) as client:
        page = client.items.create("Tasks", "Text", {}, text)["id"]
        assert client.pages.text(page)["markdown"] == text
        client.pages.append(page, f"later\n{text}")
        assert client.pages.text(page)["markdown"] == f"{text}\nlater\n{text}"
        client.pages.replace(page, text)
        assert client.pages.text(page)["markdown"] == text


@pytest.mark.parametrize("name", ["a date", "a list from 3", "sums of money", "a range", "currencies"])
def test_its_blocks_say_it_too(standins: StandIns, name: str) -> None:
    with notion(standins) as client:
        page = client.items.create("Tasks", "Text", {}, SAME[name])["id"]
        blocks, _ = client.finder.blocks(page, 10)
    assert [(block["type"], block["text"]) for block in blocks] == [
        ("paragraph", line) for line in SAME[name].split("\n")
    ]


def test_another_day_is_another_text(standins: StandIns) -> None:
    with notion(standins) as client:
        page = client.items.upsert("Tasks", "key", "Text", {}, "28. November: ok")["id"]
        client.items.upsert("Tasks", "key", "Text", {}, "29. November: ok")
        assert client.pages.text(page)["markdown"] == "29. November: ok"
        assert client.pages.replace(page, "30. November: ok")["before"] == "29. November: ok"
        assert client.pages.text(page)["markdown"] == "30. November: ok"


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        pytest.param("**fett über\nzwei Zeilen**", ["**fett über**", "**zwei Zeilen**"], id="bold"),
        pytest.param("*a\nb* c", ["*a*", "*b* c"], id="italic"),
        pytest.param("~~a\nb\nc~~", ["~~a~~", "~~b~~", "~~c~~"], id="strike"),
        pytest.param("***a\nb***", ["***a***", "***b***"], id="bold and italic"),
        pytest.param("**a *b\nc* d**", ["**a *b***", "***c* d**"], id="nested"),
        pytest.param("[the\nreport](https://a.b/c)", ["[the](https://a.b/c)", "[report](https://a.b/c)"], id="link"),
        pytest.param("`a\nb` c", ["`a b` c"], id="code"),
        pytest.param("> **a\n> b**", ["> **a**", "> **b**"], id="quote"),
        pytest.param("- **a\n  b**", ["- **a**", "  **b**"], id="bullet"),
        pytest.param("**a\n28. b** $5 or $6", ["**a**", "**28. b** \\$5 or \\$6"], id="with a number and money"),
        pytest.param("**a\n\nb**", ["**a", "", "b**"], id="not over paragraphs"),
        pytest.param("**a\n- b**", ["**a", "- b**"], id="not into a list"),
        pytest.param("2 * 3\n4 * 5", ["2 * 3", "4 * 5"], id="no marks"),
        pytest.param("a_b\nc", ["a_b", "c"], id="a name"),
        pytest.param("Here $$x$$ is", ["Here $x$ is"], id="an equation with two signs"),
        pytest.param("$$x + 1$$", ["$$", "x + 1", "$$"], id="an equation in a line of its own"),
        pytest.param("1. a\n1. b\n1. c", ["1. a", "1. b", "1. c"], id="a list whose numbers do not count"),
        pytest.param("a \\$5 b", ["a \\$5 b"], id="an escaped sign"),
        pytest.param("a\\\\ $5", ["a\\\\ \\$5"], id="after an escaped backslash"),
    ],
)
def test_marks_end_in_the_line_in_which_they_begin(text: str, sent: list[str]) -> None:
    assert literal(text).split("\n") == sent


def test_bold_text_over_two_lines_is_bold_in_both(standins: StandIns) -> None:
    with notion(standins) as client:
        page = client.items.create("Tasks", "Text", {}, "**fett über\nzwei Zeilen** und\nmehr")["id"]
        assert client.pages.text(page)["markdown"] == "**fett über**\n**zwei Zeilen** und\nmehr"


@pytest.mark.parametrize(
    ("text", "is_of_blocks"),
    [
        pytest.param("28. November", True, id="a date"),
        pytest.param("1. a\n2. b", False, id="a list"),
        pytest.param("$5 or $6", False, id="money, whose escape is documented"),
        pytest.param('28. November {color="red"}', False, id="with a color"),
        pytest.param("<callout>\n28. November\n</callout>", False, id="in a callout"),
    ],
)
def test_only_what_no_escape_is_documented_for_is_sent_as_blocks(text: str, is_of_blocks: bool) -> None:
    assert needs_blocks(literal(text)) is is_of_blocks


LINES = st.lists(
    st.sampled_from(
        [
            *"28. 1. 2. 3) - # > * ** ~~ ` $ $$ \\ [ ]( | US$ 120 $x$ x^2 word Größe 日本 \t 5$ <br> https://a.b/$c".split(
                " "
            )
        ]
    ),
    max_size=8,
).map(" ".join)
TEXTS = st.lists(LINES, max_size=6).map("\n".join)


@given(TEXTS | st.text(alphabet="ab1 *_`~[]()<>#-+.|\\!$:\t\n", max_size=80))
def test_what_is_written_once_is_not_changed_again(text: str) -> None:
    once = literal(text)
    assert literal(once) == once
    assert literal(plain(once)) == once
    assert essence(once) == essence(plain(once))


def words_of(text: str) -> str:
    return "".join(sign for sign in text if sign.isalnum() or sign == "$")


@given(st.lists(st.sampled_from("28. 2. $5 US$ $120, 2026. 3) word Größe, (x) € 7$ - a/b".split()), max_size=12))
def test_prose_keeps_each_letter_each_number_and_each_dollar(words: list[str]) -> None:
    for text in (" ".join(words), "\n".join(words)):
        assert words_of(said(blocks_of(literal(text)))) == words_of(text)


def said(blocks: list[dict[str, Any]]) -> str:
    """All that blocks say, with the numbers that Notion gives to items of lists."""
    made, number = "", 0
    for block in blocks:
        content = block[block["type"]]
        number = number + 1 if block["type"] == "numbered_list_item" else 0
        made += f"{number or ''}" + "".join(
            piece["equation"]["expression"] if piece["type"] == "equation" else piece["text"]["content"]
            for piece in content.get("rich_text", [])
        )
        made += said(children_of(block))
    return made


@pytest.mark.parametrize(
    ("zone", "given", "sent"),
    [
        ("Europe/Berlin", "2026-12-04T14:30:00", "2026-12-04T14:30:00+01:00"),
        ("Europe/Berlin", "2026-07-04T14:30", "2026-07-04T14:30:00+02:00"),
        ("Europe/Berlin", "2026-12-04 14:30", "2026-12-04T14:30:00+01:00"),
        ("Europe/Berlin", "2026-12-04", "2026-12-04"),
        ("Europe/Berlin", "2026-12-04T14:30:00Z", "2026-12-04T14:30:00Z"),
        ("UTC", "2026-12-04T14:30:00", "2026-12-04T14:30:00+00:00"),
    ],
)
def test_a_time_without_a_zone_is_one_of_the_workspace(standins: StandIns, zone: str, given: str, sent: str) -> None:
    with notion(standins, zone=zone) as client:
        page = client.items.create("Tasks", "Text", {"Due": given})
        assert page["properties"]["Due"] == sent
        found, _ = client.finder.query("Tasks", {"Due": {"on_or_after": given, "on_or_before": given}})
        assert page["id"] in [one["id"] for one in found]
        span = client.items.update(page["id"], {"Due": {"start": given, "end": given}})
        assert span["properties"]["Due"] == {"start": sent, "end": sent}
        if "T" in given:
            own = {"start": given, "time_zone": "America/New_York"}
            assert client.items.update(page["id"], {"Due": own})["properties"]["Due"] == own


@pytest.mark.parametrize("empty", ["", "  ", None])
def test_an_empty_entry_of_a_list_is_left_out(standins: StandIns, empty: str | None) -> None:
    with notion(standins) as client:
        made = client.items.create("Tasks", "Text", {"Tags": [empty, "ok"]})
    assert made["properties"]["Tags"] == ["ok"]
