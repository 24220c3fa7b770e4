"""Fixes of what writes: a loop without a key, and a destination that text from outside decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.copilot.fixes.expressions import source_of
from engine.copilot.fixes.records import Idea, asking_always
from engine.copilot.fixes.seen import SeenProblem
from engine.expressions.cel_types import plain, within

_IDENTITIES = ("id", "uid", "message_id", "number", "key", "sha", "url", "link", "path", "email")
"""Fields that name an item for ever, the best one first."""
_CAN_BE_KEY = ("string", "integer")


def key_of_items(seen: SeenProblem) -> Iterator[Idea]:
    """A loop that writes and has no key: the identity of its items."""
    node = seen.node
    if node is None:
        return
    item = node.step.item_name
    for path in _identities(seen, item):
        target = (*node.place, "key")
        yield Idea(f"Know each {item} by {path}", [seen.set(target, f"{{{{ {path} }}}}")])


def _identities(seen: SeenProblem, item: str) -> Iterator[str]:
    """Yield the paths of what names an item, as far as the types are known."""
    names = seen.names
    if names is None or item not in names.variables:
        return
    whole = names.variables[item]
    schema, _ = plain(whole, whole)
    fields: Mapping[str, Any] = schema.get("properties", {})
    if schema.get("type") in _CAN_BE_KEY:
        yield item
    for name in _IDENTITIES:
        if name in fields:
            inner, may_be_null = plain(within(whole, fields[name]), whole)
            if inner.get("type") in _CAN_BE_KEY and not may_be_null:
                yield f"{item}.{name}"


def approval(seen: SeenProblem) -> Iterator[Idea]:
    """A destination from outside: a person looks at each call."""
    if seen.node is not None:
        step = seen.node.step
        rule = asking_always(step.json.get("approve"))
        yield Idea(f"Ask me before each {step.title!r}", [seen.set((*seen.node.place, "approve"), rule)])


def after(seen: SeenProblem) -> Iterator[Idea]:
    """A step that uses one below it: it moves behind that, or waits for it."""
    source, node = source_of(seen), seen.node
    if source is None or node is None:
        return
    named = [one for one in seen.around.nodes if f"steps.{one.step.id}" in source.text]
    for one in named:
        if one.place[:-1] == node.place[:-1] and one.place != node.place:
            op = {"op": "move", "steps": [node.step.id], "after": one.step.id}
            yield Idea(f"Move {node.step.id!r} behind {one.step.id!r}", [op])
            needs = node.step.json.get("needs")
            if isinstance(needs, list):
                waits = [seen.set((*node.place, "needs"), [*needs, one.step.id])]
                yield Idea(f"Wait for {one.step.id!r}", waits)
