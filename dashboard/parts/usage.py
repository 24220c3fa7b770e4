"""What model calls have used, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dashboard.base.language import number, t, tn
from engine.budgets.limits import money

if TYPE_CHECKING:
    from engine.runs.budgets import ModelUsage


def usage_words(usage: Mapping[str, Any] | None) -> list[str]:
    """Return tokens and cost in words; empty if no model was asked."""
    if not usage or not (usage["input_tokens"] or usage["output_tokens"]):
        return []
    tokens = t(
        "{tokens} in, {output_tokens} out",
        tokens=tn("{count} token", "{count} tokens", usage["input_tokens"]),
        output_tokens=number(usage["output_tokens"]),
    )
    return [tokens, t("cost unknown") if usage["cost_usd"] is None else money(usage["cost_usd"])]


def reserved_words(used: ModelUsage | None) -> list[str]:
    """Return what calls under way have reserved, in words; empty if they have reserved nothing."""
    if used is None or not used.reserved_usd:
        return []
    return [t("up to {amount} more for calls under way", amount=money(used.reserved_usd))]
