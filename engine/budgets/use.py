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
Use = Mapping[Kind, str]
"""The name of each; a kind without a name is not counted."""


def buckets_of_use(use: Use, at: datetime, zone: ZoneInfo, *, is_demo: bool) -> list[SpendingBucket]:
    """Return the buckets of one call."""
    day, mode = name_of("day", at, zone), AccountMode.DEMO if is_demo else AccountMode.MINE
    return [SpendingBucket(f"use:{kind}:{mode}:{name}", day) for kind, name in use.items() if name]


def named_in(bucket: SpendingBucket) -> tuple[str, bool]:
    """Return what a bucket of use counts, and whether the demo's stand-in was asked."""
    _, _, mode, name = bucket.scope.split(":", 3)  # the name may have colons
    return name, mode == AccountMode.DEMO
