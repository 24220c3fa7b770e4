"""How long a text may be for a model."""

from __future__ import annotations

import pytest

from clients.mail.length import cut_to_characters, cut_to_tokens, estimated_tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        pytest.param("", 0, id="nothing"),
        pytest.param("four words of text", 6, id="ASCII"),
        pytest.param("你好世界", 4, id="Chinese"),
        pytest.param("Grüße", 3, id="mixed"),
    ],
)
def test_tokens_are_estimated_rather_too_many(text: str, tokens: int) -> None:
    assert estimated_tokens(text) == tokens


@pytest.mark.parametrize("most", [50, 51, 100, 500, 999])
@pytest.mark.parametrize(
    "word", ["word ", "line\n", "你好", "x" * 400 + " "], ids=["words", "lines", "Chinese", "long"]
)
def test_a_text_is_cut_between_words_and_says_so(word: str, most: int) -> None:
    text = word * 2000
    cut = cut_to_tokens(text, most)
    kept, _, told = cut.partition("\n\n[Cut here: about ")
    assert estimated_tokens(cut) <= most + 10
    assert estimated_tokens(kept) > most - 20 - 400 / 3 - 2
    assert text.startswith(kept)
    assert told.endswith(f" of {estimated_tokens(text):,} tokens are shown.]")
    if len(word) < 10 and word.strip() != word:
        assert kept.endswith(word.strip())


def test_a_short_text_stays() -> None:
    assert cut_to_tokens("short", 50) == "short"
    assert cut_to_characters("short", 5) == "short"
    assert cut_to_characters("shorter", 5) == "short\n\n[Cut here: 5 of 7 characters are shown.]"
