"""What answered calls of models are counted by, for each day: what asked, and what was asked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from engine.base.statuses import AccountMode
from engine.budgets.periods import name_of
from engine.store.spending import SpendingBucket

Kind = Literal["workflow", "step", "prompt", "model", "connection"]
KINDS: tuple[Kind, ...] = get_args(Kind)
OF_MODELS: tuple[Kind, ...] = ("step", "prompt")
"""The kinds of which each may ask several models (`fallback`)."""
Use = Mapping[Kind, str]
"""The name of each; a kind without a name is not counted."""


def buckets_of_use(use: Use, at: datetime, zone: ZoneInfo, *, is_demo: bool) -> list[SpendingBucket]:
    """Return the buckets of one call."""
    day, mode = name_of("day", at, zone), AccountMode.DEMO if is_demo else AccountMode.MINE
    names: dict[str, str] = {kind: name for kind, name in use.items()}  # noqa: C416 - of other kinds, too, below
    if model := use.get("model"):
        names |= {of_models(kind): f"{model}\n{use[kind]}" for kind in OF_MODELS if use.get(kind)}
    return [SpendingBucket(f"use:{kind}:{mode}:{name}", day) for kind, name in names.items() if name]


def of_models(kind: Kind) -> str:
    """Return the kind of the buckets that count what each model answered to a step or prompt."""
    return f"{kind}-models"


def model_in(name: str) -> tuple[str, str]:
    """Return the model that such a bucket counts, and the name of the step or prompt."""
    model, _, asked_by = name.partition("\n")
    return model, asked_by


def named_in(bucket: SpendingBucket) -> tuple[str, bool]:
    """Return what a bucket of use counts, and whether the demo's stand-in was asked."""
    _, _, mode, name = bucket.scope.split(":", 3)  # the name may have colons
    return name, mode == AccountMode.DEMO
