"""How texts are parted and shortened."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.limits.text_limit import TextLimit, Unit, fitted, in_parts, shortened, size

FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f467"
WORDS = st.just(FAMILY) | st.sampled_from(
    [
        "word ",
        "a. ",
        "\n",
        "\n\n",
        "```\n",
        "```python\n",
        "[a](https://x.example/b) ",
        "**b** ",
        "`c` ",
        "& < ",
        "é",
        FAMILY,
    ]
)
TEXTS = st.lists(WORDS, max_size=120).map("".join)
UNITS = st.sampled_from(["characters", "utf16", "bytes", "slack", "telegram", "discord"])


@given(TEXTS, UNITS, st.integers(100, 300))
def test_every_part_is_within_the_limit_and_no_word_is_lost(text: str, unit: Unit, most: int) -> None:
    parts = in_parts(text, TextLimit(most, unit, "text", parts=10))
    assert all(size(part, unit) <= most for part in parts)
    kept = "".join("".join(parts).replace("```python", "").replace("`", "").split())
    assert kept == "".join(text.replace("```python", "").replace("`", "").split())


@given(TEXTS, UNITS, st.integers(100, 300), st.sampled_from(["line", "text", "name"]), st.integers(1, 3))
def test_what_is_made_to_fit_fits_and_stays_so(text: str, unit: Unit, most: int, way: str, parts: int) -> None:
    limit = TextLimit(most, unit, "text" if parts > 1 else way, parts=parts)  # type: ignore[arg-type]
    kept, told = fitted(text, limit)
    assert bool(told) == (size(text, unit) > most)
    assert len(in_parts(kept, limit)) <= parts + 1
    if parts == 1:
        assert size(kept, unit) <= most
        assert fitted(kept, limit) == (kept, "")


@pytest.mark.parametrize(
    ("text", "most", "parts"),
    [
        pytest.param("One.\n\nTwo three", 10, ["One.", "Two three"], id="paragraphs"),
        pytest.param("aaaa\nbbbb\ncccc", 10, ["aaaa\nbbbb", "cccc"], id="lines"),
        pytest.param("One two. Three", 11, ["One two.", "Three"], id="sentences"),
        pytest.param("aaaa bbbb cccc", 10, ["aaaa bbbb", "cccc"], id="words"),
        pytest.param("x" * 25, 10, ["x" * 10, "x" * 10, "x" * 5], id="no pause"),
        pytest.param("xxxxxxx" + FAMILY * 2, 10, ["xxxxxxx", FAMILY * 2], id="an emoji of five signs"),
        pytest.param("x" * 9 + "\U0001f1e9\U0001f1ea", 10, ["x" * 9, "\U0001f1e9\U0001f1ea"], id="a flag"),
        pytest.param("x" * 9 + "e\u0301", 10, ["x" * 9, "e\u0301"], id="an accent of its own"),
        pytest.param(
            "```py\na\nb\nc\nd\ne\nf\n```\nend",
            17,
            ["```py\na\nb\nc\n```", "```py\nd\ne\nf\n```", "end"],
            id="a block of code",
        ),
        pytest.param("see the [one link](http://a.b) x", 24, ["see the", "[one link](http://a.b) x"], id="a link"),
    ],
)
def test_texts_are_parted_where_it_hurts_least(text: str, most: int, parts: list[str]) -> None:
    assert in_parts(text, TextLimit(most, way="text", parts=10)) == parts


@pytest.mark.parametrize(
    ("text", "limit", "kept"),
    [
        pytest.param("x" * 300, TextLimit(256), "x" * 255 + "…", id="no blank"),
        pytest.param("one two three", TextLimit(10), "one two…", id="words"),
        pytest.param("xxxxxxx" + FAMILY * 9, TextLimit(9), "xxxxxxx…", id="an emoji"),
        pytest.param("a" * 30 + ".tar.gz", TextLimit(20, "bytes", "name"), "aaaaaaaaaa….tar.gz", id="a file"),
        pytest.param("a\U0001f600" * 3, TextLimit(6, "utf16"), "a\U0001f600a…", id="units of UTF-16"),
    ],
)
def test_a_shortened_text_says_so(text: str, limit: TextLimit, kept: str) -> None:
    assert shortened(text, limit) == kept


def test_the_note_of_a_long_text_counts() -> None:
    assert shortened("word " * 100, TextLimit(100, way="text")).endswith("[Cut here: 54 of 500 characters are shown.]")
    kept, told = fitted("x" * 100, TextLimit(60, way="text", parts=1))
    assert told == f"shortened: {len(kept)} of 100 characters"


@pytest.mark.parametrize("ticks", ["`", "``"])
@pytest.mark.parametrize("length", [300, 900, 1_500, 5_000])
@pytest.mark.parametrize("before", ["", "word " * 250])
def test_code_within_a_line_stays_code_when_it_is_cut(ticks: str, length: int, before: str) -> None:
    """What a stranger wrote in it (an address, a mention) does nothing only there."""
    inside = ("see http://evil.example @everyone\n" * 200)[:length].strip()
    text = f"{before}{ticks}{inside}{ticks} and more words" + " behind" * 400
    for part in [*in_parts(text, TextLimit(2_000, parts=10)), shortened(text, TextLimit(2_000, way="text"))]:
        rest = re.sub(rf"(?<!`){ticks}(?!`)[\s\S]*?(?<!`){ticks}(?!`)", "", part)
        assert "evil" not in rest
        assert "everyone" not in rest
