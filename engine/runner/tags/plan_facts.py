"""What the tags of all runs of a plan have in common: it is worked out once for each plan, not for each run or call."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any

from engine.compiler.definition.plan import Block, Node, Plan
from engine.runner.tags.tagging import ExpressionTexts, expressions_in


class PlanFacts:
    """What the tags of all runs of a plan have in common. It must not refer to the plan, with which it goes."""

    def __init__(self, plan: Plan) -> None:
        every = [one for tree in _fields(plan) for one in expressions_in(tree)]
        self.said = ExpressionTexts(every, [one for node in plan.nodes() for one in expressions_in(node.condition)])
        self._needs: dict[int, tuple[Node, frozenset[str]]] = {}
        self._blocks: dict[int, tuple[Block, dict[str, Node]]] = {}
        """Both by id; holding the object too keeps Python from reusing its id."""

    def node(self, block: Block, step_id: str) -> Node | None:
        """Return the step of a block with this id, if it has one."""
        if id(block) not in self._blocks:
            self._blocks[id(block)] = block, {node.id: node for node in block.nodes}
        return self._blocks[id(block)][1].get(step_id)

    def needs(self, node: Node) -> frozenset[str]:
        """Return the ids of the steps that the fields of a step, and of those inside it, name."""
        if id(node) not in self._needs:
            paths = [one.path for tree in _fields_of(node) for each in expressions_in(tree) for one in each.references]
            inner = [self.needs(one) for one in _all_inside(node)]
            own = {path[1] for path in paths if path[0] == "steps" and len(path) > 1}
            self._needs[id(node)] = node, frozenset(own).union(*inner)
        return self._needs[id(node)][1]


_FACTS: dict[int, PlanFacts] = {}
"""By the id of a plan, as long as the plan exists."""


def facts_of(plan: Plan) -> PlanFacts:
    """Return what the tags of all runs of a plan have in common; it is worked out once."""
    found = _FACTS.get(id(plan))
    if found is None:
        found = _FACTS[id(plan)] = PlanFacts(plan)
        # Not at exit, where everything goes anyway.
        weakref.finalize(plan, _FACTS.pop, id(plan), None).atexit = False
    return found


def _fields(plan: Plan) -> Iterator[Any]:
    """Yield all fields of a workflow that may have expressions."""
    yield plan.outputs
    yield from (trigger.inputs for trigger in plan.triggers)
    for node in plan.nodes():
        yield from _fields_of(node)


def _fields_of(node: Node) -> Iterator[Any]:
    yield from (node.condition, node.output)
    if node.loop is not None:
        yield from (node.loop.items, node.loop.key)
    if node.action is not None:
        yield node.action.arguments


def _all_inside(node: Node) -> Iterator[Node]:
    for block in (node.body, node.fallback):
        yield from () if block is None else block.nodes
