"""What happens to a new item while runs of the same workflow are active: `queue`, `skip`, `cancel_previous`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from msgspec.structs import replace

from engine.compiler.definition.plan import Concurrency
from engine.triggering.polling.prepared import Prepared

Policy: TypeAlias = Callable[[Sequence[Prepared], bool], list[Prepared]]
"""Decides: (new items, whether runs of the workflow are at work or queued) -> the items, some left out."""

BUSY = "another run of the workflow was under way"
OUTRUN = "a newer one came with it"


def policy_of(concurrency: Concurrency) -> Policy:
    """Return the policy that a workflow asks for."""
    return {"queue": _queue, "skip": _skip, "cancel_previous": _cancel_previous}[concurrency.policy]


def _queue(new: Sequence[Prepared], _is_busy: bool) -> list[Prepared]:  # noqa: FBT001 - a fact, not a switch
    return list(new)


def _skip(new: Sequence[Prepared], is_busy: bool) -> list[Prepared]:  # noqa: FBT001 - as above
    found = []
    for one in new:
        found.append(_left_out(one, BUSY) if one.entry is not None and is_busy else one)
        is_busy = is_busy or one.entry is not None
    return found


def _cancel_previous(new: Sequence[Prepared], _is_busy: bool) -> list[Prepared]:  # noqa: FBT001 - as above
    last = next((one for one in reversed(new) if one.entry is not None), None)
    return [_left_out(one, OUTRUN) if one.entry is not None and one is not last else one for one in new]


def _left_out(one: Prepared, why: str) -> Prepared:
    return replace(one, item=replace(one.item, skip=why), entry=None)
