"""A compiled workflow: what runs after what, and how each field gets its value. Frozen data, no behaviour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.expressions.expressions import Template
from engine.step import StepType

Tree = Any
"""JSON with a Template in place of every string that has an expression in it."""


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


@dataclass(frozen=True)
class Block:
    """Siblings."""

    nodes: tuple[Node, ...]

    @property
    def is_sequence(self) -> bool:
        """Tell whether each step waits for all before it."""
        return all(node.needs is None for node in self.nodes)


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
    workflows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The documents of the workflows that `workflow.run` steps call, and those call, by name."""

    def nodes(self) -> Iterator[Node]:
        """Give every step, outer before inner, in file order."""
        yield from _nodes(self.block)


def _nodes(block: Block) -> Iterator[Node]:
    for node in block.nodes:
        yield node
        for inner in (node.body, node.fallback):
            if inner is not None:
                yield from _nodes(inner)
