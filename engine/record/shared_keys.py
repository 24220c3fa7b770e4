"""Items of one run that have the same key, so that one write is made for all of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from clients.wording import counted
from engine.base.step_path import StepPath, items_around
from engine.record.types.run import Run
from engine.record.types.step import StepEffect, StepRecord

_SCOPE = 3
"""The place in the identity of a write that names the kind of its scope: `keys`, `once`, ..."""
_MOST_NAMED = 6


def shared_writes(steps: Iterable[StepRecord]) -> dict[str, str]:
    """Return {path: path of the step that made the write} for writes that another item of the same run has made."""
    alike: dict[str, list[tuple[str, StepEffect]]] = {}
    for step in steps:
        if step["effect"]:
            alike.setdefault(step["effect"]["identity"], []).append((step["path"], step["effect"]))
    found: dict[str, str] = {}
    for same in alike.values():
        maker = next((path for path, effect in same if not effect["reused"]), same[0][0])
        found |= {path: maker for path, _ in same if items_around(path) != items_around(maker)}
    return found


def with_each_write_once(run: Run, shared: Mapping[str, str]) -> Run:
    """Return the run without the effects of steps that only found what another item of the run had made."""

    def is_found(step: StepRecord) -> bool:
        return step["path"] in shared and step["effect"] is not None and step["effect"]["reused"]

    steps: list[StepRecord] = [{**step, "effect": None} if is_found(step) else step for step in run["steps"]]
    return {**run, "steps": steps}


def shared_key_sentences(run: Run, shared: Mapping[str, str]) -> Iterator[str]:
    """Name the items of one key, and say how many more keys several items have."""
    effects = {step["path"]: step["effect"] for step in run["steps"] if step["effect"]}
    groups: dict[str, list[str]] = {}
    for path, maker in shared.items():
        groups.setdefault(maker, [maker]).append(path)
    by_items = {_items(paths): [effects[path] for path in paths] for paths in groups.values()}
    items, told = next(iter(by_items.items()))
    is_once = json.loads(told[0]["identity"])[_SCOPE] == "once"
    advice = ": give each item a key of its own" if any(map(_was_lost, told)) and not is_once else ""
    names = _names(items)
    yield f"Items {names} have the same {'`once`' if is_once else 'key'}, so only one of them was written{advice}."
    if len(by_items) > 1:
        yield f"The same is true of {counted(len(by_items) - 1, 'more key')}."


def item_name(path: str) -> str:
    """Return the number, from 1, of the item around a step; in a loop in a loop, return the path of the item."""
    item = StepPath.parse(items_around(path)[-1])
    return str(item) if len(item.parts) > 1 or item.index is None else str(item.index + 1)


def _items(paths: Iterable[str]) -> tuple[str, ...]:
    """Return the items around steps, in order, as their paths."""
    order = {items_around(path)[-1]: tuple(part.item or 0 for part in StepPath.parse(path).parts) for path in paths}
    return tuple(sorted(order, key=lambda item: order[item]))


def _names(items: Sequence[str]) -> str:
    names = [item_name(item) for item in items]
    # the last place is for the last one, or for how many more there are
    last = names[-1] if len(names) <= _MOST_NAMED else f"{len(names) - _MOST_NAMED + 1} more"
    return f"{', '.join(names[: min(len(names), _MOST_NAMED) - 1])} and {last}"


def _was_lost(effect: StepEffect) -> bool:
    """Return whether an item wanted something different from what another one had made."""
    return "note" in effect or bool(effect.get("updated"))
