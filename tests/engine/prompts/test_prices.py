"""What a model call cost."""

from __future__ import annotations

import pytest

from engine.plugins.step import Usage
from engine.prompts.prices import add_usage, price_usd

TOKENS = {"input_tokens": 1_000_000, "output_tokens": 0}
OPENAI = "https://api.openai.com/v1"


@pytest.mark.parametrize(
    ("model", "address", "is_known"),
    [
        pytest.param("gpt-4o-mini", OPENAI, True, id="known"),
        pytest.param("gpt-4o-mini", "http://127.0.0.1:11434/v1", False, id="the same model elsewhere"),
        pytest.param("no-such-model", OPENAI, False, id="an unknown model"),
        pytest.param("", "", False, id="nothing"),
    ],
)
def test_a_price_is_given_only_where_it_is_known(model: str, address: str, is_known: bool) -> None:
    assert (price_usd(model, address, TOKENS) is not None) is is_known


def test_usage_adds_up() -> None:
    usage = Usage()
    add_usage(usage, "no-such-model", OPENAI, {"input_tokens": 3, "output_tokens": 2})
    assert (usage.input_tokens, usage.output_tokens, usage.cost_usd) == (3, 2, None)
    add_usage(usage, "gpt-4o-mini", OPENAI, TOKENS)
    add_usage(usage, "gpt-4o-mini", OPENAI, TOKENS)
    one = price_usd("gpt-4o-mini", OPENAI, TOKENS)
    assert one is not None
    assert usage.cost_usd == pytest.approx(2 * one)
    assert usage.input_tokens == 2_000_003
