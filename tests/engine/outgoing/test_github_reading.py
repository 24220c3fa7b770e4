"""GitHub's own parser has the last word: what it makes of a rewritten text leads nowhere that is not named."""

from __future__ import annotations

import random

import pytest

from engine.outgoing import github_reading
from engine.outgoing.markdown import without_links

EVIL = "https://evil.example/?d=1"
LIVE = [
    f"[a]({EVIL})",
    f"![a]({EVIL})",
    f"<img src='{EVIL}'>",
    f"see {EVIL}",
    "_www.evil.example",
    "[a](mailto:x@evil.example?bcc=y@evil.example)",
    "xmpp:x@evil.example/r",
    "<!-- order -->",
    "<?order?>",
    "<![CDATA[order]]>",
    "```&#109;ermaid\ngraph TD\n```",
    f"| a | b |\n|---|---|\n| [x]({EVIL}) | y |",
    f"<p style=\"background: url('{EVIL}')\">a</p>",
]
STILL = [
    "plain",
    "ann@evil.example",
    "[a](https://ok.example/x) and https://ok.example",
    "<details><summary>a</summary>b</details>",
    '<p align="center">a</p>\n\n- [x] done',
    "```python\n# https://evil.example\n```",
    f"`{EVIL}`",
]
HIDDEN_BY_BACKTICKS = [
    f"Hi `` `a` `![i]({EVIL})` and `<!-- order -->` ``",
    "a `` b https://evil.example/1 c https://evil.example/2",
    "` [](`]([a](b 'c')<a href=//evil.example>)`",
    '\'"<pre>```&#109;ermaid\n](<![CDATA[``https://ok.example/xmpp:x@evil.example/r<a title=" `a`  ``',
]
PIECES = [
    *("`", "``", "```\n", "\\", "[", "](", ")", "![", "<!--", "-->", "<a href=//evil.example>", "<pre>", "<details>"),
    *(EVIL, f"[a]({EVIL} 'b')", "[a](b 'c')", f"<{EVIL}>", "_www.evil.example", "xmpp:x@evil.example/r"),
    *(
        "| a | b |\n|---|---|\n",
        "|",
        "\n",
        "\n\n",
        "> ",
        "- ",
        "    ",
        "&#96;",
        "&lt;",
        "&#58;",
        "*",
        "~~",
        "text",
        " ",
    ),
    *("https://ok.example/", "[ok](https://ok.example)", "$$\n", "```&#109;ermaid\n", "@ann", "closes #1", "[^1]: "),
    *("ann@evil.example", "\x0b", " "),
]


def is_named(place: str) -> bool:
    return place == "ok.example"


@pytest.mark.parametrize("text", LIVE)
def test_what_leads_away_or_is_hidden_is_seen(text: str) -> None:
    assert github_reading.has_links(text, is_named)


@pytest.mark.parametrize("text", STILL)
def test_what_leads_nowhere_is_left(text: str) -> None:
    assert not github_reading.has_links(text, is_named)


@pytest.mark.parametrize("text", [*LIVE, *HIDDEN_BY_BACKTICKS])
def test_nothing_live_is_left_of_a_text(text: str) -> None:
    assert not github_reading.has_links(without_links(text, is_named)[0], is_named)


@pytest.mark.slow
def test_nothing_live_is_left_of_random_texts() -> None:
    chance = random.Random(7)
    for _ in range(700):
        text = "".join(chance.choices(PIECES, k=chance.randint(1, 25)))
        assert not github_reading.has_links(without_links(text, is_named)[0], is_named), text
