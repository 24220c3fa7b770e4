"""What model calls have used, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboard.base.language import number, t, tn


def usage_words(usage: Mapping[str, Any] | None) -> list[str]:
    """Return tokens and cost in words; empty if no model was asked."""
    if not usage or not (usage["input_tokens"] or usage["output_tokens"]):
        return []
    tokens = t(
        "{tokens} in, {output_tokens} out",
        tokens=tn("{count} token", "{count} tokens", usage["input_tokens"]),
        output_tokens=number(usage["output_tokens"]),
    )
    return [tokens, t("cost unknown") if usage["cost_usd"] is None else f"${usage['cost_usd']:.4f}"]
