"""What a model call costs: by config.yaml, else by the list of genai-prices, which comes with the package.

Amounts are whole nano-USD (a billionth of a dollar), so that sums are exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache
from urllib.parse import urlsplit

from msgspec import Struct, field

from clients.addresses import is_loopback
from engine.budgets.settings import LOCAL, UNKNOWN, Price

NANO = 1_000_000_000  # amounts are whole nano-USD, so that sums are exact
_MOST_OUTPUT_TOKENS = 131_072
"""No model offered today writes a longer answer."""
_FREE = Price(input=0, output=0)


class Prices(Struct, frozen=True):
    """The prices of one connection. `is_demo`: the stand-in answers, and costs nothing."""

    table: Mapping[str, Price] = field(default_factory=dict)
    connection: str = ""
    base_url: str = ""
    is_demo: bool = False

    def cost(
        self, models: tuple[str, ...], input_tokens: int, output_tokens: int, cached: tuple[int, int] = (0, 0)
    ) -> int | None:
        """Return the nano-USD of a call, None if they are unknown.

        `cached`: how many input tokens were read from the server's cache, and how many written into it. They have
        prices of their own in the public list; a price of config.yaml is for all.

        `models`: the names that it goes by, such as the one that was asked and the one that answered. The provider is
        identified by the server's address: the same model has another price elsewhere.
        """
        declared = self._declared(models)
        if declared is not None:
            return _cost(declared, input_tokens, output_tokens)
        for model in models:
            listed = _listed(model, self.base_url, input_tokens, output_tokens, cached)
            if listed is not None:
                return listed
        unknown = self.table.get(UNKNOWN)
        return None if unknown is None else _cost(unknown, input_tokens, output_tokens)

    def longest_answer(self, model: str) -> int:
        """Return how many tokens an answer can have at most, if the request does not limit it."""
        declared = self._declared((model,)) or self.table.get(UNKNOWN)
        if declared is not None and declared.max_output_tokens is not None:
            return declared.max_output_tokens
        return min(_MOST_OUTPUT_TOKENS, _context_window(model, self.base_url) or _MOST_OUTPUT_TOKENS)

    def _declared(self, models: tuple[str, ...]) -> Price | None:
        if self.is_demo:
            return _FREE
        for name in (*(f"{model}@{self.connection}" for model in models), *models):
            if name in self.table:
                return self.table[name]
        return self.table.get(LOCAL) if is_local(self.base_url) else None


def usd(nano: int) -> float:
    """Return nano-USD as USD."""
    return nano / NANO


def is_local(base_url: str) -> bool:
    """Return whether an address is a loopback address of this machine."""
    return is_loopback(urlsplit(base_url).hostname or "")


def _cost(price: Price, input_tokens: int, output_tokens: int) -> int:
    # By their texts: Decimal(0.4) would be a little more than 0.4.
    millionths = Decimal(str(price.input)) * input_tokens + Decimal(str(price.output)) * output_tokens
    return int((millionths * (NANO // 1_000_000)).to_integral_value(ROUND_CEILING))


def _listed(
    model: str, base_url: str, input_tokens: int, output_tokens: int, cached: tuple[int, int] = (0, 0)
) -> int | None:
    from genai_prices import Usage, calc_price

    if not model or not base_url:
        return None
    read, written = cached
    counted = Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cache_read_tokens=read or None,
        cache_write_tokens=written or None,
    )
    try:
        total = calc_price(counted, model, provider_api_url=base_url).total_price
    except LookupError:
        return None
    return int((total * NANO).to_integral_value(ROUND_CEILING))


@lru_cache
def _context_window(model: str, base_url: str) -> int | None:
    from genai_prices import Usage, calc_price

    try:
        return calc_price(Usage(), model, provider_api_url=base_url).model.context_window
    except LookupError:
        return None
