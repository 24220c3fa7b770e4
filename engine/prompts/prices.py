"""The cost of a model call, if the prices of its server are known."""

from __future__ import annotations

from collections.abc import Mapping

from engine.plugins.step import Usage


def add_usage(usage: Usage, model: str, base_url: str, tokens: Mapping[str, int]) -> None:
    """Add the tokens {input_tokens, output_tokens} of one answer to `usage`, and their price if known."""
    usage.input_tokens += tokens["input_tokens"]
    usage.output_tokens += tokens["output_tokens"]
    price = price_usd(model, base_url, tokens)
    if price is not None:
        usage.cost_usd = (usage.cost_usd or 0.0) + price


def price_usd(model: str, base_url: str, tokens: Mapping[str, int]) -> float | None:
    """Return the price by the provider's list (genai-prices, shipped with the package); None if unknown.

    The provider is identified by the server's address: the same model has another price elsewhere.
    """
    from genai_prices import Usage as Tokens
    from genai_prices import calc_price

    counted = Tokens(input_tokens=tokens["input_tokens"], output_tokens=tokens["output_tokens"])
    try:
        return float(calc_price(counted, model, provider_api_url=base_url).total_price)
    except LookupError:
        return None
