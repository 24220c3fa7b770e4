"""A compiled workflow: what runs after what, and how each field gets its value. Frozen data, no behaviour."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from engine.expressions.expressions import Template, compact_json
from engine.step import Effect, StepType
from engine.trigger import TriggerType

Tree = Any
"""JSON with a Template in place of every string that has an expression in it."""


_STRENGTH = (Effect.PURE, Effect.READS, Effect.WRITES)


def strongest(effects: Iterable[Effect]) -> Effect:
    """Return the effect of what has all these effects."""
    return max(effects, key=_STRENGTH.index, default=Effect.PURE)


@dataclass(frozen=True)
class Retry:
    """How often an attempt is made; `attempts` counts the first, the wait doubles from `backoff_seconds`."""

    attempts: int
    backoff_seconds: float
    also: frozenset[str] = frozenset()
    """Names of further error types that are tried again."""


@dataclass(frozen=True)
class Action:
    """A call of a step type."""

    uses: str
    step_type: StepType
    connection: str | None
    arguments: Tree
    once: Tree
    retry: Retry | None
    """None: the engine's rule for the kind of effect."""
    output_schema: Mapping[str, Any] = field(default_factory=dict)
    """What the checked expressions take its output for."""


@dataclass(frozen=True)
class Loop:
    """How a body is repeated."""

    items: Template
    name: str
    key: Tree
    item_title: Tree
    parallel: int
    on_item_error: Literal["stop", "continue", "drop"]


@dataclass(frozen=True)
class Node:
    """One step of a workflow."""

    id: str
    path: str
    """Ids from the root, without indexes: `each_mail.task`."""
    title: str
    condition: Tree
    needs: tuple[str, ...] | None
    """None: waits for all siblings before it."""
    action: Action | None = None
    body: Block | None = None
    loop: Loop | None = None
    output: Tree = None
    has_output: bool = False
    timeout_seconds: float | None = None
    on_error: Literal["fail", "continue"] = "fail"
    fallback: Block | None = None
    effect: Effect = Effect.PURE
    """What it does to the world; of a group or loop the strongest inside, fallbacks and called workflows included."""

    @property
    def is_folded(self) -> bool:
        """Tell whether it never runs: its `if` is false whatever the inputs are."""
        return self.condition is False


@dataclass(frozen=True)
class Block:
    """Siblings."""

    nodes: tuple[Node, ...]

    @property
    def effect(self) -> Effect:
        """The strongest effect of its steps; what never runs has none."""
        return strongest(node.effect for node in self.nodes)

    @property
    def waits(self) -> dict[str, frozenset[str]]:
        """For each step the siblings that it waits for, in file order."""
        ids = tuple(node.id for node in self.nodes)
        return {
            node.id: frozenset(ids[:index] if node.needs is None else node.needs)
            for index, node in enumerate(self.nodes)
        }

    @property
    def levels(self) -> tuple[tuple[str, ...], ...]:
        """Return the ids in the order in which they may start; those of one level may run side by side."""
        depths: dict[str, int] = {}
        waits = self.waits
        while len(depths) < len(waits):  # a plan has no circles
            for name, needed in waits.items():
                if name not in depths and depths.keys() >= needed:
                    depths[name] = 1 + max((depths[one] for one in needed), default=-1)
        rows = range(max(depths.values(), default=-1) + 1)
        return tuple(tuple(name for name in waits if depths[name] == row) for row in rows)

    @cached_property
    def is_sequence(self) -> bool:
        """Tell whether each step waits for all before it."""
        return all(node.needs is None for node in self.nodes)


@dataclass(frozen=True)
class Trigger:
    """What starts runs of a workflow by itself."""

    id: str
    title: str
    kind: TriggerType
    connection: str | None
    fields: Mapping[str, Any]
    """Checked against the type; nothing in it is left to compute."""
    inputs: Mapping[str, Tree]
    """The inputs of a run, from `item`."""
    poll_seconds: float


@dataclass(frozen=True)
class Concurrency:
    """What becomes of a run that a trigger starts while `at_once` others that triggers have started are under way.

    `queue`: it waits for its turn. `skip`: its item is left out, and shown as such. `cancel_previous`: those end.
    """

    policy: Literal["queue", "skip", "cancel_previous"] = "queue"
    at_once: int = 1


@dataclass(frozen=True)
class Plan:
    """A workflow that may run."""

    name: str
    document: Mapping[str, Any]
    block: Block
    outputs: Tree
    timeout_seconds: float | None
    prompts: Mapping[str, Any]
    connections: tuple[str, ...]
    """Names of the connections it uses, in order of first use."""
    inputs_schema: Mapping[str, Any] = field(default_factory=dict)
    on_failure: Block | None = None
    """Runs when the run has failed; the run paths of its steps begin with `on_failure.`."""
    triggers: tuple[Trigger, ...] = ()
    concurrency: Concurrency = field(default_factory=Concurrency)
    workflows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The documents of the workflows that `workflow.run` steps call, and those call, by name."""
    last_rename: str = ""
    """What stood for the last rename of a workflow or step before the files were read (engine/store/receipts.py)."""

    @property
    def effect(self) -> Effect:
        """The strongest effect of all its steps."""
        return strongest(block.effect for block in (self.block, self.on_failure) if block is not None)

    @cached_property
    def definition(self) -> Mapping[str, Any]:
        """What a run keeps of the plan: {workflow, prompts, workflows?}; the same object for all its runs."""
        found = {"workflow": dict(self.document), "prompts": {name: dict(one) for name, one in self.prompts.items()}}
        if self.workflows:
            found["workflows"] = {name: dict(one) for name, one in self.workflows.items()}
        return found

    @cached_property
    def definition_hash(self) -> str:
        """16 letters and digits that stand for the definition."""
        return hashlib.sha256(compact_json(self.definition).encode()).hexdigest()[:16]

    @cached_property
    def calls_services(self) -> bool:
        """Tell whether any of its steps may call a service."""
        return any(node.action is not None and node.action.step_type.service for node in self.nodes())

    def nodes(self) -> Iterator[Node]:
        """Give every step, outer before inner, in file order; those of `on_failure` last."""
        yield from _nodes(self.block)
        if self.on_failure is not None:
            yield from _nodes(self.on_failure)


def _nodes(block: Block) -> Iterator[Node]:
    for node in block.nodes:
        yield node
        for inner in (node.body, node.fallback):
            if inner is not None:
                yield from _nodes(inner)
